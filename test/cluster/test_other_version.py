"""Programs of another version: whoever is refused for it, and whoever refuses, says so."""

import ctypes
import socket
import struct
import threading
import unittest

from harness import CLI, PATIENCE, UNAVAILABLE, ClusterTest, free_ports, run, wait_until

HELLO, GOODBYE = 1, 2         # message types
MONITOR, CLIENT = 1, 2        # kinds of peer
VERSION, KIND, NAME = 2, 3, 4  # fields of a hello
REASON, CODE, MESSAGE = 2, 1, 2  # fields of a goodbye, and of its reason
OURS, OTHER = 1, 7
CODE_REFUSED = 3

xxhash = ctypes.CDLL('libxxhash.so.0')  # the programs have it
xxhash.XXH3_64bits.restype = ctypes.c_uint64
xxhash.XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]


def frame(kind, header):
    covered = b'SYND' + struct.pack('<HHII', 1, kind, len(header), 0) + header
    return covered[:16] + struct.pack('<Q', xxhash.XXH3_64bits(covered, len(covered))) + header


def number(field, value):
    return bytes([field << 3, value])


def text(field, value):
    return bytes([field << 3 | 2, len(value)]) + value


def hello(kind, name=b'', version=OTHER):
    return frame(HELLO, number(VERSION, version) + number(KIND, kind) + text(NAME, name))


def goodbye(message):
    return frame(GOODBYE, text(REASON, number(CODE, CODE_REFUSED) + text(MESSAGE, message.encode())))


class Listener:
    """Says the same to whoever connects and has said hello, and keeps what it hears."""

    def __init__(self, test, address, says):
        host, port = address.split(':')
        self.heard = b''
        self.says = says
        self.is_over = False
        self.socket = socket.create_server((host, int(port)))
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()
        test.addCleanup(self.close)

    def serve(self):
        while True:
            connection, _ = self.socket.accept()
            with connection:
                if self.is_over:
                    return
                connection.settimeout(PATIENCE)
                self.heard += connection.recv(65536)
                connection.sendall(self.says)
                connection.shutdown(socket.SHUT_WR)
                while piece := connection.recv(65536):
                    self.heard += piece

    def close(self):
        if self.is_over:
            return
        self.is_over = True
        with self.socket:
            socket.create_connection(self.socket.getsockname()).close()
            self.thread.join(PATIENCE)


class OtherVersion(ClusterTest):
    def told(self, daemon, says):
        """What it answers to such a hello."""
        host, port = daemon.address.split(':')
        heard = b''
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
            connection.sendall(says)
            while piece := connection.recv(65536):
                heard += piece
        return heard

    def wait_logged(self, daemon, *words):
        """In one line, which is a warning or news."""
        def is_logged():
            return any(all(word in line for word in words) for line in daemon.log_bytes().decode().splitlines())
        wait_until(is_logged, PATIENCE, lambda: f'{words}\n{daemon.log_tail()}')

    def test_a_monitor_says_whom_it_refuses_and_tells_the_other_end_why(self):
        cluster = self.formed_cluster()
        for says, who in ((hello(CLIENT), 'the client'), (hello(MONITOR, b'c'), 'monitor c')):
            sentence = f'{who} speaks version {OTHER} of the protocol, monitor a version {OURS}: update the older one'
            self.assertIn(sentence.encode(), self.told(cluster['a'], says))
            self.wait_logged(cluster['a'], ' warning ', 'refused', sentence)
        cluster.put('key', 'value')

    def test_a_member_of_another_version_is_named_by_those_that_dial_it_and_the_rest_goes_on(self):
        cluster = self.formed_cluster()
        cluster['c'].kill()
        cluster.wait_quorum(2, mons=('a', 'b'))
        address = cluster['c'].address
        for says, level, sentence in (
                (hello(MONITOR, b'c'), 'warning', f'monitor c speaks version {OTHER} of the protocol, monitor a version {OURS}'),
                (goodbye(f'monitor a speaks version {OURS} of the protocol, monitor c version {OTHER}'), 'info',
                 f'monitor a speaks version {OURS} of the protocol, monitor c version {OTHER}')):
            with self.subTest(says=sentence):
                other = Listener(self, address, says)
                self.wait_logged(cluster['a'], f' {level} ', f'link to {address}', sentence)
                if level == 'warning':
                    wait_until(lambda: sentence.encode() in other.heard, PATIENCE, 'it is told')
                other.close()
                cluster.put('key', sentence, mons=('a', 'b'))
                wait_until(lambda: f'link to {address}: down: unavailable'.encode() in
                           cluster['a'].log_bytes().rsplit(sentence.encode(), 1)[1], PATIENCE, 'nobody is there')
        cluster['c'].start()
        cluster.wait_quorum(3)

    def test_a_client_says_why_it_has_no_answer(self):
        refusal = f'the client speaks version {OURS} of the protocol, monitor z version {OTHER}: update the older one'
        own = f'it speaks version {OTHER} of the protocol, this program version {OURS}'
        for says, sentence in ((goodbye(refusal), refusal), (hello(MONITOR, b'z'), own)):
            with self.subTest(says=sentence):
                address = f'127.0.0.1:{free_ports(1)[0]}'
                Listener(self, address, says)
                self.assert_refused(run(CLI, '--mons', address, '--timeout', 1, 'get', 'key'), UNAVAILABLE, address,
                                    sentence)


if __name__ == '__main__':
    unittest.main()
