#include "store/scrub_record.h"

#include <utility>

#include "base/codec.h"
#include "store/log_reader.h"
#include "store/records.h"

namespace synod {
namespace {

constexpr uint32_t format = 1;

Status damaged() { return {Code::corruption, "the stored digests of segments are not whole"}; }

Bytes key_of(uint32_t number) {
  Bytes key(scrub_record_prefix);
  put_fixed32(key, number);
  return key;
}

// What says that the records of segments are all there, and which they are.
struct Head {
  Position point;
  uint64_t keys = 0;
  uint32_t records = 0;
  uint64_t segments = 0;

  Bytes encode() const {
    Bytes out;
    put_fixed32(out, format);
    put_field(out, encode_position(point));
    put_fixed64(out, keys);
    put_fixed32(out, records);
    put_fixed64(out, segments);
    return out;
  }
  static std::optional<Head> decode(ByteView stored) {
    Decoder decoder(stored);
    Head head;
    const bool is_known = decoder.fixed32() == format;
    const Result<Position> point = decode_position(decoder.field());
    head.keys = decoder.fixed64();
    head.records = decoder.fixed32();
    head.segments = decoder.fixed64();
    if (!is_known || !point || !decoder.is_complete()) return std::nullopt;
    head.point = *point;
    return head;
  }
};

}  // namespace

Bytes encode_segments(const std::vector<Segment>& segments) {
  Bytes out;
  for (const Segment& segment : segments) {
    put_field(out, segment.last_key);
    out.append(segment.digest.view());
  }
  return out;
}

Result<std::vector<Segment>> decode_segments(ByteView stored) {
  std::vector<Segment> segments;
  Decoder decoder(stored);
  while (decoder.remaining() > 0 && !decoder.has_failed()) {
    Segment segment;
    segment.last_key = Bytes(decoder.field());
    const ByteView digest = decoder.take(sizeof(Digest::bytes));
    if (decoder.has_failed()) return damaged();
    segment.digest = digest_from(digest);
    segments.push_back(std::move(segment));
  }
  if (!decoder.is_complete() || !are_in_order(segments)) return damaged();
  return segments;
}

LocalTransaction erase_scrub_record() {
  LocalTransaction changes;
  changes.erase_range(Bytes(scrub_record_prefix), prefix_end(scrub_record_prefix));
  return changes;
}

LocalTransaction replace_scrub_record(const ScrubRecord& record) {
  LocalTransaction changes = erase_scrub_record();
  Head head{record.point, record.keys, 0, record.segments.size()};
  std::vector<Segment> some;
  size_t bytes = 0;
  for (const Segment& segment : record.segments) {
    some.push_back(segment);
    bytes += segment.last_key.size() + sizeof(Digest);
    if (bytes <= segments_record_bytes && &segment != &record.segments.back()) continue;
    changes.put(key_of(head.records++), SharedBytes(encode_segments(std::exchange(some, {}))));
    bytes = 0;
  }
  changes.put(Bytes(scrub_record_prefix), SharedBytes(head.encode()));
  return changes;
}

Result<std::optional<ScrubRecord>> read_scrub_record(DbIterator& iterator) {
  const Result<std::optional<Bytes>> stored = find(iterator, KeySpace::local, scrub_record_prefix);
  if (!stored) return stored.error();
  if (!*stored) return std::optional<ScrubRecord>();
  const std::optional<Head> head = Head::decode(**stored);
  if (!head) return damaged();
  ScrubRecord record{head->point, head->keys, {}};
  for (uint32_t number = 0; number < head->records; ++number) {
    const Result<std::optional<Bytes>> some = find(iterator, KeySpace::local, key_of(number));
    if (!some) return some.error();
    if (!*some) return damaged();
    Result<std::vector<Segment>> segments = decode_segments(**some);
    if (!segments) return segments.error();
    record.segments.insert(record.segments.end(), std::make_move_iterator(segments->begin()),
                           std::make_move_iterator(segments->end()));
  }
  if (record.segments.size() != head->segments || !are_in_order(record.segments)) return damaged();
  return std::optional<ScrubRecord>(std::move(record));
}

}  // namespace synod
