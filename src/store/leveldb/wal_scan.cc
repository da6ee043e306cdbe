#include "store/leveldb/wal_scan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/codec.h"
#include "store/leveldb/little_endian.h"
#include "store/leveldb/log_file.h"
#include "store/monitor_store.h"
#include "store/space_key.h"

namespace synod {
namespace {

// A batch, from LevelDB's write_batch.cc: its own sequence number (8 bytes), the count of operations (4), and for each
// a tag, a key, and with a put a value, each with its length before it as a varint.
constexpr size_t batch_header_size = 12;
constexpr char tag_erase = 0;
constexpr char tag_put = 1;

// What does not fit in the order of the batches, in words; empty if it does.
std::string defect_of(std::optional<uint64_t> sequence, const std::optional<uint64_t>& before) {
  if (!sequence) return "a record is no batch of a store";
  if (before && *sequence != *before + 1) return fmt::format("batch {} follows batch {}", *sequence, *before);
  return {};
}

}  // namespace

std::optional<uint64_t> batch_sequence_of(ByteView record) {
  if (record.size() < batch_header_size) return std::nullopt;
  const uint32_t count = little_endian32(record.substr(8));
  LevelDbDecoder decoder(record.substr(batch_header_size));
  const Bytes sequence_key = space_key(KeySpace::local, batch_sequence_key);
  std::optional<uint64_t> sequence;
  uint32_t operations = 0;
  for (; !decoder.is_at_end(); ++operations) {
    const ByteView tag = decoder.take(1);
    const ByteView key = decoder.field();
    const ByteView value = tag[0] == tag_put ? decoder.field() : ByteView();
    if (decoder.has_failed() || (tag[0] != tag_put && tag[0] != tag_erase)) return std::nullopt;
    if (key != sequence_key) continue;
    Decoder number(value);
    sequence = number.fixed64();
    if (!number.is_complete()) return std::nullopt;
  }
  return operations == count ? sequence : std::nullopt;
}

WalScan scan_wals(const std::vector<WalFile>& files) {
  WalScan scan;
  std::optional<size_t> empty;  // the first file that holds nothing
  for (size_t i = 0; i < files.size(); ++i) {
    LogFileReader reader(files[i].bytes);
    while (const std::optional<Bytes> record = reader.next()) {
      // A log is followed by another when it is full, so this one had records.
      if (empty) {
        scan.damage = WalDamage{*empty, 0, "all records are missing", false};
        return scan;
      }
      const std::optional<uint64_t> sequence = batch_sequence_of(*record);
      const std::string defect = defect_of(sequence, scan.last);
      if (!defect.empty()) {
        scan.damage = WalDamage{i, reader.begin(), defect, false};
        return scan;
      }
      scan.last = sequence;
    }
    if (!reader.damage().empty()) {
      const bool is_end = std::all_of(files.begin() + static_cast<ptrdiff_t>(i) + 1, files.end(),
                                      [](const WalFile& later) { return later.bytes.empty(); });
      scan.damage = WalDamage{i, reader.end(), reader.damage(), reader.ends_early() && is_end};
      return scan;
    }
    if (files[i].bytes.empty() && !empty) empty = i;
  }
  return scan;
}

}  // namespace synod
