#include "test/sim/check/execution_ledger.h"

#include <fmt/format.h>

#include "base/codec.h"
#include "mon/service/kv_service.h"
#include "store/transaction.h"

namespace synod::sim {

void ExecutionLedger::add(Version version, const SharedBytes& value) {
  const Digest digest = Digester().add(value.view()).finish();
  const auto [known, is_new] = values_.emplace(version, digest);
  if (!is_new && known->second != digest)
    defect_ = fmt::format("version {} was chosen with two values", version.value());
  if (!is_new) return;
  const Result<ReplicatedTransaction> transaction = ReplicatedTransaction::decode(value);
  if (!transaction) {
    defect_ =
        fmt::format("the value of version {} does not decode: {}", version.value(), transaction.error().message());
    return;
  }
  uint64_t revision = 0;
  std::set<Bytes> keys;
  for (const Op& op : transaction->ops()) {
    if (op.key == kv_revision_key) revision = Decoder(op.value.view()).fixed64();
    if (op.key.starts_with(kv_key_prefix)) keys.insert(op.key.substr(kv_key_prefix.size()));
  }
  if (revision != 0) changed_[revision] = std::move(keys);
  for (const Op& op : transaction->ops()) {
    if (op.type != OpType::put || !op.key.starts_with(kv_key_prefix)) continue;
    const Result<KvRecord> record = KvRecord::decode(op.value.view());
    if (!record) {
      defect_ = fmt::format("a record of version {} does not decode", version.value());
      return;
    }
    executions_[{op.key.substr(kv_key_prefix.size()), Bytes(record->value)}].push_back({version, record->mod_revision});
  }
}

Verdict ExecutionLedger::check(std::span<const Operation> operations) const {
  if (!defect_.empty()) return Verdict::violation(defect_);
  for (const Operation& operation : operations) {
    if (!operation.is_put()) continue;
    const std::string why = check_put(operation);
    if (!why.empty()) return Verdict::violation(why + ":\n  " + describe(operation));
  }
  return {};
}

std::string ExecutionLedger::check_put(const Operation& put) const {
  const auto found = executions_.find({put.key, put.value});
  if (found == executions_.end()) {
    if (!put.is_done()) return "";
    // A later request of the same value may have changed the key again: then only the last change is in it.
    const auto value = changed_.lower_bound(put.revision);
    const bool is_overwritten =
        value != changed_.end() && value->first > put.revision && value->second.contains(put.key);
    return is_overwritten ? "" : "a put was answered as done, and no version executes it";
  }
  const std::vector<Execution>& executions = found->second;
  if (executions.size() > 1) {
    return fmt::format("a put was executed {} times, by versions {} and {}", executions.size(),
                       executions[0].version.value(), executions[1].version.value());
  }
  const Execution& once = executions.front();
  if (put.outcome == Operation::Outcome::failed) {
    return fmt::format("a put was answered as failed, and version {} executes it", once.version.value());
  }
  if (put.is_done() && put.revision != 0 && put.revision != once.revision) {
    return fmt::format("a put was answered with another revision than {}, under which version {} executes it",
                       once.revision, once.version.value());
  }
  return {};
}

}  // namespace synod::sim
