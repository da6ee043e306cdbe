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
std::string defect_of(const std::optional<WalBatch>& batch, const std::optional<WalBatch>& before,
                      const std::optional<uint64_t>& last) {
  if (!batch) return "a record is no batch of a store";
  if (!before) return {};
  const bool has_chunk = !batch->sequence || !before->sequence;
  if (has_chunk && batch->first != before->first + before->operations) {
    return fmt::format("operation {} follows operation {}", batch->first, before->first + before->operations - 1);
  }
  // A copy takes up the numbers of the store that it replaces.
  const bool is_next =
      !batch->sequence || !last || (has_chunk ? *batch->sequence > *last : *batch->sequence == *last + 1);
  return is_next ? "" : fmt::format("batch {} follows batch {}", *batch->sequence, *last);
}

}  // namespace

std::optional<WalBatch> read_wal_batch(ByteView record) {
  if (record.size() < batch_header_size) return std::nullopt;
  WalBatch batch;
  batch.first = little_endian64(record);
  const uint32_t count = little_endian32(record.substr(8));
  LevelDbDecoder decoder(record.substr(batch_header_size));
  const Bytes sequence_key = space_key(KeySpace::local, batch_sequence_key);
  for (; !decoder.is_at_end(); ++batch.operations) {
    const ByteView tag = decoder.take(1);
    const ByteView key = decoder.field();
    const ByteView value = tag[0] == tag_put ? decoder.field() : ByteView();
    if (decoder.has_failed() || (tag[0] != tag_put && tag[0] != tag_erase)) return std::nullopt;
    if (key != sequence_key) continue;
    Decoder number(value);
    batch.sequence = number.fixed64();
    if (!number.is_complete()) return std::nullopt;
  }
  return batch.operations == count ? std::optional(batch) : std::nullopt;
}

WalScan scan_wals(const std::vector<WalFile>& files) {
  WalScan scan;
  std::optional<size_t> empty;  // the first file that holds nothing
  std::optional<WalBatch> before;
  for (size_t i = 0; i < files.size(); ++i) {
    LogFileReader reader(files[i].bytes);
    while (const std::optional<Bytes> record = reader.next()) {
      // A log is followed by another when it is full, so this one had records.
      if (empty) {
        scan.damage = WalDamage{*empty, 0, "all records are missing", false};
        return scan;
      }
      const std::optional<WalBatch> batch = read_wal_batch(*record);
      const std::string defect = defect_of(batch, before, scan.last);
      if (!defect.empty()) {
        scan.damage = WalDamage{i, reader.begin(), defect, false};
        return scan;
      }
      if (batch->sequence) scan.last = batch->sequence;
      before = batch;
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
