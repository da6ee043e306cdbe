// planted_misuse DEFECT: what AddressSanitizer must report.
#include <memory>
#include <string_view>

#include "base/codec.h"
#include "store/transaction.h"

namespace synod {
namespace {

volatile char sink;

// A view of bytes that are gone.
void use_after_free() {
  auto bytes = std::make_unique<Bytes>(100, 'x');
  Decoder decoder(*bytes);
  const ByteView view = decoder.take(50);
  bytes.reset();
  sink = view[10];
}

void read_past_the_end() {
  const auto bytes = std::make_unique<char[]>(10);
  sink = Decoder(ByteView(bytes.get(), 11)).take(11)[10];
}

// Many: the address of one may still stand in a register or on the stack, and then it does not count as lost.
void leak() {
  for (int i = 0; i < 100; ++i) sink = static_cast<char>((new Transaction)->encoded_size());
}

}  // namespace
}  // namespace synod

int main(int argc, char** argv) {
  const std::string_view defect = argc > 1 ? argv[1] : "none";
  if (defect == "use_after_free") synod::use_after_free();
  if (defect == "read_past_the_end") synod::read_past_the_end();
  if (defect == "leak") synod::leak();
  return 0;
}
