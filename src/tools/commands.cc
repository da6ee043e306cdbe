#include "tools/commands.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <thread>
#include <utility>

#include "base/escape.h"
#include "client/client.h"
#include "tools/exit_code.h"
#include "tools/import.h"
#include "tools/interrupt.h"
#include "tools/json.h"
#include "tools/progress.h"
#include "tools/scrub_print.h"
#include "tools/status_print.h"

namespace synod {
namespace {

void print(ByteView text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void print_line(ByteView text) {
  print(text);
  print("\n");
}

int fail(const Status& failure) {
  if (is_interrupted()) {
    fmt::print(stderr, "synod: interrupted\n");
    return exit_interrupted;
  }
  const bool is_unknown = failure.code() == Code::unknown_outcome;
  fmt::print(stderr, "synod: {}{}\n", is_unknown ? "outcome unknown: " : "", failure.message());
  return exit_code_of(failure);
}

ClientOptions client_options(const Options& options) {
  return {options.monitors, options.timeout, [] { return is_interrupted(); }};
}

RangeRequest single_key(const Bytes& key, Consistency consistency) {
  return {.begin = key, .end = key + '\0', .limit = 1, .consistency = consistency};
}

WriteRequest single_op(WriteOp op) {
  WriteRequest request;
  request.ops.push_back(std::move(op));
  return request;
}

// All of standard input.
Result<Bytes> read_input() {
  Bytes bytes;
  std::array<char, 64 << 10> piece;
  for (;;) {
    const ssize_t count = read(STDIN_FILENO, piece.data(), piece.size());
    if (count == 0) return bytes;
    if (count < 0) return Status(Code::io_error, "cannot read standard input");
    bytes.append(piece.data(), static_cast<size_t>(count));
  }
}

int put(const Options& options) {
  Bytes value = options.arguments[1];
  if (value == "-") {
    Result<Bytes> input = read_input();
    if (!input) {
      const int code = fail(input.error());
      return code == exit_interrupted ? code : exit_usage;
    }
    value = *std::move(input);
  }
  Client client(client_options(options));
  const Result<WriteReply> reply =
      client.write(single_op({WriteOp::Type::put, options.arguments[0], SharedBytes(std::move(value))}));
  if (!reply) return fail(reply.error());
  print_line(options.format == Format::json ? json_of_put(*reply) : fmt::format("revision {}", reply->revision));
  return exit_ok;
}

int no_such_key(const Bytes& key) {
  fmt::print(stderr, "synod: no such key: {}\n", escape(key));
  return exit_not_found;
}

int get(const Options& options) {
  const Bytes& key = options.arguments[0];
  Client client(client_options(options));
  const Result<RangeReply> reply = client.range(single_key(key, options.consistency));
  if (!reply) return fail(reply.error());
  if (reply->items.empty()) return no_such_key(key);
  const KeyValue& item = reply->items.front();
  print_line(options.format == Format::json ? ByteView(json_of_get(item, reply->revision)) : item.value.view());
  return exit_ok;
}

int del(const Options& options) {
  const Bytes& key = options.arguments[0];
  Client client(client_options(options));
  const Result<WriteReply> reply = client.write(single_op({WriteOp::Type::erase, key, {}}));
  if (!reply) return fail(reply.error());
  const bool found = !reply->erased.empty() && reply->erased.front() != 0;
  if (options.format == Format::json) {
    print_line(json_of_del(*reply));
  } else if (found) {
    print_line(fmt::format("revision {}", reply->revision));
  }
  return found ? exit_ok : no_such_key(key);
}

// range and export.
int range(const Options& options) {
  RangeRequest request{.begin = {}, .end = {}, .limit = options.limit, .consistency = options.consistency};
  if (options.prefix) {
    request.begin = *options.prefix;
    request.end = prefix_end(*options.prefix);
  } else if (!options.arguments.empty()) {
    request.begin = options.arguments[0];
    if (options.arguments.size() > 1) request.end = options.arguments[1];
  }
  const bool is_json = options.format == Format::json;
  bool is_first = true;
  Client client(client_options(options));
  const Result<Client::Scanned> scanned = client.scan(std::move(request), [&](const KeyValue& item) {
    if (is_json) {
      print(is_first ? json_before_items() : ",");
      print(json_of_item(item));
    } else {
      print_line(escape(item.key) + '\t' + escape(item.value.view()));
    }
    is_first = false;
    return std::ferror(stdout) == 0;
  });
  if (!scanned) return fail(scanned.error());
  if (is_json) {
    if (is_first) print(json_before_items());
    print_line(json_after_items(*scanned));
  }
  return exit_ok;
}

int status(const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  const auto left = [&] { return options.timeout - (std::chrono::steady_clock::now() - start); };
  const auto is_enough = [&](const StatusReply& reply) {
    return has_quorum(reply) && (!options.wait_quorum || reply.quorum.size() >= *options.wait_quorum);
  };
  constexpr auto poll_interval = std::chrono::milliseconds(100);
  Client client(client_options(options));
  Result<StatusReply> reply = client.status();
  while (options.wait_quorum && !(reply && is_enough(*reply)) && left() > poll_interval && !is_interrupted()) {
    std::this_thread::sleep_for(poll_interval);
    client.set_timeout(std::max<Duration>(left(), std::chrono::milliseconds(1)));
    // What is known is shown at the end, also when the last monitor has gone meanwhile.
    if (Result<StatusReply> newer = client.status(); newer || !reply) reply = std::move(newer);
  }
  if (!reply || is_interrupted()) return fail(reply.status());
  print(options.format == Format::json ? json_of_status(*reply) + "\n" : status_table(*reply));
  if (is_enough(*reply)) return exit_ok;
  fmt::print(stderr, "synod: {} of {} members are in quorum{}\n", reply->quorum.size(), reply->voter_count(),
             options.wait_quorum ? fmt::format(", not {}", *options.wait_quorum) : "");
  return exit_unavailable;
}

int transfer_leader(const Options& options) {
  Client client(client_options(options));
  const Result<TransferReply> reply = client.transfer_leader(options.arguments[1]);
  if (!reply) return fail(reply.error());
  print_line(options.format == Format::json ? json_of_transfer(*reply) : fmt::format("leader {}", reply->leader));
  return exit_ok;
}

int scrub(const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  const auto left = [&] { return options.timeout - (std::chrono::steady_clock::now() - start); };
  constexpr auto poll_interval = std::chrono::milliseconds(100);
  Client client(client_options(options));
  ProgressBar bar(isatty(STDERR_FILENO) == 1, 0);
  std::optional<ScrubReply> last;
  Status reason(Code::unavailable, "the time was up");
  while (left() > Duration(0) && !is_interrupted()) {
    // The leader may change meanwhile; whoever leads next goes on, or begins another one.
    client.set_timeout(std::min<Duration>(left(), std::chrono::seconds(5)));
    Result<ScrubReply> reply = client.scrub();
    if (reply) {
      last = *std::move(reply);
      if (last->phase == ScrubReply::Phase::over) break;
      bar.show(0, scrub_progress(*last));
    } else if (exit_code_of(reason = reply.error()) != exit_unavailable) {
      return fail(reason);
    }
    std::this_thread::sleep_for(std::clamp<Duration>(left(), Duration(0), poll_interval));
  }
  bar.clear();
  if (!last || is_interrupted()) return fail(reason);
  if (last->phase != ScrubReply::Phase::over) {
    return fail({Code::unknown_outcome, "the time was up; the scrub goes on, and synod status will tell an alarm"});
  }
  print(options.format == Format::json ? json_of_scrub(*last) + "\n" : scrub_text(*last));
  return exit_code_of(*last);
}

int report_import(const ImportResult& result, const std::string& name) {
  const ImportSummary& done = result.summary;
  const Status& status = result.status;
  const bool interrupted = is_interrupted();
  if (interrupted) {
    fmt::print(stderr, "synod: interrupted\n");
  } else {
    fmt::print(stderr, "synod: {}\n", status.message());
  }
  fmt::print(stderr, "synod: committed of {}: {} keys, {} bytes, up to line {}\n", name, done.keys, done.bytes,
             done.lines);
  if (result.unknown_to_line != 0) {
    fmt::print(stderr, "synod: outcome unknown for lines {} to {}\n", done.lines + 1, result.unknown_to_line);
  }
  if (interrupted) return exit_interrupted;
  return result.is_input_error ? exit_usage : exit_code_of(status);
}

int import(const Options& options) {
  const std::string& path = options.arguments[0];
  Result<LineReader> input = LineReader::open(path);
  if (!input) {
    fmt::print(stderr, "synod: {}\n", input.error().message());
    return exit_usage;
  }
  ClientOptions for_client = client_options(options);
  // A batch that is on its way gets a moment to be answered, so that what is said to be committed is exact.
  for_client.is_cancelled = [] { return is_interrupted_for(std::chrono::seconds(1)); };
  Client client(std::move(for_client));
  ProgressBar bar(isatty(STDERR_FILENO) == 1, input->total_bytes());
  Importer importer([&](WriteRequest request) { return client.write(std::move(request)); },
                    {.batch_keys = options.batch_keys,
                     .is_interrupted = is_interrupted,
                     .on_progress = [&](const ImportSummary& done, uint64_t bytes_read) {
                       bar.show(bytes_read, fmt::format("{} keys, {}", done.keys, readable_bytes(done.bytes)));
                     }});
  const ImportResult result = importer.run(*input, path);
  bar.clear();
  if (!result.status.is_ok()) return report_import(result, path);
  const ImportSummary& done = result.summary;
  print_line(options.format == Format::json
                 ? json_of_import(done)
                 : fmt::format("keys={} bytes={} revision={}", done.keys, done.bytes, done.revision));
  return exit_ok;
}

}  // namespace

int run_command(const Options& options) {
  if (options.command == "status") return status(options);
  if (options.command == "put") return put(options);
  if (options.command == "get") return get(options);
  if (options.command == "del") return del(options);
  if (options.command == "leader") return transfer_leader(options);
  if (options.command == "import") return import(options);
  if (options.command == "scrub") return scrub(options);
  SYNOD_ASSERT(options.command == "range" || options.command == "export", "a command that options.cc knows");
  return range(options);
}

}  // namespace synod
