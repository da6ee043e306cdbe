"""Bad command lines, directories, files and bytes: a clear line, the right exit code, nothing lost, no crash."""

import os
import pathlib
import random
import shutil
import signal
import socket
import struct
import subprocess
import unittest

from harness import (CLI, MON, NOT_FOUND, OK, PATIENCE, REFUSED, STEADY, STORE, UNAVAILABLE, USAGE, ClusterTest,
                     free_ports, import_lines, run, wait_until)

REFUSED_DIRECTORY = 3
MAX_VALUE_BYTES = 1 << 20
MAX_KEY_BYTES = 4 << 10
GROWTH_BYTES = 16 << 20  # how much a daemon may grow under bad bytes


def record_hello():
    """What a client says first."""
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        listener.listen()
        listener.settimeout(PATIENCE)
        words = [CLI, '--mons', f'127.0.0.1:{listener.getsockname()[1]}', '--timeout', str(PATIENCE), 'get', 'key']
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                client, _ = listener.accept()
                with client:
                    client.settimeout(PATIENCE)
                    return client.recv(65536)
            finally:
                process.kill()


class MonitorCommandLine(ClusterTest):
    def setUp(self):
        super().setUp()
        self.root = self.scratch()
        self.ports = free_ports(3)
        self.members = ','.join(f'{name}=127.0.0.1:{port}' for name, port in zip('abc', self.ports))

    def mon(self, *more, name='a', data=None, members=None):
        return run(MON, '--name', name, '--data', data or self.root / 'a', '--initial-members', members or self.members,
                   *more)

    def test_unknown_options_are_refused(self):
        self.assert_refused(self.mon('--no-such-option'), USAGE, 'no-such-option')
        self.assert_refused(self.mon('a stray word'), USAGE)
        self.assertFalse((self.root / 'a').exists(), 'a refused command line made a directory')

    def test_missing_options_are_refused(self):
        self.assert_refused(run(MON), USAGE)
        self.assert_refused(run(MON, '--name', 'a', '--initial-members', self.members), USAGE, '--data')
        self.assert_refused(run(MON, '--data', self.root / 'a', '--initial-members', self.members), USAGE,
                            '--name')
        self.assert_refused(run(MON, '--name', 'a', '--data', self.root / 'a'), USAGE, '--initial-members')

    def test_options_with_bad_values_are_refused(self):
        for option, value in (('--lease-ms', 'soon'), ('--lease-ms', '0'), ('--lease-ms', '-1'),
                              ('--log-retain-versions', 'x'), ('--max-value-bytes', '-5'), ('--log-level', 'shouting'),
                              ('--sync-chunk-bytes', '0'), ('--sync-rate', '100'), ('--sync-rate', '10MB'),
                              ('--sync-hold-bytes', '1')):
            with self.subTest(option=option, value=value):
                self.assert_refused(self.mon(option, value), USAGE, option.strip('-').replace('log-level', 'log level'))

    def test_member_lists_that_do_not_parse_are_refused(self):
        for members in ('a', 'a=', '=127.0.0.1:7000', 'a=127.0.0.1', 'a=127.0.0.1:', 'a=127.0.0.1:port',
                        'a=127.0.0.1:70000', 'a=127.0.0.1:0', 'a=127.0.0.1:7000,', ',',
                        'a=127.0.0.1:7000,,b=127.0.0.1:7001', 'a b=127.0.0.1:7000',
                        'a=127.0.0.1:7000;b=127.0.0.1:7001'):
            with self.subTest(members=members):
                self.assert_refused(self.mon(members=members), USAGE)
        self.assertFalse((self.root / 'a').exists(), 'a refused command line made a directory')

    def test_names_and_addresses_that_stand_twice_are_refused(self):
        self.assert_refused(self.mon(members='a=127.0.0.1:7000,a=127.0.0.1:7001'), USAGE, 'twice')
        self.assert_refused(self.mon(members='a=127.0.0.1:7000,b=127.0.0.1:7000'), USAGE, 'twice')

    def test_a_name_that_is_not_in_the_list_is_refused(self):
        self.assert_refused(self.mon(name='z'), USAGE, 'z')

    def test_bad_configuration_files_are_refused(self):
        self.assert_refused(self.mon('--config', self.root / 'missing.ini'), USAGE, 'missing.ini')
        for text in ('no-such-option = 1\n', 'lease-ms = soon\n', 'this is no option\n'):
            with self.subTest(text=text):
                config = self.root / 'bad.ini'
                config.write_text(text)
                self.assert_refused(self.mon('--config', config), USAGE)

    def test_every_option_stands_in_a_configuration_file_as_well(self):
        cluster = self.cluster(3)
        for name, daemon in cluster.daemons.items():
            config = self.root / f'{name}.ini'
            config.write_text(f'name = {name}\ndata = {daemon.data}\ninitial-members = {cluster.members_option}\n'
                              'lease-ms = 900\nlog-retain-versions = 100\nlog-trim-min = 50\nmax-value-bytes = 2000\n'
                              'max-key-bytes = 100\nsync-chunk-bytes = 4096\nsync-rate = 1000000\n'
                              'sync-hold-bytes = 1000000\ntrace-sync = true\nlog-level = debug\n')
            daemon.command = [MON, '--config', str(config)]
        cluster.form()
        self.assert_exit(cluster.synod('put', 'key', 'x' * 2001), REFUSED)
        cluster.put('key', 'x' * 2000)
        self.assert_exit(cluster.synod('put', 'k' * 101, 'x'), REFUSED)
        for daemon in cluster.daemons.values():
            self.assertIn(b' sync [1] started cookie=', daemon.log_bytes())

    def test_help_and_version_go_to_stdout(self):
        for program in (MON, CLI, STORE):
            ran = self.assert_exit(run(program, '--help'), OK)
            self.assertGreater(len(ran.out), 300)
            self.assertEqual(ran.err, '')
            ran = self.assert_exit(run(program, '--version'), OK)
            self.assertIn(pathlib.Path(program).name, ran.text)
            self.assertEqual(ran.err, '')
        for option in ('--name', '--data', '--initial-members', '--config', '--form', '--lease-ms',
                       '--log-retain-versions', '--log-trim-min', '--max-value-bytes', '--max-key-bytes',
                       '--sync-chunk-bytes', '--sync-rate', '--sync-hold-bytes', '--trace-sync',
                       '--log-level'):
            self.assertIn(option, run(MON, '--help').text)

    def test_a_port_in_use_is_refused_with_the_reason(self):
        with socket.socket() as listener:
            listener.bind(('127.0.0.1', self.ports[0]))
            listener.listen()
            ran = self.mon()
        self.assertNotIn(ran.code, (OK, -signal.SIGABRT, -signal.SIGSEGV), str(ran))
        self.assertEqual(ran.out, b'')
        self.assert_says(ran.err, self.ports[0])


class MonitorDirectory(ClusterTest):
    def refused(self, ran, *words):
        """The daemon may have logged before; its last line has the reason."""
        self.assertEqual(ran.code, REFUSED_DIRECTORY, str(ran))
        self.assertEqual(ran.out, b'', str(ran))
        self.assert_says(ran.err.strip().splitlines()[-1], *words)

    def test_a_directory_that_cannot_be_written_is_refused(self):
        root = self.scratch()
        (root / 'file').write_text('not a directory')
        cluster = self.cluster(3)
        for path in (root / 'file' / 'a', root / 'file', pathlib.Path('/proc/synod'), pathlib.Path('/dev/null/a')):
            with self.subTest(path=path):
                self.refused(run(*cluster.command('a', data=path)), path)
        self.assertEqual((root / 'file').read_text(), 'not a directory')

    def test_a_directory_without_write_permission_is_refused(self):
        root = self.scratch()
        os.chmod(root, 0o755)
        data = root / 'a'
        data.mkdir(mode=0o555)
        cluster = self.cluster(3)
        command = cluster.command('a', data=data)
        become_nobody = None
        if os.getuid() == 0:  # to whom permissions mean nothing
            shutil.copy(MON, root / 'synod-mon')
            os.chmod(root / 'synod-mon', 0o755)
            command[0] = root / 'synod-mon'
            become_nobody = lambda: os.setuid(65534)
        self.refused(run(*command, preexec_fn=become_nobody), data)

    def test_a_directory_in_use_is_refused_and_its_user_disturbed_by_nothing(self):
        cluster = self.formed_cluster()
        cluster.put('key', 'value')
        self.refused(run(*cluster.command('a')), cluster['a'].data, 'use')
        self.assertEqual(cluster.get('key', mons=['a']), b'value')

    def test_a_directory_of_another_name_is_refused(self):
        cluster = self.formed_cluster()
        cluster.put('key', 'value')
        for daemon in cluster.daemons.values():
            daemon.terminate()
        self.refused(run(*cluster.command('b', data=cluster['a'].data)), "'a'", "'b'")
        cluster.start()
        cluster.wait_quorum(3)
        self.assertEqual(cluster.get('key'), b'value')

    def test_a_directory_of_another_cluster_is_refused_and_both_clusters_lose_nothing(self):
        first, second = self.formed_cluster(), self.formed_cluster()
        first.put('key', 'of the first')
        second.put('key', 'of the second')
        for cluster in (first, second):
            cluster['c'].terminate()
        # The second cluster's member, by address and list, on the directory of the first one's.
        self.refused(run(*second.command('c', data=first['c'].data)), 'cluster')
        self.assertEqual(second.get('key', mons=('a', 'b')), b'of the second')
        self.assertEqual(first.get('key', mons=('a', 'b')), b'of the first')

    def test_a_damaged_identity_is_refused(self):
        cluster = self.formed_cluster()
        cluster.put('key', 'value')
        cluster['c'].terminate()
        copies = sorted(cluster['c'].data.glob('identity.*'))
        self.assertEqual(len(copies), 2)
        saved = [copy.read_bytes() for copy in copies]
        # One damaged copy is what the other one is for.
        copies[0].write_bytes(b'rubbish')
        cluster['c'].start()
        cluster.wait_quorum(3)
        cluster['c'].terminate()
        saved = [copy.read_bytes() for copy in copies]
        for copy in copies:
            copy.write_bytes(b'rubbish')
        ran = run(*cluster.command('c'))
        self.assertIn(ran.code, (3, 4), str(ran))
        self.assert_says(ran.err.strip().splitlines()[-1], 'identity')
        for copy, content in zip(copies, saved):
            copy.write_bytes(content)


class ClientCommandLine(ClusterTest):
    def setUp(self):
        super().setUp()
        self.nobody = f'127.0.0.1:{free_ports(1)[0]}'

    def synod(self, *args, mons='127.0.0.1:1', **more):
        return run(CLI, '--mons', mons, *args, **more)

    def test_unknown_commands_and_options_are_refused(self):
        self.assert_refused(self.synod('frobnicate'), USAGE, 'frobnicate')
        self.assert_refused(self.synod(), USAGE, 'command')
        self.assert_refused(self.synod('--no-such-option', 'status'), USAGE, 'no-such-option')
        self.assert_refused(self.synod('status', '--limit', 1), USAGE, '--limit')
        self.assert_refused(self.synod('get', 'key', '--wait-quorum', 1), USAGE, '--wait-quorum')

    def test_too_few_and_too_many_arguments_are_refused(self):
        for words in (['put'], ['put', 'key'], ['put', 'key', 'value', 'more'], ['get'], ['get', 'a', 'b'], ['del'],
                      ['range'], ['range', 'a', 'b', 'c'], ['range', 'a', '--prefix', 'b'], ['export', 'x'], ['import'],
                      ['status', 'x']):
            with self.subTest(words=words):
                self.assert_refused(self.synod(*words), USAGE)

    def test_bad_option_values_are_refused(self):
        for words in (['--timeout', 'soon'], ['--timeout', '0'], ['--timeout', '-1'], ['--timeout', 'nan'],
                      ['--timeout', '1e99'], ['--timeout', ''], ['--timeout'], ['--format', 'xml'],
                      ['--wait-quorum', '0'], ['--wait-quorum', 'x'], ['--wait-quorum', '-1']):
            with self.subTest(words=words):
                self.assert_refused(self.synod('status', *words), USAGE, words[0])
        for words in (['--limit', 'x'], ['--limit', '-1'], ['--consistency', 'eventual']):
            with self.subTest(words=words):
                command = 'get' if 'eventual' in words else 'range'
                self.assert_refused(self.synod(command, 'key', *words), USAGE, words[0])

    def test_bad_monitor_lists_are_refused(self):
        for mons in ('', 'localhost', ':1', '127.0.0.1:', '127.0.0.1:x', '127.0.0.1:70000', '127.0.0.1:1,,127.0.0.1:2'):
            with self.subTest(mons=mons):
                self.assert_refused(self.synod('status', mons=mons), USAGE)
        self.assert_refused(run(CLI, 'status'), USAGE, 'SYNOD_MONS')
        self.assert_refused(run(CLI, 'status', env={'SYNOD_MONS': 'nonsense'}), USAGE)

    def test_no_reachable_monitor_is_exit_3(self):
        for words in (['status'], ['get', 'key'], ['get', 'key', '--consistency', 'serializable'],
                      ['put', 'key', 'value'], ['del', 'key'], ['range', '--prefix', 'x'], ['export'],
                      ['status', '--wait-quorum', 1]):
            with self.subTest(words=words):
                ran = self.synod('--timeout', 0.5, *words, mons=f'{self.nobody},127.0.0.1:1')
                self.assert_refused(ran, UNAVAILABLE)
        ran = self.synod('--timeout', 0.5, 'import', '-', mons=self.nobody, stdin=b'key\tvalue\n')
        self.assert_exit(ran, UNAVAILABLE)
        self.assertEqual(ran.out, b'')

    def test_a_name_that_does_not_resolve_is_exit_3(self):
        self.assert_refused(self.synod('--timeout', 1, 'status', mons='no-such-host.invalid:7000'), UNAVAILABLE)

    def test_an_answer_that_is_no_frame_is_exit_3(self):
        with socket.socket() as listener:
            listener.bind(('127.0.0.1', 0))
            listener.listen()
            address = f'127.0.0.1:{listener.getsockname()[1]}'
            process = subprocess.Popen([CLI, '--mons', address, '--timeout', '3', 'get', 'key'], stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE)
            listener.settimeout(PATIENCE)
            connection, _ = listener.accept()
            with connection:
                try:
                    connection.sendall(b'HTTP/1.1 400 Bad Request\r\n\r\n' + bytes(1000))
                except OSError:
                    pass  # its time was up
                out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual((process.returncode, out), (UNAVAILABLE, b''), err)


class Requests(ClusterTest):
    shared_members = 3

    def test_values_over_the_cap_are_refused_and_at_the_cap_are_stored(self):
        self.shared.must('put', 'large', '-', stdin=b'v' * MAX_VALUE_BYTES)
        self.assertEqual(self.shared.get('large'), b'v' * MAX_VALUE_BYTES)
        ran = self.shared.synod('put', 'too large', '-', stdin=b'v' * (MAX_VALUE_BYTES + 1))
        self.assert_refused(ran, REFUSED, MAX_VALUE_BYTES)
        self.assertEqual(self.shared.get('too large'), None)
        ran = self.shared.synod('import', '-', stdin=import_lines([(b'first', b'x'),
                                                                   (b'too large', b'v' * (MAX_VALUE_BYTES + 1))]))
        self.assert_exit(ran, REFUSED)
        self.assertEqual(ran.out, b'')
        self.assert_says(ran.err, MAX_VALUE_BYTES, 'committed')
        self.assertEqual(self.shared.get('too large'), None)

    def test_a_value_far_over_the_cap_is_refused_and_disturbs_nobody(self):
        ran = self.shared.synod('put', 'huge', '-', stdin=bytes(40 << 20))
        self.assertIn(ran.code, (USAGE, REFUSED), str(ran))
        self.assertEqual(ran.out, b'')
        self.shared.wait_quorum(3)
        self.assertEqual(self.shared.get('huge'), None)

    def test_keys_over_the_cap_are_refused_and_at_the_cap_are_stored(self):
        self.shared.put('k' * MAX_KEY_BYTES, 'value')
        self.assertEqual(self.shared.get('k' * MAX_KEY_BYTES), b'value')
        for words in (['put', 'k' * (MAX_KEY_BYTES + 1), 'value'], ['put', '', 'value']):
            ran = self.shared.synod(*words)
            self.assertIn(ran.code, (USAGE, REFUSED), str(ran))
            self.assert_refused(ran, ran.code)
        ran = self.shared.synod('get', 'k' * (MAX_KEY_BYTES + 1))
        self.assertIn(ran.code, (NOT_FOUND, REFUSED), str(ran))

    def test_malformed_import_lines_are_named_by_number_and_nothing_of_a_file_is_stored(self):
        root = self.scratch()
        for line, word in (('no tab', 'tab'), ('a\tb\tc', 'tab'), ('\tvalue', 'key'), ('a\t\\q', '\\q'),
                           ('a\\x4\tv', '\\x4'), ('a\tends with \\', '\\'), ('a\tb\r', 'carriage')):
            with self.subTest(line=line):
                file = root / 'bad.txt'
                file.write_bytes(f'good/1\tv\ngood/2\tv\n{line}\ngood/4\tv\n'.encode())
                ran = self.shared.synod('import', file)
                self.assert_exit(ran, USAGE)
                self.assertEqual(ran.out, b'')
                self.assert_says(ran.err, f'{file}:3', word)
                self.assertEqual(self.shared.get('good/1'), None)
                ran = self.shared.synod('import', '-', stdin=file.read_bytes())
                self.assert_exit(ran, USAGE)
                self.assert_says(ran.err, ':3', word)

    def test_files_that_cannot_be_read_are_refused(self):
        self.assert_refused(self.shared.synod('import', '/no/such/file'), USAGE, '/no/such/file')
        ran = self.shared.synod('import', '/')
        self.assert_exit(ran, USAGE)
        self.assertEqual(ran.out, b'')

    def test_an_empty_import_is_fine(self):
        self.assert_exit(self.shared.synod('import', '-', stdin=b''), OK)

    def test_results_that_cannot_be_written_are_not_exit_0(self):
        self.shared.put('key', 'value')
        with open('/dev/full', 'wb') as full:
            ran = subprocess.run([CLI, '--mons', self.shared.mons(), 'get', 'key'], stdout=full, stderr=subprocess.PIPE,
                                 timeout=PATIENCE, check=False)
        self.assertNotEqual(ran.returncode, OK)
        self.assertEqual(len(ran.stderr.strip().splitlines()), 1, ran.stderr)


class BadBytes(ClusterTest):
    """On a monitor's port."""

    shared_members = 3
    shared_options = STEADY

    def setUp(self):
        super().setUp()
        self.random = random.Random(1)
        self.shared.put('key', 'value')
        self.before = {name: daemon.rss_bytes() for name, daemon in self.shared.daemons.items()}
        self.epoch = self.shared.status()['epoch']

    def check_undisturbed(self):
        """Everybody serves, nobody grew, and there was no election."""
        for name, daemon in self.shared.daemons.items():
            daemon.check_alive()
            self.assertEqual(self.shared.get('key', mons=[name]), b'value')
            self.assertLess(daemon.rss_bytes() - self.before[name], GROWTH_BYTES, f'{name} grew')
        self.shared.put('another', 'x')
        self.assertEqual(self.shared.status()['epoch'], self.epoch, 'there was an election')

    def connect(self, name='a'):
        host, port = self.shared[name].address.split(':')
        connection = socket.create_connection((host, int(port)), timeout=PATIENCE)
        self.addCleanup(connection.close)
        return connection

    def is_closed_by_peer(self, connection):
        """Reads until the monitor closes the connection."""
        connection.settimeout(PATIENCE)
        try:
            while connection.recv(65536):
                pass
        except ConnectionResetError:
            pass
        except TimeoutError:
            return False
        return True

    def prefix(self, kind=1, header=10, payload=0, magic=b'SYND', version=1, checksum=0):
        return magic + struct.pack('<HHIIQ', version, kind, header, payload, checksum)

    def test_rubbish_closes_that_connection_only(self):
        words = [CLI, '--mons', self.shared.mons(['a']), '--timeout', str(PATIENCE), 'import', '-']
        bystander = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(bystander.kill)
        bystander.stdin.write(import_lines([(f'bystander/{i}'.encode(), b'x') for i in range(300)]))
        bystander.stdin.flush()
        pieces = [self.random.randbytes(size) for size in (24, 25, 100, 5000, 200000)]
        pieces += [b'GET / HTTP/1.1\r\nHost: x\r\n\r\n', bytes(1000), b'\xff' * 1000, b'SYND' * 100]
        pieces += [self.prefix(**bad) for bad in (
            {'magic': b'DNYS'}, {'version': 0}, {'version': 65535}, {'kind': 0}, {'kind': 9999},
            {'header': 0xffffffff}, {'payload': 0xffffffff}, {'header': 0xffffffff, 'payload': 0xffffffff},
            {'header': 33 << 20})]
        pieces += [self.prefix(kind=kind, header=4, payload=4) + bytes(8) for kind in range(1, 40)]
        for piece in pieces:
            with self.subTest(piece=piece[:40]):
                connection = self.connect()
                try:
                    connection.sendall(piece)
                except (BrokenPipeError, ConnectionResetError):
                    continue
                self.assertTrue(self.is_closed_by_peer(connection), 'the connection was not closed')
        out, err = bystander.communicate(import_lines([(b'bystander/last', b'x')]), timeout=PATIENCE)
        self.assertEqual(bystander.returncode, OK, err)
        self.assertEqual(len(self.shared.must('range', '--prefix', 'bystander/').out.splitlines()), 301)
        self.check_undisturbed()

    def test_half_a_header_and_half_a_frame_are_closed_after_their_deadlines_and_cost_no_memory(self):
        hellos = [self.connect() for _ in range(100)]                    # say nothing at all
        halves = [self.connect() for _ in range(100)]
        for connection in halves:
            connection.sendall(self.prefix()[:13])
        announcing = [self.connect() for _ in range(100)]                # 31 MiB each, of which ten bytes come
        for connection in announcing:
            connection.sendall(self.prefix(payload=31 << 20) + bytes(10))
        self.check_undisturbed()
        for connection in hellos + halves:
            self.assertTrue(self.is_closed_by_peer(connection), 'half a header was not closed')
        self.check_undisturbed()

    def test_bytes_that_trickle_do_not_block_anybody(self):
        connection = self.connect(self.shared.leader())
        for byte in self.prefix(payload=100):
            connection.sendall(bytes([byte]))
        self.check_undisturbed()

    def test_random_bytes_after_a_real_hello_close_that_connection_only(self):
        hello = record_hello()  # then its frame with single bytes changed
        for turn in range(100):
            connection = self.connect()
            changed = bytearray(hello)
            changed[self.random.randrange(len(changed))] ^= 1 << self.random.randrange(8)
            try:
                connection.sendall(hello + self.random.randbytes(100) if turn % 2 else changed)
                connection.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError, OSError):
                continue
            self.assertTrue(self.is_closed_by_peer(connection), 'the connection was not closed')
        self.check_undisturbed()

    def test_a_thousand_connections_that_come_and_go_leave_nothing_behind(self):
        def open_files():
            return len(os.listdir(f'/proc/{self.shared["a"].pid}/fd'))
        before = open_files()
        for _ in range(1000):
            self.connect().close()
        wait_until(lambda: open_files() <= before + 10, PATIENCE, 'the connections are gone')
        self.check_undisturbed()


class ManyClients(ClusterTest):
    def test_idle_clients_keep_neither_peers_nor_the_store_from_what_they_need(self):
        cluster = self.cluster()
        cluster['a'].start(wrapper=['prlimit', '--nofile=300:300'])
        cluster.start('b', 'c')
        cluster.wait_quorum(3)
        hello = record_hello()
        host, port = cluster['a'].address.split(':')
        idle = []
        for _ in range(400):
            idle.append(socket.create_connection((host, int(port)), timeout=PATIENCE))
            self.addCleanup(idle[-1].close)
            idle[-1].sendall(hello)
            idle[-1].recv(65536)  # its hello, or why not
        self.assert_refused(run(CLI, '--mons', cluster['a'].address, '--timeout', 5, 'get', 'key'), UNAVAILABLE,
                            'clients already, which is its limit')
        # New log files of the store, and new connections of a peer.
        cluster.import_pairs([(f'key/{i}', 'x' * 50_000) for i in range(200)], mons=['c'])
        cluster['b'].kill()
        cluster['b'].start()
        cluster.wait_status(lambda status: len(status['quorum']) == 3 and status['leader'], PATIENCE, 'all are back',
                            ['c'])
        wait_until(lambda: cluster.member_status('a', 'c')['last_committed'] ==
                   cluster.member_status('c')['last_committed'], PATIENCE, 'a has all')
        self.assertIn(b'clients are served, not 1024', cluster['a'].log_bytes())
        for connection in idle:
            connection.close()
        wait_until(lambda: cluster.synod('get', 'key/7', mons=['a'], timeout=5).code == OK, PATIENCE, 'a answers again')


if __name__ == '__main__':
    unittest.main()
