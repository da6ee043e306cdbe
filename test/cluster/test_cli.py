"""What `synod` takes and prints."""

import concurrent.futures
import os
import pty
import re
import signal
import socket
import subprocess
import threading
import unittest

from harness import (ANSWER_SECONDS, CLI, INTERRUPTED, NOT_FOUND, OK, PATIENCE, UNAVAILABLE, ClusterTest,
                     import_lines, parse_lines, run, wait_until)

BINARY = bytes(range(256))


class Commands(ClusterTest):
    shared_members = 3

    def setUp(self):
        super().setUp()
        # Each test has its own keys.
        self.base = self.id().rsplit('.', 1)[1] + '/'

    def synod(self, *args, **more):
        return self.shared.synod(*args, **more)

    def start(self, *args, **more):
        """A client that is still running."""
        words = [CLI, '--mons', self.shared.mons(), '--timeout', str(PATIENCE), *args]
        process = subprocess.Popen(words, **{'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, **more})
        self.addCleanup(process.kill)
        return process

    def must_json(self, *args, **more):
        return self.shared.must('--format', 'json', *args, **more).json()

    def pairs(self, count):
        return [(f'{self.base}{i:03}'.encode(), f'value {i}'.encode()) for i in range(count)]

    # Revisions.
    def test_revisions_count_as_documented(self):
        key, other = self.base + 'key', self.base + 'other'
        first = self.must_json('put', key, 'one')['revision']
        self.assertEqual(self.must_json('get', key),
                         {'key': key, 'value': 'one', 'create_revision': first, 'mod_revision': first, 'version': 1,
                          'revision': first})
        second = self.must_json('put', key, 'two')['revision']
        self.assertEqual(second, first + 1)
        third = self.must_json('put', other, 'x')['revision']
        self.assertEqual(third, first + 2)
        self.assertEqual(self.must_json('get', key),
                         {'key': key, 'value': 'two', 'create_revision': first, 'mod_revision': second, 'version': 2,
                          'revision': third})
        deleted = self.must_json('del', key)
        self.assertEqual(deleted, {'revision': first + 3, 'deleted': 1})
        again = self.must_json('put', key, 'three')['revision']
        self.assertEqual(again, first + 4)
        got = self.must_json('get', key)
        self.assertEqual((got['create_revision'], got['mod_revision'], got['version']), (again, again, 1))

    def test_a_delete_of_a_key_that_is_not_there_changes_no_revision(self):
        before = self.must_json('put', self.base + 'key', 'x')['revision']
        ran = self.assert_exit(self.synod('--format', 'json', 'del', self.base + 'missing'), NOT_FOUND)
        self.assertEqual(ran.json(), {'revision': before, 'deleted': 0})
        self.assert_refused(self.synod('del', self.base + 'missing'), NOT_FOUND, 'no such key')
        self.assertEqual(self.must_json('get', self.base + 'key')['revision'], before)

    def test_a_batch_of_an_import_is_one_revision(self):
        before = self.must_json('put', self.base, 'x')['revision']
        after = self.must_json('import', '--batch', 10, '-', stdin=import_lines(self.pairs(30)))
        self.assertEqual(after['revision'], before + 3)
        self.assertEqual(after['keys'], 30)
        self.assertEqual(after['bytes'], sum(len(key) + len(value) for key, value in self.pairs(30)))

    # Get.
    def test_get_prints_the_value_and_a_newline_only(self):
        self.shared.must('put', self.base, 'a value\twith \\ and\nlines')
        ran = self.shared.must('get', self.base)
        self.assertEqual((ran.out, ran.err), (b'a value\twith \\ and\nlines\n', ''))
        self.shared.must('put', self.base, '')
        self.assertEqual(self.shared.must('get', self.base).out, b'\n')

    def test_get_of_a_missing_key_is_exit_1_and_prints_nothing_to_stdout(self):
        self.assert_refused(self.synod('get', self.base + 'missing'), NOT_FOUND, 'no such key')
        self.assert_refused(self.synod('--format', 'json', 'get', self.base + 'missing'), NOT_FOUND)

    def test_a_binary_value_is_printed_as_it_is(self):
        self.shared.must('import', '-', stdin=import_lines([(self.base.encode(), BINARY)]))
        self.assertEqual(self.shared.must('get', self.base).out, BINARY + b'\n')
        self.assertEqual(self.must_json('get', self.base)['value'].keys(), {'escaped'})

    def test_both_consistencies_are_answered_by_every_member(self):
        self.shared.must('put', self.base, 'x')
        for name in self.shared.names:
            ran = self.shared.must('get', self.base, '--consistency', 'linearizable', mons=[name])
            self.assertEqual(ran.out, b'x\n')
            wait_until(lambda: self.synod('get', self.base, '--consistency', 'serializable', mons=[name]).out == b'x\n',
                       PATIENCE, f'{name} has applied it')

    # Ranges.
    def test_ranges_by_prefix_interval_and_limit(self):
        pairs = self.pairs(20)
        self.shared.must('import', '-', stdin=import_lines(pairs))
        lines = [f'{key.decode()}\t{value.decode()}\n' for key, value in pairs]

        def range_lines(*args):
            return self.shared.must('range', *args).text.splitlines(keepends=True)
        self.assertEqual(range_lines('--prefix', self.base), lines)
        self.assertEqual(range_lines('--prefix', self.base + '01'), lines[10:])
        self.assertEqual(range_lines('--prefix', self.base + 'nothing'), [])
        self.assertEqual(range_lines(self.base + '005', self.base + '008'), lines[5:8])
        self.assertEqual(range_lines(self.base + '005', self.base + '005'), [])
        self.assertEqual(range_lines(self.base + '008', self.base + '005'), [])
        self.assertEqual(range_lines(self.base + '018', '--limit', 2), lines[18:])
        self.assertEqual(range_lines('--prefix', self.base, '--limit', 3), lines[:3])
        self.assertEqual(range_lines('--limit', 0, '--prefix', self.base), lines)
        self.assertEqual(range_lines(self.base + '017')[:3], lines[17:])

    def test_a_range_in_json_has_the_documented_fields(self):
        self.shared.must('import', '-', stdin=import_lines(self.pairs(5)))
        got = self.must_json('range', '--prefix', self.base, '--limit', 2)
        self.assertEqual(got.keys(), {'items', 'more', 'revision'})
        self.assertEqual([item['key'] for item in got['items']], [self.base + '000', self.base + '001'])
        self.assertEqual(got['items'][0].keys(), {'key', 'value', 'create_revision', 'mod_revision', 'version'})
        self.assertTrue(got['more'])
        self.assertFalse(self.must_json('range', '--prefix', self.base)['more'])
        self.assertEqual(self.must_json('range', '--prefix', self.base + 'nothing')['items'], [])

    def test_a_range_of_several_answers_is_complete(self):
        pairs = [(f'{self.base}{i:04}'.encode(), str(i).encode() * 500) for i in range(2500)]  # more than 4 MiB
        self.shared.must('import', '-', stdin=import_lines(pairs))
        self.assertEqual(parse_lines(self.shared.must('range', '--prefix', self.base).out), dict(pairs))
        self.assertEqual(len(self.shared.must('range', '--prefix', self.base, '--limit', 2400).out.splitlines()), 2400)

    def test_keys_sort_as_bytes(self):
        tails = (b'', b'\x00', b'\x00\x00', b'\x7f', b'\x80', b'\xff', b'\xff\xff', b'a')
        keys = [self.base.encode() + tail for tail in tails]
        self.shared.must('import', '-', stdin=import_lines((key, b'x') for key in keys))
        self.assertEqual(list(parse_lines(self.shared.must('range', '--prefix', self.base).out)), sorted(keys))

    # Export and import.
    def test_export_and_import_round_trip_binary_keys_and_values(self):
        pairs = {self.base.encode() + bytes([first, second]): bytes([second, first]) * 3
                 for first in range(0, 256, 5) for second in range(0, 256, 7)}
        pairs.update({self.base.encode() + BINARY: BINARY,
                      self.base.encode() + 'ümlaut €'.encode(): 'ß 漢字 😀'.encode(),
                      self.base.encode() + b'empty': b'', self.base.encode() + b'\\x41\\t': b'\\n\\\\ \\q'})
        self.shared.must('import', '-', stdin=import_lines(pairs.items()))
        exported = self.shared.must('export', '--prefix', self.base).out
        self.assertEqual(parse_lines(exported), pairs)
        # Into another cluster, from a pipe and from a file; and out again, byte for byte.
        other = self.cluster(1)
        self.assert_exit(run(*other.command('a'), '--form'), OK)
        other.start()
        other.wait_quorum(1)
        other.must('import', '-', stdin=exported)
        self.assertEqual(other.must('export').out, exported)
        other.expected.update(pairs)
        file = self.scratch() / 'exported'
        file.write_bytes(exported)
        other.must('import', file)
        self.assertEqual(other.must('export').out, exported)

    def test_the_last_line_of_an_import_may_lack_its_newline(self):
        self.shared.must('import', '-', stdin=f'{self.base}a\t1\n{self.base}b\t2'.encode())
        self.assertEqual(self.shared.must('get', self.base + 'b').out, b'2\n')

    def test_a_key_that_stands_twice_in_an_import_has_its_last_value(self):
        self.shared.must('import', '-', stdin=f'{self.base}\t1\n{self.base}\t2\n'.encode())
        self.assertEqual(self.must_json('get', self.base)['value'], '2')
        self.assertEqual(self.must_json('get', self.base)['version'], 2)

    def test_an_import_interrupted_by_sigint_says_what_was_committed_and_exits_130(self):
        process = self.start('import', '--batch', '10', '-', stdin=subprocess.PIPE)
        process.stdin.write(import_lines(self.pairs(95)))
        process.stdin.flush()
        # What it holds back is a batch that is not full; the rest is committed as soon as it was read.
        wait_until(lambda: len(self.shared.must('range', '--prefix', self.base).out.splitlines()) >= 90, PATIENCE,
                   'full batches are committed')
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, INTERRUPTED, err)
        self.assertEqual(out, b'')
        said = int(re.search(rb'committed.*?(\d+) keys', err)[1])
        self.assertEqual(len(self.shared.must('range', '--prefix', self.base).out.splitlines()), said)

    def test_an_import_interrupted_at_any_moment_has_committed_what_it_says(self):
        pairs = self.pairs(900)
        for delay_ms in (5, 20, 60, 150):
            base = f'{delay_ms}/'.encode()
            process = self.start('import', '--batch', '2', '-', stdin=subprocess.PIPE)
            threading.Timer(delay_ms / 1000, process.send_signal, [signal.SIGINT]).start()
            try:
                lines = import_lines((base + key, value) for key, value in pairs)
                _, err = process.communicate(lines, timeout=PATIENCE)
            except BrokenPipeError:
                process.wait(PATIENCE)
                continue
            if process.returncode == -signal.SIGINT:  # before its handler was there
                continue
            self.assertIn(process.returncode, (OK, INTERRUPTED), err)
            if process.returncode == OK:
                continue
            said = int(re.search(rb'committed.*?(\d+) keys', err)[1])
            found = parse_lines(self.shared.must('range', '--prefix', base.decode()).out)
            self.assertLessEqual(dict((base + key, value) for key, value in pairs[:said]).items(), found.items())
            if b'unknown' not in err:
                self.assertEqual(len(found), said, err)

    def test_an_import_shows_a_progress_bar_on_a_terminal_only(self):
        lines = import_lines(self.pairs(2000))
        file = self.scratch() / 'lines'
        file.write_bytes(lines)
        ran = self.shared.must('import', file)
        self.assertEqual(ran.err, '')
        master, slave = pty.openpty()
        process = self.start('import', str(file), stderr=slave)
        os.close(slave)
        shown = b''
        try:
            while piece := os.read(master, 65536):
                shown += piece
        except OSError:  # the other end is closed
            pass
        process.communicate(timeout=PATIENCE)
        os.close(master)
        self.assertEqual(process.returncode, OK)
        self.assertIn(b'%', shown)

    # Options.
    def test_options_stand_before_or_after_the_command(self):
        mons = self.shared.mons()
        for words in (['--mons', mons, '--format', 'json', 'put', self.base, 'x'],
                      ['put', '--mons', mons, self.base, '--format', 'json', 'x'],
                      ['put', self.base, 'x', '--format', 'json', '--mons', mons],
                      ['put', self.base, 'x', '--format=json', f'--mons={mons}']):
            self.assertIn('revision', self.assert_exit(run(CLI, '--timeout', ANSWER_SECONDS, *words), OK).json())

    def test_arguments_that_look_like_options_go_behind_two_dashes(self):
        self.shared.must('put', '--', '--' + self.base, '-5')
        self.assertEqual(self.shared.must('get', '--', '--' + self.base).out, b'-5\n')
        self.shared.must('del', '--', '--' + self.base)

    def test_the_monitors_come_from_the_environment_too(self):
        patient = ('--timeout', ANSWER_SECONDS)
        ran = run(CLI, *patient, 'put', self.base, 'x', env={'SYNOD_MONS': self.shared.mons()})
        self.assert_exit(ran, OK)
        # The option is the stronger one.
        ran = run(CLI, *patient, '--mons', self.shared.mons(), 'get', self.base, env={'SYNOD_MONS': '127.0.0.1:1'})
        self.assert_exit(ran, OK)

    def test_values_come_from_standard_input_too(self):
        self.shared.must('put', self.base, '-', stdin=BINARY)
        self.assertEqual(self.shared.must('get', self.base).out, BINARY + b'\n')

    # Status.
    def test_the_status_has_the_documented_fields(self):
        # What others are is known from their probes.
        status = self.shared.wait_status(
            lambda status: sorted(status['quorum']) == self.shared.names and
            sorted(member['state'] for member in status['members']) == ['leader', 'peon', 'peon'],
            PATIENCE, 'all know of each other')
        self.assertGreaterEqual(status.keys(), {'fsid', 'leader', 'epoch', 'quorum', 'members'})
        self.assertRegex(status['fsid'], r'^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')
        self.assertIn(status['leader'], self.shared.names)
        self.assertGreater(status['epoch'], 0)
        self.assertEqual(sorted(status['quorum']), self.shared.names)
        self.assertEqual([member['name'] for member in status['members']], self.shared.names)
        for member in status['members']:
            self.assertGreaterEqual(member.keys(), {'name', 'id', 'address', 'state', 'first_committed',
                                                    'last_committed', 'sync'})
            self.assertEqual(member['address'], self.shared[member['name']].address)
            self.assertEqual(member['state'], 'leader' if member['name'] == status['leader'] else 'peon')
            self.assertGreaterEqual(member['last_committed'], member['first_committed'])
            self.assertIsNone(member['sync'])
        self.assertEqual(len({member['id'] for member in status['members']}), 3)

    def test_every_member_gives_the_same_status(self):
        def same():
            statuses = [self.shared.status(name) for name in self.shared.names]
            self.assertEqual([status['answered_by'] for status in statuses], self.shared.names)
            self.assertEqual(len({status['fsid'] for status in statuses}), 1)
            # There may have been an election between.
            return all(len({status[field] for status in statuses}) == 1 for field in ('leader', 'epoch'))
        wait_until(same, PATIENCE, 'all name one leader and one epoch')

    def test_the_plain_status_names_all_members(self):
        ran = self.shared.must('status')
        self.assertEqual(ran.err, '')
        for name in self.shared.names:
            self.assertIn(self.shared[name].address, ran.text)
        self.assertIn('leader', ran.text)

    def test_to_wait_for_more_members_than_there_are_is_exit_3_after_the_timeout(self):
        self.assert_exit(self.synod('status', '--wait-quorum', 4, timeout=1), UNAVAILABLE)

    def test_a_command_interrupted_by_sigint_exits_130(self):
        process = self.start('status', '--wait-quorum', '4')

        def catches():
            with open(f'/proc/{process.pid}/status', encoding='ascii') as file:
                return int(re.search(r'SigCgt:\s+([0-9a-f]+)', file.read())[1], 16) >> (signal.SIGINT - 1) & 1
        wait_until(catches, PATIENCE, 'the client catches SIGINT')
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual((process.returncode, out), (INTERRUPTED, b''), err)


class SilentMembers(ClusterTest):
    """One that accepts a connection and does not answer costs at most a quarter of the timeout: with three such before
    it, there is time left for the one that does."""

    TIMEOUT = 32

    def silent_listener(self):
        listener = socket.socket()
        self.addCleanup(listener.close)
        listener.bind(('127.0.0.1', 0))
        listener.listen(64)
        return f'127.0.0.1:{listener.getsockname()[1]}'

    @staticmethod
    def connections_waiting(address):
        """How many the kernel has accepted for a listener that does not take them."""
        port = int(address.rpartition(':')[2])
        with open('/proc/net/tcp', encoding='ascii') as file:
            rows = [line.split() for line in file.readlines()[1:]]
        return next(int(row[4].split(':')[1], 16) for row in rows
                    if row[3] == '0A' and int(row[1].split(':')[1], 16) == port)

    def check(self, silent, answering):
        mons = ','.join([*silent, answering])
        commands = (['status'], ['put', 'key', 'value'], ['get', 'key'],
                    ['get', 'key', '--consistency', 'serializable'], ['range', '--prefix', 'key'], ['export'],
                    ['import', '-'], ['del', 'key'])

        def ask(words):
            return run(CLI, '--mons', mons, '--timeout', self.TIMEOUT, *words, stdin=b'key\tvalue\n')
        self.assert_exit(run(CLI, '--mons', answering, '--timeout', ANSWER_SECONDS, 'put', 'key', 'value'), OK)
        with concurrent.futures.ThreadPoolExecutor(len(commands)) as pool:
            for words, ran in zip(commands, pool.map(ask, commands)):
                with self.subTest(words=words):
                    # Which of them deletes the key, the others may not find any more.
                    self.assert_exit(ran, OK, *[NOT_FOUND] * (words[0] in ('get', 'del')))
        for address in silent:
            self.assertGreaterEqual(self.connections_waiting(address), len(commands), f'{address} was not asked')

    def test_listeners_that_never_answer_leave_time_for_one_that_does(self):
        cluster = self.formed_cluster()
        self.check([self.silent_listener() for _ in range(3)], cluster.mons([cluster.leader()]))

    def test_members_that_are_stopped_leave_time_for_one_that_answers(self):
        cluster = self.formed_cluster(5)
        peons = cluster.others(cluster.leader())
        for peon in peons[:2]:
            cluster[peon].stop()
        self.check([cluster[peon].address for peon in peons[:2]], cluster[peons[2]].address)

    def test_silent_members_only_are_exit_3(self):
        silent = ','.join(self.silent_listener() for _ in range(3))
        for words in (['status'], ['get', 'key'], ['put', 'key', 'value']):
            self.assert_refused(run(CLI, '--mons', silent, '--timeout', 2, *words), UNAVAILABLE)


if __name__ == '__main__':
    unittest.main()
