// A MANIFEST: as a file, with checksums that fit, and as one edit behind one; and names of files beside it.
#include "store/leveldb/manifest.h"

#include "base/assert.h"
#include "store/leveldb/log_file.h"
#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/level_log.h"

namespace synod::fuzz {
namespace {

void check(ByteView manifest) {
  const ManifestState state = read_manifest(manifest);
  SYNOD_ASSERT(state.end <= manifest.size(), "an edit is in the file");
  SYNOD_ASSERT(!state.damage.empty() || manifest.size() - state.end < 7, "without damage it is read to its end");
  SYNOD_ASSERT(state.uses_log(state.log_number) && state.uses_log(UINT64_MAX), "logs from a number on are in use");
  const ManifestState cut = read_manifest(manifest.substr(0, state.end));
  SYNOD_ASSERT(cut.damage.empty() && cut.end == state.end, "what is cut off at the damage is whole");
  SYNOD_ASSERT(cut.log_number == state.log_number && cut.previous_log_number == state.previous_log_number,
               "and says the same");
}

}  // namespace

void run(ByteView input) {
  check(input);
  check(with_right_log_checksums(Bytes(input)));
  check(log_of_record(input.substr(0, record_data_max)));
  const std::string name(input);
  if (wal_number(name)) {
    SYNOD_ASSERT(name.ends_with(".log") && !wal_number(name + "x"), "a log is known by its name");
  }
}

std::vector<Bytes> seeds() {
  const Bytes made = level_files({10}).manifest;
  std::vector<Bytes> seeds{made, "000123.log", "18446744073709551616.log"};
  LogFileReader reader(made);
  while (std::optional<Bytes> edit = reader.next()) seeds.push_back(*std::move(edit));
  // What this one has none of: the previous log, a compaction pointer, a file that went and one that came.
  seeds.emplace_back("\x09\x05\x05\x01\x08kkkkkkkk\x06\x01\x07\x07\x02\x08\x99\x01\x02k1\x02k2");
  SYNOD_ASSERT(read_manifest(log_of_record(seeds.back())).previous_log_number == 5, "the last seed is an edit");
  return seeds;
}

}  // namespace synod::fuzz
