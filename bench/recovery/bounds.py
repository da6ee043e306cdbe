"""What a measured store is held to, as ratios and sizes: a machine's speed is in none of them."""

import dataclasses
from typing import Callable

from report import MIB, lost_requests

# Below this a figure is of starts and ends, and says nothing of a copy.
LEAST_MEBIBYTES = 100
# Twice the write buffer of a member, and what a window of chunks and the rest may take.
MEMORY_MIB = 2 * 32 + 64


@dataclasses.dataclass
class Bound:
    what: str
    limit: float
    measured: Callable            # of the cases by their names; KeyError: one that it needs was not measured
    least_mebibytes: int = LEAST_MEBIBYTES
    value_bytes: int | None = None   # only for values of this size


def ratio(case):
    return case['median']['ratios']['load_s']


def extra_memory(case):
    median = case['median']
    return max(peak - median['memory_before'][end] for end, peak in median['peak_memory'].items()) / MIB


def slowdown(case):
    client = case['median']['client']
    return client['during']['all']['p99_ms'] / client['before']['all']['p99_ms']


def lost_in_all(case):
    return sum(lost_requests(each['client']) for each in case['rounds'])


def share_of_wire(part, whole):
    return part['median']['received_bytes'] / whole['median']['received_bytes']


BOUNDS = (
    Bound('an empty member, x load', 1.5, lambda cases: ratio(cases['empty']), 1024, 1024),
    Bound('synod-store sync, x load', 1.5, lambda cases: ratio(cases['offline']), 1024, 1024),
    Bound('a member that missed 1 %, bytes on the wire x an empty one\'s', 0.05,
          lambda cases: share_of_wire(cases['missed'], cases['empty']), value_bytes=1024),
    Bound('an empty member, extra memory of either end, MiB', MEMORY_MIB, lambda cases: extra_memory(cases['empty'])),
    Bound('under load, p99 of the clients during x before', 2, lambda cases: slowdown(cases['load'])),
    Bound('under load, requests failed or unknown', 0, lambda cases: lost_in_all(cases['load'])),
)


def judge(store):
    """Of one store's result: (bound, measured), for all that it can be held to."""
    cases = {case['name']: case for case in store['cases']}
    judged = []
    for bound in BOUNDS:
        is_meant = bound.value_bytes in (None, store['value_bytes'])
        if not is_meant or store['mebibytes'] < bound.least_mebibytes:
            continue
        try:
            judged.append((bound, bound.measured(cases)))
        except KeyError:
            continue
    return judged


def lines(judged):
    return [f'  {"held    " if measured <= bound.limit else "NOT HELD"}  {bound.what}: {measured:.3g}, '
            f'at most {bound.limit:g}' for bound, measured in judged]


def are_held(judged):
    return all(measured <= bound.limit for bound, measured in judged)
