#include "store/leveldb/manifest.h"

#include <charconv>

#include "store/leveldb/little_endian.h"
#include "store/leveldb/log_file.h"

namespace synod {
namespace {

// The tags of an edit, from LevelDB's version_edit.cc.
enum class EditTag : uint64_t {
  comparator = 1,
  log_number = 2,
  next_file_number = 3,
  last_sequence = 4,
  compact_pointer = 5,
  deleted_file = 6,
  new_file = 7,
  previous_log_number = 9,
};

// False if it is no edit.
bool apply_edit(ByteView edit, ManifestState& state) {
  LevelDbDecoder decoder(edit);
  while (!decoder.is_at_end()) {
    switch (static_cast<EditTag>(decoder.varint())) {
      case EditTag::comparator: decoder.field(); break;
      case EditTag::log_number: state.log_number = decoder.varint(); break;
      case EditTag::next_file_number:
      case EditTag::last_sequence: decoder.varint(); break;
      case EditTag::compact_pointer:
        decoder.varint();  // level
        decoder.field();
        break;
      case EditTag::deleted_file:
        decoder.varint();  // level
        decoder.varint();
        break;
      case EditTag::new_file:
        for (int i = 0; i < 3; ++i) decoder.varint();  // level, number, size
        for (int i = 0; i < 2; ++i) decoder.field();   // smallest and largest key
        break;
      case EditTag::previous_log_number: state.previous_log_number = decoder.varint(); break;
      default: return false;
    }
    if (decoder.has_failed()) return false;
  }
  return true;
}

}  // namespace

ManifestState read_manifest(ByteView manifest) {
  ManifestState state;
  LogFileReader reader(manifest);
  while (const std::optional<Bytes> edit = reader.next()) {
    ManifestState after = state;
    if (!apply_edit(*edit, after)) {
      state.damage = "a record is no edit";
      return state;
    }
    state = after;
    state.end = reader.end();
  }
  state.damage = reader.damage();
  return state;
}

std::optional<uint64_t> wal_number(const std::string& file_name) {
  uint64_t number = 0;
  const char* end = file_name.data() + file_name.size();
  const auto [rest, error] = std::from_chars(file_name.data(), end, number);
  if (error != std::errc() || std::string_view(rest, static_cast<size_t>(end - rest)) != ".log") return std::nullopt;
  return number;
}

}  // namespace synod
