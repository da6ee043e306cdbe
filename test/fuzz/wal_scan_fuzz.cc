// The write-ahead logs of a store: the reader of log files, and the scan for the first damage. A step of the script is
// one log; an odd kind puts it behind a batch that nearly fills the first block, so that a small input reaches the end
// of the block.
#include "store/leveldb/wal_scan.h"

#include <algorithm>

#include "base/assert.h"
#include "store/leveldb/log_file.h"
#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/level_log.h"
#include "test/fuzz/script.h"

namespace synod::fuzz {
namespace {

constexpr size_t block_size = 32768;
constexpr size_t header_size = 7;
constexpr size_t left_in_block = 100;

// A log whose first batch ends `left_in_block` bytes before the end of the first block.
Bytes log_across_blocks() {
  const size_t size = 32000;
  const size_t end = record_ends(level_files({size}).log).front();
  return level_files({size + block_size - left_in_block - end, 20, 90, 40}).log;
}

const Bytes& first_batch() {
  static const Bytes bytes = log_across_blocks().substr(0, block_size - left_in_block);
  return bytes;
}

std::vector<WalFile> files_of(ByteView script) {
  constexpr size_t files_max = 4;
  std::vector<WalFile> files;
  while (files.size() < files_max) {
    const std::optional<Step> step = next_step(script);
    if (!step) break;
    const Bytes before = step->kind % 2 == 1 ? first_batch() : Bytes();
    files.push_back({std::to_string(files.size()), before + Bytes(step->bytes)});
  }
  return files;
}

void check_reader(ByteView file) {
  LogFileReader reader(file);
  uint64_t end = 0;
  size_t records = 0;
  while (const std::optional<Bytes> record = reader.next()) {
    SYNOD_ASSERT(reader.begin() == end, "the records leave nothing out");
    end = reader.end();
    SYNOD_ASSERT(end >= reader.begin() + header_size + record->size() && end <= file.size(), "a record is in the file");
    ++records;
  }
  SYNOD_ASSERT(!reader.next() && reader.end() == end, "the end stays the end");
  if (reader.damage().empty()) {
    SYNOD_ASSERT(!reader.ends_early() && file.size() - end < header_size, "a log without damage was read to its end");
  }
  LogFileReader cut(file.substr(0, end));
  size_t left = 0;
  while (cut.next()) ++left;
  SYNOD_ASSERT(left == records && cut.damage().empty(), "what is cut off at the damage has the records before it");
}

void check_scan(std::vector<WalFile> files) {
  const WalScan scan = scan_wals(files);
  if (!scan.damage) return;
  const WalDamage& damage = *scan.damage;
  SYNOD_ASSERT(damage.file < files.size() && damage.offset <= files[damage.file].bytes.size(), "the place exists");
  SYNOD_ASSERT(!damage.what.empty(), "damage has a reason");
  for (size_t i = damage.file + 1; i < files.size(); ++i) {
    SYNOD_ASSERT(!damage.ends_early || files[i].bytes.empty(), "an honest tail is the last that there is");
    files[i].bytes.clear();
  }
  files[damage.file].bytes.resize(damage.offset);
  const WalScan cut = scan_wals(files);
  SYNOD_ASSERT(!cut.damage && cut.last == scan.last, "what is cut off there is whole and loses no batch before it");
}

void check(const std::vector<WalFile>& files) {
  for (const WalFile& file : files) check_reader(file.bytes);
  check_scan(files);
}

}  // namespace

void run(ByteView input) {
  if (read_wal_batch(input)) {
    SYNOD_ASSERT(!read_wal_batch(input.substr(0, input.size() - 1)), "a batch is no batch without its last byte");
  }
  std::vector<WalFile> files = files_of(input);
  check(files);
  for (WalFile& file : files) file.bytes = with_right_log_checksums(std::move(file.bytes));
  check(files);
}

std::vector<Bytes> seeds() {
  const Bytes log = level_files({10, 0, 300}).log;
  const Bytes next = level_files({10, 40}, 3).log;
  const std::vector<size_t> ends = record_ends(log);
  Bytes one;
  put_step(one, 0, 0, log);
  Bytes two;
  put_step(two, 0, 0, log);
  put_step(two, 0, 0, next);
  Bytes torn;
  put_step(torn, 0, 0, log.substr(0, ends[1] + 5));
  put_step(torn, 0, 0);
  Bytes zeros;
  put_step(zeros, 0, 0, log.substr(0, ends[0]) + Bytes(20, '\0'));
  Bytes missing;
  put_step(missing, 0, 0);
  put_step(missing, 0, 0, next);
  Bytes across;
  put_step(across, 1, 0, log_across_blocks().substr(first_batch().size()));
  LogFileReader reader(log);
  return {one, two, torn, zeros, missing, across, *reader.next()};
}

}  // namespace synod::fuzz
