/* Phases 1 and 2 with the chain rule and crash-restart: 3 members, 3 proposal numbers, up to 3 versions, 2 crashes.
 *
 * Modelled is src/mon/core/consensus; the words are those of doc/protocol.md; README.md says what each simplification
 * stands on. -DNO_xxx removes one rule, see log_state.h.
 *
 * A value is named by the leadership that created it: a leadership creates at most one value for a version, on one
 * predecessor, so (leadership, version) is its chain hash. 0 is none. Messages are not channels: what was sent once can
 * be received at any time, any number of times or never, so a message is the fact that it was sent.
 *
 * -DLEARN_STEPS: learning what is committed is a step by itself, in memory until the next sync. Without it, a member
 * learns at the moment when it makes a difference: before it accepts on a committed predecessor, and before it leads.
 */
#include "log_state.h"

/* Scratch of one step; no part of the state. Breadth-first search allows none that is hidden: it clears them. */
#ifdef BREADTH_FIRST
#define hidden
#define CLEAR_SCRATCH \
  i = 0; \
  do \
  :: i < 16 -> l_val[i] = 0; l_pn[i] = 0; in_quorum[i / 4] = 0; l_committed[i / 4] = 0; r_val[i / 4] = 0; i++ \
  :: else -> break \
  od; \
  base = 0; found = 0; i = 0; j = 0; best = 0; best_pn = 0
#else
#define CLEAR_SCRATCH skip
#endif
hidden byte in_quorum[4], l_committed[4], l_val[16], l_pn[16], r_val[4];
hidden byte base, found, i, j, best, best_pn;
hidden byte is_log_changed;

#define VAL(m, v) l_val[4 * (m) + (v)]
#define PN(m, v) l_pn[4 * (m) + (v)]

/* ------------------------------------------------------------------------------------------------ recovery */

/* recover(): from the logs of `in_quorum`, above `base`, version by version the entry of highest pn among those that
 * chain on what was recovered so far. Leaves them in r_val, up to `found`. */
inline recover_from_logs() {
  r_val[1] = chosen1; r_val[2] = chosen2; r_val[3] = chosen3;
  found = base;
  i = base + 1;
  do
  :: i <= VERSIONS ->
    best = 0; best_pn = 0;
    j = 1;
    do
    :: j <= 3 ->
      if
      :: in_quorum[j] && VAL(j, i) != 0 && CHAINS(VAL(j, i), i) && (best == 0 || IS_BETTER(PN(j, i), best_pn)) ->
        best = VAL(j, i); best_pn = PN(j, i)
      :: else
      fi;
      j++
    :: else -> break
    od;
    if
    :: best != 0 && found == i - 1 -> r_val[i] = best; found = i
    :: else -> r_val[i] = 0
    fi;
    i++
  :: else -> break
  od
}

#define LOAD(m, from, c, v1, n1, v2, n2, v3, n3) \
  l_committed[m] = from.c; \
  VAL(m, 1) = from.v1; PN(m, 1) = from.n1; \
  VAL(m, 2) = from.v2; PN(m, 2) = from.n2; \
  VAL(m, 3) = from.v3; PN(m, 3) = from.n3
#define LOAD_DURABLE(m) LOAD(m, member[m], d_committed, d_val1, d_pn1, d_val2, d_pn2, d_val3, d_pn3)
#define LOAD_OWN(m) LOAD(m, member[m], committed, val1, pn1, val2, pn2, val3, pn3)
#define LOAD_LAST(m, p) \
  LOAD(m, leader[p], committed##m, val##m##1, pn##m##1, val##m##2, pn##m##2, val##m##3, pn##m##3)

/* What is chosen stays: whichever majority the next leader asked now, after any crash, it would recover all of it. */
inline check_majority(a, b, c) {
  in_quorum[a] = 1; in_quorum[b] = 1; in_quorum[c] = 0;
  base = (l_committed[a] > l_committed[b] -> l_committed[a] : l_committed[b]);
  recover_from_logs();
  assert(base >= 1 || chosen1 == 0 || r_val[1] == chosen1);
  assert(base >= 2 || chosen2 == 0 || r_val[2] == chosen2);
  assert(base >= 3 || chosen3 == 0 || r_val[3] == chosen3)
}
#ifdef NO_DURABLE_ACCEPTANCE
#define LOAD_CHECKED(m) LOAD_OWN(m)  /* so that it takes a crash to show */
#else
#define LOAD_CHECKED(m) LOAD_DURABLE(m)
#endif
inline check_recoverable() {
  LOAD_CHECKED(1); LOAD_CHECKED(2); LOAD_CHECKED(3);
  check_majority(1, 2, 3);
  check_majority(1, 3, 2);
  check_majority(2, 3, 1);
  CLEAR_SCRATCH
}

/* ------------------------------------------------------------------------------------------------ consequences */

#define FORGET_LAST(p, m) \
  leader[p].got##m = 0; leader[p].committed##m = 0; \
  leader[p].val##m##1 = 0; leader[p].pn##m##1 = 0; \
  leader[p].val##m##2 = 0; leader[p].pn##m##2 = 0; \
  leader[p].val##m##3 = 0; leader[p].pn##m##3 = 0
#define FORGET_LASTS(p) FORGET_LAST(p, 1); FORGET_LAST(p, 2); FORGET_LAST(p, 3)

/* A leader whose member promised a higher pn leads no more. One whose tail is committed proposes what it likes: it may
 * have sent all of it. An acceptance that no second one can follow, or whose value is chosen, matters no more. */
#define SETTLE(p) \
  if \
  :: member[owner##p].promised > PN_OF(p) && leader[p].state < serving -> leader[p].state = lost; FORGET_LASTS(p) \
  :: leader[p].state == recovering && IS_TAIL_CHOSEN(p) -> leader[p].state = serving; leader[p].tail = 0 \
  :: else \
  fi; \
  FORGET_BY(p, 1); FORGET_BY(p, 2); FORGET_BY(p, 3)
#define IS_TAIL_CHOSEN(p) \
  (!WAITS_FOR_TAIL || \
   (leader[p].tail == 1 && leader[p].prop1 == chosen1) || (leader[p].tail == 2 && leader[p].prop2 == chosen2) || \
   (leader[p].tail == 3 && leader[p].prop3 == chosen3))
#define FORGET_BY(p, v) \
  if \
  :: leader[p].by##v != 0 && \
       (leader[p].prop##v == chosen##v || \
        ((leader[p].by##v == 1 || IS_PAST(1, p)) && (leader[p].by##v == 2 || IS_PAST(2, p)) && \
         (leader[p].by##v == 3 || IS_PAST(3, p)))) -> leader[p].by##v = 0 \
  :: else \
  fi
#define SETTLE_ALL SETTLE(1); SETTLE(2); SETTLE(3)

/* ------------------------------------------------------------------------------------------------ phase 1 */

/* on_collect: durable, then answered with the log as it is. */
#define PROMISE(m, p) \
  :: leader[p].state == collecting && MAY_BEGIN(p) && !leader[p].got##m && \
       (member[m].promised < PN_OF(p) || (PN_OF(p) != p && member[m].promised == PN_OF(p))) -> d_step { \
    printf("member %d promises pn %d to member %d (leadership %d); it has committed %d,", m, PN_OF(p), owner##p, p, \
           member[m].committed); \
    printf(" accepted value.pn %d.%d %d.%d %d.%d\n", member[m].val1, member[m].pn1, member[m].val2, member[m].pn2, \
           member[m].val3, member[m].pn3); \
    member[m].promised = PN_OF(p); \
    SYNC_PROMISE(m); \
    if \
    :: m != owner##p -> \
      leader[p].got##m = 1; \
      leader[p].committed##m = member[m].committed; \
      leader[p].val##m##1 = member[m].val1; leader[p].pn##m##1 = REPORTED_PN(member[m].val1, member[m].pn1, p); \
      leader[p].val##m##2 = member[m].val2; leader[p].pn##m##2 = REPORTED_PN(member[m].val2, member[m].pn2, p); \
      leader[p].val##m##3 = member[m].val3; leader[p].pn##m##3 = REPORTED_PN(member[m].val3, member[m].pn3, p) \
    :: else \
    fi \
  }

/* try_to_recover: with the promises of those of `m1`, `m2`, `m3` that are 1, itself among them, when it has committed
 * `b` versions, what they have committed included. */
#ifdef LEARN_STEPS
#define HAS_COMMITTED(p, b) (member[owner##p].committed == b)
#else
#define HAS_COMMITTED(p, b) \
  (member[owner##p].committed <= b && \
   (b == 0 || (b == 1 && chosen1 != 0) || (b == 2 && chosen2 != 0) || (b == 3 && chosen3 != 0)))
#endif
#define HAS_LAST(p, m, used, b) \
  (!used || (owner##p == m && OWN_PROMISE(p)) || (owner##p != m && leader[p].got##m && IS_CAUGHT_UP(p, m, b)))
#ifdef NO_OWN_PROMISE
#define INCLUDES_OWN(p, m, used) true
#else
#define INCLUDES_OWN(p, m, used) (owner##p != m || used)
#endif
#define CAN_RECOVER(p, m1, m2, m3, b) \
  (leader[p].state == collecting && MAY_BEGIN(p) && OWN_PROMISE(p) && m1 + m2 + m3 >= COLLECT_QUORUM && \
   HAS_COMMITTED(p, b) && HAS_LAST(p, 1, m1, b) && HAS_LAST(p, 2, m2, b) && HAS_LAST(p, 3, m3, b) && \
   INCLUDES_OWN(p, 1, m1) && INCLUDES_OWN(p, 2, m2) && INCLUDES_OWN(p, 3, m3))
#define LOAD_FOR(p, m, used) \
  if \
  :: used && owner##p == m -> LOAD_OWN(m) \
  :: used && owner##p != m -> LOAD_LAST(m, p) \
  :: else \
  fi; \
  in_quorum[m] = used
#define RECOVER(p, m1, m2, m3, b) \
  :: CAN_RECOVER(p, m1, m2, m3, b) -> d_step { \
    LOAD_FOR(p, 1, m1); LOAD_FOR(p, 2, m2); LOAD_FOR(p, 3, m3); \
    base = b; \
    recover_from_logs(); \
    KEEP_TAIL; \
    leader[p].prop1 = (found >= 1 -> r_val[1] : p); \
    leader[p].prop2 = (found >= 2 -> r_val[2] : p); \
    leader[p].prop3 = (found >= 3 -> r_val[3] : p); \
    /* With nothing to recover, an empty value takes the place of the tail. */ \
    leader[p].tail = (found == base && base < VERSIONS -> base + 1 : found); \
    printf("member %d leads under pn %d (leadership %d) with the promises %d%d%d", owner##p, PN_OF(p), p, m1, m2, m3); \
    printf(", proposes above %d: %d %d %d\n", base, leader[p].prop1, leader[p].prop2, leader[p].prop3); \
    leader[p].state = recovering; \
    FORGET_LASTS(p); \
    CLEAR_SCRATCH \
  }

/* ------------------------------------------------------------------------------------------------ phase 2 */

/* on_begin: member m accepts version v under p; u is the version below, w the one above. Learning, accepting and
 * promising are one synced write, and the answer is sent when it is durable. */
#define IS_SENT(p, v) \
  (leader[p].state != collecting && leader[p].prop##v != 0 && (leader[p].state == serving || v <= leader[p].tail))
#ifdef LEARN_STEPS
#define KNOWS_COMMITTED(m, p, u) (member[m].committed == u && leader[p].prop##u == chosen##u)
#else
#define KNOWS_COMMITTED(m, p, u) (leader[p].prop##u == chosen##u)
#endif
#define CHAINS_AT1(m, p) true
#define CHAINS_AT2(m, p) (KNOWS_COMMITTED(m, p, 1) || (member[m].committed < 1 && HOLDS_BELOW(m, p, 1)))
#define CHAINS_AT3(m, p) (KNOWS_COMMITTED(m, p, 2) || (member[m].committed < 2 && HOLDS_BELOW(m, p, 2)))
#define CAN_ACCEPT(m, p, v) \
  (v <= VERSIONS && IS_SENT(p, v) && !REFUSES(m, p) && member[m].committed < v && \
   (member[m].val##v != leader[p].prop##v || member[m].pn##v != PN_OF(p)) && CHAINS_AT##v(m, p))

#define LEARN_FIRST1(m, p) skip
#define LEARN_FIRST2(m, p) \
  if \
  :: member[m].committed < 1 && !HOLDS_BELOW(m, p, 1) -> LEARN(m, 1, 2) \
  :: else \
  fi
#define LEARN_FIRST3(m, p) \
  if \
  :: member[m].committed < 2 && !HOLDS_BELOW(m, p, 2) -> LEARN(m, 2, 3); member[m].val1 = 0; member[m].pn1 = 0 \
  :: else \
  fi
#define LEARN(m, v, above) \
  if \
  :: member[m].val##v != chosen##v -> DROP_ON_LEARN(m, above) \
  :: else \
  fi; \
  member[m].val##v = 0; member[m].pn##v = 0; \
  member[m].committed = v

#define ACCEPT(m, p, v, w) \
  :: CAN_ACCEPT(m, p, v) -> d_step { \
    LEARN_FIRST##v(m, p); \
    printf("member %d accepts value %d at version %d under pn %d, on committed %d", m, leader[p].prop##v, v, PN_OF(p), \
           member[m].committed); \
    printf(" and accepted value.pn %d.%d %d.%d %d.%d\n", member[m].val1, member[m].pn1, member[m].val2, member[m].pn2, \
           member[m].val3, member[m].pn3); \
    if \
    :: member[m].val##v != leader[p].prop##v -> DROP_ON_ACCEPT(m, w) \
    :: else \
    fi; \
    member[m].val##v = leader[p].prop##v; \
    member[m].pn##v = PN_OF(p); \
    PROMISE_BY_ACCEPTANCE(m, p); \
    SYNC_LOG(m); \
    COUNT_TO##v(m, p); \
    is_log_changed = 1 \
  }

/* on_accept: an acceptance counts for its own version alone; the second of three chooses. */
#ifdef NO_COUNT_ALONE
#define COUNT_TO1(m, p) COUNT(m, p, 1)
#define COUNT_TO2(m, p) COUNT(m, p, 1); COUNT(m, p, 2)
#define COUNT_TO3(m, p) COUNT(m, p, 1); COUNT(m, p, 2); COUNT(m, p, 3)
#else
#define COUNT_TO1(m, p) COUNT(m, p, 1)
#define COUNT_TO2(m, p) COUNT(m, p, 2)
#define COUNT_TO3(m, p) COUNT(m, p, 3)
#endif
#define COUNT(m, p, v) \
  if \
  :: CHOOSES(p, v, m) -> \
    printf("  value %d at version %d is chosen under pn %d\n", leader[p].prop##v, v, PN_OF(p)); \
    assert(chosen##v == 0);     /* agreement */ \
    CHECK_CHAIN##v(p); \
    chosen##v = leader[p].prop##v \
  :: !CHOOSES(p, v, m) && leader[p].prop##v != chosen##v -> leader[p].by##v = m \
  :: else \
  fi
/* What is chosen was computed on what is chosen. */
#define CHECK_CHAIN1(p) skip
#define CHECK_CHAIN2(p) assert(chosen1 != 0 && PREDECESSOR2(leader[p].prop2) == chosen1)
#define CHECK_CHAIN3(p) assert(chosen2 != 0 && PREDECESSOR3(leader[p].prop3) == chosen2)

/* ------------------------------------------------------------------------------------------------ learning */

#ifdef LEARN_STEPS
/* learn: the next committed entry was fetched; it replaces what is held. I-2: what is still held above chains. */
#define FETCH(m, v, u, w) \
  :: v <= VERSIONS && member[m].committed == u && chosen##v != 0 -> d_step { \
    printf("member %d learns value %d at version %d\n", m, chosen##v, v); \
    LEARN(m, v, w); \
    CHECK_HELD##v(m) \
  }
#define CHECK_HELD1(m) assert(member[m].val2 == 0 || PREDECESSOR2(member[m].val2) == chosen1)
#define CHECK_HELD2(m) assert(member[m].val3 == 0 || PREDECESSOR3(member[m].val3) == chosen2)
#define CHECK_HELD3(m) skip
/* commit_to: the entry that bears the hash is held, so all that is held below it is applied. */
#define COMMIT(m, v) \
  :: v <= VERSIONS && chosen##v != 0 && member[m].committed < v && BEARS_HASH(m, v) -> d_step { \
    printf("member %d hears commit of version %d and applies %d %d %d\n", m, v, member[m].val1, member[m].val2, \
           member[m].val3); \
    assert(member[m].committed >= 1 || member[m].val1 == chosen1); \
    assert(v < 2 || member[m].committed >= 2 || member[m].val2 == chosen2); \
    assert(v < 3 || member[m].val3 == chosen3); \
    member[m].committed = v; \
    member[m].val1 = 0; member[m].pn1 = 0; \
    if \
    :: v >= 2 -> member[m].val2 = 0; member[m].pn2 = 0 \
    :: else \
    fi; \
    if \
    :: v >= 3 -> member[m].val3 = 0; member[m].pn3 = 0 \
    :: else \
    fi \
  }
#define LEARNS(m) FETCH(m, 1, 0, 2) FETCH(m, 2, 1, 3) FETCH(m, 3, 2, 4) COMMIT(m, 1) COMMIT(m, 2) COMMIT(m, 3)
#else
#define LEARNS(m)
#endif

/* ------------------------------------------------------------------------------------------------ crash */

/* A member starts from what was synced, and under its earlier pns it leads no more. A pn that it has not durably
 * promised itself may be asked for again: under it nothing was proposed. */
#define ENDS(m, p) \
  (owner##p == m && (leader[p].state == recovering || \
   (leader[p].state == collecting && MAY_BEGIN(p) && member[m].promised == PN_OF(p))))
#define END(m, p) \
  if \
  :: ENDS(m, p) && (leader[p].state == recovering || member[m].d_promised == PN_OF(p)) -> \
    leader[p].state = lost; FORGET_LASTS(p) \
  :: else \
  fi
#define CRASH(m) \
  :: crashes < CRASHES && \
       (ENDS(m, 1) || ENDS(m, 2) || ENDS(m, 3) || member[m].promised != member[m].d_promised || \
        member[m].committed != member[m].d_committed || member[m].val1 != member[m].d_val1 || \
        member[m].val2 != member[m].d_val2 || member[m].val3 != member[m].d_val3) -> d_step { \
    printf("member %d crashes and starts again\n", m); \
    crashes++; \
    END(m, 3); END(m, 2); END(m, 1); \
    member[m].promised = member[m].d_promised; \
    member[m].committed = member[m].d_committed; \
    member[m].val1 = member[m].d_val1; member[m].pn1 = member[m].d_pn1; \
    member[m].val2 = member[m].d_val2; member[m].pn2 = member[m].d_pn2; \
    member[m].val3 = member[m].d_val3; member[m].pn3 = member[m].d_pn3; \
    is_log_changed = 1 \
  }

/* ------------------------------------------------------------------------------------------------ everything */

/* Steps at versions that are not there are left out, so that small models compile fast. */
#if VERSIONS == 1
#define ACCEPTS(m, p) ACCEPT(m, p, 1, 2)
#define RECOVERS(p, m1, m2, m3) RECOVER(p, m1, m2, m3, 0) RECOVER(p, m1, m2, m3, 1)
#elif VERSIONS == 2
#define ACCEPTS(m, p) ACCEPT(m, p, 1, 2) ACCEPT(m, p, 2, 3)
#define RECOVERS(p, m1, m2, m3) RECOVER(p, m1, m2, m3, 0) RECOVER(p, m1, m2, m3, 1) RECOVER(p, m1, m2, m3, 2)
#else
#define ACCEPTS(m, p) ACCEPT(m, p, 1, 2) ACCEPT(m, p, 2, 3) ACCEPT(m, p, 3, 4)
#define RECOVERS(p, m1, m2, m3) \
  RECOVER(p, m1, m2, m3, 0) RECOVER(p, m1, m2, m3, 1) RECOVER(p, m1, m2, m3, 2) RECOVER(p, m1, m2, m3, 3)
#endif
#define STEPS_OF_MEMBER(m) \
  PROMISE(m, 1) PROMISE(m, 2) PROMISE(m, 3) ACCEPTS(m, 1) ACCEPTS(m, 2) ACCEPTS(m, 3) LEARNS(m) CRASH(m)
#ifdef NO_COLLECT_MAJORITY
#define RECOVERS_ALONE(p) RECOVERS(p, 1, 0, 0) RECOVERS(p, 0, 1, 0) RECOVERS(p, 0, 0, 1)
#else
#define RECOVERS_ALONE(p)
#endif
#define STEPS_OF_LEADER(p) \
  RECOVERS(p, 1, 1, 0) RECOVERS(p, 1, 0, 1) RECOVERS(p, 0, 1, 1) RECOVERS(p, 1, 1, 1) RECOVERS_ALONE(p)

init {
#include "owners.h"
  end: do
  :: atomic {
    if
    STEPS_OF_MEMBER(1)
    STEPS_OF_MEMBER(2)
    STEPS_OF_MEMBER(3)
    STEPS_OF_LEADER(1)
    STEPS_OF_LEADER(2)
    STEPS_OF_LEADER(3)
    fi;
    d_step {
      SETTLE_ALL;
      if
      :: is_log_changed -> check_recoverable()
      :: else
      fi;
      is_log_changed = 0
    }
  }
  od
}
