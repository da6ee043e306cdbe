"""Nothing is acknowledged before a majority has synced it, and the bound that covers it, with one sync of each; seen
from outside: strace records what the daemons do."""

import dataclasses
import re
import shutil
import time
import unittest

from harness import ANSWER_SECONDS, CLI, PATIENCE, STEADY, ClusterTest, run, wait_until

PUTS = 25
TRACED = 'write,writev,pwrite64,pwritev,fsync,fdatasync,sync_file_range,sendto,sendmsg'
CALL = re.compile(rb'^(\d+\.\d+) (\w+)\((\d+)<(.*?)>([,)].*) = (-?\d+)(?: .*)? <(\d+\.\d+)>$')


@dataclasses.dataclass
class Call:
    start: float
    end: float
    name: str
    fd: int
    target: str  # a path, or a connection
    rest: bytes


def read_calls(files):
    """The completed system calls of one process, in the order in which they began."""
    calls = []
    for file in files:
        for line in file.read_bytes().split(b'\n'):
            match = CALL.match(line)
            if match and int(match[6]) >= 0:
                start = float(match[1])
                calls.append(Call(start, start + float(match[7]), match[2].decode(), int(match[3]), match[4].decode(),
                                  match[5]))
    return sorted(calls, key=lambda call: call.start)


class Trace:
    """What one member did."""

    def __init__(self, daemon, files):
        calls = read_calls(files)
        self.address = daemon.address
        data = str(daemon.data.resolve())
        self.file_calls = [call for call in calls if call.target.startswith(data)]
        self.sends = [call for call in calls if call.name.startswith(('send', 'write')) and 'TCP' in call.target]

    def synced_at(self, marker):
        """When the first sync ended that began after the marker was written to the same file; None if never."""
        ends = [sync.end for write in self.file_calls if 'write' in write.name and marker in write.rest
                for sync in self.file_calls if sync.name in ('fsync', 'fdatasync') and sync.target == write.target and
                sync.start >= write.end]
        return min(ends, default=None)

    def covered_at(self, marker):
        """When the first sync of the bound ended that was written after the sync of the marker; None if never."""
        synced = self.synced_at(marker)
        bounds = [call for call in self.file_calls if '/bound.' in call.target and synced and call.start >= synced]
        ends = [sync.end for write in bounds if 'write' in write.name
                for sync in bounds if sync.name == 'fdatasync' and sync.target == write.target and
                sync.start >= write.end]
        return min(ends, default=None)

    def syncs_between(self, begin, end):
        """The names of the files that were synced; the two files of the bound have one name."""
        return sorted(call.target.rpartition('/')[2].split('.')[-1 if call.target.endswith('.log') else 0]
                      for call in self.file_calls if 'sync' in call.name and begin <= call.start <= end)

    def answered_at(self, begin, end):
        """When the last piece was sent to the client: on a connection to this member's port on which nothing was sent
        before `begin`."""
        to_us = [call for call in self.sends if f'[{self.address}->' in call.target]
        old = {call.target for call in to_us if call.start < begin}
        answers = [call.start for call in to_us if call.target not in old and begin <= call.start <= end]
        return max(answers, default=None)


class Fsync(ClusterTest):
    def start_traced(self, cluster):
        if not shutil.which('strace'):
            self.fail('strace is not installed (Debian package: strace)')
        for daemon in cluster.daemons.values():
            # -D: the daemon stays our child. -ff: a file for each thread, so that no call is split in two lines.
            daemon.start(wrapper=['strace', '-D', '-f', '-ff', '-ttt', '-T', '-yy', '-s', '4096', '--seccomp-bpf',
                                  '-e', f'trace={TRACED}', '-e', 'signal=none', '-o',
                                  str(cluster.root / f'strace.{daemon.name}')])
        for daemon in cluster.daemons.values():
            wait_until(lambda: self.is_traced(daemon), PATIENCE,
                       lambda: f'strace is attached to {daemon.name} (may this user trace processes?)\n'
                               f'{daemon.log_tail()}')
        cluster.wait_quorum(3)

    @staticmethod
    def is_traced(daemon):
        daemon.check_alive()
        with open(f'/proc/{daemon.pid}/status', encoding='ascii') as file:
            return int(re.search(r'TracerPid:\s+(\d+)', file.read())[1]) != 0

    def read_traces(self, cluster):
        cluster.terminate_all()
        files = {name: lambda name=name: list(cluster.root.glob(f'strace.{name}.*')) for name in cluster.names}
        for name in cluster.names:  # the tracer ends a little after the daemon
            wait_until(lambda: any(b'+++ exited with' in file.read_bytes() for file in files[name]()), PATIENCE,
                       f'strace has finished with {name}')
        traces = {name: Trace(cluster[name], files[name]()) for name in cluster.names}
        for name, trace in traces.items():
            self.assertTrue(trace.file_calls, f'strace saw no write of {name} below its directory')
        return traces

    def test_at_least_a_majority_has_synced_each_value_and_its_bound_before_it_is_acknowledged(self):
        cluster = self.cluster(3, STEADY)
        self.start_traced(cluster)
        leader = cluster.leader()
        puts = []
        for number in range(PUTS):
            marker = f'marker-{number:04}-of-this-value'
            begin = time.time()
            # Twice in the value: a record of LevelDB's log is cut where a block of 32 KiB ends.
            ran = run(CLI, '--mons', cluster[leader].address, '--timeout', ANSWER_SECONDS, 'put', f'key/{number}',
                      f'{marker} {marker}')
            puts.append((marker, begin, time.time(), ran))
        for marker, _, _, ran in puts:
            self.assertEqual(ran.code, 0, str(ran))
        traces = self.read_traces(cluster)
        # For each put a session is opened, and then the value is put: one sync of each file for either. They are
        # counted over all puts, since the leader's own syncs may still run when its peers' have made the majority,
        # also those of what came before the first put.
        syncs = traces[leader].syncs_between(puts[0][1], puts[-1][2])
        self.assertLessEqual(set(syncs), {'bound', 'log'}, 'of the leader, during the puts')
        for name in ('bound', 'log'):
            self.assertLessEqual(syncs.count(name), 2 * PUTS + 1, name)
        self.margins = []
        for marker, begin, end, _ in puts:
            with self.subTest(value=marker):
                self.check_put(traces, leader, marker, begin, end)
        print(f'\nanswers left {min(self.margins) * 1000:.3f} to {max(self.margins) * 1000:.3f} ms after the sync of '
              f'the bound that made a majority', flush=True)
        cluster.start()  # so that the end of the test finds a whole cluster

    def check_put(self, traces, leader, marker, begin, end):
        answered = traces[leader].answered_at(begin, end)
        self.assertIsNotNone(answered, f'strace saw no answer of {leader} to the client')
        synced = {name: trace.covered_at(marker.encode()) for name, trace in traces.items()}
        in_time = [name for name, when in synced.items() if when is not None and begin <= when <= answered]
        shown = ', '.join(f'{name}: {"never" if when is None else f"{(when - answered) * 1000:+.3f} ms"}'
                          for name, when in synced.items())
        self.assertGreaterEqual(len(in_time), len(traces) // 2 + 1,
                                'acknowledged before a majority had synced value and bound; syncs ended, from the '
                                f'answer on: {shown}')
        self.margins.append(answered - sorted(synced[name] for name in in_time)[len(traces) // 2])


if __name__ == '__main__':
    unittest.main()
