"""Syncs of a member of a cluster of three processes."""

import dataclasses
import itertools
import json
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import floors
import offline
from harness import Cluster, wait_until
from machine import Failure, Watch, Wire, die_with_the_benchmark, memory, reset_peak_memory, wait_until_idle

VICTIM = 'c'
OTHERS = ('a', 'b')
# A line of the log: wall time, level, seconds on the machine's clock, the rest. Of a step, and not of an event.
STEP = re.compile(r'^\S+ \S+ (\d+\.\d+) mon\..*? sync \[(\d+)\] (?![a-z-]+ cookie=)', re.MULTILINE)
FINISHED = re.compile(r'^\S+ \S+ (\d+\.\d+) mon\..*? sync finished (.*)', re.MULTILINE)
# Of a member with a vote, and of one that lost its directory.
CAUGHT_UP = re.compile(r'sync \[14\] (?:is in quorum|level)')
LIMIT_S = 3600   # of one sync
KEY_BYTES = 32   # of synod_load


@dataclasses.dataclass
class Case:
    """How a member falls behind, and what its cluster does while it comes back."""
    name: str
    what: str
    is_missed_share: bool = False   # a hundredth of the keys is overwritten while the member is away, not a thousand
    has_load: bool = False
    is_emptied: bool = False        # it loses its directory, and comes back as a learner

    def key_step(self, keys):
        """Every so many-th key is overwritten."""
        return 100 if self.is_missed_share else max(1, keys // 1000)


EMPTY = Case('empty', 'empty member', is_emptied=True)
MISSED = Case('missed', 'member, missed 1 %', is_missed_share=True)
LOADED = Case('load', 'empty member, under load', has_load=True, is_emptied=True)

VERSIONS_TO_TRIM = 3000   # after which the log no longer holds what came before


@dataclasses.dataclass
class Load:
    """What the clients do; `rate` is requests per second."""
    connections: int
    writes_percent: int
    share_percent: int
    capacity_s: float
    before_s: float
    rate: float = 0


class Members:
    """A cluster with a store of so many keys, which stays about as it is from round to round."""

    def __init__(self, tools, root, keys, value_bytes, random_percent, mon_options=()):
        self.tools = tools
        self.keys = keys
        self.value_bytes = value_bytes
        self.random_percent = random_percent
        self.cluster = Cluster(3, mon_options, root=root)
        self.seed = 1          # of the values that were written last

    def fill(self):
        self.cluster.form()
        watch = Watch()
        # A store that has to merge its tables first may let writes wait for long.
        written = self.load_tool('fill', '--connections', 4, '--batch', self.fill_batch(), '--timeout', 120)
        self.wait_idle()
        return {**written, 'per_second': written['keys'] / written['seconds'], 'idle_after_s': watch.seconds()}

    def fill_batch(self):
        """About a quarter of a megabyte in a request."""
        return max(1, min(2000, (256 << 10) // (self.value_bytes + KEY_BYTES)))

    def load_command(self, command, *options, mons=()):
        return [self.tools.load, command, '--mons', self.cluster.mons(mons), '--keys', str(self.keys), '--value-bytes',
                str(self.value_bytes), '--random-percent', str(self.random_percent), '--seed', str(self.seed),
                *map(str, options)]

    def load_tool(self, *words, mons=()):
        words = self.load_command(*words, mons=mons)
        ran = subprocess.run(words, capture_output=True, check=False, preexec_fn=die_with_the_benchmark)
        if ran.returncode != 0:
            raise Failure(f'"synod_load {words[1]}" ended with {ran.returncode}: {ran.stderr.decode().strip()}')
        return json.loads(ran.stdout)

    def pids(self):
        return [daemon.pid for daemon in self.cluster.daemons.values() if daemon.is_running]

    def wait_idle(self):
        self.cluster.wait_level([name for name in self.cluster.names if self.cluster[name].is_running])
        wait_until_idle(self.pids(), self.cluster.root)

    def start(self):
        self.cluster.start()
        self.cluster.wait_quorum(3)

    # -------------------------------------------------------------------------------------------------- falling behind

    def leave_behind(self, case):
        """Stops a member, and writes until nobody has in its log what it needs."""
        needs = self.cluster.last_committed(VICTIM) + 1
        self.cluster[VICTIM].terminate()
        self.cluster.wait_quorum(2, OTHERS)
        step = case.key_step(self.keys)
        count = -(-self.keys // step)
        # A request is a version of the log where nothing else is under way.
        batch = max(1, min(self.fill_batch(), count // 1000))
        for _ in range(-(-VERSIONS_TO_TRIM * batch // count)):
            self.seed += 1
            self.load_tool('fill', '--step', step, '--connections', 1, '--batch', batch,
                           '--timeout', 120, mons=OTHERS)
            if all(self.cluster.member_status(name)['first_committed'] > needs for name in OTHERS):
                return
        raise Failure(f'the log still holds version {needs}, which {VICTIM} needs')

    # ------------------------------------------------------------------------------------------------------ the measure

    def measure(self, case, data, scratch, load):
        self.leave_behind(case)
        if case.is_emptied:
            shutil.rmtree(self.cluster[VICTIM].data)
            self.cluster.learners.add(VICTIM)
        self.wait_idle()
        round_floors = floors.measure(self.tools.bulk_load, data, scratch)
        self.wait_idle()
        if not case.has_load:
            return {'case': case.name, 'floors': round_floors, **self.bring_back()}
        if not load.rate:
            self.measure_capacity(load)
        with Clients(self, load) as clients:
            clients.wait_before()
            measured = self.bring_back(clients.pid)
            return {'case': case.name, 'floors': round_floors, **measured, 'client': clients.finish()}

    def measure_capacity(self, load):
        """What two members serve as fast as answers come; the load is a share of it."""
        run = self.load_tool('run', '--connections', load.connections, '--writes', load.writes_percent, '--seconds',
                             load.capacity_s, mons=OTHERS)
        load.rate = max(1.0, run['phases'][0]['per_second'] * load.share_percent / 100)
        self.wait_idle()

    def bring_back(self, *own_pids):
        """Starts the member, and measures until it has caught up and is in quorum."""
        daemon = self.cluster[VICTIM]
        others = {name: self.cluster[name].pid for name in OTHERS}
        before = {}
        for name, pid in others.items():
            reset_peak_memory(pid)
            before[name] = memory(pid)[0]
        log_start = len(daemon.log_bytes())
        watch = Watch([*others.values(), *own_pids])
        daemon.start()
        watch.add(daemon.pid)
        wire = Wire(daemon.pid)
        before[VICTIM] = self.wait_caught_up(daemon, log_start, wire, watch)
        measured = watch.stop()
        wire.look()
        text = daemon.log_bytes()[log_start:].decode(errors='replace')
        finished = FINISHED.findall(text)
        if len(finished) != 1:
            raise Failure(f'{VICTIM} came back with {len(finished)} syncs, see {daemon.log}')
        steps = [(float(at), int(number)) for at, number in STEP.findall(text)]
        fields = dict(field.split('=', 1) for field in finished[0][1].split() if '=' in field)
        provider = fields['provider']
        peak = {name: memory(self.cluster[name].pid)[1] for name in (provider, VICTIM)}
        return {
            'seconds': measured['seconds'], 'sync_s': float(finished[0][0]) - steps[0][0],
            # Each begins with step 3; of each step, when it was logged last.
            'attempts': sum(number == 3 for _, number in steps),
            'step_s': {f'step {number}': at - steps[0][0] for at, number in steps},
            'told_s': float(fields['seconds']), 'chunks': int(fields['chunks']),
            'keys': int(fields['keys']), 'payload_bytes': int(fields['bytes']),
            'received_bytes': wire.received(), 'sent_bytes': wire.sent(),
            'peak_memory': {'provider': peak[provider], 'requester': peak[VICTIM]},
            'memory_before': {'provider': before[provider], 'requester': before[VICTIM]},
            'processor_s': {'provider': measured['processor_s'][others[provider]],
                            'requester': measured['processor_s'][daemon.pid]},
            'noise': {'other_cores': measured['other_cores'], 'stolen_cores': measured['stolen_cores']}}

    def wait_caught_up(self, daemon, log_start, wire, watch):
        """Returns the member's memory when it began to listen."""
        listening = None
        while True:
            text = daemon.log_bytes()[log_start:].decode(errors='replace')
            if listening is None and ' listens at ' in text:
                listening = memory(daemon.pid)[0]
            if CAUGHT_UP.search(text):
                return listening
            daemon.check_alive()
            if watch.seconds() > LIMIT_S:
                raise Failure(f'{VICTIM} has not caught up within {LIMIT_S} s, see {daemon.log}')
            wire.look()
            time.sleep(0.01 if watch.seconds() < 10 else 0.05)

    # ---------------------------------------------------------------------------------------------------------- the end

    def stop(self):
        self.cluster.terminate_all()
        self.cluster.check_logs()

    def check(self):
        """Stops all; their stores must be equal."""
        self.cluster.settle()
        self.stop()
        for first, second in itertools.combinations(self.cluster.names, 2):
            offline.compare(self.tools.store, self.cluster[first].data, self.cluster[second].data)


class Clients:
    """synod_load beside a sync, in four phases: a moment to begin, before, during, after."""

    AFTER_S = 2

    def __init__(self, members, load):
        self.load = load
        self.out = tempfile.TemporaryFile()
        self.err = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            members.load_command('run', '--connections', load.connections, '--writes', load.writes_percent, '--rate',
                                 load.rate, mons=OTHERS),
            stdout=self.out, stderr=self.err, preexec_fn=die_with_the_benchmark)

    @property
    def pid(self):
        return self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.out.close()
        self.err.close()

    def wait_before(self):
        """Signals that come before it takes them would end it."""
        wait_until(lambda: self.process.poll() is not None or self.blocks_signals(), 30, 'the clients run')
        self.check_running()
        time.sleep(1)
        self.begin_phase()
        time.sleep(self.load.before_s)
        self.begin_phase()

    def blocks_signals(self):
        """In some thread: the one that waits for a signal does not show it as blocked meanwhile."""
        for status in pathlib.Path(f'/proc/{self.pid}/task').glob('*/status'):
            try:
                blocked = int(re.search(r'SigBlk:\s+([0-9a-f]+)', status.read_text(encoding='ascii'))[1], 16)
            except OSError:  # the thread just ended
                continue
            if blocked >> (signal.SIGUSR1 - 1) & 1:
                return True
        return False

    def check_running(self):
        if self.process.poll() is not None:
            self.err.seek(0)
            raise Failure(f'the clients ended with {self.process.returncode}: '
                          f'{self.err.read().decode(errors="replace").strip()}')

    def begin_phase(self):
        self.process.send_signal(signal.SIGUSR1)

    def finish(self):
        self.begin_phase()
        time.sleep(self.AFTER_S)
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(LIMIT_S)
        self.out.seek(0)
        self.err.seek(0)
        said = self.err.read().decode(errors='replace').strip()
        if code != 0:
            raise Failure(f'the clients ended with {code}: {said}')
        run = json.loads(self.out.read())
        _, before, during, after = run['phases']
        return {'rate': self.load.rate, 'share_percent': self.load.share_percent, 'writes_percent':
                self.load.writes_percent, 'connections': self.load.connections, 'before': before, 'during': during,
                'after': after, 'each_second': run['each_second'], 'said': said}
