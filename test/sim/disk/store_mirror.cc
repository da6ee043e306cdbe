#include "test/sim/disk/store_mirror.h"

#include <fmt/format.h>

#include <set>

#include "base/assert.h"
#include "base/escape.h"
#include "store/space_key.h"

namespace synod::sim {
namespace {

constexpr size_t shown_bytes = 48;

std::string shown(const std::optional<ByteView>& value) {
  if (!value) return "nothing";
  return fmt::format("'{}'{}", escape(value->substr(0, shown_bytes)), value->size() > shown_bytes ? "..." : "");
}

const char* space_name(KeySpace space) {
  switch (space) {
    case KeySpace::local: return "local";
    case KeySpace::log: return "log";
    case KeySpace::replicated: return "replicated";
  }
  return "unknown";
}

std::optional<ByteView> view_of(const std::optional<Bytes>& value) {
  if (!value) return std::nullopt;
  return ByteView(*value);
}

void must(const Status& status) { SYNOD_ASSERT(status.is_ok(), "a database in memory does not fail"); }

}  // namespace

// Calls on_changed(stored key) for each key that may have changed.
template <class OnChanged>
void StoreMirror::apply(Pairs& pairs, const DbBatch& batch, OnChanged on_changed) {
  for (const DbBatch::Part& part : batch.parts()) {
    for (const Op& op : part.transaction.ops()) {
      const Bytes key = space_key(part.space, op.key);
      if (op.type == OpType::erase_range) {
        const auto end = pairs.lower_bound(space_range_end(part.space, op.end));
        for (auto at = pairs.lower_bound(key); at != end;) {
          const Bytes erased = at->first;
          at = pairs.erase(at);
          on_changed(erased);
        }
      } else {
        if (op.type == OpType::put) pairs.insert_or_assign(key, SharedBytes::copy_of(op.value.view()));
        if (op.type == OpType::erase) pairs.erase(key);
        on_changed(key);
      }
    }
  }
}

// Which prefix of the commits makes what was found: applies one after the other, and keeps the set of keys that differ,
// so that the cost is that of the commits and one pass over the store.
class StoreMirror::Search {
 public:
  Search(Pairs held, const Pairs& found) : held_(std::move(held)), found_(found) {
    for (const auto& [key, value] : held_) look_at(key);
    for (const auto& [key, value] : found_) look_at(key);
    keep_closest();
  }

  bool is_equal() const { return differing_.empty(); }
  void apply(const DbBatch& batch) {
    StoreMirror::apply(held_, batch, [this](const Bytes& key) { look_at(key); });
    ++applied_;
    keep_closest();
  }
  // How it differs from the prefix that is closest.
  const std::string& closest() const { return closest_; }

 private:
  void look_at(const Bytes& key) {
    if (value_in(held_, key) == value_in(found_, key)) {
      differing_.erase(key);
    } else {
      differing_.insert(key);
    }
  }
  void keep_closest() {
    if (closest_count_ && differing_.size() >= *closest_count_) return;
    closest_count_ = differing_.size();
    if (differing_.empty()) {
      closest_ = fmt::format("it holds the first {} of them", applied_);
      return;
    }
    const Bytes& first = *differing_.begin();
    closest_ =
        fmt::format("closest to the first {} of them, from which {} keys differ: {} key '{}' is {}, not {}", applied_,
                    *closest_count_, space_name(static_cast<KeySpace>(first.front())),
                    escape(ByteView(first).substr(1)), shown(value_in(found_, first)), shown(value_in(held_, first)));
  }
  static std::optional<ByteView> value_in(const Pairs& pairs, const Bytes& key) {
    const auto at = pairs.find(key);
    if (at == pairs.end()) return std::nullopt;
    return at->second.view();
  }

  Pairs held_;
  const Pairs& found_;
  std::set<Bytes> differing_;
  size_t applied_ = 0;
  std::optional<size_t> closest_count_;
  std::string closest_;
};

// Moves two iterators side by side.
class StoreMirror::Iterator final : public DbIterator {
 public:
  Iterator(std::shared_ptr<const StoreMirror> mirror, std::unique_ptr<DbIterator> real)
      : mirror_(std::move(mirror)), real_(std::move(real)), wanted_(mirror_->live_->new_iterator()) {}

  void seek_to_first() override {
    real_->seek_to_first();
    wanted_->seek_to_first();
    compare();
  }
  void seek(KeySpace space, ByteView key) override {
    real_->seek(space, key);
    wanted_->seek(space, key);
    compare();
  }
  void next() override {
    real_->next();
    if (wanted_->is_valid()) wanted_->next();
    compare();
  }
  bool is_valid() const override { return real_->is_valid(); }
  KeySpace space() const override { return real_->space(); }
  ByteView key() const override { return real_->key(); }
  ByteView value() const override { return real_->value(); }
  Status status() const override { return real_->status(); }

 private:
  // One difference is enough: the two may never meet again.
  void compare() {
    if (has_differed_ || !real_->status().is_ok()) return;
    const bool is_found = real_->is_valid();
    const bool is_wanted = wanted_->is_valid();
    if (!is_found && !is_wanted) return;
    const int order = !is_wanted ? -1 : !is_found ? 1 : compare_keys();
    if (order == 0 && real_->value() == wanted_->value()) return;
    has_differed_ = true;
    const DbIterator& first = order <= 0 ? *real_ : *wanted_;
    std::optional<ByteView> found;
    std::optional<ByteView> wanted;
    if (order <= 0) found = real_->value();
    if (order >= 0) wanted = wanted_->value();
    mirror_->differs(first.space(), first.key(), found, wanted);
  }
  int compare_keys() const {
    if (real_->space() != wanted_->space()) return real_->space() < wanted_->space() ? -1 : 1;
    return real_->key().compare(wanted_->key());
  }

  std::shared_ptr<const StoreMirror> mirror_;
  std::unique_ptr<DbIterator> real_;
  std::unique_ptr<DbIterator> wanted_;
  bool has_differed_ = false;
};

class StoreMirror::Database final : public KeyValueDB {
 public:
  Database(std::shared_ptr<StoreMirror> mirror, std::unique_ptr<KeyValueDB> db)
      : mirror_(std::move(mirror)), db_(std::move(db)), life_(mirror_->life_) {}

  Status commit(const DbBatch& batch, Durability durability) override {
    Status done = db_->commit(batch, durability);
    if (is_alive()) mirror_->note(batch, durability, done);
    return done;
  }
  Result<std::optional<Bytes>> get(KeySpace space, ByteView key) const override {
    Result<std::optional<Bytes>> found = db_->get(space, key);
    if (!found || !is_alive()) return found;
    const Result<std::optional<Bytes>> wanted = mirror_->live_->get(space, key);
    if (*found != *wanted) mirror_->differs(space, key, view_of(*found), view_of(*wanted));
    return found;
  }
  std::unique_ptr<DbIterator> make_iterator(CacheUse use) const override {
    std::unique_ptr<DbIterator> real = db_->make_iterator(use);
    if (!is_alive()) return real;
    return std::make_unique<Iterator>(mirror_, std::move(real));
  }

 private:
  bool is_alive() const { return mirror_->life_ == life_; }

  std::shared_ptr<StoreMirror> mirror_;
  std::unique_ptr<KeyValueDB> db_;
  uint64_t life_;
};

Result<std::unique_ptr<KeyValueDB>> StoreMirror::open(std::unique_ptr<KeyValueDB> db) {
  Result<Pairs> found = read_all(*db);
  if (!found) return found.error();
  compare_all(*found);
  return keep(*std::move(found), std::move(db));
}

Result<std::unique_ptr<KeyValueDB>> StoreMirror::adopt(std::unique_ptr<KeyValueDB> db) {
  Result<Pairs> found = read_all(*db);
  if (!found) return found.error();
  return keep(*std::move(found), std::move(db));
}

std::unique_ptr<KeyValueDB> StoreMirror::keep(Pairs found, std::unique_ptr<KeyValueDB> db) {
  take(std::move(found));
  return std::make_unique<Database>(shared_from_this(), std::move(db));
}

Result<StoreMirror::Pairs> StoreMirror::read_all(const KeyValueDB& db) {
  Pairs all;
  const std::unique_ptr<DbIterator> at = db.new_iterator();
  for (at->seek_to_first(); at->is_valid(); at->next()) {
    all.emplace_hint(all.end(), space_key(at->space(), at->key()), SharedBytes::copy_of(at->value()));
  }
  if (!at->status().is_ok()) return at->status();
  return all;
}

void StoreMirror::compare_all(const Pairs& found) const {
  Search search(durable_, found);
  const size_t certain = is_volatile_lost_ ? 0 : volatile_commits_.size();
  for (size_t i = 0; i < volatile_commits_.size(); ++i) {
    if (search.is_equal() && i >= certain) return;
    search.apply(volatile_commits_[i]);
  }
  if (search.is_equal()) return;
  if (failed_commit_) search.apply(*failed_commit_);
  if (search.is_equal()) return;
  report_(fmt::format("{} was opened and holds not {} the {} commits since the last durable one{}; {}", name_,
                      is_volatile_lost_ ? "a prefix of" : "all of", volatile_commits_.size(),
                      failed_commit_ ? ", with or without the one that failed" : "", search.closest()));
}

void StoreMirror::take(Pairs found) {
  durable_ = std::move(found);
  volatile_commits_.clear();
  failed_commit_.reset();
  is_volatile_lost_ = false;
  LocalTransaction local;
  LogTransaction log;
  ReplicatedTransaction replicated;
  for (const auto& [key, value] : durable_) {
    Transaction* puts = &local;
    if (static_cast<KeySpace>(key.front()) == KeySpace::log) puts = &log;
    if (static_cast<KeySpace>(key.front()) == KeySpace::replicated) puts = &replicated;
    puts->put(key.substr(1), value);
  }
  DbBatch all;
  all.add(std::move(local));
  all.add(std::move(log));
  all.add(std::move(replicated));
  live_ = make_memory_db();
  must(live_->commit(all, Durability::durable));
}

void StoreMirror::note(const DbBatch& batch, Durability durability, const Status& done) {
  if (failed_commit_) {
    if (done.is_ok()) report_(name_ + " took a commit after one that failed");
    return;
  }
  if (!done.is_ok()) {
    failed_commit_ = batch;
    return;
  }
  must(live_->commit(batch, durability));
  volatile_commits_.push_back(batch);
  if (durability == Durability::visible) return;
  for (const DbBatch& one : volatile_commits_) apply(durable_, one, [](const Bytes&) {});
  volatile_commits_.clear();
}

void StoreMirror::differs(KeySpace space, ByteView key, const std::optional<ByteView>& found,
                          const std::optional<ByteView>& wanted) const {
  report_(fmt::format("{} reads {} for the {} key '{}', where {} was committed", name_, shown(found), space_name(space),
                      escape(key), shown(wanted)));
}

std::shared_ptr<StoreMirror> StoreMirror::copy(std::string name) const {
  auto copy = std::make_shared<StoreMirror>(std::move(name), report_);
  copy->durable_ = durable_;
  copy->volatile_commits_ = volatile_commits_;
  copy->failed_commit_ = failed_commit_;
  copy->is_volatile_lost_ = is_volatile_lost_;
  return copy;
}

std::shared_ptr<StoreMirror> StoreMirror::durable_copy() const {
  std::shared_ptr<StoreMirror> left = copy(name_);
  left->is_volatile_lost_ = true;
  return left;
}

}  // namespace synod::sim
