/* State of paxos_log.pml: what members and leaderships remember, and the rules that a -D removes. */

#ifndef VERSIONS
#define VERSIONS 3
#endif
#ifndef CRASHES
#define CRASHES 2
#endif

/* Members and leaderships are 1..3; index 0 is nobody. A log is the committed version and, above it, value and pn of
 * each accepted entry. What is past is zeroed, so that equal situations are equal states. */
typedef Member {
  unsigned promised : 2;
  unsigned committed : 2;
  unsigned val1 : 2;
  unsigned pn1 : 2;
  unsigned val2 : 2;
  unsigned pn2 : 2;
  unsigned val3 : 2;
  unsigned pn3 : 2;
  /* What a crash leaves. */
  unsigned d_promised : 2;
  unsigned d_committed : 2;
  unsigned d_val1 : 2;
  unsigned d_pn1 : 2;
  unsigned d_val2 : 2;
  unsigned d_pn2 : 2;
  unsigned d_val3 : 2;
  unsigned d_pn3 : 2
};
Member member[4];

#define collecting 0 /* or not begun: a collect is there as soon as it can be */
#define recovering 1 /* proposes the recovered tail, up to `tail` */
#define serving 2    /* the tail is committed: proposes values of its own above it */
#define lost 3       /* leads no more; what it sent is still under way */
typedef Leader {
  unsigned state : 2;
  unsigned tail : 2;
  /* The value proposed for each version; below those, what is committed. */
  unsigned prop1 : 2;
  unsigned prop2 : 2;
  unsigned prop3 : 2;
  /* The one member that has accepted it; 0 if none, or if it does not matter any more. */
  unsigned by1 : 2;
  unsigned by2 : 2;
  unsigned by3 : 2;
  /* The `last` of each member: the log that it reported with its promise. */
  unsigned got1 : 1;
  unsigned committed1 : 2;
  unsigned val11 : 2;
  unsigned pn11 : 2;
  unsigned val12 : 2;
  unsigned pn12 : 2;
  unsigned val13 : 2;
  unsigned pn13 : 2;
  unsigned got2 : 1;
  unsigned committed2 : 2;
  unsigned val21 : 2;
  unsigned pn21 : 2;
  unsigned val22 : 2;
  unsigned pn22 : 2;
  unsigned val23 : 2;
  unsigned pn23 : 2;
  unsigned got3 : 1;
  unsigned committed3 : 2;
  unsigned val31 : 2;
  unsigned pn31 : 2;
  unsigned val32 : 2;
  unsigned pn32 : 2;
  unsigned val33 : 2;
  unsigned pn33 : 2
};
Leader leader[4]; /* by leadership */

/* What is chosen, by version. */
unsigned chosen1 : 2;
unsigned chosen2 : 2;
unsigned chosen3 : 2;
unsigned crashes : 2;
unsigned owner1 : 2; /* the member of each leadership */
unsigned owner2 : 2;
unsigned owner3 : 2;

/* So that version 1 has a predecessor. The predecessor of a value is what its leadership proposed below it. */
#define chosen0 0
#define PREDECESSOR1(x) 0
#define PREDECESSOR2(x) leader[x].prop1
#define PREDECESSOR3(x) leader[x].prop2

/* ------------------------------------------------------------------------------------------------ removed rules */

/* A leadership's number is its pn, unless two of them share one. */
#define PN_OF(p) p
#define MAY_BEGIN(p) true
#if defined(NO_NEW_PN_AFTER_START) || defined(NO_OWN_PROMISE)
/* Leadership 2 is the next life of the member of leadership 1, under the same pn. */
#undef PN_OF
#undef MAY_BEGIN
#define PN_OF(p) ((p) == 1->1 : (p)-1)
#define MAY_BEGIN(p) ((p) != 2 || leader[1].state == lost)
#elif defined(NO_MEMBER_IN_PN)
#undef PN_OF
#define PN_OF(p) ((p) == 1->1 : (p)-1)
#endif

#ifdef NO_OWN_PROMISE
#define OWN_PROMISE(p) (member[owner##p].promised <= PN_OF(p))
#else
#define OWN_PROMISE(p) (member[owner##p].promised == PN_OF(p))
#endif

#ifdef NO_COLLECT_MAJORITY
#define COLLECT_QUORUM 1
#else
#define COLLECT_QUORUM 2
#endif

#ifdef NO_COMMIT_MAJORITY
#define CHOOSES(p, v, m) (leader[p].prop##v != chosen##v)
#else
#define CHOOSES(p, v, m) (leader[p].prop##v != chosen##v && leader[p].by##v != 0 && leader[p].by##v != m)
#endif

#ifdef NO_DURABLE_PROMISE
#define SYNC_PROMISE(m) skip
#else
#define SYNC_PROMISE(m) member[m].d_promised = member[m].promised
#endif

#ifdef NO_DURABLE_ACCEPTANCE
#define SYNC_LOG(m) skip
#else
#define SYNC_LOG(m)                            \
  member[m].d_committed = member[m].committed; \
  member[m].d_val1 = member[m].val1;           \
  member[m].d_pn1 = member[m].pn1;             \
  member[m].d_val2 = member[m].val2;           \
  member[m].d_pn2 = member[m].pn2;             \
  member[m].d_val3 = member[m].val3;           \
  member[m].d_pn3 = member[m].pn3
#endif

/* An acceptance is also a promise, durable apart from the entry. */
#if defined(NO_PROMISE_BY_ACCEPTANCE)
#define PROMISE_BY_ACCEPTANCE(m, p) skip
#elif defined(NO_MEMORY_OF_ACCEPTED_PN)
#define PROMISE_BY_ACCEPTANCE(m, p) member[m].promised = PN_OF(p)
#else
#define PROMISE_BY_ACCEPTANCE(m, p) \
  member[m].promised = PN_OF(p);    \
  SYNC_PROMISE(m)
#endif

#ifdef NO_REFUSED_BEGIN
#define REFUSES(m, p) false
#else
#define REFUSES(m, p) (member[m].promised > PN_OF(p))
#endif

/* True once m can accept under p no more. */
#if defined(NO_REFUSED_BEGIN) || defined(NO_DURABLE_PROMISE) || defined(NO_MEMORY_OF_ACCEPTED_PN)
#define IS_PAST(m, p) false
#else
#define IS_PAST(m, p) (member[m].promised > PN_OF(p))
#endif

#ifdef NO_ACCEPTED_PN_IN_LAST
#define REPORTED_PN(val, pn, p) (val != 0->PN_OF(p) : 0)
#else
#define REPORTED_PN(val, pn, p) pn
#endif

#ifdef NO_FETCH
#define IS_CAUGHT_UP(p, m, b) true
#else
#define IS_CAUGHT_UP(p, m, b) (leader[p].committed##m <= b)
#endif

#ifdef NO_CHAIN_IN_RECOVERY
#define CHAINS(x, v) true
#else
#define CHAINS(x, v) (v == 1 || (v == 2->leader[x].prop1 : leader[x].prop2) == r_val[v - 1])
#endif
#ifdef NO_HIGHEST_PN
#define IS_BETTER(a, b) (a < b)
#else
#define IS_BETTER(a, b) (a > b)
#endif

/* How much of what was recovered is proposed again. */
#if defined(NO_RECOVERY)
#define KEEP_TAIL found = base
#elif defined(NO_WHOLE_TAIL)
#define KEEP_TAIL found = (found > base + 1->base + 1 : found)
#else
#define KEEP_TAIL skip
#endif

#ifdef NO_TAIL_FIRST
#define WAITS_FOR_TAIL false
#else
#define WAITS_FOR_TAIL true
#endif

/* What a begin needs below it: an entry of this hash, accepted under this pn. */
#if defined(NO_PREDECESSOR)
#define HOLDS_BELOW(m, p, u) true
#elif defined(NO_PN_IN_CHAIN)
#define HOLDS_BELOW(m, p, u) (member[m].val##u == leader[p].prop##u)
#else
#define HOLDS_BELOW(m, p, u) (member[m].val##u == leader[p].prop##u && member[m].pn##u == PN_OF(p))
#endif

#define DROP2(m)      \
  member[m].val2 = 0; \
  member[m].pn2 = 0;  \
  DROP3(m)
#define DROP3(m)      \
  member[m].val3 = 0; \
  member[m].pn3 = 0
#define DROP4(m) skip
#ifdef NO_DROP_ON_ACCEPT
#define DROP_ON_ACCEPT(m, above) skip
#else
#define DROP_ON_ACCEPT(m, above) DROP##above(m)
#endif
#ifdef NO_DROP_ON_LEARN
#define DROP_ON_LEARN(m, above) skip
#else
#define DROP_ON_LEARN(m, above) DROP##above(m)
#endif

#ifdef NO_HASH_IN_COMMIT
#define BEARS_HASH(m, v) (member[m].val##v != 0)
#else
#define BEARS_HASH(m, v) (member[m].val##v == chosen##v)
#endif
