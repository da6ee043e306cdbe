// A file for `synod import`: its lines, and what they say.
#include "base/assert.h"
#include "base/escape.h"
#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/scratch_dir.h"
#include "tools/import.h"
#include "tools/line_reader.h"

namespace synod::fuzz {
namespace {

void check_line(ByteView line) {
  const Result<WriteOp> op = parse_import_line(line);
  if (!op) return;
  SYNOD_ASSERT(!op->key.empty(), "no key is empty");
  const Result<WriteOp> again = parse_import_line(escape(op->key) + "\t" + escape(op->value.view()));
  SYNOD_ASSERT(again && again->key == op->key && again->value == op->value, "an exported line is imported the same");
}

}  // namespace

void run(ByteView input) {
  static const ScratchDir scratch;
  scratch.write("lines", input);
  Result<LineReader> reader = LineReader::open(scratch.path() + "/lines");
  SYNOD_ASSERT(reader.has_value(), "the file is there");
  for (int pass = 0; pass < 2; ++pass) {
    Bytes put_together;
    for (;;) {
      const Result<std::optional<ByteView>> line = reader->next();
      SYNOD_ASSERT(line.has_value(), "a short file has no line that is too long");
      if (!*line) break;
      check_line(**line);
      put_together.append(**line).append("\n");
    }
    if (!input.empty() && input.back() != '\n') put_together.pop_back();
    SYNOD_ASSERT(put_together == input, "the lines are the file");
    SYNOD_ASSERT(reader->bytes_read() == input.size(), "and all of it");
    SYNOD_ASSERT(reader->rewind(), "a file is read twice");
  }
}

std::vector<Bytes> seeds() {
  return {"key\tvalue\nkey 2\t\n",      "no newline\tat the end", "\n\n", "\tno key\n", "two\ttabs\there\n",
          "escapes\\t\\x00\t\\\\\\n\n", "carriage\treturn\r\n"};
}

}  // namespace synod::fuzz
