#include "mon/core/sync/copy_record.h"

#include "base/codec.h"
#include "store/records.h"

namespace synod {
namespace {

constexpr uint32_t format = 2;

void put_position(Bytes& out, const Position& position) { put_field(out, encode_position(position)); }

bool take_position(Decoder& decoder, Position& position) {
  const Result<Position> decoded = decode_position(decoder.field());
  if (decoded) position = *decoded;
  return decoded.has_value();
}

}  // namespace

Bytes CopyRecord::encode() const {
  Bytes out;
  put_fixed32(out, format);
  put_position(out, cursor.base);
  put_position(out, cursor.highest);
  put_field(out, cursor.last_key);
  put_fixed32(out, cursor.has_all_keys ? 1 : 0);
  put_position(out, cursor.replayed);
  put_fixed32(out, is_delta ? 1 : 0);
  for (const uint64_t number : {chunks, keys, bytes}) put_fixed64(out, number);
  return out;
}

Result<CopyRecord> CopyRecord::decode(ByteView stored) {
  Decoder decoder(stored);
  CopyRecord record;
  bool is_good = decoder.fixed32() == format;
  is_good = take_position(decoder, record.cursor.base) && is_good;
  is_good = take_position(decoder, record.cursor.highest) && is_good;
  record.cursor.last_key = Bytes(decoder.field());
  const uint32_t has_all_keys = decoder.fixed32();
  record.cursor.has_all_keys = has_all_keys == 1;
  is_good = has_all_keys <= 1 && is_good;
  is_good = take_position(decoder, record.cursor.replayed) && is_good;
  const uint32_t is_delta = decoder.fixed32();
  record.is_delta = is_delta == 1;
  is_good = is_delta <= 1 && is_good;
  for (uint64_t* number : {&record.chunks, &record.keys, &record.bytes}) *number = decoder.fixed64();
  if (!is_good || !decoder.is_complete()) {
    return Status(Code::corruption, "the record of the unfinished copy does not decode");
  }
  return record;
}

}  // namespace synod
