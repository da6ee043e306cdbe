#include "tools/import.h"

#include <fmt/format.h>

#include <utility>

#include "base/escape.h"

namespace synod {
namespace {

constexpr int most_named_lines = 10;

Status malformed(std::string what) { return {Code::invalid_argument, std::move(what)}; }

}  // namespace

Result<WriteOp> parse_import_line(ByteView line) {
  const size_t tab = line.find('\t');
  if (tab == ByteView::npos) return malformed("no tab between key and value");
  if (line.find('\t', tab + 1) != ByteView::npos) return malformed("a second tab (in a value it is written \\t)");
  if (line.find('\r') != ByteView::npos) return malformed("a carriage return (in a value it is written \\r)");
  if (tab == 0) return malformed("the key is empty");
  Result<Bytes> key = unescape(line.substr(0, tab));
  if (!key) return key.error();
  Result<Bytes> value = unescape(line.substr(tab + 1));
  if (!value) return value.error();
  return WriteOp{WriteOp::Type::put, *std::move(key), SharedBytes(*std::move(value))};
}

Status Importer::bad_input(Status reason) {
  result_.is_input_error = true;
  return reason;
}

Status Importer::check(LineReader& input, const std::string& name) {
  std::string named;
  uint64_t count = 0;
  for (;;) {
    const Result<std::optional<ByteView>> line = input.next();
    if (!line) return bad_input(line.error());
    if (settings_.is_interrupted()) return {Code::unavailable, "interrupted"};
    if (!*line) break;
    const Result<WriteOp> op = parse_import_line(**line);
    if (op) continue;
    if (++count > most_named_lines) continue;
    named += fmt::format("{}{}:{}: {}", named.empty() ? "" : "\n", name, input.line_number(), op.error().message());
  }
  if (count > most_named_lines) named += fmt::format("\n{}: {} more malformed lines", name, count - most_named_lines);
  return count == 0 ? Status::ok() : bad_input(malformed(std::move(named)));
}

bool Importer::must_flush_before(const WriteOp& op) const {
  if (batch_.ops.empty()) return false;
  if (batch_.ops.size() >= settings_.batch_keys) return true;
  if (batch_bytes_ + op.key.size() + op.value.size() > settings_.batch_bytes) return true;
  // A batch is one revision, in which a key can have one value only.
  return batch_keys_.contains(op.key);
}

Status Importer::flush(uint64_t last_line, uint64_t bytes_read) {
  if (batch_.ops.empty()) return Status::ok();
  const Result<WriteReply> reply = write_(batch_);
  if (!reply) {
    if (reply.error().code() == Code::unknown_outcome) result_.unknown_to_line = last_line;
    return reply.error();
  }
  result_.summary.revision = reply->revision;
  result_.summary.keys += batch_.ops.size();
  result_.summary.bytes += batch_bytes_;
  result_.summary.lines = last_line;
  batch_.ops.clear();
  batch_keys_.clear();
  batch_bytes_ = 0;
  if (settings_.on_progress) settings_.on_progress(result_.summary, bytes_read);
  return Status::ok();
}

Status Importer::read_lines(LineReader& input, const std::string& name) {
  for (;;) {
    const uint64_t last_line = input.line_number();
    const uint64_t bytes_read = input.bytes_read();
    const Result<std::optional<ByteView>> line = input.next();
    if (!line) return bad_input(line.error());
    if (settings_.is_interrupted()) return {Code::unavailable, "interrupted"};
    if (!*line) return flush(last_line, bytes_read);
    Result<WriteOp> op = parse_import_line(**line);
    if (!op) {
      return bad_input(malformed(fmt::format("{}:{}: {}", name, input.line_number(), op.error().message())));
    }
    if (must_flush_before(*op)) SYNOD_RETURN_IF_ERROR(flush(last_line, bytes_read));
    batch_bytes_ += op->key.size() + op->value.size();
    batch_keys_.insert(op->key);
    batch_.ops.push_back(*std::move(op));
  }
}

ImportResult Importer::run(LineReader& input, const std::string& name) {
  result_ = {};
  batch_.ops.clear();
  batch_keys_.clear();
  batch_bytes_ = 0;
  if (input.rewind()) {
    result_.status = check(input, name);
    if (!result_.status.is_ok()) return result_;
    input.rewind();
  }
  result_.status = read_lines(input, name);
  return result_;
}

}  // namespace synod
