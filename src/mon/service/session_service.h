// Clients' sessions: which of a session's requests were done, and what was answered, so that none is done twice (I-12).
// Part of the replicated state, so it outlives leaders, restarts and syncs. Knows nothing of what the requests mean: an
// answer is bytes.
//
// Keys in the replicated space: "client/session/" + the client's number (8), "client/order/" + the version at which a
// session was last used (8) + the client's number (8), and "client/table". doc/store.md has the records.
//
// On the store's reader, never on the event loop. Errors of a Result are the disk's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "base/bytes.h"
#include "base/status.h"
#include "mon/service/draft.h"
#include "msg/messages.h"

namespace synod {

inline constexpr ByteView session_key_prefix = "client/session/";
inline constexpr ByteView session_order_prefix = "client/order/";
inline constexpr ByteView session_table_key = "client/table";

struct SessionLimits {
  size_t sessions = 10'000;        // one more evicts the one that was least recently used
  size_t answers = 128;            // kept for one session: of requests that the client may still retry
  size_t answer_bytes = 64 << 10;  // of these; the last one may go beyond it
};

// What is kept of one session.
class Session {
 public:
  // Nothing if there is no such session: it expired, or was never opened.
  static Result<std::optional<Session>> find(const Draft& draft, const SessionId& id);

  // Marks the session as used and takes in that the answers below the tag's lowest unanswered are not needed any more.
  // Then the request is to be done, unless the result is an error (the reason to refuse it), or answer() has one.
  // REQUIRES: the tag names this session, is_valid(tag).
  Status admit(const RequestTag& tag, const SessionLimits& limits);
  // The first answer to this request; null if it was not done.
  const Bytes* answer(uint64_t sequence) const;
  // REQUIRES: admit() was ok, and there is no answer yet.
  void keep(uint64_t sequence, Bytes answer);

  void save(Draft& draft);

 private:
  friend Result<SessionId> open_session(Draft& draft, uint64_t client, const SessionLimits& limits);

  Bytes encode() const;
  static std::optional<Session> decode(uint64_t client, ByteView bytes);
  size_t answer_bytes() const;

  SessionId id_;
  Version used_;                    // last, by the value of this version; zero: just opened
  uint64_t lowest_unanswered_ = 1;  // the highest that was told
  std::map<uint64_t, Bytes> answers_;
};

// The session of this client: the one that it has, or a new one, for which another may be evicted.
// REQUIRES: client is not zero.
Result<SessionId> open_session(Draft& draft, uint64_t client, const SessionLimits& limits);

}  // namespace synod
