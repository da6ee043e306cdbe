"""The disk is full while a store is copied: it is said, the old store stays as it was, and with room the copy is gone on
with. strace lets the disk be full: the files of the copy are not written."""

import re
import unittest

from harness import OK, PATIENCE, STORE, USAGE, run
from syncs import SMALL_CHUNKS, StoppedSource, SyncTest, injecting, log_of

DISK_FAILURE = 4
ADVICE = 'No space left on device; make room there and start again'


def full(store, first=1, options=()):
    """A wrapper under which writes to the files of the store fail, from such a one on."""
    files = [store / name for number in range(100)
             for name in (f'{number:06}.log', f'{number:06}.ldb', f'MANIFEST-{number:06}')]
    return injecting('write', f'error=ENOSPC:when={first}+', store.parent.parent / 'strace', *options, files=files)


class DiskFull(SyncTest):
    def start_until_full(self, cluster, first):
        """c says so once, and ends."""
        daemon = cluster['c']
        store = daemon.data / 'store.2'
        said = daemon.log_bytes().count(b'No space left')
        daemon.start(wrapper=full(store, first, options=('-D',)))
        self.assertEqual(daemon.process.wait(PATIENCE), DISK_FAILURE, daemon.log_tail())
        daemon.process = None
        log = log_of(daemon)
        self.assert_says(log.strip().splitlines()[-1], 'stops: cannot', 'the store', store, ADVICE)
        self.assertEqual(log.count('No space left'), said + 1)

    def contents(self, cluster):
        return self.assert_exit(run(STORE, 'list', cluster['c'].data), OK).out

    def test_a_requester_that_has_no_room_for_its_copy_says_so_and_goes_on_when_there_is_room(self):
        cluster = self.left_behind(sync_options=SMALL_CHUNKS, keys=600)
        before = self.contents(cluster)
        self.start_until_full(cluster, 20)
        chunks = [int(number) for number in re.findall(r'chunk-written \S+ chunks=(\d+)', log_of(cluster['c']))]
        self.assertGreaterEqual(chunks[-1], 1)
        self.assertEqual(self.contents(cluster), before, 'the old store is another one')
        cluster.put('meanwhile', 'value', mons=('a', 'b'))
        self.start_until_full(cluster, 1)  # it cannot open what it has
        cluster.put('meanwhile', 'another', mons=('a', 'b'))
        self.restart_behind(cluster)
        self.wait_synced(cluster)
        resumed = [int(number) for number in re.findall(r'copy-resumed \S+ version=\d+ chunks=(\d+)', log_of(cluster['c']))]
        self.assertGreaterEqual(resumed[-1], chunks[-1])
        self.assertNotIn('begins from the start again', log_of(cluster['c']))


class StoppedStores(StoppedSource):
    def test_a_copy_that_has_no_room_is_gone_on_with_when_there_is_room(self):
        copy = self.scratch() / 'copy'
        words = (STORE, 'sync', self.source, copy, '--chunk-bytes', 60_000, '--window', 1)
        store = copy / 'store.1'
        self.assert_refused(run(*full(store, 8), *words), USAGE, 'cannot write to the store', store, ADVICE)
        found = self.assert_refused(run(STORE, 'list', copy), USAGE, 'unfinished sync at chunk')
        durable = int(re.search(r'unfinished sync at chunk (\d+)', found.err)[1])
        self.assertGreaterEqual(durable, 1)
        self.assert_refused(run(*full(store), *words, '--resume'), USAGE, 'the store', store, ADVICE)
        told = self.assert_exit(run(*words, '--resume', '--format', 'json'), OK)
        self.assertEqual(told.json()['first_chunk'], durable + 1)
        self.assert_exit(run(STORE, 'compare', self.source, copy), OK)


if __name__ == '__main__':
    unittest.main()
