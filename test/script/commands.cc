#include "test/script/commands.h"

#include <fmt/format.h>

#include <charconv>
#include <sstream>
#include <utility>

#include "base/codec.h"
#include "mon/service/kv_service.h"

namespace synod::script {
namespace {

constexpr Duration tick_step = std::chrono::milliseconds(10);
constexpr size_t deliveries_max = 5000;  // of one settle: more than any script needs
constexpr int64_t election_leases_max = 10;

Status bad(const std::string& what) { return {Code::invalid_argument, what}; }

std::vector<std::string> split(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

Result<uint64_t> parse_number(const std::string& text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return bad("not a number: " + text);
  return number;
}

// "1500ms" or "2s".
Result<Duration> parse_duration(const std::string& text) {
  const bool is_ms = text.ends_with("ms");
  if (!is_ms && !text.ends_with("s")) return bad("not a duration: " + text);
  const Result<uint64_t> number = parse_number(text.substr(0, text.size() - (is_ms ? 2 : 1)));
  if (!number) return number.error();
  return Duration(std::chrono::milliseconds(*number * (is_ms ? 1 : 1000)));
}

// A value as the service would have computed it for a store in which each version put one key.
SharedBytes make_value(const std::string& key, const std::string& text, uint64_t version) {
  KvRecord record{version + 1, version + 1, 1, text};
  Bytes revision;
  put_fixed64(revision, version + 1);
  ReplicatedTransaction transaction;
  transaction.put(Bytes(kv_key_prefix) + key, SharedBytes(record.encode()));
  transaction.put(Bytes(kv_revision_key), SharedBytes(std::move(revision)));
  return SharedBytes(transaction.encode());
}

Status set_option(CoreOptions& options, const std::string& word) {
  if (word == "delta") options.sync_delta = true;
  if (word == "delta") return Status::ok();
  const size_t at = word.find('=');
  if (at == std::string::npos) return bad("not an option: " + word);
  const std::string name = word.substr(0, at);
  if (name == "lease") {
    const Result<Duration> lease = parse_duration(word.substr(at + 1));
    if (lease) options.lease = *lease;
    return lease.status();
  }
  const Result<uint64_t> number = parse_number(word.substr(at + 1));
  if (!number) return number.error();
  const std::map<std::string, size_t*> sizes{{"window", &options.window},
                                             {"retain", &options.log_retain_versions},
                                             {"trim-min", &options.log_trim_min},
                                             {"fetch-bytes", &options.fetch_bytes},
                                             {"chunk-keys", &options.sync_chunk_keys}};
  const auto it = sizes.find(name);
  if (it == sizes.end()) return bad("no such option: " + name);
  *it->second = *number;
  return Status::ok();
}

}  // namespace

Status Commands::run(const std::string& line) {
  const Words words = split(line);
  const std::string& command = words.front();
  if (command == "members") return members(words);
  if (world_ == nullptr) return bad("a script begins with members");
  if (command == "log") return log(words);
  if (command == "start" || command == "crash" || command == "restart" || command == "cut-power" || command == "wipe") {
    return processes(words);
  }
  if (command == "tick") return tick(words);
  if (command == "run") return run_for(words);
  if (command == "elect") return elect(words);
  if (command == "deliver" || command == "drop" || command == "duplicate") return letters(words);
  if (command == "forge") return forge(words);
  if (command == "settle") return settle();
  if (command == "partition" || command == "heal") return partition(words);
  if (command == "hold" || command == "persist" || command == "release") return disks(words);
  if (command == "put") return put(words);
  if (command == "get") return get(words);
  if (command == "status" || command == "on-their-way") return status(words);
  if (command == "hide" || command == "show") return transcript_filter(words);
  return bad("no such command: " + command);
}

Result<Commands::Words> Commands::names(const Words& words, size_t first, bool all_if_none) const {
  Words found(words.begin() + static_cast<std::ptrdiff_t>(std::min(first, words.size())), words.end());
  if (found.empty() && all_if_none) return world_->all();
  if (found.empty()) return bad("which member?");
  for (const std::string& name : found) {
    if (!world_->has(name)) return bad("no such member: " + name);
  }
  return found;
}

// ---------------------------------------------------------------------------------------------- members

Status Commands::members(const Words& words) {
  if (words.size() < 2) return bad("members N [OPTION=VALUE ...]");
  const Result<uint64_t> count = parse_number(words[1]);
  if (!count || *count < 1 || *count > 9) return bad("1 to 9 members");
  CoreOptions options;
  options.sync_delta = false;
  for (size_t i = 2; i < words.size(); ++i) SYNOD_RETURN_IF_ERROR(set_option(options, words[i]));
  names_ = Names();
  world_ = std::make_unique<World>(*count, options, transcript_, names_);
  return Status::ok();
}

Result<ProposalNumber> Commands::parse_pn(const std::string& word) const {
  const size_t dot = word.find('.');
  if (dot == std::string::npos || !world_->has(word.substr(dot + 1))) return bad("not a pn: " + word);
  const Result<uint64_t> round = parse_number(word.substr(0, dot));
  if (!round) return round.error();
  return ProposalNumber{*round, world_->id_of(word.substr(dot + 1))};
}

Result<LogEntry> Commands::parse_entry(const std::string& word, const Position& below) const {
  const size_t colon = word.find(':');
  const size_t equals = word.find('=');
  const size_t at = word.find('@');
  if (at == std::string::npos || equals > at || colon > equals) return bad("not VERSION:KEY=VALUE@PN: " + word);
  const Result<uint64_t> version = parse_number(word.substr(0, colon));
  if (!version || *version != below.version.value() + 1) return bad("versions are consecutive, from 1 on: " + word);
  const Result<ProposalNumber> pn = parse_pn(word.substr(at + 1));
  if (!pn) return pn.error();
  const std::string key = word.substr(colon + 1, equals - colon - 1);
  return make_log_entry(below, *pn, make_value(key, word.substr(equals + 1, at - equals - 1), *version));
}

Status Commands::log(const Words& words) {
  if (words.size() < 2 || !world_->has(words[1]) || world_->is_running(words[1])) return bad("log of a stopped member");
  World::Log log;
  for (size_t i = 2; i < words.size(); ++i) {
    const std::string& word = words[i];
    const bool is_committed = word.starts_with("committed=");
    if (is_committed || word.starts_with("first=")) {
      const Result<uint64_t> number = parse_number(word.substr(word.find('=') + 1));
      if (!number) return number.error();
      (is_committed ? log.committed : log.first) = *number;
    } else if (word.starts_with("promised=")) {
      const Result<ProposalNumber> pn = parse_pn(word.substr(9));
      if (!pn) return pn.error();
      log.promised = *pn;
    } else {
      const Result<LogEntry> entry =
          parse_entry(word, log.entries.empty() ? world_->genesis() : log.entries.back().position());
      if (!entry) return entry.error();
      log.entries.push_back(*entry);
    }
  }
  if (log.committed > log.entries.size() || log.first > log.committed + 1) return bad("only what is there is so");
  world_->prepare(words[1], log);
  return Status::ok();
}

Status Commands::processes(const Words& words) {
  const Result<Words> which = names(words, 1, words[0] == "start");
  if (!which) return which.error();
  for (const std::string& name : *which) {
    if (words[0] == "wipe") {
      world_->wipe(name);
      continue;
    }
    if (world_->is_running(name) == (words[0] == "start")) return bad(name + " is so already");
    if (words[0] == "cut-power") world_->cut_power(name);
    if (words[0] == "crash" || words[0] == "restart") world_->crash(name);
    if (words[0] == "start" || words[0] == "restart") world_->start(name);
  }
  return Status::ok();
}

// ---------------------------------------------------------------------------------------------- time

Status Commands::tick(const Words& words) {
  if (words.size() < 2) return bad("tick DURATION [NAME ...]");
  const Result<Duration> duration = parse_duration(words[1]);
  const Result<Words> which = names(words, 2, true);
  if (!duration || !which) return duration ? which.error() : duration.error();
  for (Duration passed{}; passed < *duration; passed += tick_step) {
    world_->advance(tick_step);
    for (const std::string& name : *which) world_->tick(name);
  }
  return Status::ok();
}

Status Commands::run_for(const Words& words) {
  if (words.size() != 2) return bad("run DURATION");
  const Result<Duration> duration = parse_duration(words[1]);
  if (!duration) return duration.error();
  for (Duration passed{}; passed < *duration; passed += tick_step) {
    world_->advance(tick_step);
    for (const std::string& name : world_->all()) world_->tick(name);
    SYNOD_RETURN_IF_ERROR(settle());
  }
  return Status::ok();
}

// Time passes until this member asks to be elected; the others do not notice.
Status Commands::elect(const Words& words) {
  const Result<Words> which = names(words, 1, false);
  if (!which || !world_->is_running(which->front())) return bad("elect NAME, which runs");
  for (Duration passed{}; passed < election_leases_max * world_->lease(); passed += tick_step) {
    world_->advance(tick_step);
    world_->tick(which->front());
    if (world_->is_electing(which->front())) return Status::ok();
  }
  transcript_.line(which->front() + " does not ask to be elected");
  return Status::ok();
}

// ---------------------------------------------------------------------------------------------- messages and disks

namespace {

// FROM and TO behind the command; "*" is anybody.
LetterFilter parse_ends(const std::vector<std::string>& words) {
  return {words[1] == "*" ? "" : words[1], words[2] == "*" ? "" : words[2], ""};
}

}  // namespace

Status Commands::letters(const Words& words) {
  if (words.size() < 3) return bad(words[0] + " FROM|* TO|* [MESSAGE] [COUNT|all]");
  LetterFilter filter = parse_ends(words);
  uint64_t count = 1;
  for (size_t i = 3; i < words.size(); ++i) {
    const Result<uint64_t> number = parse_number(words[i]);
    if (words[i] == "all") {
      count = deliveries_max;
    } else if (number) {
      count = *number;
    } else {
      filter.type = words[i];
    }
  }
  for (uint64_t i = 0; i < count; ++i) {
    const bool done = words[0] == "deliver" ? world_->deliver(filter)
                      : words[0] == "drop"  ? world_->drop(filter)
                                            : world_->duplicate(filter);
    if (done) continue;
    if (i == 0 || count < deliveries_max) transcript_.line("no such message is on its way");
    break;
  }
  return Status::ok();
}

Status Commands::forge(const Words& words) {
  if (words.size() != 5 || !world_->has(words[3])) return bad("forge FROM|* TO|* OTHER MESSAGE");
  LetterFilter filter = parse_ends(words);
  filter.type = words[4];
  if (!world_->forge(filter, words[3])) transcript_.line("no such message is on its way");
  return Status::ok();
}

Status Commands::settle() {
  for (size_t i = 0; i < deliveries_max; ++i) {
    if (!world_->deliver({})) return Status::ok();
  }
  transcript_.violation("the messages do not come to an end");
  return Status::ok();
}

Status Commands::partition(const Words& words) {
  std::map<std::string, size_t> group_of;
  size_t group = 0;
  for (const std::string& name : world_->all()) group_of[name] = 0;
  for (size_t i = 1; i < words.size(); ++i) {
    if (words[i] == "|") {
      ++group;
    } else if (!world_->has(words[i])) {
      return bad("no such member: " + words[i]);
    } else {
      group_of[words[i]] = group;
    }
  }
  world_->partition(group_of);
  return Status::ok();
}

Status Commands::disks(const Words& words) {
  if (words.size() < 2 || !world_->has(words[1])) return bad(words[0] + " NAME");
  if (words[0] == "hold") world_->hold(words[1]);
  if (words[0] == "release") world_->release(words[1]);
  if (words[0] != "persist") return Status::ok();
  const Result<uint64_t> count = words.size() > 2 ? parse_number(words[2]) : Result<uint64_t>(uint64_t{1});
  if (!count) return count.error();
  for (uint64_t i = 0; i < *count; ++i) {
    if (world_->persist(words[1])) continue;
    transcript_.line("the disk of " + words[1] + " has nothing to do");
    break;
  }
  return Status::ok();
}

// ---------------------------------------------------------------------------------------------- clients

namespace {

// Takes "timeout=500ms" from the end of the words.
Status take_timeout(std::vector<std::string>& words, ClientRequest& request) {
  request.timeout_ms = 5000;
  if (!words.back().starts_with("timeout=")) return Status::ok();
  const Result<Duration> timeout = parse_duration(words.back().substr(8));
  if (!timeout) return timeout.error();
  request.timeout_ms = static_cast<uint32_t>(to_milliseconds(*timeout));
  words.pop_back();
  return Status::ok();
}

}  // namespace

Status Commands::put(const Words& words) {
  Words rest = words;
  ClientRequest request;
  SYNOD_RETURN_IF_ERROR(take_timeout(rest, request));
  if (rest.size() < 3 || !world_->has(rest[1]) || !world_->is_running(rest[1]))
    return bad("put NAME KEY=VALUE|-KEY ...");
  WriteRequest write;
  for (size_t i = 2; i < rest.size(); ++i) {
    const size_t at = rest[i].find('=');
    if (rest[i].starts_with("-")) {
      write.ops.push_back({WriteOp::Type::erase, rest[i].substr(1), {}});
    } else if (at == std::string::npos) {
      return bad("not KEY=VALUE: " + rest[i]);
    } else {
      write.ops.push_back({WriteOp::Type::put, rest[i].substr(0, at), SharedBytes(rest[i].substr(at + 1))});
    }
  }
  request.body = std::move(write);
  world_->request(rest[1], std::move(request));
  return Status::ok();
}

Status Commands::get(const Words& words) {
  Words rest = words;
  ClientRequest request;
  SYNOD_RETURN_IF_ERROR(take_timeout(rest, request));
  if (rest.size() < 3 || !world_->has(rest[1]) || !world_->is_running(rest[1])) {
    return bad("get NAME KEY [serializable]");
  }
  const bool is_serializable = rest.size() > 3 && rest[3] == "serializable";
  request.body = RangeRequest{rest[2], rest[2] + Bytes(1, '\0'), 1,
                              is_serializable ? Consistency::serializable : Consistency::linearizable};
  world_->request(rest[1], std::move(request));
  return Status::ok();
}

Status Commands::status(const Words& words) {
  if (words[0] == "on-their-way") {
    for (const std::string& line : world_->on_their_way()) transcript_.line(line);
    return Status::ok();
  }
  const Result<Words> which = names(words, 1, true);
  if (!which) return which.error();
  for (const std::string& name : *which) transcript_.line(world_->status(name));
  return Status::ok();
}

Status Commands::transcript_filter(const Words& words) {
  if (words.size() < 2) return bad(words[0] + " writes|events|sync|answers|messages|MESSAGE ...");
  for (size_t i = 1; i < words.size(); ++i) {
    if (words[0] == "hide") {
      transcript_.hide(words[i]);
    } else {
      transcript_.show(words[i]);
    }
  }
  return Status::ok();
}

}  // namespace synod::script
