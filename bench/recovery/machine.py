"""What a measurement needs of the machine: programs with their memory, processor time, noise, and bytes on sockets."""

import ctypes
import dataclasses
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import tempfile
import time

TICKS = os.sysconf('SC_CLK_TCK')
_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


class Failure(Exception):
    """One sentence for the user."""


def die_with_the_benchmark():
    """For preexec_fn: the kernel kills the child when the thread that started it ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


# ------------------------------------------------------------------------------------------------- memory and processor

def memory(pid):
    """Resident bytes of a process: now, and the most since its start or the last reset."""
    with open(f'/proc/{pid}/status', encoding='ascii') as file:
        text = file.read()
    return [int(re.search(rf'{field}:\s+(\d+) kB', text)[1]) * 1024 for field in ('VmRSS', 'VmHWM')]


def reset_peak_memory(pid):
    with open(f'/proc/{pid}/clear_refs', 'w', encoding='ascii') as file:
        file.write('5')


def processor_seconds(pid):
    """User and system time; zero if the process is gone."""
    try:
        with open(f'/proc/{pid}/stat', encoding='ascii', errors='replace') as file:
            fields = file.read().rpartition(')')[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def own_seconds():
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


class Watch:
    """A stop watch, which tells what else used the machine meanwhile."""

    def __init__(self, pids=()):
        """`pids`: of the processes that are measured, and so no noise. Children that ended are the benchmark's own."""
        self.processes = {pid: processor_seconds(pid) for pid in pids}
        self.own = own_seconds()
        self.busy, self.stolen = self._machine()
        self.start = time.monotonic()

    def add(self, pid):
        """One that was started after the watch."""
        self.processes[pid] = 0.0

    def seconds(self):
        return time.monotonic() - self.start

    def stop(self):
        """A dict: seconds, the processor's by process, and cores that something else used, or the hypervisor took."""
        seconds = self.seconds()
        busy, stolen = self._machine()
        used = {pid: processor_seconds(pid) - before for pid, before in self.processes.items()}
        other = busy - self.busy - sum(used.values()) - (own_seconds() - self.own)
        return {'seconds': seconds, 'processor_s': used, 'other_cores': max(0.0, other / max(seconds, 1e-3)),
                'stolen_cores': (stolen - self.stolen) / max(seconds, 1e-3)}

    @staticmethod
    def _machine():
        with open('/proc/stat', encoding='ascii') as file:
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, file.readline().split()[1:9])
        return (user + nice + system + irq + softirq) / TICKS, steal / TICKS


@dataclasses.dataclass
class Ran:
    result: dict            # what it printed
    peak_memory: int        # bytes, from looks every few milliseconds
    processor_s: float      # user and system time
    watch: dict             # Watch.stop()


def run(*command):
    """Runs a program that prints JSON; it must succeed."""
    words = [str(word) for word in command]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        watch = Watch()
        before = own_seconds()
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                   preexec_fn=die_with_the_benchmark)
        peak = 0
        try:
            while process.poll() is None:
                try:
                    peak = max(peak, memory(process.pid)[1])
                except (OSError, TypeError):  # it just ended
                    pass
                time.sleep(0.002)
        finally:
            process.kill()
            process.wait()
        measured = watch.stop()
        used = own_seconds() - before
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            sentence = err.read().decode(errors='replace').strip()
            raise Failure(f'"{pathlib.Path(words[0]).name} {" ".join(words[1:])}" ended with {process.returncode}: '
                          f'{sentence}')
        text = out.read()
        return Ran(json.loads(text) if text.strip() else {}, peak, used, measured)


def sync_tree(root):
    """All below a directory is on the disk. Files may come and go meanwhile. (Not sync(2), which waits for the files of
    everybody else on the machine, too.)"""
    for directory, _, files in os.walk(root):
        for path in [*(os.path.join(directory, name) for name in files), directory]:
            try:
                descriptor = os.open(path, os.O_RDONLY)
            except FileNotFoundError:
                continue
            os.fsync(descriptor)
            os.close(descriptor)


def wait_until_idle(pids, root, seconds=120):
    """Until these processes do next to nothing, as after their compactions, and what is below `root` is on the disk."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        before = sum(map(processor_seconds, pids))
        time.sleep(0.5)
        if sum(map(processor_seconds, pids)) - before <= 0.05:
            break
    sync_tree(root)


# -------------------------------------------------------------------------------------------------------------- sockets

# Of linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h and linux/tcp.h.
_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST_DUMP = 0x301
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_INET_DIAG_INFO = 2
_TCP_ESTABLISHED = 1
_MESSAGE = struct.Struct('=IHHII')
_REQUEST = struct.Struct('=BBBBI48x')
_ATTRIBUTE = struct.Struct('=HH')
_SOCKET_BYTES = 72         # struct inet_diag_msg, which ends with the inode
_BYTES_ACKED_AT = 120      # in struct tcp_info; bytes_received follows


def connections():
    """(inode, bytes sent and acknowledged, bytes received) of every TCP connection over IPv4, as the kernel counts
    them: what the programs wrote and read, without the headers below."""
    found = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as netlink:
        request = _REQUEST.pack(socket.AF_INET, socket.IPPROTO_TCP, 1 << (_INET_DIAG_INFO - 1), 0,
                                1 << _TCP_ESTABLISHED)
        netlink.send(_MESSAGE.pack(_MESSAGE.size + len(request), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST_DUMP, 1, 0) +
                     request)
        while True:
            received = netlink.recv(1 << 18)
            at = 0
            while at < len(received):
                length, kind, *_ = _MESSAGE.unpack_from(received, at)
                if kind == _NLMSG_DONE:
                    return found
                if kind == _NLMSG_ERROR:
                    raise Failure('the kernel does not tell the bytes of a connection (sock_diag)')
                found += _connection(received[at + _MESSAGE.size:at + length])
                at += length + 3 & ~3


def _connection(message):
    inode, = struct.unpack_from('=I', message, _SOCKET_BYTES - 4)
    at = _SOCKET_BYTES
    while at + _ATTRIBUTE.size <= len(message):
        length, kind = _ATTRIBUTE.unpack_from(message, at)
        if kind == _INET_DIAG_INFO and length >= _ATTRIBUTE.size + _BYTES_ACKED_AT + 16:
            yield (inode, *struct.unpack_from('=QQ', message, at + _ATTRIBUTE.size + _BYTES_ACKED_AT))
        at += length + 3 & ~3


class Wire:
    """Bytes that a process sent and received over TCP since its start, on connections that were there at a look()."""

    def __init__(self, pid):
        self.pid = pid
        self.seen = {}

    def look(self):
        inodes = set()
        for link in pathlib.Path(f'/proc/{self.pid}/fd').iterdir():
            try:
                if match := re.fullmatch(r'socket:\[(\d+)\]', os.readlink(link)):
                    inodes.add(int(match[1]))
            except OSError:  # closed meanwhile
                continue
        for inode, sent, received in connections():
            if inode in inodes:
                self.seen[inode] = (sent, received)

    def sent(self):
        return sum(sent for sent, _ in self.seen.values())

    def received(self):
        return sum(received for _, received in self.seen.values())


# ---------------------------------------------------------------------------------------------------------- description

def describe(directory):
    """What figures from this machine should be read with."""
    def first(path, pattern):
        match = re.search(pattern, pathlib.Path(path).read_text(encoding='utf-8', errors='replace'), re.MULTILINE)
        return match[1].strip() if match else 'unknown'
    mounts = [line.split() for line in pathlib.Path('/proc/mounts').read_text(encoding='utf-8').splitlines()]
    place = str(directory.resolve())
    inside = [mount for mount in mounts if place == mount[1] or place.startswith(mount[1].rstrip('/') + '/')]
    return {'processor': first('/proc/cpuinfo', r'^model name\s*:(.*)$'), 'cores': os.cpu_count(),
            'memory_bytes': int(first('/proc/meminfo', r'^MemTotal:\s+(\d+)')) * 1024,
            'kernel': os.uname().release, 'file_system': max(inside, key=lambda mount: len(mount[1]))[2]}
