#include "test/script/names.h"

#include <fmt/format.h>

#include "base/codec.h"
#include "mon/service/kv_service.h"
#include "store/monitor_store.h"

namespace synod::script {
namespace {

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

std::string describe_put(const Op& op) {
  if (op.key.starts_with(kv_key_prefix)) {
    const Result<KvRecord> record = KvRecord::decode(op.value.view());
    return fmt::format("{}={}", op.key.substr(kv_key_prefix.size()), record ? record->value : "?");
  }
  if (op.key.starts_with(trim_hold_prefix)) {
    const Result<TrimHold> hold = decode_trim_hold(op.key, op.value.view());
    if (!hold) return "hold ?";
    return fmt::format("hold{} from {}", hold->state == TrimHold::State::ended ? " that ended," : "",
                       hold->version.value());
  }
  if (op.key == trim_floor_key) return fmt::format("trim to {}", Decoder(op.value.view()).fixed64());
  return op.key == kv_revision_key ? "" : op.key;
}

}  // namespace

std::string Names::of(MemberId id) const {
  const auto it = members_.find(id);
  return it == members_.end() ? "nobody" : it->second;
}

std::string Names::of(const ProposalNumber& pn) const {
  return pn ? fmt::format("{}.{}", pn.round, of(pn.member)) : "0";
}

void Names::learn(const LogEntry& entry) {
  if (values_.contains(entry.hash)) return;
  std::string label = fmt::format("{}:{}", entry.version.value(), describe_value(entry.value));
  while (!taken_.insert(label).second) label += "'";
  values_[entry.hash] = label;
}

std::string Names::of(const Position& position) {
  if (position.version == Version()) return "0";
  const auto it = values_.find(position.hash);
  return it == values_.end() ? fmt::format("{}:?", position.version.value()) : it->second;
}

std::string Names::of(const LogEntry& entry) {
  learn(entry);
  return fmt::format("{}@{}", of(entry.position()), of(entry.pn));
}

std::string Names::of(uint64_t cookie) { return in(fmt::format("{:016x}", cookie)); }

std::string Names::of(const std::vector<MemberId>& members) const {
  std::string text;
  for (MemberId id : members) text += (text.empty() ? "" : " ") + of(id);
  return text.empty() ? "nobody" : text;
}

std::string Names::in(const std::string& text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (end < text.size() && is_hex(text[end])) ++end;
    if (end - at < 16) {
      end = std::max(end, at + 1);
      out += text.substr(at, end - at);
    } else {
      const std::string number = text.substr(at, end - at);
      std::string& name = numbers_[number];
      for (const auto& [id, member] : members_) {
        if (to_string(id) == number) name = member;
      }
      if (name.empty()) name = fmt::format("#{}", ++last_number_);
      out += name;
    }
    at = end;
  }
  return out;
}

// ---------------------------------------------------------------------------------------------- values and requests

std::string describe_value(const SharedBytes& value) {
  const Result<Transaction> transaction = Transaction::decode(value);
  if (!transaction) return "undecodable";
  std::string text;
  for (const Op& op : transaction->ops()) {
    std::string one;
    if (op.type == OpType::put) one = describe_put(op);
    if (op.type == OpType::erase && op.key.starts_with(kv_key_prefix)) one = "-" + op.key.substr(kv_key_prefix.size());
    if (!one.empty()) text += (text.empty() ? "" : ",") + one;
  }
  return text.empty() ? "empty" : text;
}

std::string describe(const ClientRequest& request) {
  if (const auto* range = std::get_if<RangeRequest>(&request.body)) {
    return fmt::format("get {}{}", range->begin,
                       range->consistency == Consistency::serializable ? " serializable" : "");
  }
  const auto* write = std::get_if<WriteRequest>(&request.body);
  if (write == nullptr) return "status";
  std::string text = "put";
  for (const WriteOp& op : write->ops) {
    text += op.type == WriteOp::Type::put ? fmt::format(" {}={}", op.key, op.value.view()) : " -" + op.key;
  }
  return text;
}

std::string describe(const ClientReply& reply) {
  if (!reply.status.is_ok()) return reply.status.to_string();
  if (const auto* write = std::get_if<WriteReply>(&reply.body)) return fmt::format("ok, revision {}", write->revision);
  std::string text = "ok,";
  if (const auto* range = std::get_if<RangeReply>(&reply.body)) {
    for (const KeyValue& item : range->items) text += fmt::format(" {}={}", item.key, item.value.view());
    if (range->items.empty()) text += " no such key";
  }
  return text;
}

}  // namespace synod::script
