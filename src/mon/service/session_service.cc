#include "mon/service/session_service.h"

#include <fmt/format.h>

#include <utility>

#include "base/assert.h"
#include "base/codec.h"
#include "base/mutant.h"

namespace synod {
namespace {

Bytes session_key(uint64_t client) {
  Bytes key(session_key_prefix);
  put_fixed64(key, client);
  return key;
}

Bytes order_key(Version used, uint64_t client) {
  Bytes key(session_order_prefix);
  put_fixed64(key, used.value());
  put_fixed64(key, client);
  return key;
}

// The table as a whole.
struct Table {
  uint64_t count = 0;   // of sessions
  uint64_t opened = 0;  // ever: the number of the last one
  Version oldest;       // none was last used before: a scan for the least recently used begins here
};

Result<Table> read_table(const Draft& draft) {
  const Result<std::optional<Bytes>> stored = draft.get(Bytes(session_table_key));
  if (!stored) return stored.error();
  Table table;
  if (!*stored) return table;
  Decoder in(**stored);
  table.count = in.fixed64();
  table.opened = in.fixed64();
  table.oldest = Version(in.fixed64());
  if (!in.is_complete()) return Status(Code::corruption, "the table of sessions does not decode");
  return table;
}

void write_table(const Table& table, Draft& draft) {
  Bytes encoded;
  put_fixed64(encoded, table.count);
  put_fixed64(encoded, table.opened);
  put_fixed64(encoded, table.oldest.value());
  draft.put(Bytes(session_table_key), SharedBytes(std::move(encoded)));
}

// Erases the session that was least recently used.
Status evict(Table& table, Draft& draft) {
  // From `oldest` on, rather than from the first key there can be: before it lies nothing but what was erased, of which
  // there may be much.
  const Result<std::optional<Bytes>> first =
      draft.first_key(order_key(table.oldest, 0), prefix_end(session_order_prefix));
  if (!first) return first.error();
  if (!*first) return {Code::corruption, fmt::format("there should be {} sessions, and there is none", table.count)};
  Decoder in(ByteView(**first).substr(session_order_prefix.size()));
  table.oldest = Version(in.fixed64());
  const uint64_t client = in.fixed64();
  if (!in.is_complete()) return {Code::corruption, "a key in the order of the sessions does not decode"};
  draft.erase(session_key(client));
  draft.erase(**first);
  --table.count;
  return Status::ok();
}

}  // namespace

// ---------------------------------------------------------------------------------------------- records

Bytes Session::encode() const {
  Bytes out;
  put_fixed64(out, id_.number);
  put_fixed64(out, used_.value());
  put_fixed64(out, lowest_unanswered_);
  for (const auto& [sequence, answer] : answers_) {
    put_fixed64(out, sequence);
    put_field(out, answer);
  }
  return out;
}

std::optional<Session> Session::decode(uint64_t client, ByteView bytes) {
  Decoder in(bytes);
  Session session;
  session.id_ = {client, in.fixed64()};
  session.used_ = Version(in.fixed64());
  session.lowest_unanswered_ = in.fixed64();
  while (in.remaining() > 0 && !in.has_failed()) {
    const uint64_t sequence = in.fixed64();
    session.answers_.emplace_hint(session.answers_.end(), sequence, in.field());
  }
  if (in.has_failed()) return std::nullopt;
  return session;
}

Result<std::optional<Session>> Session::find(const Draft& draft, const SessionId& id) {
  const Result<std::optional<Bytes>> stored = draft.get(session_key(id.client));
  if (!stored) return stored.error();
  if (!*stored) return std::optional<Session>();
  std::optional<Session> session = decode(id.client, **stored);
  if (!session)
    return Status(Code::corruption, fmt::format("the session of client {:016x} does not decode", id.client));
  // The client may have opened one anew after this one was evicted.
  if (session->id_ != id) session.reset();
  return session;
}

void Session::save(Draft& draft) {
  if (used_ != draft.version()) {
    if (used_ != Version()) draft.erase(order_key(used_, id_.client));
    used_ = draft.version();
    draft.put(order_key(used_, id_.client), {});
  }
  draft.put(session_key(id_.client), SharedBytes(encode()));
}

// ---------------------------------------------------------------------------------------------- requests

size_t Session::answer_bytes() const {
  size_t bytes = 0;
  for (const auto& [sequence, answer] : answers_) bytes += answer.size();
  return bytes;
}

Status Session::admit(const RequestTag& tag, const SessionLimits& limits) {
  SYNOD_ASSERT(tag.session == id_, "a request is looked up in its own session");
  if (tag.sequence < lowest_unanswered_ && !SYNOD_MUTANT("finished-request-admitted")) {
    return {Code::refused, fmt::format("request {} of the session is over: its client has gone on to {}", tag.sequence,
                                       lowest_unanswered_)};
  }
  lowest_unanswered_ = std::max(lowest_unanswered_, tag.lowest_unanswered);
  answers_.erase(answers_.begin(), answers_.lower_bound(lowest_unanswered_));
  if (answers_.count(tag.sequence) > 0) return Status::ok();
  if (answers_.size() >= limits.answers || answer_bytes() >= limits.answer_bytes) {
    return {Code::exhausted, fmt::format("too many unanswered requests in the session: {}", answers_.size())};
  }
  return Status::ok();
}

const Bytes* Session::answer(uint64_t sequence) const {
  const auto it = answers_.find(sequence);
  return it == answers_.end() ? nullptr : &it->second;
}

void Session::keep(uint64_t sequence, Bytes answer) {
  const bool is_new = answers_.emplace(sequence, std::move(answer)).second;
  SYNOD_ASSERT(is_new && sequence >= lowest_unanswered_, "I-12: a request of a session is done at most once");
}

Result<SessionId> open_session(Draft& draft, uint64_t client, const SessionLimits& limits) {
  SYNOD_ASSERT(client != 0, "the member has checked it");
  const Result<std::optional<Bytes>> stored = draft.get(session_key(client));
  if (!stored) return stored.error();
  Session session;
  if (*stored) {
    std::optional<Session> decoded = Session::decode(client, **stored);
    if (!decoded) return Status(Code::corruption, fmt::format("the session of client {:016x} does not decode", client));
    session = *std::move(decoded);
  } else {
    Result<Table> table = read_table(draft);
    if (!table) return table.error();
    while (table->count > 0 && table->count >= limits.sessions) SYNOD_RETURN_IF_ERROR(evict(*table, draft));
    ++table->count;
    session.id_ = {client, ++table->opened};
    write_table(*table, draft);
  }
  session.save(draft);
  return session.id_;
}

}  // namespace synod
