// A fuzz target: one decoder of bytes that come from the network, a disk or a file. Each NAME_fuzz.cc defines the two
// functions below, and becomes two programs: fuzz_NAME with the driver of this folder, for the short run that every
// `make test` does, and libfuzzer_NAME for `make fuzz`.
#pragma once

#include <vector>

#include "base/bytes.h"

namespace synod::fuzz {

// Must return for every input, with what the decoder promises asserted (SYNOD_ASSERT): what decodes encodes again to
// what decodes the same. Depends on nothing but the input.
void run(ByteView input);

// The seed corpus, made by the real encoders, so that it cannot grow stale.
std::vector<Bytes> seeds();

}  // namespace synod::fuzz
