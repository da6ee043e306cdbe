"""Clusters of real processes, for the tests in this folder.

A test gets its clusters from ClusterTest.cluster(). When the test is over, each of them is brought back to full
strength, everything that it had acknowledged is read back, its members are stopped with SIGTERM, every pair of stores is
compared byte by byte, and the events of all syncs, as the logs tell them, are judged; any difference, any event that was
not permitted, any daemon that ended by itself and any failed assertion fails the test. Nothing that a test does or forgets
turns that off.

    SYNOD_BIN         where the programs are (default: build/bin in the repository)
    SYNOD_SYNC_ORDER  the program that judges the events of syncs (default: test/sync_order beside SYNOD_BIN)
    SYNOD_SEED        the seed of all that is random (default: a new one, which is printed)
    SYNOD_KEEP        if set, directories and logs of tests that passed are kept, too
"""

import ctypes
import dataclasses
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BIN = REPOSITORY / os.environ.get('SYNOD_BIN', 'build/bin')
MON, CLI, STORE = (str(BIN / name) for name in ('synod-mon', 'synod', 'synod-store'))
SYNC_ORDER = os.environ.get('SYNOD_SYNC_ORDER') or str(BIN.parent / 'test/sync_order')

OK, NOT_FOUND, USAGE, UNAVAILABLE, UNKNOWN, REFUSED, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130

# What a daemon prints when it dies of a defect.
DEFECTS = re.compile(rb'assertion failed|terminate called|AddressSanitizer|ThreadSanitizer|LeakSanitizer'
                     rb'|runtime error:|stack smashing|double free|corrupted size')

# No test is about real time. These tell what will never happen from a machine that is slow, or busy with other things:
# nothing waits so long unless the test is about to fail.
PATIENCE = 300         # for whatever a program does at once
ANSWER_SECONDS = 60    # what a client is given for an answer that it is to get

# For a test in which nobody is to be elected: that a member was not scheduled for a second is no reason then.
STEADY = ('--lease-ms', 5000)

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def die_with_the_test():
    """For preexec_fn: the kernel kills the child when the thread that started it ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def seeded_random(who):
    seed = int(os.environ.get('SYNOD_SEED') or random.SystemRandom().randrange(1 << 32))
    print(f'\n{who}: SYNOD_SEED={seed}', file=sys.stderr, flush=True)
    return random.Random(seed)


def wait_until(condition, seconds, what):
    """Polls until `condition` returns something true, and returns that. `what` may be a function, asked at the end."""
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f'after {seconds} s still not: {what() if callable(what) else what}')
        time.sleep(0.02)


# ------------------------------------------------------------------------------------------------------------ ports

_reserved = []  # sockets; each holds the name of one port as long as this process lives


def free_ports(count):
    """Loopback ports that nothing else will take: free now, below the range from which the kernel gives ports to
    outgoing connections (a member that is down would otherwise lose its port to a dialing peer), and each reserved by a
    name in the abstract socket namespace, so that test runs side by side do not meet."""
    with open('/proc/sys/net/ipv4/ip_local_port_range', encoding='ascii') as file:
        low = int(file.read().split()[0])
    candidates = list(range(10000, low)) if low > 12000 else list(range(10000, 65000))
    random.SystemRandom().shuffle(candidates)
    ports = []
    for port in candidates:
        if len(ports) == count:
            return ports
        name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with socket.socket() as probe:
            try:
                name.bind(f'\0synod-test-port-{port}')
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(('127.0.0.1', port))
            except OSError:
                name.close()
                continue
        _reserved.append(name)
        ports.append(port)
    raise AssertionError(f'there are no {count} free ports')


# ---------------------------------------------------------------------------------------------------- running programs

@dataclasses.dataclass
class Ran:
    command: list
    code: int
    out: bytes
    err: str
    seconds: float

    def __str__(self):
        words = ' '.join(word if len(word) < 60 else word[:57] + '...' for word in self.command)
        return (f'{words}: exit {self.code} after {self.seconds:.2f} s\n'
                f'  stdout: {self.out[:400]!r}{"..." if len(self.out) > 400 else ""}\n  stderr: {self.err[-600:]!r}')

    @property
    def text(self):
        return self.out.decode()

    def json(self):
        return json.loads(self.out)


def run(*command, stdin=b'', seconds=PATIENCE, env=None, preexec_fn=None):
    command = [str(word) for word in command]
    environment = {name: value for name, value in os.environ.items() if name != 'SYNOD_MONS'}
    environment.update(env or {})
    started = time.monotonic()
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=seconds, env=environment,
                              preexec_fn=preexec_fn, check=False)
    except subprocess.TimeoutExpired as timeout:
        raise AssertionError(f'{command} did not end within {seconds} s; stderr: {timeout.stderr!r}') from None
    return Ran(command, done.returncode, done.stdout, done.stderr.decode(errors='replace'),
               time.monotonic() - started)


def escape(data):
    """As in import files, but everything that is not printable ASCII as \\xHH."""
    special = {0x09: '\\t', 0x0a: '\\n', 0x0d: '\\r', 0x5c: '\\\\'}
    return ''.join(special.get(byte) or (chr(byte) if 0x20 <= byte < 0x7f else f'\\x{byte:02x}') for byte in data)


_ESCAPE = re.compile(rb'\\(t|n|r|\\|x[0-9a-fA-F]{2})')
_ESCAPED = {b't': b'\t', b'n': b'\n', b'r': b'\r', b'\\': b'\\'}


def unescape(text):
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1]) or bytes([int(match[1][1:], 16)]), text)


def import_lines(pairs):
    return ''.join(f'{escape(key)}\t{escape(value)}\n' for key, value in pairs).encode()


def parse_lines(out):
    """The KEY<TAB>VALUE lines of range and export, as a dict of bytes."""
    result = {}
    for line in out.split(b'\n')[:-1]:
        key, value = line.split(b'\t')
        result[unescape(key)] = unescape(value)
    return result


def key_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


# ------------------------------------------------------------------------------------------------------------- daemons

class Daemon:
    """One synod-mon: its address, directory and log, which outlive its processes."""

    def __init__(self, name, address, root, command):
        self.name = name
        self.address = address
        self.data = root / name
        self.log = root / f'{name}.log'
        self.command = command
        self.process = None
        self.stopped = False

    def start(self, *options, wrapper=(), command=None):
        """`wrapper` is put before the command line; it must exec it, so that the process id stays."""
        assert self.process is None, f'{self.name} runs already'
        with open(self.log, 'ab') as log:
            log.write(f'--- {time.time():.3f} start of {self.name} {" ".join(options)}\n'.encode())
            log.flush()
            self.process = subprocess.Popen([*wrapper, *(command or self.command), *options], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, preexec_fn=die_with_the_test)
        self.stopped = False

    @property
    def pid(self):
        return self.process.pid

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def log_bytes(self):
        return self.log.read_bytes() if self.log.exists() else b''

    def kill(self):
        """SIGKILL, and waits for its end; it must not have ended before."""
        self.check_alive()
        self.process.kill()
        self.process.wait(PATIENCE)
        self.process = None

    def stop(self):
        """SIGSTOP; returns when all its threads stand still."""
        self.check_alive()
        self.stopped = True
        os.kill(self.pid, signal.SIGSTOP)
        wait_until(self._stands_still, PATIENCE, f'{self.name} stopped')

    def _stands_still(self):
        tasks = pathlib.Path(f'/proc/{self.pid}/task')
        try:
            return all((task / 'stat').read_text().rpartition(')')[2].split()[0] in 'Tt' for task in tasks.iterdir())
        except OSError:  # a thread that has ended meanwhile
            return False

    def cont(self):
        self.stopped = False
        os.kill(self.pid, signal.SIGCONT)

    def catches(self, number):
        """The signal has a handler, or is blocked to be read."""
        with open(f'/proc/{self.pid}/status', encoding='ascii') as file:
            text = file.read()
        masks = [int(re.search(rf'{field}:\s+([0-9a-f]+)', text)[1], 16) for field in ('SigCgt', 'SigBlk')]
        return any(mask >> (number - 1) & 1 for mask in masks)

    def send_terminate(self):
        """Once it can be caught: before its main, a program ends at once, with the signal."""
        if self.stopped:
            self.cont()
        wait_until(lambda: self.process.poll() is not None or self.catches(signal.SIGTERM), PATIENCE,
                   f'{self.name} catches SIGTERM')
        self.check_alive()
        self.process.send_signal(signal.SIGTERM)

    def wait_exit(self, seconds):
        """Its exit code; the daemon is killed, and the test fails, when it takes longer."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(PATIENCE)
            self.process = None
            raise AssertionError(f'{self.name} did not end within {seconds} s\n{self.log_tail()}') from None
        self.process = None
        return code

    def terminate(self):
        """SIGTERM, to which every daemon must react in time and with exit code 0."""
        self.check_alive()
        self.send_terminate()
        code = self.wait_exit(PATIENCE)
        if code != 0:
            raise AssertionError(f'{self.name} ended with {code} on SIGTERM\n{self.log_tail()}')

    def check_alive(self):
        if self.process is None:
            raise AssertionError(f'{self.name} does not run')
        if self.process.poll() is not None:
            code, self.process = self.process.returncode, None
            raise AssertionError(f'{self.name} ended by itself with {code}\n{self.log_tail()}')

    def rss_bytes(self):
        with open(f'/proc/{self.pid}/status', encoding='ascii') as file:
            return int(re.search(r'VmRSS:\s+(\d+) kB', file.read())[1]) * 1024

    def log_tail(self, lines=25):
        text = b'\n'.join(self.log_bytes().split(b'\n')[-lines:]).decode(errors='replace')
        return f'----- {self.log} ends with\n{text}\n-----'


# ------------------------------------------------------------------------------------------------------------- clusters

class Cluster:
    def __init__(self, count, options=(), names=None, root=None):
        self.root = root or pathlib.Path(tempfile.mkdtemp(prefix='synod-test-'))
        self.names = list(names or 'abcdefg'[:count])
        ports = free_ports(count)
        self.members_option = ','.join(f'{name}=127.0.0.1:{port}' for name, port in zip(self.names, ports))
        self.options = [str(option) for option in options]
        self.daemons = {}
        for name, port in zip(self.names, ports):
            self.daemons[name] = Daemon(name, f'127.0.0.1:{port}', self.root, self.command(name))
        self.learners = set()   # members that lost their directory: no voters, but level with them in the end
        self.formed = False
        self.expected = {}      # what was acknowledged: key to value, or None if the outcome is not known
        self.closed = False

    def command(self, name, data=None, members=None):
        return [MON, '--name', name, '--data', str(data or self.root / name),
                '--initial-members', members or self.members_option, '--trace-sync', *self.options]

    def __getitem__(self, name):
        return self.daemons[name]

    def others(self, *names):
        return [name for name in self.names if name not in names]

    # Starts those that are named, or all.
    def start(self, *names):
        for name in names or self.names:
            self.daemons[name].start()

    def form(self):
        self.start()
        self.wait_quorum(len(self.names))
        return self

    # The client. `mons` are names; all if empty.
    def mons(self, names=()):
        return ','.join(self.daemons[name].address for name in names or self.names)

    def synod(self, *args, mons=(), timeout=ANSWER_SECONDS, stdin=b'', env=None):
        return run(CLI, '--mons', self.mons(mons), '--timeout', timeout, *args, stdin=stdin,
                   seconds=timeout * 3 + PATIENCE, env=env)

    def must(self, *args, **more):
        """Like synod(), and must succeed."""
        ran = self.synod(*args, **more)
        if ran.code != OK:
            raise AssertionError(str(ran))
        return ran

    def put(self, key, value, check=True, **more):
        ran = self.synod('put', key, value, **more)
        self.expect(key_bytes(key), key_bytes(value), ran.code)
        if check and ran.code != OK:
            raise AssertionError(str(ran))
        return ran

    def expect(self, key, value, code):
        """Notes what a write's exit code promises. A write of unknown outcome may take effect at any later time."""
        if code not in (OK, UNAVAILABLE, REFUSED):
            self.expected[key] = None
        elif code == OK and self.expected.get(key, value) is not None:
            self.expected[key] = value

    def delete(self, key, **more):
        ran = self.must('del', key, **more)
        self.expected.pop(key_bytes(key), None)
        return ran

    def get(self, key, **more):
        """The value, or None if there is no such key."""
        ran = self.synod('get', key, **more)
        if ran.code == NOT_FOUND:
            return None
        if ran.code != OK or not ran.out.endswith(b'\n'):
            raise AssertionError(str(ran))
        return ran.out[:-1]

    def import_pairs(self, pairs, check=True, batch=None, **more):
        """In values of `batch` lines, or of as many as the client puts together."""
        pairs = [(key_bytes(key), key_bytes(value)) for key, value in pairs]
        options = ['--batch', batch] if batch else []
        ran = self.synod('import', *options, '-', stdin=import_lines(pairs), **more)
        for key, value in pairs:  # an import is not atomic: if it failed, any part of it may have been done
            self.expect(key, value, ran.code if ran.code == OK else UNKNOWN)
        if check and ran.code != OK:
            raise AssertionError(str(ran))
        return ran

    def export(self, **more):
        return parse_lines(self.must('export', **more).out)

    def status(self, *mons, timeout=ANSWER_SECONDS):
        """The JSON object, or None if nobody answered in time."""
        ran = self.synod('--format', 'json', 'status', mons=mons, timeout=timeout)
        if ran.code not in (OK, UNAVAILABLE):
            raise AssertionError(str(ran))
        return json.loads(ran.out) if ran.out.strip() else None

    def member_status(self, member, *mons):
        """What it says of itself, or what others say of it: of a name that was lost, of the one that has it now."""
        status = self.status(*(mons or [member]))
        entries = [entry for entry in (status or {}).get('members', []) if entry['name'] == member]
        return entries[-1] if entries else None

    def wait_status(self, condition, seconds, what, mons=()):
        last = [None]

        def holds():
            last[0] = self.status(*mons)
            return last[0] if last[0] is not None and condition(last[0]) else None
        return wait_until(holds, seconds, lambda: f'{what}; the last status was {json.dumps(last[0])}')

    def wait_quorum(self, count, mons=(), seconds=PATIENCE):
        ran = self.synod('status', '--wait-quorum', count, mons=mons, timeout=seconds)
        if ran.code != OK:
            raise AssertionError(f'no quorum of {count}: {ran}\n{self.log_tails()}')
        self.formed = True
        # A member that has just been killed counts until its last grant has lapsed; so each is asked for its own state.
        alive = [name for name, daemon in self.daemons.items() if daemon.is_running and not daemon.stopped]

        def are_in():
            states = [(self.status(name) or {}).get('state') for name in alive]
            return sum(state in ('leader', 'peon') for state in states) >= count
        wait_until(are_in, seconds, f'{count} members say themselves that they lead or follow')

    def leader(self, mons=()):
        return self.wait_status(lambda status: status['leader'], PATIENCE, 'a leader', mons)['leader']

    def last_committed(self, member):
        """As it says itself: what others know of it is as old as its last probe."""
        entry = self.member_status(member)
        return entry['last_committed'] if entry else 0

    def wait_level(self, members=None, seconds=PATIENCE):
        """Until all have committed the same version, which is returned."""
        def common():
            versions = {self.last_committed(name) for name in members or self.names}
            return versions.pop() if len(versions) == 1 else None
        return wait_until(common, seconds, lambda: 'all have committed the same version: ' + ', '.join(
            f'{name} {self.last_committed(name)}' for name in members or self.names))

    # The end.
    def settle(self):
        """Everybody runs, is in quorum, and has committed the same versions."""
        for name, daemon in self.daemons.items():
            if daemon.stopped and daemon.process is not None:
                daemon.cont()
            if daemon.process is None:
                daemon.start()
        voters = self.others(*self.learners)
        self.wait_quorum(len(voters), voters)
        self.wait_status(lambda status: set(status['quorum']) == set(voters), PATIENCE, 'all in quorum', voters)
        for name in self.learners:
            self.wait_learner(name)
        self.wait_level()

    def wait_learner(self, name, seconds=PATIENCE):
        """Its own words, once it says that it follows the log without a vote."""
        return self.wait_status(lambda status: status['state'] == 'learner', seconds, f'{name} is a learner', (name,))

    def check_expected(self):
        if not self.expected:
            return
        found = self.export()
        wrong = [f'{key!r} is {found.get(key, b"(missing)")[:60]!r}, acknowledged was {value[:60]!r}'
                 for key, value in self.expected.items() if value is not None and found.get(key) != value]
        if wrong:
            raise AssertionError(f'{len(wrong)} acknowledged keys are not as acknowledged: {"; ".join(wrong[:5])}')

    def terminate_all(self):
        """All at once."""
        running = [daemon for daemon in self.daemons.values() if daemon.process is not None]
        for daemon in running:
            daemon.check_alive()
            daemon.send_terminate()
        end = time.monotonic() + PATIENCE
        codes = {daemon.name: daemon.wait_exit(max(0.1, end - time.monotonic())) for daemon in running}
        if any(codes.values()):
            raise AssertionError(f'exit codes on SIGTERM: {codes}')

    def compare_all(self):
        """Stops all members with SIGTERM and compares every pair of stores."""
        self.terminate_all()
        for first, second in ((a, b) for i, a in enumerate(self.names) for b in self.names[i + 1:]):
            ran = run(STORE, 'compare', self[first].data, self[second].data)
            if ran.code != 0:
                raise AssertionError(f'the stores of {first} and {second} are not the same: {ran}')

    def check_logs(self):
        for daemon in self.daemons.values():
            found = DEFECTS.search(daemon.log_bytes())
            if found:
                raise AssertionError(f'the log of {daemon.name} says "{found[0].decode()}"\n{daemon.log_tail(60)}')

    def check_sync_order(self):
        """The events of all syncs, in all lives, happened in an order that doc/sync.md permits."""
        logs = [daemon.log for daemon in self.daemons.values() if daemon.log.exists()]
        ran = run(SYNC_ORDER, *logs) if logs else None
        if ran and ran.code != 0:
            raise AssertionError(f'the events of syncs, by {ran.command}: {ran.text}{ran.err}')

    def log_tails(self):
        return '\n'.join(daemon.log_tail() for daemon in self.daemons.values() if daemon.log.exists())

    def check_and_close(self):
        """All that must hold after every test; then nothing of the cluster runs any more."""
        if self.closed:
            return
        self.closed = True
        try:
            self.check_logs()  # first, since a crash explains what follows
            for daemon in self.daemons.values():
                if daemon.process is not None:
                    daemon.check_alive()
            if self.formed:
                self.settle()
                self.check_expected()
                self.compare_all()
            else:
                self.terminate_all()
            self.check_logs()
            self.check_sync_order()
        finally:
            self.kill_all()

    def kill_all(self):
        for daemon in self.daemons.values():
            if daemon.process is not None:
                daemon.process.kill()
                daemon.process.wait(PATIENCE)
                daemon.process = None

    def remove(self):
        shutil.rmtree(self.root, ignore_errors=True)


class ClusterTest(unittest.TestCase):
    """A test with clusters of its own, or one with a cluster for the whole class (`shared`)."""

    maxDiff = 2000
    shared = None             # the class's cluster
    shared_has_failed = False
    shared_members = 0        # how many members it has; 0: there is none
    shared_options = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if cls.shared_members:
            cls.shared = Cluster(cls.shared_members, cls.shared_options)
            cls.addClassCleanup(cls._close, [cls.shared])
            cls.shared.form()

    def setUp(self):
        self.clusters = []
        self.addCleanup(self._close, self.clusters)

    def cluster(self, count=3, options=(), **more):
        made = Cluster(count, options, **more)
        self.clusters.append(made)
        return made

    def formed_cluster(self, count=3, options=(), **more):
        return self.cluster(count, options, **more).form()

    def close_clusters(self):
        """As at the end of the test, for one that begins again."""
        closing, self.clusters[:] = list(self.clusters), []
        self._close(closing)
        for cluster in closing:
            cluster.remove()

    def scratch(self):
        """A directory for the test's own files."""
        path = pathlib.Path(tempfile.mkdtemp(prefix='synod-test-'))
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    @staticmethod
    def _close(clusters):
        problems = []
        for cluster in clusters:
            try:
                cluster.check_and_close()
            except Exception as problem:  # the others are to be closed as well
                problems.append(problem)
        if problems:
            raise AssertionError('after the test: ' + '\n'.join(str(problem) for problem in problems))

    def run(self, result=None):
        """As always; but shows the logs of a test that failed, and removes the directories of one that did not."""
        result = result if result is not None else self.defaultTestResult()
        before = len(result.failures) + len(result.errors)
        super().run(result)
        failed = len(result.failures) + len(result.errors) > before
        clusters = list(getattr(self, 'clusters', []))
        if failed and self.shared:
            type(self).shared_has_failed = True
            clusters.append(self.shared)
        for cluster in clusters:
            if failed:
                print(f'\n{self.id()} failed; the directories and logs are kept in {cluster.root}\n'
                      f'{cluster.log_tails()}', file=sys.stderr, flush=True)
            elif not os.environ.get('SYNOD_KEEP'):
                cluster.remove()
        return result

    @classmethod
    def doClassCleanups(cls):
        super().doClassCleanups()
        if cls.shared is None:
            return
        if cls.tearDown_exceptions:
            print(f'\n{cls.__name__} failed; the directories and logs are kept in {cls.shared.root}\n'
                  f'{cls.shared.log_tails()}', file=sys.stderr, flush=True)
        elif not cls.shared_has_failed and not os.environ.get('SYNOD_KEEP'):
            cls.shared.remove()

    # Assertions.
    def assert_exit(self, ran, *codes):
        self.assertIn(ran.code, codes, str(ran))
        return ran

    def assert_refused(self, ran, code, *words):
        """Nothing on stdout, one line on stderr that has the words in it, and the exit code."""
        self.assertEqual(ran.code, code, str(ran))
        self.assertEqual(ran.out, b'', str(ran))
        self.assertEqual(len(ran.err.strip().splitlines()), 1, str(ran))
        self.assert_says(ran.err, *words)
        return ran

    def assert_says(self, text, *words):
        for word in words:
            self.assertIn(str(word).lower(), text.lower())
