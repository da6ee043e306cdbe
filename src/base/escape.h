// The text form of keys and values in exports, imports and listings: one record a line, KEY<TAB>VALUE, in which tab,
// newline, carriage return and backslash stand as \t \n \r \\, and every other byte that is not printable UTF-8 as
// \xHH.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/status.h"

namespace synod {

std::string escape(ByteView bytes);
// Fails on an unknown or unfinished escape, naming it.
Result<Bytes> unescape(ByteView text);

}  // namespace synod
