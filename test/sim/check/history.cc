#include "test/sim/check/history.h"

#include <fmt/format.h>

#include <utility>

#include "base/assert.h"
#include "base/escape.h"

namespace synod::sim {
namespace {

std::string seconds(TimePoint time) {
  return fmt::format("{:.6f}", std::chrono::duration<double>(time.time_since_epoch()).count());
}

std::string what_it_told(const Operation& operation) {
  if (operation.outcome == Operation::Outcome::failed) return "failed";
  if (operation.outcome == Operation::Outcome::maybe) return "unknown outcome";
  std::string text;
  if (operation.is_put()) text = "done";
  if (operation.kind == Operation::Kind::erase) text = operation.found ? "found it" : "found nothing";
  if (operation.is_get()) text = operation.found ? "got " + escape(operation.value) : "absent";
  if (operation.version != 0) text += fmt::format(", version {}", operation.version);
  if (operation.mod_revision != 0) text += fmt::format(", of revision {}", operation.mod_revision);
  if (operation.revision != 0) text += fmt::format(", at revision {}", operation.revision);
  return text;
}

}  // namespace

std::string describe(const Operation& operation) {
  std::string what = operation.is_get() ? "get" : operation.is_put() ? "put" : "erase";
  if (operation.is_get() && operation.consistency == Consistency::serializable) what = "serializable get";
  what += " " + escape(operation.key);
  if (operation.is_put()) what += " " + escape(operation.value);
  const std::string end = operation.responded == Operation::never
                              ? std::string("open")
                              : fmt::format("{}s (event {})", seconds(operation.responded_at), operation.responded);
  return fmt::format("client {} request {}: {}, {}s (event {}) to {}: {}", operation.client, operation.request, what,
                     seconds(operation.invoked_at), operation.invoked, end, what_it_told(operation));
}

uint64_t History::invoke(TimePoint now, uint64_t client, const ClientRequest& request) {
  Open open;
  open.common.request = ++last_request_;
  open.common.client = client;
  open.common.invoked = ++last_event_;
  open.common.invoked_at = now;
  if (const auto* write = std::get_if<WriteRequest>(&request.body)) {
    for (const WriteOp& op : write->ops) {
      Operation& operation = operations_.emplace_back(open.common);
      operation.kind = op.type == WriteOp::Type::put ? Operation::Kind::put : Operation::Kind::erase;
      operation.key = op.key;
      if (operation.is_put()) operation.value = Bytes(op.value.view());
      open.writes.push_back(operations_.size() - 1);
      written_keys_.insert(op.key);
    }
  } else if (const auto* range = std::get_if<RangeRequest>(&request.body)) {
    open.range = *range;
    open.common.consistency = range->consistency;
  }
  open_.emplace(last_request_, std::move(open));
  return last_request_;
}

void History::respond(TimePoint now, uint64_t request, const ClientReply& reply) {
  auto node = open_.extract(request);
  SYNOD_ASSERT(!node.empty(), "an answer to a request that is not open");
  Open& open = node.mapped();
  const uint64_t event = ++last_event_;
  if (reply.status.code() == Code::unknown_outcome) return;
  open.common.responded = event;
  open.common.responded_at = now;
  open.common.outcome = reply.status.is_ok() ? Operation::Outcome::done : Operation::Outcome::failed;
  const auto* write = std::get_if<WriteReply>(&reply.body);
  for (size_t i = 0; i < open.writes.size(); ++i) {
    Operation& operation = operations_[open.writes[i]];
    operation.responded = event;
    operation.responded_at = now;
    operation.outcome = open.common.outcome;
    if (!operation.is_done()) continue;
    SYNOD_ASSERT(write != nullptr && write->erased.size() == open.writes.size(), "an ok write tells of each operation");
    operation.found = write->erased[i] != 0;
    operation.revision = write->revision;
  }
  const auto* range = std::get_if<RangeReply>(&reply.body);
  if (reply.status.is_ok() && range != nullptr) add_reads(open, *range);
}

void History::add_reads(const Open& open, const RangeReply& reply) {
  std::map<Bytes, const KeyValue*> told;  // null: absent
  for (auto key = written_keys_.lower_bound(open.range.begin); key != written_keys_.end(); ++key) {
    const bool is_past = !open.range.end.empty() && *key >= open.range.end;
    if (is_past || (reply.more && (reply.items.empty() || *key > reply.items.back().key))) break;
    told[*key] = nullptr;
  }
  for (const KeyValue& item : reply.items) told[item.key] = &item;
  const bool is_one_key = open.range.end == open.range.begin + Bytes(1, '\0');
  if (told.empty() && is_one_key) told[open.range.begin] = nullptr;
  for (const auto& [key, item] : told) {
    Operation& operation = operations_.emplace_back(open.common);
    operation.key = key;
    operation.revision = reply.revision;
    if (item == nullptr) continue;
    operation.found = true;
    operation.value = Bytes(item->value.view());
    operation.version = item->version;
    operation.mod_revision = item->mod_revision;
  }
}

}  // namespace synod::sim
