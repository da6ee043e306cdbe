#include "mon/service/evaluator.h"

#include <algorithm>
#include <utility>

#include "base/codec.h"
#include "base/mutant.h"
#include "mon/service/kv_service.h"

namespace synod {

// The bits are there only if an erase found its key.
Bytes encode_answer(const WriteReply& reply) {
  Bytes out;
  put_fixed64(out, reply.revision);
  put_fixed32(out, static_cast<uint32_t>(reply.erased.size()));
  if (std::all_of(reply.erased.begin(), reply.erased.end(), [](uint64_t one) { return one == 0; })) return out;
  Bytes bits((reply.erased.size() + 7) / 8, '\0');
  for (size_t i = 0; i < reply.erased.size(); ++i) {
    if (reply.erased[i] != 0) bits[i / 8] = static_cast<char>(bits[i / 8] | 1 << i % 8);
  }
  return out + bits;
}

Result<WriteReply> decode_answer(ByteView bytes) {
  Decoder in(bytes);
  WriteReply reply;
  reply.revision = in.fixed64();
  const uint32_t count = in.fixed32();
  const size_t bit_bytes = in.remaining();
  if (in.has_failed() || count > write_ops_max || (bit_bytes != 0 && bit_bytes != (count + 7) / 8)) {
    return Status(Code::corruption, "an answer that was kept for a session does not decode");
  }
  const ByteView bits = in.take(bit_bytes);
  reply.erased.resize(count);
  for (size_t i = 0; i < count && !bits.empty(); ++i) reply.erased[i] = (bits[i / 8] >> i % 8) & 1;
  return reply;
}

Result<ClientReply> Evaluator::evaluate_request(Draft& draft, const OpenSessionRequest& request) const {
  const Result<SessionId> session = open_session(draft, request.client, limits_);
  if (!session) return session.error();
  return ClientReply{0, Status::ok(), OpenSessionReply{*session}};
}

Result<ClientReply> Evaluator::evaluate_request(Draft& draft, const WriteRequest& request) const {
  if (!request.tag) {
    Result<WriteReply> reply = write_keys(draft, request);
    if (!reply) return reply.error();
    return ClientReply{0, Status::ok(), *std::move(reply)};
  }
  Result<std::optional<Session>> found = Session::find(draft, request.tag->session);
  if (!found) return found.error();
  if (!*found) {
    return ClientReply{0, Status(Code::unknown_session, "the session has expired or was never opened"), {}};
  }
  Session& session = **found;
  const uint64_t sequence = request.tag->sequence;
  const Status admitted = session.admit(*request.tag, limits_);
  ClientReply reply{0, admitted, {}};
  if (const Bytes* first = session.answer(sequence); admitted.is_ok() && first != nullptr) {
    Result<WriteReply> decoded = decode_answer(*first);
    if (!decoded) return decoded.error();
    reply.body = *std::move(decoded);
  } else if (admitted.is_ok()) {
    Result<WriteReply> written = write_keys(draft, request);
    if (!written) return written.error();
    if (!SYNOD_MUTANT("answer-not-kept")) session.keep(sequence, encode_answer(*written));
    reply.body = *std::move(written);
  }
  if (!SYNOD_MUTANT("session-not-replicated")) session.save(draft);
  return reply;
}

namespace {

void write(const LogChange& change, Version version, Draft& draft) {
  if (change.is_scrub_point) draft.put(Bytes(scrub_key), SharedBytes(encode_scrub_point(version)));
  if (change.trim_floor != Version()) {
    draft.put(Bytes(trim_floor_key), SharedBytes(encode_trim_floor(change.trim_floor)));
  }
  for (const TrimHold& hold : change.holds) {
    if (hold.state == TrimHold::State::released) {
      draft.erase(trim_hold_key(hold.requester));
    } else {
      draft.put(trim_hold_key(hold.requester), SharedBytes(encode_trim_hold(hold)));
    }
  }
}

}  // namespace

Result<Evaluated> Evaluator::evaluate(const ReplicatedReader& reader, const EvaluateTask& task) {
  in_flight_.advance(task.term, task.applied);
  Draft draft(reader, in_flight_, task.version);
  Evaluated evaluated{task.term, task.version, {}, {}};
  for (const LoggedRequest& request : task.requests) {
    Result<ClientReply> reply = std::visit([&](const auto& body) { return evaluate_request(draft, body); }, request);
    if (!reply) return reply.error();
    evaluated.replies.push_back(*std::move(reply));
  }
  write(task.change, task.version, draft);
  evaluated.value = SharedBytes(draft.finish().encode());
  return evaluated;
}

}  // namespace synod
