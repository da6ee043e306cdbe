#include "store/twin_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/checksum.h"
#include "base/codec.h"
#include "base/mutant.h"

namespace synod {
namespace {

constexpr ByteView magic = "synodtwn";
constexpr uint32_t format_version = 1;

struct Copy {
  bool exists = false;
  bool is_valid = false;
  uint64_t sequence = 0;
  Bytes record;
};

Bytes encode_copy(uint64_t sequence, ByteView record) {
  Bytes out(magic);
  put_fixed32(out, format_version);
  put_fixed64(out, sequence);
  put_field(out, record);
  put_fixed64(out, checksum64(out));
  return out;
}

Copy decode_copy(ByteView bytes) {
  Copy copy;
  copy.exists = true;
  Decoder decoder(bytes);
  const bool has_magic = decoder.take(magic.size()) == magic;
  const uint32_t format = decoder.fixed32();
  copy.sequence = decoder.fixed64();
  copy.record = Bytes(decoder.field());
  const size_t covered = bytes.size() - decoder.remaining();
  const uint64_t checksum = decoder.fixed64();
  copy.is_valid = has_magic && format == format_version && !decoder.has_failed() &&
                  checksum == checksum64(bytes.substr(0, covered));
  return copy;
}

Result<Copy> read_copy(FileSystem& files, const std::string& path) {
  Result<Bytes> bytes = files.read_file(path);
  if (bytes) return decode_copy(*bytes);
  if (bytes.error().code() == Code::not_found) return Copy{};
  return bytes.error();
}

// The valid one of the higher sequence number; null if none is valid.
const Copy* newest(const Copy& first, const Copy& second) {
  if (first.is_valid && second.is_valid) return second.sequence > first.sequence ? &second : &first;
  return first.is_valid ? &first : second.is_valid ? &second : nullptr;
}

}  // namespace

TwinFile::TwinFile(FileSystem& files, std::string dir, std::string name)
    : files_(files), dir_(std::move(dir)), name_(std::move(name)) {}

std::string TwinFile::path(int copy) const { return fmt::format("{}/{}.{}", dir_, name_, copy); }

Result<std::optional<Bytes>> TwinFile::read() const {
  const Result<Copy> first = read_copy(files_, path(1));
  const Result<Copy> second = read_copy(files_, path(2));
  const Copy none;
  // One copy is enough where the other can't be read: nothing was said before both held the record.
  const Copy* copy = newest(first ? *first : none, second ? *second : none);
  if (copy != nullptr) return std::optional<Bytes>(copy->record);
  if (!first) return first.error();
  if (!second) return second.error();
  // The first copy is durable before the second one is made: a bad one that is alone was never written to its end.
  if (!second->exists) return std::optional<Bytes>();
  return Status(Code::corruption, fmt::format("neither {} nor {} holds a valid copy of the record", path(1), path(2)));
}

Status TwinFile::write(ByteView record) { return write_copies(record, true); }

Status TwinFile::write_once(ByteView record) { return write_copies(record, false); }

Status TwinFile::remove() {
  for (const int copy : {1, 2}) {
    if (files_.exists(path(copy))) SYNOD_RETURN_IF_ERROR(files_.remove_tree(path(copy)));
  }
  return Status::ok();
}

Status TwinFile::write_copies(ByteView record, bool both) {
  const Result<Copy> first = read_copy(files_, path(1));
  const Result<Copy> second = read_copy(files_, path(2));
  if (!first) return first.error();
  if (!second) return second.error();
  const uint64_t sequence =
      1 + std::max(first->is_valid ? first->sequence : 0, second->is_valid ? second->sequence : 0);
  const Bytes bytes = encode_copy(sequence, record);
  const bool second_comes_first = newest(*first, *second) == &*first;
  const std::array order = second_comes_first ? std::array{2, 1} : std::array{1, 2};
  for (const int copy : order) {
    if (copy == 2 && SYNOD_MUTANT("identity-kept-once")) continue;
    const bool is_new = !(copy == 1 ? first : second)->exists;
    SYNOD_RETURN_IF_ERROR(files_.overwrite_and_sync(path(copy), bytes));
    // Before the other copy is touched: a crash could tear that one and forget the name of this one.
    if (is_new) SYNOD_RETURN_IF_ERROR(files_.sync_directory(dir_));
    if (!both) break;
  }
  return Status::ok();
}

}  // namespace synod
