/* Leases and linearizable reads with crash-restart: 3 members, 3 proposal numbers, 2 client writes on top of what each
 * leadership recovers, 2 crashes, and time. -DNO_xxx removes one rule; model/run lists them.
 *
 * Phases 1 and 2 are those of paxos_log.pml, told shorter: a log is the pn it was last accepted under and its length in
 * client writes, which is enough since entries chain.
 *
 * Time goes in ticks of true time, in which messages take any time or are lost. The worst case of drift is the whole
 * of it: a giver's clock is as fast, and a leader's as slow, as the stated bound allows. Any other pair of clocks only
 * lets a grant last longer at its giver, or end sooner at the leader.
 */
#ifndef WRITES
#define WRITES 2
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#ifndef LEASE_TICKS
#define LEASE_TICKS 2  /* of a grant at its giver, and of the quiet period: a lease by the fastest clock */
#endif
#ifdef NO_DRIFT_MARGIN
#define LEADER_TICKS (LEASE_TICKS + 1)  /* a lease by the slowest clock */
#else
#define LEADER_TICKS LEASE_TICKS  /* a lease less the drift, by the slowest clock */
#endif

typedef Member {
  unsigned promised : 2;
  unsigned pn : 2;   /* under which its log was accepted */
  unsigned length : 2;
  unsigned grant_to : 2;  /* not durable */
  unsigned grant : 2;     /* ticks until it ends */
  unsigned quiet : 2;     /* ticks until the quiet period ends */
  unsigned at_start : 2;  /* promised when it started; 0 when the quiet period is over */
  /* As a leader: ticks for which it still counts on each giver. */
  unsigned left1 : 2;
  unsigned left2 : 2;
  unsigned left3 : 2
};
Member member[4];

#define collecting 0  /* or not begun */
#define leading 1
#define lost 2        /* what it sent is still under way */
#define never_led 3
typedef Leader {
  unsigned state : 2;
  unsigned got1 : 1; unsigned got2 : 1; unsigned got3 : 1;  /* promises */
  unsigned best_pn : 2; unsigned best_len : 2;              /* of the logs reported with them */
  unsigned base : 2;       /* length recovered */
  unsigned length : 2;        /* proposed */
  /* 1 + length accepted by each member, 0 if nothing; and 1 + length known to be committed under this pn. */
  unsigned acc1 : 2; unsigned acc2 : 2; unsigned acc3 : 2;
  unsigned committed : 2;
  unsigned asked : 2       /* what is left of a lease counted from the latest request */
#ifdef COUNT_FROM_ANSWER
  ; unsigned ack1 : 1; unsigned ack2 : 1; unsigned ack3 : 1  /* answers under way */
#endif
};
Leader leader[4];

unsigned acknowledged : 2;  /* writes that some client knows to be done */
unsigned crashes : 2;
unsigned owner1 : 2;
unsigned owner2 : 2;
unsigned owner3 : 2;



/* ------------------------------------------------------------------------------------------------ rules */

#ifdef NO_QUIET_PERIOD
#define FORBIDDEN_BY_START(m, p) false
#else
#define FORBIDDEN_BY_START(m, p) (member[m].quiet > 0 && member[m].at_start != p)
#endif
#ifdef NO_BINDING_GRANT
#define FORBIDDEN_BY_GRANT(m, p) false
#else
#define FORBIDDEN_BY_GRANT(m, p) (member[m].grant > 0 && member[m].grant_to != owner##p)
#endif
#define FORBIDS(m, p) (FORBIDDEN_BY_START(m, p) || FORBIDDEN_BY_GRANT(m, p))
#ifdef NO_BINDING_ACCEPTANCE
#define FORBIDS_BEGIN(m, p) false
#else
#define FORBIDS_BEGIN(m, p) FORBIDS(m, p)
#endif
#ifdef NO_PN_IN_GRANT
#define GRANTS_TO(m, p) true
#else
#define GRANTS_TO(m, p) (member[m].promised <= p)
#endif

#define VALID(m) ((member[m].left1 > 0) + (member[m].left2 > 0) + (member[m].left3 > 0) >= LEASE_QUORUM)
#ifdef NO_LEASE_MAJORITY
#define LEASE_QUORUM 1
#else
#define LEASE_QUORUM 2
#endif
#define READS(p) \
  (leader[p].state == leading && VALID(owner##p) && (leader[p].committed != 0 || READS_EARLY))
#ifdef NO_OWN_VALUE
#define READS_EARLY true
#else
#define READS_EARLY false
#endif
/* How many writes a read shows: nothing that is only recovered, so possibly none. */
#define SHOWN(p) (leader[p].committed != 0 -> leader[p].committed - 1 : 0)

/* ------------------------------------------------------------------------------------------------ checks */

/* A read that came now shows every write that was acknowledged before. */
#define CHECK_READ(p) assert(!READS(p) || SHOWN(p) >= acknowledged)
#ifdef ONLY_READS
#define CHECK_ONE_LEASE skip
#else
#define CHECK_ONE_LEASE assert(VALID(1) + VALID(2) + VALID(3) <= 1)
#endif
#define CHECK CHECK_READ(1); CHECK_READ(2); CHECK_READ(3); CHECK_ONE_LEASE

#define DROP_LEASE(m) member[m].left1 = 0; member[m].left2 = 0; member[m].left3 = 0
#define FORGET_PROMISES(p) \
  leader[p].got1 = 0; leader[p].got2 = 0; leader[p].got3 = 0; leader[p].best_pn = 0; leader[p].best_len = 0
#ifdef COUNT_FROM_ANSWER
#define FORGET_ACKS(p) leader[p].ack1 = 0; leader[p].ack2 = 0; leader[p].ack3 = 0
#else
#define FORGET_ACKS(p) skip
#endif
#define STOP(p) \
  if \
  :: leader[p].state == collecting -> leader[p].state = never_led; FORGET_PROMISES(p) \
  :: leader[p].state == leading -> \
    leader[p].state = lost; leader[p].asked = 0; leader[p].committed = 0; FORGET_ACKS(p); \
    leader[p].acc1 = 0; leader[p].acc2 = 0; leader[p].acc3 = 0 \
  :: else \
  fi
/* A member that promised a higher pn leads no more under its own. If that is its own as well, it keeps its lease. */
#define SETTLE(p) \
  if \
  :: member[owner##p].promised > p -> STOP(p) \
  :: else \
  fi; \
  if \
  :: leader[p].state == lost && member[1].promised > p && member[2].promised > p && member[3].promised > p -> \
    leader[p].state = never_led; leader[p].base = 0; leader[p].length = 0 \
  :: else \
  fi
#define FOLLOW(m, p) \
  if \
  :: owner##p != m -> DROP_LEASE(m) \
  :: else \
  fi

/* ------------------------------------------------------------------------------------------------ the steps */

#define PROMISE(m, p) \
  :: leader[p].state == collecting && member[m].promised < p && !FORBIDS(m, p) -> d_step { \
    printf("member %d promises pn %d of member %d, and reports %d writes under pn %d\n", m, p, owner##p, \
           member[m].length, member[m].pn); \
    member[m].promised = p; \
    leader[p].got##m = 1; \
    if \
    :: member[m].pn > leader[p].best_pn || \
         (member[m].pn == leader[p].best_pn && member[m].length > leader[p].best_len) -> \
      leader[p].best_pn = member[m].pn; leader[p].best_len = member[m].length \
    :: else \
    fi; \
    FOLLOW(m, p) \
  }

#define LEAD(p) \
  :: leader[p].state == collecting && member[owner##p].promised == p && \
       leader[p].got1 + leader[p].got2 + leader[p].got3 >= 2 -> d_step { \
    printf("member %d leads under pn %d, recovered %d writes\n", owner##p, p, leader[p].best_len); \
    leader[p].state = leading; \
    leader[p].base = leader[p].best_len; \
    leader[p].length = leader[p].best_len; \
    FORGET_PROMISES(p) \
  }

/* Version `base` stands for the recovered tail, or the empty value in its place: the first value of its own pn. */
#define ACCEPT(m, p, k) \
  :: (leader[p].state == leading || leader[p].state == lost) && leader[p].base <= k && k <= leader[p].length && \
       member[m].promised <= p && !FORBIDS_BEGIN(m, p) && \
       (member[m].pn < p || member[m].length < k) -> d_step { \
    printf("member %d accepts %d writes under pn %d\n", m, k, p); \
    member[m].promised = p; \
    member[m].pn = p; \
    member[m].length = k; \
    if \
    :: leader[p].state == leading && leader[p].committed <= k -> leader[p].acc##m = k + 1 \
    :: else \
    fi; \
    FOLLOW(m, p) \
  }

#define COUNTED(p, k) \
  ((leader[p].acc1 > k) + (leader[p].acc2 > k) + (leader[p].acc3 > k) >= 2)
#define COMMIT(p, k) \
  :: leader[p].state == leading && leader[p].base <= k && leader[p].committed <= k && COUNTED(p, k) -> d_step { \
    printf("member %d commits %d writes under pn %d, and tells its clients\n", owner##p, k, p); \
    leader[p].committed = k + 1; \
    FORGET_ACC(p, 1, k); FORGET_ACC(p, 2, k); FORGET_ACC(p, 3, k); \
    if \
    :: k > acknowledged -> acknowledged = k \
    :: else \
    fi \
  }

#define FORGET_ACC(p, m, k) leader[p].acc##m = (leader[p].acc##m > k + 1 -> leader[p].acc##m : 0)

#define WRITE(p) \
  :: leader[p].state == leading && leader[p].committed != 0 && leader[p].length < WRITES -> d_step { \
    leader[p].length++; \
    printf("member %d proposes write %d under pn %d\n", owner##p, leader[p].length, p) \
  }

/* A leader asks for grants, and gives its own. */
#define ASK(p) \
  :: leader[p].state == leading && \
       (leader[p].asked < LEADER_TICKS || OWN_LEFT(p, 1) || OWN_LEFT(p, 2) || OWN_LEFT(p, 3)) -> d_step { \
    printf("member %d asks for a lease under pn %d\n", owner##p, p); \
    leader[p].asked = LEADER_TICKS; \
    member[owner##p].grant_to = owner##p; \
    member[owner##p].grant = LEASE_TICKS; \
    if \
    :: owner##p == 1 -> member[1].left1 = LEADER_TICKS \
    :: owner##p == 2 -> member[2].left2 = LEADER_TICKS \
    :: owner##p == 3 -> member[3].left3 = LEADER_TICKS \
    fi \
  }
#define OWN_LEFT(p, m) (owner##p == m && member[m].left##m < LEADER_TICKS)

#ifdef COUNT_FROM_ANSWER
#define ANSWERED(m, p) leader[p].ack##m = 1
#define RECEIVE_ANSWER(m, p) \
  :: leader[p].ack##m && owner##p != m -> d_step { \
    printf("member %d receives the answer of member %d under pn %d\n", owner##p, m, p); \
    leader[p].ack##m = 0; \
    member[owner##p].left##m = LEADER_TICKS \
  }
#else
#define ANSWERED(m, p) \
  if \
  :: member[owner##p].left##m < leader[p].asked -> member[owner##p].left##m = leader[p].asked \
  :: else \
  fi
#define RECEIVE_ANSWER(m, p)
#endif
#define GRANT(m, p) \
  :: leader[p].state == leading && leader[p].asked > 0 && owner##p != m && GRANTS_TO(m, p) && !FORBIDS(m, p) && \
       (member[m].promised != p || member[m].grant < LEASE_TICKS || member[m].grant_to != owner##p || \
        member[owner##p].left##m < leader[p].asked) -> d_step { \
    printf("member %d grants a lease to member %d under pn %d\n", m, owner##p, p); \
    if \
    :: member[m].promised < p -> member[m].promised = p; FOLLOW(m, p) \
    :: else \
    fi; \
    member[m].grant_to = owner##p; \
    member[m].grant = LEASE_TICKS; \
    ANSWERED(m, p) \
  }

#define COUNT_DOWN(x) x = (x > 0 -> x - 1 : 0)
#define TICK_MEMBER(m) \
  COUNT_DOWN(member[m].grant); COUNT_DOWN(member[m].quiet); \
  COUNT_DOWN(member[m].left1); COUNT_DOWN(member[m].left2); COUNT_DOWN(member[m].left3); \
  member[m].grant_to = (member[m].grant > 0 -> member[m].grant_to : 0); \
  member[m].at_start = (member[m].quiet > 0 -> member[m].at_start : 0)
#define RUNS(m) (member[m].grant + member[m].quiet + member[m].left1 + member[m].left2 + member[m].left3 > 0)
#define TICK \
  :: RUNS(1) || RUNS(2) || RUNS(3) || leader[1].asked + leader[2].asked + leader[3].asked > 0 -> d_step { \
    printf("a tick passes\n"); \
    TICK_MEMBER(1); TICK_MEMBER(2); TICK_MEMBER(3); \
    COUNT_DOWN(leader[1].asked); COUNT_DOWN(leader[2].asked); COUNT_DOWN(leader[3].asked) \
  }

/* Grants are not durable: a member that starts does not know what it granted. */
#define CRASH_ENDS(m, p) \
  (owner##p == m && (leader[p].state == leading || (leader[p].state == collecting && member[m].promised == p)))
#define CRASH(m) \
  :: crashes < CRASHES && \
       (member[m].grant > 0 || CRASH_ENDS(m, 1) || CRASH_ENDS(m, 2) || CRASH_ENDS(m, 3)) -> d_step { \
    printf("member %d crashes and starts again\n", m); \
    crashes++; \
    if :: CRASH_ENDS(m, 1) -> STOP(1) :: else fi; \
    if :: CRASH_ENDS(m, 2) -> STOP(2) :: else fi; \
    if :: CRASH_ENDS(m, 3) -> STOP(3) :: else fi; \
    DROP_LEASE(m); \
    member[m].grant = 0; member[m].grant_to = 0; \
    member[m].quiet = LEASE_TICKS; \
    member[m].at_start = member[m].promised \
  }

#define STEPS_OF(m) \
  PROMISE(m, 1) PROMISE(m, 2) PROMISE(m, 3) \
  ACCEPT(m, 1, 0) ACCEPT(m, 1, 1) ACCEPT(m, 1, 2) \
  ACCEPT(m, 2, 0) ACCEPT(m, 2, 1) ACCEPT(m, 2, 2) \
  ACCEPT(m, 3, 0) ACCEPT(m, 3, 1) ACCEPT(m, 3, 2) \
  GRANT(m, 1) GRANT(m, 2) GRANT(m, 3) \
  RECEIVE_ANSWER(m, 1) RECEIVE_ANSWER(m, 2) RECEIVE_ANSWER(m, 3) \
  CRASH(m)
#define STEPS_OF_PN(p) LEAD(p) COMMIT(p, 0) COMMIT(p, 1) COMMIT(p, 2) WRITE(p) ASK(p)

init {
#include "owners.h"
  end: do
  :: atomic {
    if
    STEPS_OF(1)
    STEPS_OF(2)
    STEPS_OF(3)
    STEPS_OF_PN(1)
    STEPS_OF_PN(2)
    STEPS_OF_PN(3)
    TICK
    fi;
    d_step {
      SETTLE(1); SETTLE(2); SETTLE(3);
      CHECK
    }
  }
  od
}
