// What a scrub has left in a store: a record of segments, and the marker of a repair.
#include "base/assert.h"
#include "mon/core/scrub/repair.h"
#include "store/scrub_record.h"
#include "test/fuzz/fuzz_target.h"

namespace synod::fuzz {

void run(ByteView input) {
  const Result<std::vector<Segment>> segments = decode_segments(input);
  if (segments) {
    SYNOD_ASSERT(encode_segments(*segments) == input, "a record has one form");
    SYNOD_ASSERT(are_in_order(*segments), "segments are in order");
    SYNOD_ASSERT(differing_ranges(*segments, *segments).empty(), "what is the same does not differ");
  } else {
    SYNOD_ASSERT(segments.error().code() == Code::corruption, "what the disk returned is named as damage");
  }
  const std::optional<Repair> repair = Repair::from_marker(input);
  if (repair)
    SYNOD_ASSERT(Repair::from_marker(repair->to_marker()) == repair, "what is understood is written the same");
}

std::vector<Bytes> seeds() {
  std::vector<Segment> segments{{"a", {}}, {"b", digest_from(Bytes(16, 'd'))}, {Bytes(300, 'k'), {}}};
  return {
      encode_segments({}), encode_segments(segments),
      "cookie=000000000000002a provider=b" + Repair{Version(812), {MemberId(11), MemberId(~uint64_t{0})}}.to_marker(),
      "cookie=000000000000002a provider=b repair=1 of="};
}

}  // namespace synod::fuzz
