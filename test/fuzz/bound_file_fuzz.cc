// The two files of the durable bound, as a disk may return them.
#include "store/bound_file.h"

#include <algorithm>

#include "base/assert.h"
#include "base/checksum.h"
#include "base/codec.h"
#include "store/files.h"
#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/scratch_dir.h"

namespace synod::fuzz {
namespace {

constexpr size_t block_size = 4096;
constexpr size_t covered = 76;       // by the checksum
constexpr size_t store_offset = 20;  // of the number of the store

const ScratchDir& scratch() {
  static const ScratchDir dir;
  return dir;
}

Bytes with_right_checksum(Bytes file) {
  if (file.size() < covered + 8) return file;
  Bytes checksum;
  put_fixed64(checksum, checksum64(ByteView(file).substr(0, covered)));
  return file.replace(covered, checksum.size(), checksum);
}

// The store that the file names, so that it is asked for.
uint64_t store_in(ByteView file) {
  Decoder decoder(file.substr(std::min(store_offset, file.size())));
  return decoder.fixed64();
}

Result<Bound> read_again(uint64_t store) { return BoundFile(posix_files(), scratch().path()).read(store); }

void check(ByteView first, ByteView second) {
  scratch().write("bound.1", first);
  scratch().write("bound.2", second);
  const uint64_t store = store_in(first);
  for (const uint64_t asked : {store, store_in(second)}) {
    const Result<Bound> found = read_again(asked);
    SYNOD_ASSERT(found || found.error().code() == Code::corruption, "what the disk returned is named as damage");
  }
  // Whatever was there, the bound that is written last is the one that counts, and a torn write leaves the one before.
  BoundFile file(posix_files(), scratch().path());
  static_cast<void>(file.read(store));
  const Bound older{41, {Version(7), {}}, {3, MemberId(1)}};
  const Bound newer{42, {Version(8), {}}, {3, MemberId(1)}};
  SYNOD_ASSERT(file.write(store, older).is_ok() && *read_again(store) == older, "what was written is read");
  const std::vector<Bytes> before = {*read_file(scratch() / "bound.1"), *read_file(scratch() / "bound.2")};
  SYNOD_ASSERT(file.write(newer).is_ok() && *read_again(store) == newer, "what was written is read");
  for (size_t i = 0; i < before.size(); ++i) {
    const std::string name = "bound." + std::to_string(i + 1);
    const Bytes after = *read_file(scratch() / name);
    if (after == before[i]) continue;
    scratch().write(name, after.substr(0, covered));
    SYNOD_ASSERT(*read_again(store) == older, "a torn write leaves the bound before");
  }
}

}  // namespace

void run(ByteView input) { check_two_files(input, check, with_right_checksum); }

std::vector<Bytes> seeds() {
  BoundFile file(posix_files(), scratch().path());
  Bound bound{300, {Version(200), genesis_hash(Fsid{})}, {5, MemberId(0xfedcba9876543210)}};
  SYNOD_ASSERT(file.write(1, bound).is_ok(), "the seed is written");
  bound.sequence = 301;
  SYNOD_ASSERT(file.write(2, bound).is_ok(), "the seed is written");
  Bytes both;
  for (const char* name : {"bound.1", "bound.2"}) {
    const Result<Bytes> bytes = read_file(scratch() / name);
    SYNOD_ASSERT(bytes && bytes->size() == block_size, "the seed is read");
    both += bytes->substr(0, covered + 8);  // what follows are zeros
  }
  Bytes last_number = both;
  last_number.replace(12, 8, 8, '\xff');
  return {'\x80' + both, '\x80' + last_number, Bytes("\x80only rubbish")};
}

}  // namespace synod::fuzz
