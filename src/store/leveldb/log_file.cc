#include "store/leveldb/log_file.h"

#include <algorithm>
#include <boost/crc.hpp>
#include <utility>

#include "store/leveldb/little_endian.h"

namespace synod {
namespace {

constexpr size_t block_size = 32768;
constexpr size_t header_size = 7;
constexpr char full = 1;
constexpr char first = 2;
constexpr char last = 4;

}  // namespace

uint32_t masked_crc32c(ByteView bytes) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  const uint32_t checksum = crc.checksum();
  return (checksum >> 15 | checksum << 17) + 0xa282ead8U;
}

void LogFileReader::fail(std::string what, bool ends_early) {
  damage_ = std::move(what);
  ends_early_ = ends_early;
}

std::optional<LogFileReader::Fragment> LogFileReader::next_fragment() {
  const size_t left = block_size - at_ % block_size;
  if (left < header_size && file_.size() - at_ >= left) at_ += left;
  if (at_ == file_.size()) return std::nullopt;
  const size_t available = std::min(block_size - at_ % block_size, file_.size() - at_);
  const ByteView rest = file_.substr(at_, available);
  if (rest.size() < header_size) {
    fail("the file ends inside the header of a record", true);
    return std::nullopt;
  }
  const size_t length = static_cast<uint8_t>(rest[4]) | size_t{static_cast<uint8_t>(rest[5])} << 8;
  const char type = rest[6];
  if (rest.substr(0, header_size).find_first_not_of('\0') == ByteView::npos) {
    fail("there are zeros instead of a record");
  } else if (header_size + length > block_size - at_ % block_size) {
    fail("the length of a record is more than its block holds");
  } else if (header_size + length > rest.size()) {
    fail("the file ends inside a record", true);
  } else if (masked_crc32c(rest.substr(6, 1 + length)) != little_endian32(rest)) {
    fail("the checksum of a record does not match");
  } else if (type < full || type > last) {
    fail("a record is of no known type");
  }
  if (!damage_.empty()) return std::nullopt;
  at_ += header_size + length;
  return Fragment{type, rest.substr(header_size, length)};
}

std::optional<Bytes> LogFileReader::next() {
  if (!damage_.empty()) return std::nullopt;
  Bytes record;
  const size_t start = at_;
  for (bool is_inside = false;; is_inside = true) {
    const std::optional<Fragment> fragment = next_fragment();
    if (!fragment) {
      if (is_inside && damage_.empty()) fail("the file ends between two parts of a record", true);
      return std::nullopt;
    }
    const bool begins = fragment->type == full || fragment->type == first;
    if (begins == is_inside) {
      fail(begins ? "a record begins inside another one" : "a part of a record has no beginning");
      return std::nullopt;
    }
    record += fragment->data;
    if (fragment->type == full || fragment->type == last) break;
  }
  begin_ = start;
  end_ = at_;
  return record;
}

}  // namespace synod
