"""Leaders are killed while clients write: every write is done once, and no client is left without an answer."""

import subprocess
import sys
import threading
import unittest

from harness import CLI, OK, PATIENCE, ClusterTest, die_with_the_test, run, seeded_random, wait_until

LEADER_KILLS = 8
CLIENT_SECONDS = 120


class Importer(threading.Thread):
    """One client, one session: puts the same key again and again, each line a request of its own."""

    def __init__(self, cluster, key):
        super().__init__()
        self.key = key
        self.lines = 0
        self.finish = threading.Event()
        words = [CLI, '--mons', cluster.mons(), '--timeout', str(CLIENT_SECONDS), 'import', '-']
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        preexec_fn=die_with_the_test)
        self.outcome = None

    def run(self):
        try:
            while not self.finish.is_set():
                # Long lines, so that the pipe does not hold many.
                self.process.stdin.write(f'{self.key}\t{self.lines}{"." * 500}\n'.encode())
                self.process.stdin.flush()
                self.lines += 1
        except BrokenPipeError:
            pass
        finally:
            _, err = self.process.communicate()
            self.outcome = (self.process.returncode, err.decode(errors='replace'))


class Putter(threading.Thread):
    """A process, and so a session, for each put."""

    def __init__(self, cluster, key):
        super().__init__()
        self.cluster = cluster
        self.key = key
        self.lines = 0
        self.finish = threading.Event()
        self.outcome = (OK, '')

    def run(self):
        while not self.finish.is_set() and self.outcome[0] == OK:
            # Another member is asked first each time.
            first = self.lines % 3
            names = self.cluster.names[first:] + self.cluster.names[:first]
            ran = run(CLI, '--mons', self.cluster.mons(names), '--timeout', CLIENT_SECONDS, 'put', self.key, self.lines)
            self.lines += ran.code == OK
            self.outcome = (ran.code, ran.err)


class ExactlyOnce(ClusterTest):
    def kill_leaders(self, cluster, writers):
        random = seeded_random(self.id())
        for _ in range(LEADER_KILLS):
            before = [writer.lines for writer in writers]
            more = random.randrange(1, 20)
            wait_until(lambda: all(writer.lines >= lines + more or not writer.is_alive()
                                   for writer, lines in zip(writers, before)), PATIENCE, 'every writer goes on')
            leader = cluster.leader()
            cluster[leader].kill()
            cluster.wait_quorum(2, cluster.others(leader))
            cluster[leader].start()
            cluster.wait_quorum(3)

    def test_every_write_is_done_once_while_leaders_are_killed(self):
        cluster = self.formed_cluster()
        writers = [Importer(cluster, 'import-1'), Importer(cluster, 'import-2'), Putter(cluster, 'put-1'),
                   Putter(cluster, 'put-2')]
        for writer in writers:
            writer.start()
        try:
            self.kill_leaders(cluster, writers)
        finally:
            for writer in writers:
                writer.finish.set()
            for writer in writers:
                writer.join(PATIENCE)
        print(f'\n{LEADER_KILLS} leaders killed; puts: {[writer.lines for writer in writers]}', file=sys.stderr)
        for writer in writers:
            self.assertEqual(writer.outcome[0], OK, f'{writer.key}: {writer.outcome}')
            got = cluster.must('--format', 'json', 'get', writer.key).json()
            self.assertEqual(got['version'], writer.lines, f'{writer.key} was put so often, of {writer.lines}')


if __name__ == '__main__':
    unittest.main()
