"""SIGKILL of members at random moments of an import loses nothing that was acknowledged."""

import concurrent.futures
import json
import pathlib
import shutil
import subprocess
import sys
import threading
import time
import unittest

from harness import (CLI, OK, PATIENCE, UNAVAILABLE, UNKNOWN, ClusterTest, die_with_the_test, escape, run,
                     seeded_random, wait_until)

WRITERS = 4
KILLS = 20
BATCH_KEYS = 40


class Writer(threading.Thread):
    """Imports one small file after the other, each with keys of its own, and remembers what was acknowledged."""

    def __init__(self, cluster, number):
        super().__init__()
        self.number = number
        self.mons = ','.join(cluster.mons(cluster.names[number % 3:] + cluster.names[:number % 3]).split(','))
        self.acknowledged = {}  # keys of imports that exited 0
        self.uncertain = {}     # keys of imports that did not
        self.codes = {}
        self.last = None        # how the last import ended
        self.finish = threading.Event()
        self.failure = None

    def run(self):
        try:
            batch = 0
            while not self.finish.is_set():
                self.write_batch(batch)
                batch += 1
        except Exception as failure:
            self.failure = failure

    def write_batch(self, batch):
        prefix = f'writer{self.number}/{batch:05}/'
        pairs = {f'{prefix}{i:02}'.encode(): f'{prefix}{i:02} {"x" * (i * 7)}'.encode() for i in range(BATCH_KEYS)}
        lines = ''.join(f'{escape(key)}\t{escape(value)}\n' for key, value in pairs.items()).encode()
        ran = run(CLI, '--mons', self.mons, '--timeout', 20, 'import', '--batch', 16, '-', stdin=lines)
        self.last = ran
        self.codes[ran.code] = self.codes.get(ran.code, 0) + 1
        if ran.code not in (OK, UNAVAILABLE, UNKNOWN):
            raise AssertionError(str(ran))
        (self.acknowledged if ran.code == OK else self.uncertain).update(pairs)


class Kill(ClusterTest):
    def setUp(self):
        super().setUp()
        self.random = seeded_random(self.id())

    def wait_for_progress(self, cluster, writers, keys=None):
        """Until more is acknowledged than so many keys, or than now."""
        before = sum(len(writer.acknowledged) for writer in writers) if keys is None else keys

        def explain():
            statuses = '\n'.join(f'{name}: {json.dumps(cluster.status(name))}' for name in cluster.names)
            lasts = '\n'.join(f'writer {writer.number}: {writer.last}' for writer in writers)
            return f'more than {before} keys are acknowledged, while all members run\n{statuses}\n{lasts}'
        wait_until(lambda: sum(len(writer.acknowledged) for writer in writers) > before or
                   any(writer.failure for writer in writers), PATIENCE, explain)

    def kill_members(self, cluster, writers):
        """Twenty kills: mostly of one, at times of two or of all at once; each is restarted soon after."""
        kills = 0
        while kills < KILLS:
            if self.random.random() < 0.6:
                self.wait_for_progress(cluster, writers)
            time.sleep(self.random.random())  # the moment is what is random here
            count = min(self.random.choice([1, 1, 1, 1, 2, 3]), KILLS - kills)
            victims = self.random.sample(cluster.names, count)
            for victim in victims:
                cluster[victim].kill()
                kills += 1
            time.sleep(self.random.random() * 0.7)
            for victim in victims:
                cluster[victim].start()
        self.wait_for_progress(cluster, writers)
        self.wait_for_progress(cluster, writers, KILLS * BATCH_KEYS)  # for the kills to mean anything

    def check_content(self, content, writers):
        wrong = []
        for writer in writers:
            wrong += [f'{key} is missing or wrong: {content.get(key)}' for key, value in writer.acknowledged.items()
                      if content.get(key) != value]
            wrong += [f'{key} has a value that nobody wrote: {content[key]}' for key, value in writer.uncertain.items()
                      if content.get(key, value) != value]
        known = {key for writer in writers for key in (*writer.acknowledged, *writer.uncertain)}
        wrong += [f'{key} was written by nobody' for key in content if key not in known]
        self.assertEqual(wrong[:10], [], f'{len(wrong)} keys are wrong')

    def test_twenty_kills_of_random_members_during_an_import_by_four_writers_lose_no_acknowledged_key(self):
        cluster = self.formed_cluster()
        writers = [Writer(cluster, number) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        try:
            self.kill_members(cluster, writers)
        finally:
            for writer in writers:
                writer.finish.set()
            for writer in writers:
                writer.join(PATIENCE)
        for writer in writers:
            if writer.failure:
                raise writer.failure
        cluster.wait_quorum(3)
        acknowledged = sum(len(writer.acknowledged) for writer in writers)
        codes = {code: sum(writer.codes.get(code, 0) for writer in writers) for code in (OK, UNAVAILABLE, UNKNOWN)}
        print(f'\n{KILLS} kills, {acknowledged} keys acknowledged; imports by exit code: {codes}', file=sys.stderr)
        self.check_content(cluster.export(), writers)
        for name in cluster.names:  # and on each member's own disk
            wait_until(lambda: len(cluster.export(mons=[name])) >= acknowledged, PATIENCE, f'{name} has all')
            ran = cluster.must('export', '--consistency', 'serializable', mons=[name])
            self.assertGreaterEqual(ran.out.count(b'\n'), acknowledged)

    def kill_at_its_next_sync(self, daemon):
        """Whatever it has written then survives, and the answer that waits for the sync is never sent."""
        if not shutil.which('strace'):
            self.fail('strace is not installed (Debian package: strace)')
        daemon.check_alive()
        tracer = subprocess.Popen(['strace', '-f', '-q', '-o', str(daemon.data) + '.strace',
                                   '-e', 'trace=fsync,fdatasync', '-e', 'inject=fsync,fdatasync:signal=SIGKILL',
                                   '-p', str(daemon.pid)],
                                  stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=die_with_the_test)
        self.addCleanup(tracer.communicate)
        self.addCleanup(tracer.kill)

        def is_attached():
            if daemon.process.poll() is not None:  # it has synced something already
                return True
            if tracer.poll() is not None:
                self.fail(f'strace cannot attach to {daemon.name}: {tracer.stderr.read().decode()}')
            tasks = pathlib.Path(f'/proc/{daemon.pid}/task').iterdir()
            try:
                return all('TracerPid:\t0\n' not in (task / 'status').read_text() for task in tasks)
            except OSError:  # a thread that has ended meanwhile
                return False
        wait_until(is_attached, PATIENCE, f'strace is attached to all threads of {daemon.name}')

    def test_a_peon_killed_between_its_write_and_its_answer_accepts_again_when_it_is_back(self):
        # Its acceptance is on its disk, but the leader has not heard of it; nobody else is there to make the majority.
        cluster = self.formed_cluster()
        cluster.put('key', 'before')
        leader = cluster.leader()
        peon, third = cluster.others(leader)
        cluster[third].kill()
        cluster.wait_status(lambda status: third not in status['quorum'], PATIENCE,
                            'the third member does not count any more', (leader,))
        self.kill_at_its_next_sync(cluster[peon])
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            first = pool.submit(cluster.put, 'key', 'first', check=False, mons=(leader,))
            cluster[peon].process.wait(PATIENCE)
            cluster[peon].process = None
            cluster[peon].start()
            ran = first.result()
            self.assertIn(ran.code, (OK, UNAVAILABLE, UNKNOWN), str(ran))
        ran = cluster.put('other', 'second', check=False, mons=(leader, peon))
        self.assert_exit(ran, OK)


if __name__ == '__main__':
    unittest.main()
