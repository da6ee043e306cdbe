#include "store/bound_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/checksum.h"
#include "base/codec.h"
#include "base/log.h"

namespace synod {
namespace {

constexpr ByteView magic = "synodbnd";
constexpr uint32_t format_version = 1;
constexpr size_t block_size = 4096;

}  // namespace

BoundFile::BoundFile(FileSystem& files, std::string dir) : files_(files), dir_(std::move(dir)) {}

std::string BoundFile::path(size_t index) const { return fmt::format("{}/bound.{}", dir_, index + 1); }

Bytes BoundFile::encode(const Slot& slot) {
  Bytes out(magic);
  put_fixed32(out, format_version);
  put_fixed64(out, slot.number);
  put_fixed64(out, slot.store);
  put_fixed64(out, slot.bound.sequence);
  put_fixed64(out, slot.bound.last.version.value());
  out += slot.bound.last.hash.view();
  put_fixed64(out, slot.bound.pn.round);
  put_fixed64(out, slot.bound.pn.member.value());
  put_fixed64(out, checksum64(out));
  out.resize(block_size, '\0');
  return out;
}

std::optional<BoundFile::Slot> BoundFile::decode(ByteView block) {
  Slot slot;
  Decoder decoder(block);
  const bool has_magic = decoder.take(magic.size()) == magic;
  const uint32_t format = decoder.fixed32();
  slot.number = decoder.fixed64();
  slot.store = decoder.fixed64();
  slot.bound.sequence = decoder.fixed64();
  const Version version(decoder.fixed64());
  const ByteView hash = decoder.take(sizeof(ChainHash::bytes));
  slot.bound.pn.round = decoder.fixed64();
  slot.bound.pn.member = MemberId(decoder.fixed64());
  const size_t covered = block.size() - decoder.remaining();
  const uint64_t checksum = decoder.fixed64();
  if (decoder.has_failed() || !has_magic || format != format_version) return std::nullopt;
  if (checksum != checksum64(block.substr(0, covered))) return std::nullopt;
  // No count comes so far, and the numbers of the next writes would begin again at zero.
  if (slot.number > UINT64_MAX - 2) return std::nullopt;
  slot.bound.last = {version, digest_from(hash)};
  return slot;
}

void BoundFile::load() {
  unreadable_ = Status::ok();
  for (size_t i = 0; i < slots_.size(); ++i) {
    const Result<Bytes> file = files_.read_file(path(i));
    exists_[i] = file || file.error().code() != Code::not_found;
    slots_[i] = file ? decode(*file) : std::nullopt;
    if (!file && exists_[i]) unreadable_ = file.error();
  }
  is_loaded_ = true;
}

Result<Bound> BoundFile::read(uint64_t store) {
  load();
  const Slot* found = nullptr;
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (!slots_[i] || slots_[i]->store != store) continue;
    if (found != nullptr && found->number > slots_[i]->number) continue;
    found = &*slots_[i];
    in_use_ = i;
  }
  if (found != nullptr) {
    store_ = store;
    if (!slots_[1 - in_use_])
      log(LogLevel::warning, "{} is missing or damaged; the other copy counts", path(1 - in_use_));
    return found->bound;
  }
  if (!unreadable_.is_ok()) return unreadable_;
  const bool is_damaged = !slots_[0] && !slots_[1];
  const char* const what = !exists_[0] && !exists_[1] ? "are missing"
                           : is_damaged               ? "are damaged, both"
                                                      : "speak of another store";
  return Status(Code::corruption, fmt::format("{} and {} {}, so nothing says how far store.{} has to reach; {}",
                                              path(0), path(1), what, store, store_advice));
}

Status BoundFile::write_slot(size_t index, const Slot& slot) {
  SYNOD_RETURN_IF_ERROR(files_.overwrite_and_sync(path(index), encode(slot)));
  if (!exists_[index]) SYNOD_RETURN_IF_ERROR(files_.sync_directory(dir_));
  exists_[index] = true;
  slots_[index] = slot;
  in_use_ = index;
  return Status::ok();
}

Status BoundFile::write(uint64_t store, const Bound& bound) {
  store_ = store;
  return write(bound);
}

Status BoundFile::write(const Bound& bound) {
  if (!is_loaded_) load();
  uint64_t number = 0;
  for (const std::optional<Slot>& slot : slots_) number = std::max(number, slot ? slot->number : 0);
  SYNOD_RETURN_IF_ERROR(write_slot(1 - in_use_, {number + 1, store_, bound}));
  if (exists_[1 - in_use_]) return Status::ok();
  return write_slot(1 - in_use_, {number + 2, store_, bound});
}

}  // namespace synod
