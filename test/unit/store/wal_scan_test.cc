// The scan of write-ahead logs, on logs that LevelDB wrote.
#include "store/leveldb/wal_scan.h"

#include <gtest/gtest.h>

#include "store/leveldb/little_endian.h"
#include "store/leveldb/log_file.h"
#include "store/leveldb/manifest.h"
#include "store/records.h"
#include "store/space_key.h"
#include "store_helpers.h"
#include "temp_dir.h"

namespace synod {
namespace {

constexpr size_t page = 4096;

// The log of a store of so many batches, the first of which has the number after `before`.
Bytes log_of(uint64_t batches, size_t value_bytes, uint64_t before = 0) {
  const test::TempDir dir;
  {
    MonitorStore store(test::open_level_db_for_test(dir / "db", OpenMode::create, 1 << 20));
    store.continue_after(before);
    for (uint64_t i = 0; i < batches; ++i) {
      Bytes value;
      while (value.size() < value_bytes) value += std::to_string(i * 7919 + value.size());
      const StoreWrites writes{PutLocal{"key " + std::to_string(i), SharedBytes(std::move(value))}};
      EXPECT_TRUE(store.commit({&writes}, Durability::visible).is_ok());
    }
  }
  for (const auto& entry : std::filesystem::directory_iterator(dir / "db")) {
    if (entry.path().extension() == ".log") return test::slurp(entry.path());
  }
  ADD_FAILURE() << "LevelDB wrote no log";
  return {};
}

// Where each record ends; where the first one begins before them.
std::vector<uint64_t> ends_of(const Bytes& log) {
  std::vector<uint64_t> ends{0};
  LogFileReader reader(log);
  while (reader.next()) ends.push_back(reader.end());
  EXPECT_EQ(reader.damage(), "");
  return ends;
}

// The number of records that end at or before this byte.
uint64_t whole_before(const std::vector<uint64_t>& ends, uint64_t byte) {
  return static_cast<uint64_t>(std::upper_bound(ends.begin(), ends.end(), byte) - ends.begin()) - 1;
}

WalScan scan(std::vector<Bytes> logs) {
  std::vector<WalFile> files;
  for (Bytes& log : logs) files.push_back({"log " + std::to_string(files.size()), std::move(log)});
  return scan_wals(files);
}

void expect_damage(const WalScan& scan, size_t file, uint64_t offset, uint64_t last) {
  ASSERT_TRUE(scan.damage);
  EXPECT_EQ(scan.damage->file, file);
  EXPECT_EQ(scan.damage->offset, offset);
  EXPECT_EQ(scan.last.value_or(0), last);
  EXPECT_NE(scan.damage->what, "");
}

TEST(WalScan, a_checksum_is_masked_crc_32c) {
  const uint32_t crc = 0xe3069283;  // the check value of CRC-32C
  EXPECT_EQ(masked_crc32c("123456789"), (crc >> 15 | crc << 17) + 0xa282ead8U);
}

TEST(WalScan, a_whole_log_tells_its_last_batch) {
  for (const size_t value_bytes : {10UL, 3000UL, 100000UL}) {
    const WalScan whole = scan({log_of(9, value_bytes)});
    EXPECT_FALSE(whole.damage) << whole.damage->what;
    EXPECT_EQ(whole.last, 9U);
  }
  EXPECT_EQ(scan({log_of(3, 10, 40)}).last, 43U);
  EXPECT_FALSE(scan({}).last);
  EXPECT_FALSE(scan({""}).last);
  EXPECT_FALSE(scan({""}).damage);
}

TEST(WalScan, every_truncation_ends_with_the_last_whole_batch_and_is_known_as_one) {
  const Bytes log = log_of(6, 40);
  const std::vector<uint64_t> ends = ends_of(log);
  ASSERT_EQ(ends.size(), 7U);
  for (size_t length = 0; length <= log.size(); ++length) {
    SCOPED_TRACE(length);
    const WalScan cut = scan({log.substr(0, length)});
    const uint64_t whole = whole_before(ends, length);
    EXPECT_EQ(cut.last.value_or(0), whole);
    if (ends[whole] == length) {
      EXPECT_FALSE(cut.damage);
    } else {
      expect_damage(cut, 0, ends[whole], whole);
      EXPECT_TRUE(cut.damage->ends_early);
    }
  }
}

TEST(WalScan, every_flipped_bit_is_found_in_the_batch_that_holds_it) {
  const Bytes log = log_of(5, 40);
  const std::vector<uint64_t> ends = ends_of(log);
  for (size_t byte = 0; byte < log.size(); ++byte) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      SCOPED_TRACE(testing::Message() << byte << " bit " << bit);
      Bytes flipped = log;
      flipped[byte] = static_cast<char>(flipped[byte] ^ (1 << bit));
      const uint64_t whole = whole_before(ends, byte);
      expect_damage(scan({flipped}), 0, ends[whole], whole);
    }
  }
}

TEST(WalScan, flipped_bytes_are_found_in_batches_of_several_fragments) {
  const Bytes log = log_of(4, 50000);
  const std::vector<uint64_t> ends = ends_of(log);
  for (size_t byte = 0; byte < log.size(); byte += 997) {
    Bytes flipped = log;
    flipped[byte] = static_cast<char>(~flipped[byte]);
    const uint64_t whole = whole_before(ends, byte);
    expect_damage(scan({flipped}), 0, ends[whole], whole);
  }
}

TEST(WalScan, what_fills_up_a_block_may_be_anything) {
  // A record that leaves three bytes of the first block.
  Bytes log;
  for (size_t value_bytes = 32600; value_bytes < 32768 && log.empty(); ++value_bytes) {
    const Bytes tried = log_of(2, value_bytes);
    const uint64_t end = ends_of(tried)[1];
    if (end < 32768 && end > 32768 - 7) log = tried;
  }
  ASSERT_FALSE(log.empty()) << "no value has the length that it takes";
  log[32767] = 'x';
  EXPECT_FALSE(scan({log}).damage);
  EXPECT_EQ(scan({log}).last, 2U);
}

TEST(WalScan, a_page_of_zeros_ends_the_log_before_it) {
  const Bytes log = log_of(30, 1500);
  const std::vector<uint64_t> ends = ends_of(log);
  for (size_t at = 0; at < log.size(); at += page) {
    SCOPED_TRACE(at);
    Bytes zeroed = log;
    for (size_t i = at; i < std::min(at + page, log.size()); ++i) zeroed[i] = 0;
    const uint64_t whole = whole_before(ends, at);
    expect_damage(scan({zeroed}), 0, ends[whole], whole);
    EXPECT_FALSE(scan({zeroed}).damage->ends_early);
  }
  EXPECT_EQ(scan({log + Bytes(page, '\0')}).damage->offset, log.size());
}

TEST(WalScan, pages_out_of_order_end_the_log_before_the_first_of_them) {
  const Bytes log = log_of(30, 1500);
  const std::vector<uint64_t> ends = ends_of(log);
  const size_t pages = log.size() / page;
  for (size_t i = 0; i < pages; ++i) {
    for (size_t j = i + 1; j < pages; ++j) {
      Bytes swapped = log;
      swapped.replace(i * page, page, log, j * page, page);
      swapped.replace(j * page, page, log, i * page, page);
      const uint64_t whole = whole_before(ends, i * page);
      expect_damage(scan({swapped}), 0, ends[whole], whole);
    }
  }
}

TEST(WalScan, a_missing_and_a_repeated_batch_are_found_although_their_checksums_are_good) {
  const Bytes log = log_of(5, 40);
  const std::vector<uint64_t> ends = ends_of(log);
  expect_damage(scan({log.substr(0, ends[2]) + log.substr(ends[3])}), 0, ends[2], 2);
  expect_damage(scan({log.substr(0, ends[3]) + log.substr(ends[2])}), 0, ends[3], 3);
}

TEST(WalScan, logs_that_follow_each_other_are_one) {
  const Bytes first = log_of(4, 40);
  const Bytes second = log_of(3, 40, 4);
  const std::vector<uint64_t> ends = ends_of(first);
  EXPECT_EQ(scan({first, second}).last, 7U);
  EXPECT_FALSE(scan({first, second}).damage);
  EXPECT_FALSE(scan({first, second, ""}).damage);

  // The tail of the first is torn: honest only if the second holds nothing that counts.
  const WalScan torn = scan({first.substr(0, ends[3] + 5), second});
  expect_damage(torn, 0, ends[3], 3);
  EXPECT_FALSE(torn.damage->ends_early) << "what is missing is in the middle";
  EXPECT_TRUE(scan({first.substr(0, ends[3] + 5), ""}).damage->ends_early);

  expect_damage(scan({first.substr(0, ends[3]), second}), 1, 0, 3);
  expect_damage(scan({"", second}), 0, 0, 0);
  expect_damage(scan({first, "", second}), 1, 0, 4);
  expect_damage(scan({second, first}), 1, 0, 7);
  expect_damage(scan({first, second.substr(0, second.size() - 1)}), 1, ends_of(second)[2], 6);
}

TEST(WalScan, a_record_that_is_no_batch_is_told) {
  LogFileReader reader(ByteView{});
  EXPECT_FALSE(reader.next());
  const Bytes log = log_of(1, 40);
  LogFileReader log_reader(log);
  const Bytes batch = *log_reader.next();
  EXPECT_EQ(read_wal_batch(batch)->sequence, 1U);
  for (size_t length = 0; length < batch.size(); ++length) {
    EXPECT_FALSE(read_wal_batch(ByteView(batch).substr(0, length))) << length;
  }
  EXPECT_FALSE(read_wal_batch(batch + "x"));
  Bytes header(12, '\0');
  EXPECT_FALSE(read_wal_batch(header)->sequence) << "it puts nothing";
  header[8] = 1;
  const Bytes key = space_key(KeySpace::local, batch_sequence_key);
  EXPECT_FALSE(read_wal_batch(header + '\0' + static_cast<char>(key.size()) + key)) << "the number is erased";
  EXPECT_FALSE(read_wal_batch(header + '\1' + static_cast<char>(key.size()) + key + "\3abc")) << "a short number";
}

// The log of a store that was copied: so many chunks of one key each, and then a batch that has this number; with 0
// none.
Bytes log_of_copy(uint64_t chunks, uint64_t number) {
  const test::TempDir dir;
  {
    MonitorStore store(test::open_level_db_for_test(dir / "db", OpenMode::create, 1 << 20));
    for (uint64_t i = 0; i < chunks; ++i) {
      EXPECT_TRUE(store.commit_chunk(test::put("key " + std::to_string(i), "v"), Durability::visible).is_ok());
    }
    const StoreWrites writes{PutLocal{"key", SharedBytes("value")}};
    if (number > 0) {
      store.continue_after(number - 1);
      EXPECT_TRUE(store.commit({&writes}, Durability::visible).is_ok());
    }
  }
  for (const auto& entry : std::filesystem::directory_iterator(dir / "db")) {
    if (entry.path().extension() == ".log") return test::slurp(entry.path());
  }
  ADD_FAILURE() << "LevelDB wrote no log";
  return {};
}

TEST(WalScan, chunks_have_no_number_and_what_comes_behind_them_may_leave_some_out) {
  EXPECT_FALSE(scan({log_of_copy(3, 0)}).damage);
  EXPECT_FALSE(scan({log_of_copy(3, 0)}).last);
  const WalScan whole = scan({log_of_copy(3, 40)});
  EXPECT_FALSE(whole.damage) << whole.damage->what;
  EXPECT_EQ(whole.last, 40U);
  // What does not go on where the log before ends, by LevelDB's count.
  const Bytes chunks = log_of_copy(3, 9);
  expect_damage(scan({log_of(1, 10, 7), chunks}), 1, 0, 8);
  expect_damage(scan({chunks, log_of_copy(1, 10)}), 1, 0, 9);
}

TEST(WalScan, behind_chunks_no_number_comes_again) {
  const test::TempDir dir;
  {
    MonitorStore store(test::open_level_db_for_test(dir / "db", OpenMode::create, 1 << 20));
    const StoreWrites writes{PutLocal{"key", SharedBytes("value")}};
    store.continue_after(8);
    ASSERT_TRUE(store.commit({&writes}, Durability::visible).is_ok());
    ASSERT_TRUE(store.commit_chunk(test::put("k", "v"), Durability::visible).is_ok());
    DbBatch again;
    add_sequence(again, 9);
    ASSERT_TRUE(store.db().commit(again, Durability::visible).is_ok());
  }
  for (const auto& entry : std::filesystem::directory_iterator(dir / "db")) {
    if (entry.path().extension() != ".log") continue;
    const Bytes log = test::slurp(entry.path());
    expect_damage(scan({log}), 0, ends_of(log)[2], 9);
  }
}

TEST(Manifest, names_the_logs_that_are_in_use) {
  const test::TempDir dir;
  for (const OpenMode mode : {OpenMode::create, OpenMode::existing, OpenMode::existing}) {
    MonitorStore store(test::open_level_db_for_test(dir / "db", mode));
    const StoreWrites writes{PutLocal{"key", SharedBytes("value")}};
    ASSERT_TRUE(store.commit({&writes}, Durability::durable).is_ok());
  }
  const std::string current = test::slurp(dir / "db/CURRENT");
  const Bytes bytes = test::slurp(dir / "db" / std::filesystem::path(current.substr(0, current.size() - 1)));
  const ManifestState state = read_manifest(bytes);
  EXPECT_EQ(state.damage, "");
  EXPECT_EQ(state.end, bytes.size());
  size_t logs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir / "db")) {
    const std::optional<uint64_t> number = wal_number(entry.path().filename());
    if (!number) continue;
    ++logs;
    EXPECT_EQ(state.log_number, *number);
    EXPECT_TRUE(state.uses_log(*number));
    EXPECT_FALSE(state.uses_log(*number - 1));
  }
  EXPECT_EQ(logs, 1U);
  for (size_t length = 0; length < bytes.size(); ++length) {
    const ManifestState cut = read_manifest(ByteView(bytes).substr(0, length));
    EXPECT_LE(cut.end, length);
    EXPECT_EQ(cut.damage.empty(), cut.end == length) << length;
  }
  EXPECT_FALSE(wal_number("000003.ldb"));
  EXPECT_FALSE(wal_number("MANIFEST-000002"));
  EXPECT_FALSE(wal_number("3.log.old"));
  EXPECT_EQ(wal_number("000003.log"), 3U);
}

}  // namespace
}  // namespace synod
