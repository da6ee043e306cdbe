// Is a history linearizable? That is: is there one order of its operations, each at a point between its invocation and
// its answer, in which every answer is the one that a single map of registers with versions would have given (Herlihy
// and Wing, 1990)?
//
// Keys are checked one by one, which loses nothing, since linearizability is local (the partitioning of Horn and
// Kroening, "Faster linearizability checking via P-compositionality", 2015). Operations of one atomic request are
// checked as if they were requests of their own: sound, but it does not see a torn request; check_revisions does.
// Serializable reads are left out.
//
// The search is that of Wing and Gong ("Testing and verifying concurrent objects", 1993): take what may come next, as
// long as the answers agree; with the memory of configurations and the lateness of Lowe ("Testing for
// linearizability", 2017). What makes it near-linear here is what the uniqueness of values gives:
//
// - *Blocks.* A put and all reads of its value stand side by side in every linearization, as no other write can come
//   between them. They are one block, with the interval from its last invocation to its first answer (Gibbons and
//   Korach, "Testing shared memories", 1997, call the same a zone). Block A precedes B if A's first answer is before
//   B's last invocation. Two blocks that precede each other are a violation, found in O(n log n). A put of unknown
//   outcome that was read has happened before that read was answered.
// - *Spares.* A put of unknown outcome that nobody read, and an erase of unknown outcome, may happen at any time or not
//   at all, and nobody can tell one from another. So only their number counts, and they are used as late as possible:
//   right before an operation whose answer needs them. One erase can matter earlier, and is tried there: before a put
//   of which no answer tells the version, since that starts the versions anew.
// - *Earliest deadline.* Of two blocks that may come next and have the same effect, the one that was answered first
//   goes first: whatever linearization takes the other one first stays one when the two change places, since what is
//   between them need not precede the earlier deadline, hence neither the later.
// - *Layers.* Configurations are explored by the number of blocks taken, so only one such layer is remembered, and some
//   milestones; one that differs from another only by more spares used is dropped. A layer is narrowed to those of most
//   promise, and widened again where that leads nowhere. An order that was found is an order, however narrow the
//   search; that there is none is said only after a search that left nothing out.
#pragma once

#include <cstdint>
#include <span>

#include "test/sim/check/history.h"

namespace synod::sim {

// Configurations that may be explored for one key, and then the history is undecided. Ordinary histories need 16 or
// less for each operation; so many take some seconds, and some hundred megabytes at most.
inline constexpr uint64_t linearizability_steps_max = 4'000'000;

// REQUIRES: two puts of one key have different values. All keys are checked; the first that fails is explained: the
// operations around the place where no order can go on, one on a line.
Verdict check_linearizability(std::span<const Operation> operations, uint64_t steps_max = linearizability_steps_max);

}  // namespace synod::sim
