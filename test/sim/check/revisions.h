// The second oracle on what clients saw: the store's revision, by which every answer names its place in the order of
// all requests. It sees what check_linearizability can't: requests on several keys that are torn, and order across
// keys.
//
// The rules (doc/protocol.md and the header of the key-value service): the revision is 1 at first, and each request
// that changes something adds one. A put always does; an erase only if it found its key. Hence
// - a revision belongs to one request, and a request has one; what a read tells as the revision of a value is that of
//   the put;
// - an answer at revision R has every request before it that was answered before it was invoked: R is at least what any
//   of those told, and greater if it changed something itself. Serializable reads are free of this rule;
// - R - 1 requests changed something by then, so at least so many had been invoked that did not fail;
// - at revision R, a key is as the last request at or below R left it: for the requests whose revision is known, that
//   is what reads and erases must have seen. All keys of one read are seen at one revision. A request of unknown
//   outcome and unknown revision may be in between, if a revision is left for it there.
//
// O(n log n). Sound, not complete: answers without a revision, and what the rules leave open, pass.
#pragma once

#include <span>

#include "test/sim/check/history.h"

namespace synod::sim {

// REQUIRES: the history holds every write of the run, and two puts of one key have different values.
Verdict check_revisions(std::span<const Operation> operations);

}  // namespace synod::sim
