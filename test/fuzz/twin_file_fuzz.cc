// The two copies of a twin file, as a disk may return them.
#include "base/assert.h"
#include "base/checksum.h"
#include "base/codec.h"
#include "store/files.h"
#include "store/twin_file.h"
#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/scratch_dir.h"

namespace synod::fuzz {
namespace {

const ScratchDir& scratch() {
  static const ScratchDir dir;
  return dir;
}

constexpr size_t head_size = 8 + 4 + 8 + 4;  // magic, format, sequence, length

// A copy whose checksum fits what it says of its length, where that is possible.
Bytes with_right_checksum(Bytes copy) {
  Decoder decoder(copy);
  decoder.take(8 + 4 + 8);
  decoder.field();
  if (decoder.has_failed() || decoder.remaining() < 8) return copy;
  const size_t covered = copy.size() - decoder.remaining();
  Bytes checksum;
  put_fixed64(checksum, checksum64(ByteView(copy).substr(0, covered)));
  return copy.replace(covered, checksum.size(), checksum);
}

void check(ByteView first, ByteView second) {
  scratch().write("record.1", first);
  scratch().write("record.2", second);
  TwinFile file(posix_files(), scratch().path(), "record");
  const Result<std::optional<Bytes>> before = file.read();
  SYNOD_ASSERT(!before || before->has_value(), "there are copies");
  SYNOD_ASSERT(before || before.error().code() == Code::corruption, "what the disk returned is named as damage");
  // Whatever was there, a record that is written is read back, although one copy is lost then.
  SYNOD_ASSERT(file.write("new record").is_ok(), "a record is written over any bytes");
  const Result<std::optional<Bytes>> after = file.read();
  SYNOD_ASSERT(after && **after == "new record", "what was written is read");
  scratch().write("record.1", first.substr(0, first.size() / 2));
  const Result<std::optional<Bytes>> torn = file.read();
  SYNOD_ASSERT(torn && torn->has_value(), "one copy is enough");
}

}  // namespace

void run(ByteView input) { check_two_files(input, check, with_right_checksum); }

std::vector<Bytes> seeds() {
  TwinFile file(posix_files(), scratch().path(), "seed");
  Bytes both(1, '\x80');
  for (const ByteView record : {ByteView("old record"), ByteView("new record")}) {
    SYNOD_ASSERT(file.write(record).is_ok(), "the seed is written");
    const Result<Bytes> copy = read_file(scratch().path() + "/seed.1");
    SYNOD_ASSERT(copy && copy->size() > head_size, "the seed is read");
    both += *copy;
  }
  return {both, Bytes("\x80only rubbish")};
}

}  // namespace synod::fuzz
