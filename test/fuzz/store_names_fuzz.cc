// The pointer file of a data directory, and the names of the stores in it.
#include "base/assert.h"
#include "store/store_names.h"
#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/scratch_dir.h"

namespace synod::fuzz {
namespace {

const ScratchDir& scratch() {
  static const ScratchDir dir;
  return dir;
}

}  // namespace

void run(ByteView input) {
  static_cast<void>(store_number(Bytes(input)));
  scratch().write("CURRENT_STORE", input);
  const Result<std::string> name = read_current_store(posix_files(), scratch().path());
  if (!name) {
    SYNOD_ASSERT(name.error().code() == Code::corruption, "rubbish is named as such");
    return;
  }
  SYNOD_ASSERT(store_number(*name).has_value(), "it names a store");
  SYNOD_ASSERT(name->find('/') == std::string::npos, "the name does not lead out of the directory");
  SYNOD_ASSERT(*name + "\n" == input, "a pointer has one form");
}

std::vector<Bytes> seeds() { return {"store.1\n", "store.18446744073709551615\n", "store.\n", "store.1/../x\n"}; }

}  // namespace synod::fuzz
