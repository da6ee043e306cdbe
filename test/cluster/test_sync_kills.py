"""Either end of a store synchronization is killed at one chunk after the other: what was durable is not sent again, and the
stores end equal. Between stopped stores a sync is killed each time that it asks for something to be durable."""

import collections
import re
import shutil
import signal
import unittest

from harness import OK, PATIENCE, STORE, run, wait_until
from syncs import StoppedSource, SyncTest, WasTooLate, finished_syncs

WINDOW = 4  # chunks of a member's sync
OPTIONS = ('--sync-chunk-bytes', 2048, '--sync-rate', 16384)
EVENT = re.compile(r'sync \[\d+\] ([a-z-]+) cookie=([0-9a-f]+)(.*)')


def events(text):
    """(kind, cookie, {field: value}) of each, in order."""
    for kind, cookie, rest in EVENT.findall(text):
        yield kind, cookie, dict(field.split('=', 1) for field in rest.split() if '=' in field)


def log_of(daemon):
    return daemon.log_bytes().decode(errors='replace')


def chunks_written(daemon):
    return [int(fields['chunks']) for kind, _, fields in events(log_of(daemon)) if kind == 'chunk-written']


class Processes(SyncTest):
    def kill_at_chunks(self, who):
        """`who(cluster)` names the member that is killed each time that another chunk is seen to be durable."""
        cluster = self.left_behind(sync_options=OPTIONS, value_bytes=400, keys=600)
        self.restart_behind(cluster)
        met = set()

        def is_further():
            written = chunks_written(cluster['c'])
            return (written and written[-1] not in met and written[-1]) or self.is_finished(cluster)
        while not self.is_finished(cluster):
            chunks = wait_until(is_further, PATIENCE, lambda: f'another chunk\n{cluster["c"].log_tail()}')
            if self.is_finished(cluster):
                break
            met.add(chunks)
            victim = who(cluster)
            cluster[victim].kill()
            cluster[victim].start()
        cluster.wait_quorum(3)
        total = chunks_written(cluster['c'])[-1]
        self.assertGreaterEqual(total, 10)
        if len(met) < 4:  # several are durable together, or come faster than they are seen
            raise WasTooLate(f'of {total} chunks only {sorted(met)} were met')
        self.check_what_was_sent(cluster, total)

    def is_finished(self, cluster):
        """It says so, or was killed before it could, and finds itself without a mark again."""
        marks = [kind if kind == 'marked' else fields['marked'] for kind, _, fields in events(log_of(cluster['c']))
                 if kind in ('marked', 'started')]
        was_marked = 'marked' in marks
        return was_marked and (len(finished_syncs(cluster['c'])) > self.finished_before or
                               'no' in marks[marks.index('marked'):])

    def check_what_was_sent(self, cluster, total):
        """In each session no more than a window beyond what the copy got by it."""
        sent = collections.Counter(cookie for name in ('a', 'b') for kind, cookie, _ in events(log_of(cluster[name]))
                                   if kind in ('chunk-sent', 'last-chunk-sent'))
        begun, order = {}, []  # by cookie: the chunks that the copy had
        for kind, cookie, fields in events(log_of(cluster['c'])):
            if kind == 'asked':
                order.append(cookie)
                begun.setdefault(cookie, 0)
            elif kind == 'copy-resumed':
                begun[cookie] = int(fields['chunks'])
        ended = [begun[cookie] for cookie in order[1:]] + [total]
        for cookie, end in zip(order, ended):
            self.assertGreaterEqual(end, begun[cookie], 'a copy has become smaller')
            self.assertLessEqual(sent[cookie], end - begun[cookie] + WINDOW, f'session {cookie}')
        self.assertEqual(log_of(cluster['c']).count('begins from the start again'), 0)

    def test_the_requester(self):
        self.kill_at_chunks(lambda cluster: 'c')

    def test_the_provider(self):
        def provider(cluster):
            asked = [fields['provider'] for kind, _, fields in events(log_of(cluster['c'])) if kind == 'asked']
            return asked[-1]
        self.kill_at_chunks(provider)


class StoppedStores(StoppedSource):
    def setUp(self):
        super().setUp()
        self.assertTrue(shutil.which('strace'), 'strace is not installed (Debian package: strace)')

    def killed_at(self, number, copy, window):
        """The sync is killed when it asks for the n-th time that something be durable."""
        return run('strace', '-f', '-o', self.scratch() / 'strace', '-e', 'trace=fsync,fdatasync', '-e',
                   f'inject=fsync,fdatasync:signal=KILL:when={number}', STORE, 'sync', self.source, copy,
                   '--chunk-bytes', 60_000, '--window', window, '--trace-sync')

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
