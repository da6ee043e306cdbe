// The settings of the core. Members of one cluster use the same lease.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace synod {

struct CoreOptions {
  // Leases and elections.
  Duration lease = std::chrono::seconds(1);
  // The leader counts a grant for shorter than its giver: lease / drift_divisor less (a drift of 5 % of one lease).
  int64_t drift_divisor = 20;
  // Before a member stands for election, and stands again, it waits for a random time, at most this long.
  Duration election_delay_max() const { return lease / 3; }
  // A member whose oldest write is pending for longer does not lead if another can, and takes no values.
  Duration store_write_bound = std::chrono::seconds(2);
  // The same if more than this waits for its disk: the values, and unwritten_step_bytes for each step that writes.
  size_t unwritten_bytes_max = 64 << 20;
  static constexpr size_t unwritten_step_bytes = 1 << 10;
  Duration formation_wait = std::chrono::seconds(1);

  // Log.
  uint64_t log_retain_versions = 500;  // always kept
  uint64_t log_trim_min = 250;         // trimmed when there are this many more
  uint64_t log_trim_max = 5000;        // at most, by one value
  size_t window = 8;                   // values in flight
  size_t batch_bytes = 1 << 20;        // of requests in one value; one larger request goes alone
  size_t batch_requests = 1024;

  // Requests.
  size_t key_bytes_max = 4 << 10;
  size_t value_bytes_max = 1 << 20;
  size_t request_bytes_max = 2 << 20;   // all operations of one request
  size_t answer_bytes_max = 1 << 20;    // of keys and values in one range answer; at least one key
  size_t pending_bytes_max = 64 << 20;  // of requests that wait; further ones are refused
  size_t pending_requests_max = 10000;

  // Catch-up and sync.
  size_t fetch_bytes = 2 << 20;
  size_t sync_chunk_bytes = 1 << 20;
  size_t sync_chunk_keys = 10000;
  uint32_t sync_window = 4;  // chunks under way in one sync
  bool sync_delta = true;    // a member with an older store gets what differs; else all
  uint64_t sync_rate = 0;    // bytes of chunks per second that one member sends, to all together; 0: no limit
  // A rate near what the clients write lets no copy ever catch up: no daemon takes less.
  static constexpr uint64_t sync_rate_min = 16 << 10;
  size_t sync_sessions_max = 2;
  Duration sync_timeout = std::chrono::seconds(30);  // either end of a session, and the grace of a hold
  // A copy that was broken off waits this long for somebody who can go on with it, before it is begun again.
  Duration copy_wait() const { return 3 * lease; }
  Duration hold_renewal = std::chrono::seconds(5);
  // A hold ends at either bound, whatever its sync does.
  uint64_t sync_hold_bytes = 1 << 30;  // of the values that were chosen since
  Duration sync_hold_age = std::chrono::hours(24);
  // While a sync goes on and its hold has used up more than a half of its bytes, a leader waits between values, up to
  // this at the bound. Not for a member that has come no further for so long.
  Duration admission_delay_max = std::chrono::milliseconds(200);
  Duration sync_stall = std::chrono::seconds(10);

  // Scrub.
  Duration scrub_interval{};                          // from one to the next; 0: only when it is asked for
  uint64_t scrub_rate = 32 << 20;                     // bytes per second that each member reads for it; 0: no limit
  size_t scrub_piece_bytes = 1 << 20;                 // read at a time, while clients' reads wait
  size_t scrub_message_bytes = 256 << 10;             // of segments, or of keys, in one message
  size_t scrub_keys_named = 100;                      // of those that differ
  uint64_t scrub_pairs_max = 100'000;                 // that are compared to name and count them
  Duration scrub_timeout = std::chrono::seconds(30);  // a member that says nothing for so long is not waited for
  Duration scrub_repeat = std::chrono::seconds(5);    // while it is at it, or waits for an answer, it says so
};

}  // namespace synod
