"""Syncs of stopped stores with synod-store, without a network."""

import dataclasses
import shutil
import subprocess

import floors
from machine import Failure, run, sync_tree


@dataclasses.dataclass
class Case:
    """One kind of offline sync. `prepare(target)` makes what the target holds before it."""
    name: str
    what: str
    options: tuple = ()
    prepare: object = None


# A delta sync is one more case: `prepare` copies an older state to the target, and `options` asks for the delta.
FULL_COPY = Case('offline', 'offline, full copy')


def measure(case, tools, source, data, scratch):
    """One round: the floors, and then the sync of the directory `source` to a new one. `data` is a bare copy of its
    store, which the floors read."""
    round_floors = floors.measure(tools.bulk_load, data, scratch)
    target = scratch / 'target'
    if case.prepare:
        case.prepare(target)
    sync_tree(scratch)
    ran = run(tools.store, 'sync', source, target, '--format', 'json', *case.options)
    compare(tools.store, source, target)
    shutil.rmtree(target)
    return {'case': case.name, 'floors': round_floors, 'seconds': ran.watch['seconds'],
            'sync_s': ran.watch['seconds'], 'chunks': ran.result['chunks'], 'keys': ran.result['keys'],
            'payload_bytes': ran.result['bytes'], 'peak_memory': {'both': ran.peak_memory},
            'processor_s': {'both': ran.processor_s},
            'noise': {'other_cores': ran.watch['other_cores'], 'stolen_cores': ran.watch['stolen_cores']},
            'stores_equal': True}


def compare(store, first, second):
    """Every key and value, read from the disks."""
    ran = subprocess.run([store, 'compare', first, second], capture_output=True, check=False)
    if ran.returncode != 0:
        said = (ran.stdout + ran.stderr).decode(errors='replace').strip().splitlines()
        raise Failure(f'the stores in {first} and {second} are not the same: {"; ".join(said[:3])}')
