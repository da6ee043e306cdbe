#include "tools/json.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/escape.h"
#include "tools/scrub_print.h"
#include "tools/status_print.h"

namespace synod {
namespace {

namespace json = boost::json;

json::value json_of_bytes(ByteView bytes) {
  const json::string text(json::string_view(bytes.data(), bytes.size()));
  // The parser refuses what is not UTF-8; the serializer does not look.
  json::error_code error;
  json::parse(json::serialize(text), error);
  if (!error) return text;
  return json::object{{"escaped", escape(bytes)}};
}

json::object object_of_item(const KeyValue& item) {
  return {{"key", json_of_bytes(item.key)},
          {"value", json_of_bytes(item.value.view())},
          {"create_revision", item.create_revision},
          {"mod_revision", item.mod_revision},
          {"version", item.version}};
}

json::value json_of_sync(const SyncProgress& sync) {
  if (sync.provider.empty()) return nullptr;
  return json::object{{"provider", sync.provider},
                      {"chunks", sync.chunks},
                      {"keys", sync.keys},
                      {"bytes", sync.bytes},
                      {"version", sync.version.value()},
                      {"cookie", fmt::format("{:016x}", sync.cookie)},
                      {"percent", sync.per_mille == 0 ? json::value(nullptr) : json::value(sync.per_mille / 10)},
                      {"bytes_per_second", sync.bytes_per_second},
                      {"remaining_ms", sync.remaining_ms == 0 ? json::value(nullptr) : json::value(sync.remaining_ms)}};
}

json::object object_of_member(const MemberStatus& member) {
  return {{"name", member.name},
          {"id", to_string(member.id)},
          {"address", member.address},
          {"state", state_of(member)},
          {"has_vote", member.has_vote},
          {"first_committed", member.first.value()},
          {"last_committed", member.committed.value()},
          {"sync", json_of_sync(member.sync)},
          {"alarm", member.alarm.empty() ? json::value(nullptr) : json_of_bytes(member.alarm)}};
}

json::object object_of_hold(const HoldStatus& hold) {
  return {{"owner", hold.owner},       {"version", hold.version.value()},
          {"bytes", hold.bytes},       {"bytes_max", hold.bytes_max},
          {"delay_ms", hold.delay_ms}, {"age_ms", hold.age_ms},
          {"ended", hold.is_ended},    {"blocks_trimming", hold.blocks_trimming}};
}

}  // namespace

std::string json_of_put(const WriteReply& reply) { return json::serialize(json::object{{"revision", reply.revision}}); }

std::string json_of_del(const WriteReply& reply) {
  const uint64_t deleted = reply.erased.empty() ? 0 : reply.erased.front();
  return json::serialize(json::object{{"revision", reply.revision}, {"deleted", deleted}});
}

std::string json_of_transfer(const TransferReply& reply) {
  return json::serialize(json::object{{"leader", reply.leader}});
}

std::string json_of_get(const KeyValue& item, uint64_t revision) {
  json::object object = object_of_item(item);
  object["revision"] = revision;
  return json::serialize(object);
}

std::string json_of_item(const KeyValue& item) { return json::serialize(object_of_item(item)); }

std::string json_before_items() { return "{\"items\":["; }

std::string json_after_items(const Client::Scanned& scanned) {
  return "],\"more\":" + json::serialize(json::value(scanned.more)) +
         ",\"revision\":" + json::serialize(json::value(scanned.revision)) + "}";
}

std::string json_of_import(const ImportSummary& summary) {
  return json::serialize(
      json::object{{"keys", summary.keys}, {"bytes", summary.bytes}, {"revision", summary.revision}});
}

std::string json_of_scrub(const ScrubReply& reply) {
  json::array members;
  for (const ScrubbedMember& member : reply.members) {
    const bool is_done = member.check.state == ScrubState::done;
    const std::string outcome = scrub_outcome(reply, member);
    json::object object{{"name", member.name},
                        {"outcome", outcome},
                        {"keys", member.check.keys},
                        {"bytes", member.check.bytes},
                        {"digest", is_done ? json::value(to_string(member.check.digest)) : json::value(nullptr)}};
    json::array keys;
    for (const Bytes& key : member.differing.keys) keys.emplace_back(json_of_bytes(key));
    object["differing_keys"] = std::move(keys);
    object["differing_count"] = member.differing.count;
    object["is_count_exact"] = member.differing.is_all || outcome == "same";
    object["reason"] = json_of_bytes(member.check.reason);
    object["action"] = json_of_bytes(member.text);
    members.emplace_back(std::move(object));
  }
  return json::serialize(json::object{
      {"version", reply.version.value()}, {"outcome", scrub_outcome(reply)}, {"members", std::move(members)}});
}

std::string json_of_status(const StatusReply& status) {
  json::array quorum, members;
  for (const std::string& name : status.quorum) quorum.emplace_back(name);
  for (const MemberStatus& member : status.members) members.emplace_back(object_of_member(member));
  json::array holds;
  for (const HoldStatus& hold : status.holds) holds.emplace_back(object_of_hold(hold));
  json::object object;
  object["fsid"] = status.fsid ? json::value(to_string(status.fsid)) : json::value(nullptr);
  object["leader"] = status.leader.empty() ? json::value(nullptr) : json::value(status.leader);
  object["epoch"] = status.epoch;
  object["quorum"] = std::move(quorum);
  object["members"] = std::move(members);
  object["holds"] = std::move(holds);
  object["answered_by"] = status.answered_by;
  object["state"] = to_string(status.state);
  object["detail"] = status.detail;
  return json::serialize(object);
}

}  // namespace synod
