#include "mon/core/identity.h"

#include "base/codec.h"

namespace synod {
namespace {
constexpr uint32_t identity_format = 1;
}

Bytes Identity::encode() const {
  Bytes out;
  put_fixed32(out, identity_format);
  put_fixed64(out, id.value());
  put_field(out, name);
  put_fixed64(out, start_count);
  out += static_cast<char>(formation);
  put_field(out, monmap);
  put_fixed64(out, promised.round);
  put_fixed64(out, promised.member.value());
  return out;
}

Result<Identity> Identity::decode(ByteView bytes) {
  Decoder in(bytes);
  Identity identity;
  const uint32_t format = in.fixed32();
  identity.id = MemberId(in.fixed64());
  identity.name = in.field();
  identity.start_count = in.fixed64();
  const uint8_t formation = in.fixed8();
  identity.monmap = in.field();
  identity.promised.round = in.fixed64();
  identity.promised.member = MemberId(in.fixed64());
  if (!in.is_complete() || format != identity_format || !identity.id || formation < 1 || formation > 3) {
    return Status(Code::corruption, "the identity record does not decode");
  }
  identity.formation = static_cast<FormationState>(formation);
  return identity;
}

}  // namespace synod
