"""Either end of a store synchronization is killed behind each of its chunks: what was durable is not sent again, and the
stores end equal. Between stopped stores a sync is killed each time that it asks for something to be durable."""

import collections
import itertools
import re
import shutil
import signal
import sys
import unittest

from harness import OK, PATIENCE, STORE, run, wait_until
from syncs import SMALL_LOG, StoppedSource, SyncTest, injecting, log_of, noise

WINDOW = 4  # chunks of a member's sync
# Values that are more than a chunk travel alone; at the rate, one in a second. The provider walks a window of pieces before
# it waits for the first chunk of them, so between two values that differ there is as much that does not.
VALUES, VALUE_BYTES, PIECE_BYTES = 12, 16 << 10, 2048
RATE = ('--sync-rate', 16384)
CHUNKS = VALUES + WINDOW  # a sync that is left alone has no more; each that is broken off may bring one of the log
ONE_CHUNK_LATER_US = 300_000  # what the requester waits with each sync of its copy, so that the one before is seen
ROUNDS = 5
EVENT = re.compile(r'sync \[\d+\] ([a-z-]+) cookie=([0-9a-f]+)(.*)')


def events(text):
    """(kind, cookie, {field: value}) of each, in order."""
    for kind, cookie, rest in EVENT.findall(text):
        yield kind, cookie, dict(field.split('=', 1) for field in rest.split() if '=' in field)


class KilledSync:
    """One sync of the member `c`, as its log tells it from here on."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.begin = len(log_of(cluster['c']))

    def start_requester(self, call, what, *options):
        """Such a system call on the log of its copy has what strace injects."""
        daemon = self.cluster['c']
        files = [daemon.data / f'store.2/{number:06}.log' for number in range(200)]
        # -D: the daemon stays our child.
        daemon.start(wrapper=injecting(call, what, self.cluster.root / 'strace', '-D', *options, files=files))

    def events(self, *kinds):
        return [event for event in events(log_of(self.cluster['c'])[self.begin:]) if event[0] in kinds]

    def chunks(self):
        """That it has told to be durable in the copy."""
        written = self.events('chunk-written')
        return int(written[-1][2]['chunks']) if written else 0

    def is_under_way(self):
        """A provider is asked, and has not been lost since."""
        newest = self.events('started', 'asked', 'failed')[-1:]
        return bool(newest) and newest[0][0] == 'asked'

    def is_finished(self):
        """In quorum, or killed before that, and without a mark again."""
        marks = [kind == 'marked' or kind == 'started' and fields['marked'] == 'yes'
                 for kind, _, fields in self.events('marked', 'started', 'in-quorum')]
        return True in marks and not marks[-1]

    def kill_provider(self):
        """The number of chunks that were durable at that moment; none if another became so meanwhile."""
        provider = self.cluster[self.events('asked')[-1][2]['provider']]
        before, failed = self.chunks(), len(self.events('failed'))
        provider.kill()
        met = {before} & {self.chunks()}
        provider.start()
        self.wait(lambda: self.is_finished() or len(self.events('failed')) > failed, 'the sync is broken off')
        return met

    def wait(self, condition, what):
        wait_until(condition, PATIENCE, lambda: f'{what}\n{self.cluster["c"].log_tail()}')


class Processes(SyncTest):
    def left_behind_in_parts(self, *options):
        """The member `c` was away while every fifth value was replaced."""
        cluster = self.formed_cluster(3, (*SMALL_LOG, '--sync-chunk-bytes', PIECE_BYTES, *options))
        values = [f'key/{number:03}' for number in range(VALUES * (WINDOW + 1))]
        cluster.import_pairs([(key, noise(key, PIECE_BYTES)) for key in values])
        cluster.wait_level()
        self.kill_behind(cluster, 'c')
        cluster.wait_quorum(2, mons=('a', 'b'))  # if it was the leader
        cluster.import_pairs([(key, noise(key, VALUE_BYTES)) for key in values[::WINDOW + 1]], mons=('a', 'b'), batch=1)

        def is_trimmed():
            cluster.import_pairs([('key/000', noise('key/000', VALUE_BYTES))] * 20, mons=('a', 'b'), batch=1)
            return all(cluster.member_status(name)['first_committed'] > self.last_committed['c'] + 1 for name in 'ab')
        wait_until(is_trimmed, PATIENCE, 'the log does not hold what c needs')
        return cluster

    def check_what_was_sent(self, sync):
        """In each session no more than a window beyond what the copy got by it."""
        sent = collections.Counter(cookie for name in ('a', 'b') for kind, cookie, _ in events(log_of(sync.cluster[name]))
                                   if kind in ('chunk-sent', 'last-chunk-sent'))
        begun, order = {}, []  # by cookie: the chunks that the copy had
        for kind, cookie, fields in sync.events('asked', 'copy-resumed'):
            if kind == 'asked':
                order.append(cookie)
                begun.setdefault(cookie, 0)
            else:
                begun[cookie] = int(fields['chunks'])
        ended = [begun[cookie] for cookie in order[1:]] + [sync.chunks()]
        for cookie, end in zip(order, ended):
            self.assertGreaterEqual(end, begun[cookie], 'a copy has become smaller')
            self.assertLessEqual(sent[cookie], end - begun[cookie] + WINDOW, f'session {cookie}')
        self.assertEqual(log_of(sync.cluster['c']).count('begins from the start again'), 0)

    def test_the_requester_is_killed_between_any_two_chunks(self):
        """In each of its lives it may write one chunk, and is killed when it begins to write what comes next. What it had, it
        tells when it starts again: one more, or as many as before, if what came next was to be told of with the first."""
        cluster = self.left_behind_in_parts()
        requester, sync = cluster['c'], KilledSync(cluster)

        def found():
            return [int(fields['chunks']) for _, _, fields in sync.events('started') if fields['marked'] == 'yes']
        for life in range(4 * CHUNKS):
            writes = 3 if life == 0 else 2  # the first one makes the copy, with two
            sync.start_requester('write', f'signal=KILL:when={writes}')
            self.assertEqual(requester.process.wait(PATIENCE), -signal.SIGKILL, requester.log_tail())
            requester.process = None
            if CHUNKS - 2 in found():
                break
        requester.start()
        cluster.wait_quorum(3)
        self.assertLessEqual(set(range(CHUNKS - 1)), set(found()))
        for before, after in itertools.pairwise(found()):
            self.assertIn(after - before, (0, 1))
        self.check_what_was_sent(sync)

    def test_the_provider_is_killed_between_any_two_chunks(self):
        """A number of chunks at which it was not killed, since the next one came with it, or before the test had looked,
        is met in a further cluster, in which it is killed at such numbers only."""
        met, totals = set(), []
        for _ in range(ROUNDS):
            self.close_clusters()
            sync = KilledSync(self.left_behind_in_parts(*RATE))
            sync.start_requester('fdatasync', f'delay_enter={ONE_CHUNK_LATER_US}', '--seccomp-bpf')
            self.kill_provider_at_others_than(met, sync)
            sync.cluster.wait_quorum(3)
            self.check_what_was_sent(sync)
            totals.append(sync.chunks())
            self.assertGreaterEqual(totals[-1], VALUES)
            passed = sorted(set(range(1, min(CHUNKS, *totals))) - met)
            print(f'{self.id()}: killed at {sorted(met)}; syncs had {totals} chunks; passed: {passed}', file=sys.stderr,
                  flush=True)
            if not passed:
                return
        self.fail(f'the numbers {passed} were passed in each of {ROUNDS} syncs')

    def kill_provider_at_others_than(self, met, sync):
        numbers = set(range(1, CHUNKS))
        def is_further():
            return sync.is_finished() or sync.is_under_way() and sync.chunks() in numbers - met
        while True:
            sync.wait(is_further, 'another chunk')
            if sync.is_finished():
                return
            met |= sync.kill_provider()


class StoppedStores(StoppedSource):
    def killed_at(self, number, copy, window):
        """The sync is killed when it asks for the n-th time that something be durable."""
        return run(*injecting('fsync,fdatasync', f'signal=KILL:when={number}', self.scratch() / 'strace'), STORE, 'sync',
                   self.source, copy, '--chunk-bytes', 60_000, '--window', window, '--trace-sync')

    def test_at_every_sync_of_the_disk_chunk_by_chunk(self):
        self.assertGreaterEqual(self.kill_at_every_sync(1)['unfinished'], 12)

    def test_at_every_sync_of_the_disk_with_several_under_way(self):
        self.kill_at_every_sync(5)

    def kill_at_every_sync(self, window):
        """How many of the kills left what."""
        ends = collections.Counter()
        for number in range(1, 200):
            copy = self.scratch() / f'copy.{number}'
            killed = self.killed_at(number, copy, window)
            if killed.code == OK:
                break
            self.assertEqual(killed.code, -signal.SIGKILL, killed)
            sent = sum(kind in ('chunk-sent', 'last-chunk-sent') for kind, _, _ in events(killed.err))
            listed = run(STORE, 'list', copy)
            found = re.search(r'unfinished sync at chunk (\d+)', listed.err)
            ends['copied' if listed.code == OK else 'unfinished' if found else 'nothing'] += 1
            durable = sent if listed.code == OK else int(found[1]) if found else 0
            self.assertLessEqual(sent - durable, window, killed)
            told = run(STORE, 'sync', self.source, copy, '--chunk-bytes', 60_000, '--resume', '--format', 'json')
            self.assert_exit(told, OK)
            self.assertEqual(told.json()['first_chunk'], durable + 1 if listed.code != OK else 0, told)
            self.assert_exit(run(STORE, 'compare', self.source, copy), OK)
            shutil.rmtree(copy)
        self.assertEqual(killed.code, OK, killed)
        for end in ('nothing', 'unfinished', 'copied'):
            self.assertGreaterEqual(ends[end], 1, ends)
        return ends


if __name__ == '__main__':
    unittest.main()
