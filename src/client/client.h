// The client library: blocking calls to a cluster, over one connection at a time.
//
// The monitors are tried in the given order, and round again until the time is up; the one that answered is asked first
// the next time. Connection refused moves on at once. One that accepts the connection but does not finish the hello, or
// does not answer, costs a quarter of the timeout; then the next is asked. One that answers that it could not do it, or
// does not know whether it was done, is followed by the next, too.
//
// Writes belong to a session, which the first of them opens, at the price of one more round. So a write is done at most
// once, however often it is sent (doc/protocol.md, "Sessions").
//
// Thread safety: none; a Client belongs to one thread, which runs its event loop inside of the calls. Between calls
// nothing happens. No exception leaves it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "msg/messages.h"
#include "msg/transport.h"

namespace synod {

struct ClientOptions {
  std::vector<std::string> monitors;           // HOST:PORT, at least one
  Duration timeout = std::chrono::seconds(5);  // of each call
  // Asked about twenty times a second while a call waits; true ends the call as if its time were up. May be empty.
  std::function<bool()> is_cancelled;
};

// A majority of the members is in quorum, so that writes can be answered.
bool has_quorum(const StatusReply& status);

class Client {
 public:
  // REQUIRES: monitors is not empty.
  explicit Client(ClientOptions options);
  // On a loop of the caller's, which nobody else runs while a call lasts.
  Client(ClientOptions options, std::unique_ptr<Loop> loop);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Of the following calls. REQUIRES: positive.
  void set_timeout(Duration timeout);

  // Errors of all calls: `unavailable` (no answer in time, or no quorum; certainly not done; with the last reason),
  // `invalid_argument` and `refused` (the cluster's answer to the request).

  // Atomic; done exactly once, if it succeeds. `unknown_outcome`: it was sent, and until the time was up nobody could
  // tell what became of it; it is done at most once, and not after the next write of this client.
  // `request.tag` is the library's.
  Result<WriteReply> write(WriteRequest request);

  // One answer, as much as fits into it; `more` says that there is more.
  Result<RangeReply> range(RangeRequest request);

  struct Scanned {
    uint64_t revision = 0;  // of the last page
    uint64_t keys = 0;
    bool more = false;  // stopped before the end of the range, by the limit or by `visit`
  };
  // Visits the keys of a range in order, page by page, until `visit` returns false or `request.limit` keys were visited
  // (0: all). Each page has its own timeout. A page is consistent; two pages may be of different revisions.
  Result<Scanned> scan(RangeRequest request, const std::function<bool(const KeyValue&)>& visit);

  // Has the leader hand over to the member of this name; the answer names the leader then. `invalid_argument`: no such
  // member. `refused`: it has no vote, leads already, cannot be reached, or did not become level in time; the leader
  // goes on. `unknown_outcome`: as for write; whoever is elected leads.
  Result<TransferReply> transfer_leader(std::string name);

  // Asks for a scrub that begins after the first such call of this client, and answers at once how far that is; to be
  // called again until it is over. `unavailable`: no leader in time.
  Result<ScrubReply> scrub();

  // The first answer that knows of a quorum; when all were asked and none does, the first answer.
  Result<StatusReply> status();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace synod
