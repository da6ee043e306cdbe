#include "mon/daemon/scrub_reader.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "store/fingerprints.h"
#include "store/store_digest.h"

namespace synod {
namespace {

// Of what another member tells of its segments.
constexpr size_t told_bytes_max = 64 << 20;

Status malformed() { return {Code::corruption, "the other member's answer does not fit"}; }

}  // namespace

class ScrubReader::Scrub {
 public:
  Scrub(const KeyValueDB& db, const Position& point)
      : record_{point, 0, {}},
        walk_(db.new_iterator(KeySpace::replicated)),
        pairs_(db.new_iterator(KeySpace::replicated)) {}
  Version version() const { return record_.point.version; }
  bool is_walked() const { return walk_ == nullptr; }
  const ScrubRecord& record() const { return record_; }

  TaskResult operator()(const ReadScrubTask& task);
  TaskResult operator()(const ReadSegmentsTask& task) const;
  TaskResult operator()(const ReadPairsTask& task);
  TaskResult operator()(const CompareSegmentsTask& task);
  TaskResult operator()(const ComparePairsTask& task);

 private:
  bool is_within(const KeyRange& range) const { return pairs_->is_valid() && range.reaches(pairs_->key()); }

  ScrubRecord record_;
  std::unique_ptr<DbIterator> walk_;   // null: all was read
  std::unique_ptr<DbIterator> pairs_;  // kept for single ranges
  SegmentDigester digester_;
  Bytes last_key_;             // that was read
  std::vector<Segment> told_;  // the other's segments, as far as they have come
  size_t told_bytes_ = 0;
};

TaskResult ScrubReader::Scrub::operator()(const ReadScrubTask& task) {
  SYNOD_ASSERT(!is_walked(), "a store is read once by a scrub");
  ScrubRead read;
  read.version = version();
  // Not where it is opened: that thread has writes to do.
  if (record_.keys == 0) walk_->seek_to_first();
  for (; walk_->is_valid() && read.bytes < task.max_bytes; walk_->next()) {
    ++read.keys;
    read.bytes += walk_->key().size() + walk_->value().size();
    last_key_ = walk_->key();
    if (digester_.add(last_key_, walk_->value())) record_.segments.push_back({last_key_, digester_.take()});
  }
  record_.keys += read.keys;
  read.failure = walk_->status();
  read.is_last = read.failure.is_ok() && !walk_->is_valid();
  if (!read.is_last) return read;
  if (!digester_.is_empty()) record_.segments.push_back({last_key_, digester_.take()});
  read.digest = digest_of(record_.segments);
  walk_.reset();
  return read;
}

// ---------------------------------------------------------------------------------------------- for another member

TaskResult ScrubReader::Scrub::operator()(const ReadSegmentsTask& task) const {
  ScrubSegments told;
  told.version = version();
  told.after = task.after;
  if (!is_walked()) {
    told.failure = Status(Code::unavailable, "it has not read all of its store yet");
    return told;
  }
  const std::vector<Segment>& all = record_.segments;
  auto at = std::upper_bound(all.begin(), all.end(), task.after,
                             [](const Bytes& key, const Segment& segment) { return key < segment.last_key; });
  for (size_t bytes = 0; at != all.end() && bytes < task.max_bytes; ++at) {
    told.segments.push_back({at->last_key, at->digest});
    bytes += at->last_key.size() + sizeof(at->digest);
  }
  told.is_last = at == all.end();
  return told;
}

TaskResult ScrubReader::Scrub::operator()(const ReadPairsTask& task) {
  ScrubPairs told;
  told.version = version();
  told.after = task.range.after;
  seek_behind(*pairs_, KeySpace::replicated, task.range.after);
  for (size_t bytes = 0; is_within(task.range) && bytes < task.max_bytes; pairs_->next()) {
    told.pairs.push_back({Bytes(pairs_->key()), fingerprint(pairs_->key(), pairs_->value())});
    // What has to be read for it counts, too.
    bytes += pairs_->key().size() + sizeof(uint64_t) + pairs_->value().size() / 4;
  }
  told.failure = pairs_->status();
  told.is_last = !is_within(task.range);
  return told;
}

// ---------------------------------------------------------------------------------------------- of another member

TaskResult ScrubReader::Scrub::operator()(const CompareSegmentsTask& task) {
  SegmentsCompared compared;
  compared.version = version();
  if (task.segments.after.empty()) {
    told_.clear();
    told_bytes_ = 0;
  }
  const Bytes& known = told_.empty() ? Bytes() : told_.back().last_key;
  if (task.segments.after != known) compared.failure = malformed();
  for (const ScrubSegment& segment : task.segments.segments) {
    told_.push_back({segment.last_key, segment.digest});
    told_bytes_ += segment.last_key.size() + sizeof(segment.digest);
  }
  // The order is looked at when all are there: with each answer, it would be of all before it once more.
  const bool is_wrong = task.segments.is_last && !are_in_order(told_);
  if (is_wrong || told_bytes_ > told_bytes_max) compared.failure = malformed();
  if (task.segments.is_last && compared.failure.is_ok()) {
    compared.ranges = differing_ranges(std::exchange(told_, {}), record_.segments);
  }
  return compared;
}

TaskResult ScrubReader::Scrub::operator()(const ComparePairsTask& task) {
  PairsCompared compared;
  compared.version = version();
  const auto differs = [&](ByteView key) {
    if (compared.count++ < task.keys_max) compared.keys.emplace_back(key);
  };
  const std::vector<ScrubPair>& theirs = task.pairs.pairs;
  // Up to here they have told.
  KeyRange told{task.pairs.after, task.range.last_key};
  if (!task.pairs.is_last && !theirs.empty()) told.last_key = theirs.back().key;
  if (theirs.empty() && !task.pairs.is_last) compared.failure = malformed();
  seek_behind(*pairs_, KeySpace::replicated, told.after);
  ByteView below = told.after;
  for (const ScrubPair& pair : theirs) {
    if (pair.key <= below) compared.failure = malformed();
    below = pair.key;
    for (; is_within(told) && pairs_->key() < pair.key; pairs_->next()) differs(pairs_->key());
    const bool is_here = is_within(told) && pairs_->key() == pair.key;
    if (!is_here || fingerprint(pairs_->key(), pairs_->value()) != pair.fingerprint) differs(pair.key);
    if (is_here) pairs_->next();
  }
  for (; is_within(told); pairs_->next()) differs(pairs_->key());
  if (compared.failure.is_ok()) compared.failure = pairs_->status();
  return compared;
}

// ---------------------------------------------------------------------------------------------- one at a time

void ScrubReader::open(const KeyValueDB& db, const Position& point) {
  auto scrub = std::make_shared<Scrub>(db, point);
  const std::lock_guard lock(mutex_);
  scrub_.swap(scrub);
}

std::shared_ptr<ScrubReader::Scrub> ScrubReader::find(Version version) const {
  const std::lock_guard lock(mutex_);
  return scrub_ != nullptr && scrub_->version() == version ? scrub_ : nullptr;
}

std::optional<ScrubRecord> ScrubReader::segments(Version version) const {
  const std::shared_ptr<Scrub> scrub = find(version);
  if (scrub == nullptr) return std::nullopt;
  SYNOD_ASSERT(scrub->is_walked(), "segments are kept when all are there");
  return scrub->record();
}

void ScrubReader::clear() {
  const std::lock_guard lock(mutex_);
  scrub_.reset();
}

namespace {

Status not_open() { return {Code::not_found, "the scrub is over here"}; }

struct WithoutScrub {
  TaskResult operator()(const ReadScrubTask& task) const {
    return ScrubRead{task.version, not_open(), 0, 0, false, {}};
  }
  TaskResult operator()(const ReadSegmentsTask& task) const {
    return ScrubSegments{task.version, task.after, not_open(), {}, false};
  }
  TaskResult operator()(const ReadPairsTask& task) const {
    return ScrubPairs{task.version, task.range.after, not_open(), {}, false};
  }
  TaskResult operator()(const CompareSegmentsTask& task) const {
    return SegmentsCompared{task.segments.version, not_open(), {}};
  }
  TaskResult operator()(const ComparePairsTask& task) const {
    return PairsCompared{task.pairs.version, not_open(), {}, 0};
  }
};

}  // namespace

TaskResult ScrubReader::run(const Task& task) {
  const auto run_one = [&](const auto& one, Version version) -> TaskResult {
    const std::shared_ptr<Scrub> scrub = find(version);
    return scrub == nullptr ? WithoutScrub{}(one) : (*scrub)(one);
  };
  if (const auto* read = std::get_if<ReadScrubTask>(&task)) return run_one(*read, read->version);
  if (const auto* segments = std::get_if<ReadSegmentsTask>(&task)) return run_one(*segments, segments->version);
  if (const auto* pairs = std::get_if<ReadPairsTask>(&task)) return run_one(*pairs, pairs->version);
  if (const auto* told = std::get_if<CompareSegmentsTask>(&task)) return run_one(*told, told->segments.version);
  if (const auto* told = std::get_if<ComparePairsTask>(&task)) return run_one(*told, told->pairs.version);
  const Version closed = std::get<CloseScrubTask>(task).version;
  const std::lock_guard lock(mutex_);
  if (scrub_ != nullptr && scrub_->version() == closed) scrub_.reset();
  return ScrubClosed{};
}

}  // namespace synod
