// What is kept of clients' sessions: the record of one, the table, a key in their order, and an answer.
#include "base/assert.h"
#include "mon/service/evaluator.h"
#include "mon/service/session_service.h"
#include "store/memory_db.h"
#include "store/monitor_store.h"
#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/script.h"

namespace synod::fuzz {
namespace {

constexpr uint64_t client = 0x6b6b6b6b6b6b6b6b;
constexpr uint8_t kinds = 3;

// Where the bytes of a step of this kind are put.
std::pair<Bytes, Bytes> pair_of(const Step& step) {
  switch (step.kind % kinds) {
    case 0: return {Bytes(session_key_prefix) + Bytes(8, 'k'), Bytes(step.bytes)};
    case 1: return {Bytes(session_table_key), Bytes(step.bytes)};
    default: return {Bytes(session_order_prefix) + Bytes(step.bytes), {}};
  }
}

void evaluate(const MonitorStore& store, LoggedRequest request) {
  EvaluateTask task;
  task.version = Version(9);
  task.requests.push_back(std::move(request));
  Evaluator evaluator({.sessions = 2, .answers = 4, .answer_bytes = 64});
  const Result<Evaluated> evaluated = evaluator.evaluate(*store.new_reader(), task);
  if (!evaluated) {
    SYNOD_ASSERT(evaluated.error().code() == Code::corruption, "what the disk returned is named as damage");
    return;
  }
  SYNOD_ASSERT(evaluated->replies.size() == 1, "each request is answered");
  SYNOD_ASSERT(ReplicatedTransaction::decode(evaluated->value).has_value(), "the value decodes");
}

void check_answer(ByteView bytes) {
  const Result<WriteReply> reply = decode_answer(bytes);
  if (!reply) return;
  SYNOD_ASSERT(reply->erased.size() <= write_ops_max, "an answer is no longer than a request");
  const Result<WriteReply> again = decode_answer(encode_answer(*reply));
  SYNOD_ASSERT(again && again->revision == reply->revision && again->erased == reply->erased,
               "an answer is read as it was kept");
}

}  // namespace

void run(ByteView input) {
  check_answer(input);
  constexpr int steps_max = 20;
  ReplicatedTransaction state;
  ByteView script = input;
  for (int i = 0; i < steps_max; ++i) {
    const std::optional<Step> step = next_step(script);
    if (!step) break;
    auto [key, value] = pair_of(*step);
    state.put(std::move(key), SharedBytes(std::move(value)));
  }
  MonitorStore store(make_memory_db());
  SYNOD_ASSERT(store.initialize({}, state).is_ok(), "memory takes everything");
  const WriteRequest write{{{WriteOp::Type::put, "key", {}}}, RequestTag{{client, 1}, 2, 1}};
  evaluate(store, write);
  evaluate(store, OpenSessionRequest{client});
  evaluate(store, OpenSessionRequest{7});
}

// Made by requests: what they leave under the keys above.
std::vector<Bytes> seeds() {
  MonitorStore store(make_memory_db());
  SYNOD_ASSERT(store.initialize({}, {}).is_ok(), "the seed is made");
  Evaluator evaluator;
  const WriteOp put{WriteOp::Type::put, "key", {}};
  const WriteOp erase{WriteOp::Type::erase, "key", {}};
  EvaluateTask task;
  task.version = Version(1);
  task.requests = {OpenSessionRequest{client}, WriteRequest{{put}, RequestTag{{client, 1}, 1, 1}},
                   WriteRequest{{erase, erase}, RequestTag{{client, 1}, 2, 1}}};
  const Result<Evaluated> evaluated = evaluator.evaluate(*store.new_reader(), task);
  SYNOD_ASSERT(evaluated.has_value(), "the seed is made");
  const Result<ReplicatedTransaction> value = ReplicatedTransaction::decode(evaluated->value);
  Bytes script;
  for (const Op& op : value->ops()) {
    if (op.key == session_table_key) put_step(script, 1, 0, op.value.view());
    if (op.key.starts_with(session_key_prefix)) put_step(script, 0, 0, op.value.view());
    if (op.key.starts_with(session_order_prefix))
      put_step(script, 2, 0, ByteView(op.key).substr(session_order_prefix.size()));
  }
  SYNOD_ASSERT(script.size() > 60, "there are three");
  return {script, encode_answer({12, {1, 0, 0, 1, 0, 0, 0, 0, 1}}), encode_answer({12, {0}})};
}

}  // namespace synod::fuzz
