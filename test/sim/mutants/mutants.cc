#include "test/sim/mutants/mutants.h"

namespace synod::sim {

// In the order of doc/testing.md: the disk, starting again, voting, recovery, leases and reads, requests, sync and
// trim.
const std::vector<Mutant>& all_mutants() {
  static const std::vector<Mutant> mutants{
      {"ack-before-persist", "what depends on a write leaves before the write is durable"},
      {"promise-not-durable", "a promise is told and not written"},
      {"skip-commit-fsync", "a durable commit does not sync the write-ahead log"},
      {"mixed-sync", "a write-ahead log with unsynced writes is not synced when the next one begins"},
      {"no-dir-sync", "the names of new write-ahead logs, and of CURRENT, are not synced"},
      {"bound-before-batch", "the bound names a batch that is not durable yet"},
      {"pointer-before-bound", "the pointer moves to a new store before the bound names it"},
      {"identity-kept-once", "only one copy of the identity is written"},
      {"ignore-failed-write", "a member goes on after a write that failed"},
      {"honest-tail-refused", "a torn tail behind the very last synced batch is taken for corruption"},
      {"log-scan-skipped", "the write-ahead logs are not looked at before LevelDB opens the store"},
      {"bound-ignored", "a store that ends below its bound is opened"},
      {"applied-position-not-in-batch", "the effects of a value are written without the new position"},
      {"apply-out-of-order", "the steps that share a batch are written in the reverse order"},
      {"forget-promise-on-restart", "the promise is not read at start"},
      {"forget-accepted-on-restart", "the accepted values are not read at start"},
      {"accept-below-promise", "a value is accepted under a pn below the promise"},
      {"keep-unchained", "entries that no longer chain stay when one below them is replaced"},
      {"chain-rule-off", "a value is accepted on top of one that was accepted under an older pn only"},
      {"older-predecessor-counted", "the same, and such an acceptance counts for both"},
      {"own-vote-before-durable", "a leader counts its own acceptance before it is durable"},
      {"count-vote-twice", "an acceptance that comes again counts as one of another member"},
      {"commit-below-majority", "the leader's own acceptance is enough"},
      {"commit-any-hash", "told that a version is committed, a member applies whatever it holds there"},
      {"pn-reused-after-restart", "a collect leaves before its pn is durable, so a next life can use that pn again"},
      {"report-new-pn-for-old-value", "an accepted value is reported under the pn just promised"},
      {"recover-from-minority", "a leader recovers before a majority has promised"},
      {"recover-any-pn", "of the values reported for a version, any one is recovered"},
      {"recover-unchained", "a value is recovered though it was computed on another predecessor"},
      {"recover-first-only", "only the first of the recovered values is proposed again"},
      {"evaluate-before-tail-applied", "requests are evaluated before the recovered values can be read"},
      {"lease-longer", "the leader counts a grant for twice a lease"},
      {"no-drift-margin", "the leader counts a grant for a whole lease, though its clock may be the slow one"},
      {"lease-from-answer", "the leader counts a grant from its receipt, not from when it was asked for"},
      {"grant-does-not-forbid", "a member promises to another one while its grant lasts"},
      {"grant-before-durable", "a grant leaves before the promise that it stands on is durable"},
      {"no-quiet-period", "a member that starts may promise to anybody at once"},
      {"read-without-lease", "a leader answers reads without a lease"},
      {"read-before-own-value", "a leader answers reads before a value of its own pn is committed"},
      {"read-before-visible", "a read does not wait until what is committed can be read"},
      {"read-where-asked", "a linearizable read is answered by whoever is asked, from what it has"},
      {"read-index-reused", "a read takes a read index that was asked for before it arrived"},
      {"read-index-without-lease", "a leader tells a read index without a lease"},
      {"hand-over-keeps-lease", "a leader that has handed over goes on under its lease"},
      {"answer-before-chosen", "a write is answered when it is proposed"},
      {"answer-whatever-is-chosen", "a write is answered when any value is chosen at its version"},
      {"unknown-told-as-failed", "a write that may yet be done is told as certainly not done"},
      {"forward-taken-again", "a request that was passed on is taken in again when its frame is repeated"},
      {"evaluate-without-values-in-flight", "a value is computed on what is applied, without the values in flight"},
      {"answer-not-kept", "a session does not keep its answers: what is asked again is done again"},
      {"session-not-replicated", "the change of a session is not part of the value"},
      {"finished-request-admitted", "a session does what its client has given up already"},
      {"trim-too-far", "one version more than the logged floor allows is trimmed"},
      {"vote-while-syncing", "a member that syncs takes part in consensus"},
      {"sync-before-marker", "a member asks for a copy before the marker is durable"},
      {"sync-keeps-unchained", "accepted entries that do not chain on the copy are kept with it"},
  };
  return mutants;
}

}  // namespace synod::sim
