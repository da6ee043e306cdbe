#include "base/escape.h"

#include <fmt/format.h>

namespace synod {
namespace {

// Length of the well-formed UTF-8 sequence at the start of `bytes`, or 0 (Unicode 15, table 3-7, without the C1
// controls).
size_t utf8_length(ByteView bytes) {
  auto at = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char lead = at(0);
  const size_t length = lead >= 0xc2 && lead <= 0xdf   ? 2
                        : lead >= 0xe0 && lead <= 0xef ? 3
                        : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                       : 0;
  if (length == 0 || bytes.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  const unsigned char second = at(1);
  if (lead == 0xc2 && second < 0xa0) return 0;
  if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f)) return 0;
  if ((lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) return 0;
  return length;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string escape(ByteView bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (size_t i = 0; i < bytes.size();) {
    const char c = bytes[i];
    switch (c) {
      case '\t': text += "\\t"; break;
      case '\n': text += "\\n"; break;
      case '\r': text += "\\r"; break;
      case '\\': text += "\\\\"; break;
      default:
        if (c >= 0x20 && c < 0x7f) {
          text += c;
        } else if (const size_t length = utf8_length(bytes.substr(i)); length != 0) {
          text += bytes.substr(i, length);
          i += length;
          continue;
        } else {
          text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        }
    }
    ++i;
  }
  return text;
}

Result<Bytes> unescape(ByteView text) {
  Bytes bytes;
  bytes.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes += text[i];
      continue;
    }
    const char kind = i + 1 < text.size() ? text[i + 1] : '\0';
    switch (kind) {
      case 't':
        bytes += '\t';
        ++i;
        continue;
      case 'n':
        bytes += '\n';
        ++i;
        continue;
      case 'r':
        bytes += '\r';
        ++i;
        continue;
      case '\\':
        bytes += '\\';
        ++i;
        continue;
      default: break;
    }
    const int high = kind == 'x' && i + 3 < text.size() ? hex_digit(text[i + 2]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 3]) : -1;
    if (low < 0) {
      return Status(Code::invalid_argument,
                    fmt::format("'{}' is not an escape (known: \\t \\n \\r \\\\ \\xHH)", text.substr(i, 4)));
    }
    bytes += static_cast<char>(high * 16 + low);
    i += 3;
  }
  return bytes;
}

}  // namespace synod
