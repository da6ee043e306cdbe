#include "test/fuzz/level_log.h"

#include <algorithm>
#include <string>

#include "base/assert.h"
#include "store/files.h"
#include "store/leveldb/level_db.h"
#include "store/leveldb/log_file.h"
#include "store/monitor_store.h"
#include "test/unit/store/temp_dir.h"

namespace synod::fuzz {
namespace {

constexpr size_t block_size = 32768;
constexpr size_t header_size = 7;

void set_checksum(Bytes& log, size_t header, size_t data_size) {
  const uint32_t checksum = masked_crc32c(ByteView(log).substr(header + 6, 1 + data_size));
  for (size_t i = 0; i < 4; ++i) log[header + i] = static_cast<char>(checksum >> (8 * i) & 0xff);
}

}  // namespace

LevelFiles level_files(const std::vector<size_t>& value_sizes, uint64_t before) {
  const test::TempDir dir;
  {
    DatabaseOptions options;
    options.write_buffer_bytes = 1 << 20;
    auto db = open_level_db(dir / "db", options, OpenMode::create, make_disk_env());
    SYNOD_ASSERT(db.has_value(), "the seed is made");
    MonitorStore store(*std::move(db));
    store.continue_after(before);
    for (const size_t size : value_sizes) {
      const StoreWrites writes{PutLocal{"key", SharedBytes(Bytes(size, 'v'))}};
      SYNOD_ASSERT(store.commit({&writes}, Durability::visible).is_ok(), "the seed is made");
    }
  }
  LevelFiles files;
  for (const auto& entry : std::filesystem::directory_iterator(dir / "db")) {
    const std::string name = entry.path().filename();
    if (name.ends_with(".log")) files.log = *read_file(entry.path());
    if (name.starts_with("MANIFEST-")) files.manifest = *read_file(entry.path());
  }
  SYNOD_ASSERT(!files.log.empty() && !files.manifest.empty(), "LevelDB has written both");
  return files;
}

std::vector<size_t> record_ends(ByteView log) {
  std::vector<size_t> ends;
  LogFileReader reader(log);
  while (reader.next()) ends.push_back(static_cast<size_t>(reader.end()));
  return ends;
}

Bytes log_of_record(ByteView data) {
  SYNOD_ASSERT(data.size() <= record_data_max, "one part is enough");
  Bytes log(header_size, '\0');
  log[4] = static_cast<char>(data.size() & 0xff);
  log[5] = static_cast<char>(data.size() >> 8);
  log[6] = '\1';  // whole
  log += data;
  set_checksum(log, 0, data.size());
  return log;
}

Bytes with_right_log_checksums(Bytes log) {
  for (size_t at = 0; at < log.size();) {
    const size_t in_block = block_size - at % block_size;
    if (in_block < header_size) {
      at += in_block;
      continue;
    }
    if (log.size() - at < header_size) break;
    const size_t data_size = static_cast<uint8_t>(log[at + 4]) | size_t{static_cast<uint8_t>(log[at + 5])} << 8;
    if (header_size + data_size > std::min(in_block, log.size() - at)) break;
    set_checksum(log, at, data_size);
    at += header_size + data_size;
  }
  return log;
}

}  // namespace synod::fuzz
