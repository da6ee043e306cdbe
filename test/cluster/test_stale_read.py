"""A leader that was stopped, and does not know that there is another one, answers no read with an old value."""

import concurrent.futures
import socket
import struct
import threading
import time
import unittest

from harness import CLI, NOT_FOUND, OK, PATIENCE, UNAVAILABLE, ClusterTest, run, wait_until

ROUNDS = 4
FRAME_PREFIX_BYTES = 24  # with two lengths at offset 8: of the header and of the payload


def read_frame(connection):
    """One whole frame, or b'' at the end of the stream."""
    data = b''
    while True:
        size = FRAME_PREFIX_BYTES if len(data) < FRAME_PREFIX_BYTES else \
            FRAME_PREFIX_BYTES + sum(struct.unpack_from('<II', data, 8))
        if len(data) >= FRAME_PREFIX_BYTES and len(data) == size:
            return data
        piece = connection.recv(size - len(data))
        if not piece:
            return b''
        data += piece


class HoldingProxy:
    """Stands between one client and one monitor: lets the hello pass, and holds the request until release()."""

    def __init__(self, address):
        self.target = address.rsplit(':', 1)
        self.listener = socket.socket()
        self.listener.bind(('127.0.0.1', 0))
        self.listener.listen(8)
        self.address = f'127.0.0.1:{self.listener.getsockname()[1]}'
        self.held = threading.Event()      # a request has come, and is held
        self.released = threading.Event()
        self.forwarded = threading.Event()
        self.sockets = [self.listener]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        try:
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection((self.target[0], int(self.target[1])))
                self.sockets += [client, server]
                threading.Thread(target=self._copy_back, args=(server, client), daemon=True).start()
                threading.Thread(target=self._copy_requests, args=(client, server), daemon=True).start()
        except OSError:
            pass  # closed

    def _copy_requests(self, client, server):
        try:
            server.sendall(read_frame(client))  # the hello
            request = read_frame(client)
            if not request:
                return
            self.held.set()
            self.released.wait(PATIENCE)
            server.sendall(request)
            self.forwarded.set()
            while piece := client.recv(65536):
                server.sendall(piece)
        except OSError:
            pass

    @staticmethod
    def _copy_back(server, client):
        try:
            while piece := server.recv(65536):
                client.sendall(piece)
            client.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def release(self):
        """The held request goes into the monitor's receive buffer; returns when it is there."""
        self.released.set()
        if not self.forwarded.wait(PATIENCE):
            raise AssertionError('the held request could not be forwarded')

    def close(self):
        for each in self.sockets:
            each.close()


class StaleRead(ClusterTest):
    def setUp(self):
        super().setUp()
        self.pool = concurrent.futures.ThreadPoolExecutor(8)
        self.addCleanup(self.pool.shutdown)
        self.results = {OK: 0, UNAVAILABLE: 0}

    def get_from(self, address, timeout):
        return run(CLI, '--mons', address, '--timeout', timeout, 'get', 'key')

    def check_read(self, ran, value):
        self.assertIn(ran.code, (OK, UNAVAILABLE), f'{ran}\nwanted: exit 3 or {value!r}')
        if ran.code == OK:
            self.assertEqual(ran.out.decode(), value + '\n', f'a stale read: {ran}')
        self.results[ran.code] += 1

    def wait_for_another_leader(self, cluster, leader):
        """Before that, a write could be forwarded to the stopped leader, and its outcome would be unknown."""
        others = cluster.others(leader)
        cluster.wait_status(lambda status: status['leader'] in others and leader not in status['quorum'], PATIENCE,
                            'another leader', others)
        return others

    def commit_behind_the_back_of(self, cluster, leader, value):
        others = self.wait_for_another_leader(cluster, leader)
        cluster.put('key', value, mons=others)

    def test_a_get_sent_to_a_leader_that_was_stopped_returns_the_new_value_or_exit_3(self):
        cluster = self.formed_cluster()
        for turn in range(ROUNDS):
            leader = cluster.leader()
            cluster.put('key', f'old {turn}')
            self.assertEqual(cluster.get('key', mons=[leader]), f'old {turn}'.encode())
            cluster[leader].stop()
            self.commit_behind_the_back_of(cluster, leader, f'new {turn}')
            cluster[leader].cont()
            for _ in range(3):
                self.check_read(self.get_from(cluster[leader].address, 1), f'new {turn}')
            cluster.wait_quorum(3)
        print(f'\nreads by exit code: {self.results}', flush=True)

    def test_gets_that_race_with_the_end_of_the_stop_return_the_new_value_or_exit_3(self):
        cluster = self.formed_cluster()
        for turn in range(ROUNDS):
            leader = cluster.leader()
            cluster.put('key', f'old {turn}')
            cluster[leader].stop()
            self.commit_behind_the_back_of(cluster, leader, f'new {turn}')
            # They connect now, since the kernel accepts for the stopped process, and wait for its hello.
            reads = [self.pool.submit(self.get_from, cluster[leader].address, 4) for _ in range(4)]
            time.sleep(0.05 * turn)  # how long they wait is what varies
            cluster[leader].cont()
            for read in reads:
                self.check_read(read.result(), f'new {turn}')
            cluster.wait_quorum(3)
        print(f'\nreads by exit code: {self.results}', flush=True)

    def test_a_get_that_waits_in_the_receive_buffer_of_a_stopped_leader_returns_the_new_value_or_exit_3(self):
        # The hardest case: the connection is open since before the stop, and the request is the first thing that the
        # leader finds when it wakes up, before any message of the new leader.
        cluster = self.formed_cluster()
        for turn in range(ROUNDS):
            leader = cluster.leader()
            cluster.put('key', f'old {turn}')
            proxies = [HoldingProxy(cluster[leader].address) for _ in range(3)]
            try:
                reads = [self.pool.submit(self.get_from, proxy.address, 60) for proxy in proxies]
                for proxy in proxies:
                    wait_until(proxy.held.is_set, PATIENCE, 'the client has sent its request')
                cluster[leader].stop()
                self.commit_behind_the_back_of(cluster, leader, f'new {turn}')
                for proxy in proxies:
                    proxy.release()
                cluster[leader].cont()
                for read in reads:
                    self.check_read(read.result(), f'new {turn}')
            finally:
                for proxy in proxies:
                    proxy.close()
            cluster.wait_quorum(3)
        print(f'\nreads by exit code: {self.results}', flush=True)

    def test_a_key_deleted_behind_the_back_of_a_stopped_leader_is_not_found_or_exit_3(self):
        cluster = self.formed_cluster()
        leader = cluster.leader()
        cluster.put('key', 'old')
        cluster[leader].stop()
        cluster.delete('key', mons=self.wait_for_another_leader(cluster, leader))
        cluster[leader].cont()
        self.assert_exit(self.get_from(cluster[leader].address, 2), NOT_FOUND, UNAVAILABLE)


if __name__ == '__main__':
    unittest.main()
