"""What the tests of store synchronizations between real processes have in common."""

import functools
import random
import re
import shutil
import sys

from harness import PATIENCE, ClusterTest, wait_until

# A log that is soon trimmed, and a sync of many chunks.
SMALL_LOG = ('--log-retain-versions', 20, '--log-trim-min', 10)
SMALL_CHUNKS = ('--sync-chunk-bytes', 2048)
# Bytes per second. At the first a sync takes several seconds; who cannot disturb it in time tries again with the next.
SYNC_RATES = (150_000, 50_000, 16_384)
FINISHED = re.compile(r'sync finished (.*)')


class WasTooLate(AssertionError):
    """The sync was over, or what it holds had lapsed, before the test came to it: the test was not scheduled."""


def disturbs_a_sync(test):
    """Such a test looks at a sync while it runs. On a machine that keeps the test from looking it is done again, with a
    slower sync."""
    @functools.wraps(test)
    def done_in_time(self):
        for self.sync_rate in SYNC_RATES:
            try:
                return test(self)
            except WasTooLate as late:
                if self.sync_rate == SYNC_RATES[-1]:
                    raise
                print(f'{self.id()}: {late}; again with a slower sync', file=sys.stderr, flush=True)
                self.close_clusters()
    return done_in_time


def noise(seed, length):
    """Text that does not compress, as the rate of a sync counts what goes over the network."""
    return random.Random(seed).randbytes(length // 2 + 1).hex()[:length]


def injecting(calls, what, trace, *options, files=()):
    """The words before a command with which strace injects something into such system calls, on these files or on any. It
    writes to the file `trace`."""
    if not shutil.which('strace'):
        raise AssertionError('strace is not installed (Debian package: strace)')
    words = ['strace', *options, '-f', '-o', str(trace), '-e', 'signal=none', '-e', f'trace={calls}', '-e',
             f'inject={calls}:{what}']
    for file in files:
        words += ['-P', str(file)]
    return words


def log_of(daemon):
    return daemon.log_bytes().decode(errors='replace')


def finished_syncs(daemon):
    """The fields of each line about a finished sync in the daemon's log."""
    lines = FINISHED.findall(log_of(daemon))
    return [dict(field.split('=', 1) for field in line.split() if '=' in field) for line in lines]


class StoppedSource(ClusterTest):
    """Three stopped members with so many keys; the store of one of them is the source of offline syncs."""
    shared_members = 3
    source_keys = 4000

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared.import_pairs((f'key/{i:05}', f'value {i} ' * 20) for i in range(cls.source_keys))
        cls.shared.terminate_all()
        cls.source = cls.shared['a'].data


class SyncTest(ClusterTest):
    sync_rate = SYNC_RATES[0]

    def slow_sync(self):
        return (*SMALL_CHUNKS, '--sync-rate', self.sync_rate, '--write-buffer-bytes', 65536)

    def write_past(self, cluster, behind, mons):
        """Writes until none of `mons` has in its log what `behind` needs next."""
        needs = self.last_committed[behind] + 1
        for number in range(600):
            cluster.put(f'after/{number % 50}', f'value {number}', mons=mons)
            if number % 10 == 9 and all(cluster.member_status(name)['first_committed'] > needs for name in mons):
                return
        self.fail(f'after 600 writes the log still holds what {behind} needs: {cluster.status(*mons)}')

    def left_behind(self, count=3, sync_options=None, value_bytes=400, keys=2500):
        """A cluster of which the member `c` was killed, and needs more than the others' logs hold. Its sync will be
        slow, unless the options say otherwise."""
        cluster = self.formed_cluster(count, (*SMALL_LOG, *(sync_options or self.slow_sync())))
        cluster.import_pairs([(f'before/{i:05}', noise(f'before {i}', value_bytes)) for i in range(keys // 2)])
        self.kill_behind(cluster, 'c')
        others = cluster.others('c')
        cluster.wait_quorum(len(others), others)  # if it was the leader
        cluster.import_pairs([(f'during/{i:05}', noise(f'during {i}', value_bytes)) for i in range(keys // 2)], mons=others)
        self.write_past(cluster, 'c', others)
        return cluster

    def kill_behind(self, cluster, victim):
        self.last_committed = {victim: cluster.last_committed(victim)}
        cluster[victim].kill()

    def wait_syncing(self, cluster, requester, chunks=1):
        """The progress of a running sync, when it has come to so many chunks."""
        def progress():
            if len(finished_syncs(cluster[requester])) != self.finished_before:
                raise WasTooLate('the sync was over before it could be disturbed')
            entry = cluster.member_status(requester)
            return entry and entry['state'] == 'syncing' and entry['sync'] and entry['sync']['chunks'] >= chunks and \
                entry['sync']
        return wait_until(progress, PATIENCE, f'{requester} is syncing and has {chunks} chunks')

    def restart_behind(self, cluster, name='c'):
        self.finished_before = len(finished_syncs(cluster[name]))
        cluster[name].start()

    def wait_synced(self, cluster, name='c'):
        wait_until(lambda: len(finished_syncs(cluster[name])) > self.finished_before, PATIENCE,
                   lambda: f'"sync finished" in the log of {name}\n{cluster[name].log_tail()}')
        fields = finished_syncs(cluster[name])[-1]
        for field in ('provider', 'chunks', 'keys', 'bytes', 'seconds', 'version'):
            self.assertIn(field, fields)
        cluster.wait_quorum(len(cluster.names))
        return fields

    def write_many(self, cluster, count, value, mons=()):
        """So many versions, by one client: it takes no longer than it must."""
        pairs = [(f'meanwhile/{number}', value) for number in range(count)]
        cluster.import_pairs(pairs, mons=mons, batch=1)
