#include "tools/store_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "base/escape.h"
#include "store/compare.h"
#include "store/data_dir.h"
#include "store/monitor_store.h"
#include "tools/exit_code.h"
#include "tools/store_common.h"
#include "tools/store_sync.h"

namespace synod {
namespace {

int fail(const Status& failure) { return fail_store_command(failure); }

void print_line(ByteView text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fputc('\n', stdout);
}

// Opens the store of the first argument and hands it to `command`.
int with_store(const StoreOptions& options, const std::function<Status(const MonitorStore&)>& command) {
  const Result<std::unique_ptr<MonitorStore>> store = open_stopped_store(options.arguments[0]);
  if (!store) return fail(store.error());
  const Status status = command(**store);
  return status.is_ok() ? exit_ok : fail(status);
}

Status print_all(const MonitorStore& store, bool with_values) {
  return store.new_reader()->scan({}, {}, [&](ByteView key, ByteView value) {
    print_line(with_values ? escape(key) + '\t' + escape(value) : escape(key));
    return std::ferror(stdout) == 0;
  });
}

Status no_such_key(const std::string& key) { return {Code::not_found, "no such key: " + key}; }

Status get(const MonitorStore& store, const std::string& escaped_key) {
  const Result<Bytes> key = unescape(escaped_key);
  if (!key) return key.error();
  const Result<std::optional<Bytes>> value = store.new_reader()->get(*key);
  if (!value) return value.error();
  if (!*value) return no_such_key(escaped_key);
  print_line(escape(**value));
  return Status::ok();
}

Status stats(const MonitorStore& store) {
  const Result<LogState> log = store.load_log();
  if (!log) return log.error();
  uint64_t keys = 0, bytes = 0;
  SYNOD_RETURN_IF_ERROR(store.new_reader()->scan({}, {}, [&](ByteView key, ByteView value) {
    ++keys;
    bytes += key.size() + value.size();
    return true;
  }));
  fmt::print("first_committed {}\nlast_committed {}\nkeys {}\nbytes {}\n", log->first.value(),
             log->applied.version.value(), keys, bytes);
  return Status::ok();
}

Status digest(const MonitorStore& store) {
  const Result<Position> applied = store.applied();
  if (!applied) return applied.error();
  const Result<Digest> digest = store.digest();
  if (!digest) return digest.error();
  fmt::print("digest {}\nversion {}\n", to_string(*digest), applied->version.value());
  return Status::ok();
}

void print_difference(const Difference& difference) {
  const char* const kind = difference.kind == DifferenceKind::differs     ? "differs"
                           : difference.kind == DifferenceKind::only_in_a ? "only-in A"
                                                                          : "only-in B";
  print_line(fmt::format("{} {}", kind, escape(difference.key)));
}

void explain(const Comparison& comparison) {
  if (comparison.rolled_forward) {
    const RollForward& roll = *comparison.rolled_forward;
    fmt::print(stderr, "synod-store: {} was rolled forward in memory from version {} to {}\n",
               roll.store == StoreSide::a ? 'A' : 'B', roll.from.value(), roll.to.value());
  }
  if (!comparison.caveat.empty()) fmt::print(stderr, "synod-store: {}\n", comparison.caveat);
  fmt::print(stderr, "synod-store: {}: {} keys, {} bytes in both; {} differ, {} only in A, {} only in B\n",
             comparison.is_equal() ? "identical" : "different", comparison.keys_compared, comparison.bytes_compared,
             comparison.differing, comparison.only_in_a, comparison.only_in_b);
}

int explain_quick(const QuickComparison& quick) {
  const Comparison& compared = quick.compared;
  const Version newest = std::max(compared.applied_a.version, compared.applied_b.version);
  const std::string trusted = fmt::format(
      "trusting the digests that both stored at version {}, and that what was written up to version {} is "
      "what the log says",
      quick.point.version.value(), newest.value());
  if (quick.ranges_read == 0) {
    fmt::print(stderr, "synod-store: identical in {} ranges, {}; nothing was read\n", quick.segments, trusted);
    return exit_ok;
  }
  explain(compared);
  fmt::print(stderr, "synod-store: {} ranges were read; the other {} are identical, {}\n", quick.ranges_read,
             quick.segments, trusted);
  return compared.is_equal() ? exit_ok : exit_not_found;
}

int compare(const StoreOptions& options) {
  const Result<std::unique_ptr<MonitorStore>> a = open_stopped_store(options.arguments[0]);
  if (!a) return fail(a.error());
  const Result<std::unique_ptr<MonitorStore>> b = open_stopped_store(options.arguments[1]);
  if (!b) return fail(b.error());
  if (options.quick) {
    const Result<QuickComparison> quick = compare_quick(**a, **b, print_difference);
    return quick ? explain_quick(*quick) : fail(quick.error());
  }
  const Result<Comparison> comparison = compare_stores(**a, **b, print_difference);
  if (!comparison) return fail(comparison.error());
  explain(*comparison);
  return comparison->is_equal() ? exit_ok : exit_not_found;
}

// set (with a value) and rm.
Status repair(const std::string& dir, const std::string& escaped_key, const std::optional<std::string>& escaped_value) {
  const Result<Bytes> key = unescape(escaped_key);
  if (!key) return key.error();
  if (key->empty()) return {Code::invalid_argument, "the key is empty"};
  Result<Bytes> value = escaped_value ? unescape(*escaped_value) : Bytes();
  if (!value) return value.error();
  const Result<std::unique_ptr<KeyValueDB>> db = open_stopped_store_for_repair(dir);
  if (!db) return db.error();

  ReplicatedTransaction transaction;
  if (escaped_value) {
    transaction.put(*key, SharedBytes(*std::move(value)));
  } else {
    const Result<std::optional<Bytes>> before = (*db)->get(KeySpace::replicated, *key);
    if (!before) return before.error();
    if (!*before) return no_such_key(escaped_key);
    transaction.erase(*key);
  }
  DbBatch batch;
  batch.add(std::move(transaction));
  return (*db)->commit(batch, Durability::durable);
}

int report(const Status& status) { return status.is_ok() ? exit_ok : fail(status); }

}  // namespace

int run_store_command(const StoreOptions& options) {
  const std::vector<std::string>& words = options.arguments;
  const std::map<std::string, std::function<int()>> commands = {
      {"compare", [&] { return compare(options); }},
      {"list", [&] { return with_store(options, [](const auto& store) { return print_all(store, false); }); }},
      {"dump", [&] { return with_store(options, [](const auto& store) { return print_all(store, true); }); }},
      {"get", [&] { return with_store(options, [&](const auto& store) { return get(store, words[1]); }); }},
      {"stats", [&] { return with_store(options, stats); }},
      {"digest", [&] { return with_store(options, digest); }},
      {"sync", [&] { return sync_stores(options); }},
      {"set", [&] { return report(repair(words[0], words[1], words[2])); }},
      {"rm", [&] { return report(repair(words[0], words[1], std::nullopt)); }},
  };
  const auto command = commands.find(options.command);
  SYNOD_ASSERT(command != commands.end(), "a command that store_options.cc knows");
  return command->second();
}

}  // namespace synod
