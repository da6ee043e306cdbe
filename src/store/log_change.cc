#include "store/log_change.h"

#include "base/codec.h"
#include "store/log_reader.h"
#include "store/transaction.h"

namespace synod {
namespace {

constexpr ByteView all_begin_with = "paxos/";
constexpr uint32_t format = 1;

bool is_hold_key(ByteView key) { return key.substr(0, trim_hold_prefix.size()) == trim_hold_prefix; }

std::optional<MemberId> requester_of(ByteView key) {
  if (!is_hold_key(key)) return std::nullopt;
  Decoder decoder(key.substr(trim_hold_prefix.size()));
  const MemberId requester(decoder.fixed64());
  return decoder.is_complete() ? std::optional(requester) : std::nullopt;
}

std::optional<Version> decode_trim_floor(ByteView stored) {
  Decoder decoder(stored);
  const Version floor(decoder.fixed64());
  return decoder.is_complete() ? std::optional(floor) : std::nullopt;
}

}  // namespace

Bytes encode_trim_floor(Version floor) {
  Bytes out;
  put_fixed64(out, floor.value());
  return out;
}

Bytes encode_scrub_point(Version version) {
  Bytes out;
  put_fixed64(out, version.value());
  return out;
}

Result<Version> read_trim_floor(DbIterator& iterator) {
  const Result<std::optional<Bytes>> stored = find(iterator, KeySpace::replicated, trim_floor_key);
  if (!stored) return stored.error();
  if (!stored->has_value()) return Version();
  const std::optional<Version> floor = decode_trim_floor(**stored);
  if (!floor) return Status(Code::corruption, "the stored trim floor is malformed");
  return *floor;
}

Bytes trim_hold_key(MemberId requester) {
  Bytes key(trim_hold_prefix);
  put_fixed64(key, requester.value());
  return key;
}

Bytes encode_trim_hold(const TrimHold& hold) {
  Bytes out;
  put_fixed32(out, format);
  put_fixed32(out, static_cast<uint32_t>(hold.state));
  for (const uint64_t number : {hold.cookie, hold.version.value(), hold.bytes, hold.age_ms}) put_fixed64(out, number);
  return out;
}

Result<TrimHold> decode_trim_hold(ByteView key, ByteView stored) {
  const std::optional<MemberId> requester = requester_of(key);
  Decoder decoder(stored);
  const bool is_known = decoder.fixed32() == format;
  const uint32_t state = decoder.fixed32();
  TrimHold hold;
  hold.cookie = decoder.fixed64();
  hold.version = Version(decoder.fixed64());
  hold.bytes = decoder.fixed64();
  hold.age_ms = decoder.fixed64();
  const bool is_held = state == static_cast<uint32_t>(TrimHold::State::held);
  const bool is_ended = state == static_cast<uint32_t>(TrimHold::State::ended);
  if (!requester || !is_known || !(is_held || is_ended) || !decoder.is_complete()) {
    return Status(Code::corruption, "a trim hold does not decode");
  }
  hold.requester = *requester;
  hold.state = is_held ? TrimHold::State::held : TrimHold::State::ended;
  return hold;
}

LogChange log_change_in(const SharedBytes& value) {
  LogChange change;
  // Few values have one, and looking for its keys is far cheaper than to decode each.
  if (value.view().find(all_begin_with) == ByteView::npos) return change;
  const Result<ReplicatedTransaction> transaction = ReplicatedTransaction::decode(value);
  // I-8. If it does not decode after all, the store, which applies it, stops the member with a reason.
  if (!transaction) return change;
  for (const Op& op : transaction->ops()) {
    if (op.type == OpType::put && op.key == trim_floor_key) {
      change.trim_floor = decode_trim_floor(op.value.view()).value_or(Version());
    } else if (op.type == OpType::put && op.key == scrub_key) {
      change.is_scrub_point = true;
    } else if (op.type == OpType::put && is_hold_key(op.key)) {
      const Result<TrimHold> hold = decode_trim_hold(op.key, op.value.view());
      if (hold) change.holds.push_back(*hold);
    } else if (op.type == OpType::erase && is_hold_key(op.key)) {
      TrimHold hold;
      hold.requester = requester_of(op.key).value_or(MemberId());
      hold.state = TrimHold::State::released;
      change.holds.push_back(hold);
    }
  }
  return change;
}

Result<std::vector<TrimHold>> read_trim_holds(DbIterator& iterator) {
  std::vector<TrimHold> holds;
  iterator.seek(KeySpace::replicated, trim_hold_prefix);
  while (iterator.is_valid() && iterator.space() == KeySpace::replicated && is_hold_key(iterator.key())) {
    const Result<TrimHold> hold = decode_trim_hold(iterator.key(), iterator.value());
    if (!hold) return hold.error();
    holds.push_back(*hold);
    iterator.next();
  }
  SYNOD_RETURN_IF_ERROR(iterator.status());
  return holds;
}

}  // namespace synod
