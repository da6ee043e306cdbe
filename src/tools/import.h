// `synod import`: lines KEY<TAB>VALUE into the cluster, in batches.
//
// Lines are checked as they are read. A regular file is read twice, so that a malformed one changes nothing.
#pragma once

#include <functional>
#include <string>
#include <unordered_set>

#include "base/status.h"
#include "client/client.h"
#include "msg/messages.h"
#include "tools/json.h"
#include "tools/line_reader.h"

namespace synod {

// A put of the unescaped key and value. Fails with one sentence on what is wrong with the line.
Result<WriteOp> parse_import_line(ByteView line);

// How an import came out. `status` is ok when all lines are committed.
struct ImportResult {
  Status status;
  bool is_input_error = false;  // the input is malformed or cannot be read, rather than that the cluster failed
  ImportSummary summary;        // of what is certainly committed
  // When the outcome of a batch is unknown: its last line.
  uint64_t unknown_to_line = 0;
};

class Importer {
 public:
  // What the importer needs of a cluster: one write, which is tried as often as is worth it.
  using Write = std::function<Result<WriteReply>(WriteRequest)>;
  struct Settings {
    size_t batch_keys = 256;
    size_t batch_bytes = 512 << 10;
    std::function<bool()> is_interrupted;
    // Called after each batch with the committed part of the input, in bytes.
    std::function<void(const ImportSummary&, uint64_t bytes_read)> on_progress;
  };
  Importer(Write write, Settings settings) : write_(std::move(write)), settings_(std::move(settings)) {}

  // `name` is what messages put before a line number.
  ImportResult run(LineReader& input, const std::string& name);

 private:
  // Reads the whole of a regular file; the first malformed lines are named.
  Status check(LineReader& input, const std::string& name);
  Status read_lines(LineReader& input, const std::string& name);
  Status bad_input(Status reason);
  bool must_flush_before(const WriteOp& op) const;
  Status flush(uint64_t last_line, uint64_t bytes_read);

  Write write_;
  Settings settings_;
  WriteRequest batch_;
  size_t batch_bytes_ = 0;
  std::unordered_set<Bytes> batch_keys_;
  ImportResult result_;
};

}  // namespace synod
