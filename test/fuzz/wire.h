// Frames for the targets that read what comes over the network. A checksum over arbitrary bytes hardly ever fits, so it
// is made to fit: what lies behind it is to be reached, too.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "msg/codec.h"

namespace synod::fuzz {

// A frame as it stands on the wire.
Bytes wire_bytes(const Source& source, const Message& message);
// One of each type of message, all fields set, each a frame on the wire.
std::vector<Bytes> sample_frames();

// The same bytes, with right checksums in all frames that they begin with.
Bytes with_right_checksums(Bytes stream);

}  // namespace synod::fuzz
