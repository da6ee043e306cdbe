// The text form of keys and values.
#include <algorithm>

#include "base/assert.h"
#include "base/escape.h"
#include "test/fuzz/fuzz_target.h"

namespace synod::fuzz {

void run(ByteView input) {
  const std::string text = escape(input);
  const Result<Bytes> back = unescape(text);
  SYNOD_ASSERT(back && *back == input, "any bytes survive the way to text and back");
  const auto breaks_line = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  SYNOD_ASSERT(std::none_of(text.begin(), text.end(), breaks_line), "the text has no control character");
  if (const Result<Bytes> bytes = unescape(input)) {
    SYNOD_ASSERT(*unescape(escape(*bytes)) == *bytes, "what any text stands for survives");
  }
}

std::vector<Bytes> seeds() {
  return {"plain",
          "tab\\t newline\\n return\\r backslash\\\\ byte\\x00\\xfF",
          "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
          Bytes("\0\x01\x7f\x80\xff\xc2\x85\xed\xa0\x80\xf4\x90\x80\x80", 14),
          "\\",
          "\\x",
          "\\x0",
          "\\q"};
}

}  // namespace synod::fuzz
