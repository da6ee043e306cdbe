#include "mon/service/kv_service.h"

#include <utility>

#include "base/codec.h"

namespace synod {
namespace {

constexpr uint64_t first_revision = 1;

Bytes stored_key(ByteView key) {
  Bytes stored(kv_key_prefix);
  stored += key;
  return stored;
}

SharedBytes encode_number(uint64_t number) {
  Bytes encoded;
  put_fixed64(encoded, number);
  return SharedBytes(std::move(encoded));
}

Result<uint64_t> decode_revision(const std::optional<Bytes>& stored) {
  if (!stored) return first_revision;
  Decoder in(*stored);
  const uint64_t revision = in.fixed64();
  if (!in.is_complete()) return Status(Code::corruption, "the stored revision does not decode");
  return revision;
}

}  // namespace

Bytes KvRecord::encode() const {
  Bytes out;
  out.reserve(24 + value.size());
  put_fixed64(out, create_revision);
  put_fixed64(out, mod_revision);
  put_fixed64(out, version);
  out += value;
  return out;
}

Result<KvRecord> KvRecord::decode(ByteView bytes) {
  Decoder in(bytes);
  KvRecord record;
  record.create_revision = in.fixed64();
  record.mod_revision = in.fixed64();
  record.version = in.fixed64();
  if (in.has_failed()) return Status(Code::corruption, "a stored record is shorter than its header");
  record.value = in.take(in.remaining());
  return record;
}

// ---------------------------------------------------------------------------------------------- writes

Result<WriteReply> write_keys(Draft& draft, const WriteRequest& request) {
  const Result<std::optional<Bytes>> stored_revision = draft.get(Bytes(kv_revision_key));
  if (!stored_revision) return stored_revision.error();
  const Result<uint64_t> before = decode_revision(*stored_revision);
  if (!before) return before.error();
  WriteReply reply;
  reply.revision = *before;
  for (const WriteOp& op : request.ops) {
    Bytes key = stored_key(op.key);
    const Result<std::optional<Bytes>> stored = draft.get(key);
    if (!stored) return stored.error();
    KvRecord record;
    if (*stored) {
      Result<KvRecord> old = KvRecord::decode(**stored);
      if (!old) return old.error();
      record = *old;
    }
    const bool is_put = op.type == WriteOp::Type::put;
    reply.erased.push_back(!is_put && *stored ? 1 : 0);
    if (!is_put && !*stored) continue;
    reply.revision = *before + 1;
    if (!is_put) {
      draft.erase(std::move(key));
      continue;
    }
    if (!*stored) record.create_revision = reply.revision;
    record.mod_revision = reply.revision;
    ++record.version;
    record.value = op.value.view();
    draft.put(std::move(key), SharedBytes(record.encode()));
  }
  if (reply.revision != *before) draft.put(Bytes(kv_revision_key), encode_number(reply.revision));
  return reply;
}

// ---------------------------------------------------------------------------------------------- reads

Result<RangeReply> read_range(const ReplicatedReader& reader, const RangeRequest& request, size_t max_bytes) {
  const Result<std::optional<Bytes>> stored = reader.get(kv_revision_key);
  if (!stored) return stored.error();
  const Result<uint64_t> revision = decode_revision(*stored);
  if (!revision) return revision.error();
  RangeReply reply;
  reply.revision = *revision;
  const Bytes begin = stored_key(request.begin);
  const Bytes end = request.end.empty() ? prefix_end(kv_key_prefix) : stored_key(request.end);
  size_t bytes = 0;
  Status defect;
  const Status scanned = reader.scan(begin, end, [&](ByteView key, ByteView value) {
    bytes += key.size() + value.size();
    const bool is_full = request.limit != 0 && reply.items.size() >= request.limit;
    if (is_full || (bytes > max_bytes && !reply.items.empty())) {
      reply.more = true;
      return false;
    }
    const Result<KvRecord> record = KvRecord::decode(value);
    if (!record) {
      defect = record.error();
      return false;
    }
    reply.items.push_back({Bytes(key.substr(kv_key_prefix.size())), SharedBytes::copy_of(record->value),
                           record->create_revision, record->mod_revision, record->version});
    return true;
  });
  if (!scanned.is_ok()) return scanned;
  if (!defect.is_ok()) return defect;
  return reply;
}

}  // namespace synod
