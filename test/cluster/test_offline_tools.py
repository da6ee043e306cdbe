"""`synod-store` on the directories of stopped members."""

import hashlib
import itertools
import os
import re
import shutil
import signal
import subprocess
import unittest

from harness import MON, NOT_FOUND, OK, PATIENCE, STORE, USAGE, ClusterTest, free_ports, parse_lines, run, wait_until
from syncs import StoppedSource

DIFFERENT, ERROR, STOPPED = 1, 2, 4
REFUSED_DIRECTORY = 3  # of synod-mon
READ_ONLY = ('list', 'dump', 'stats', 'digest')
BINARY = bytes(range(256))


def tree_hash(root):
    """Of all names, modes, modification times and bytes below a directory."""
    digest = hashlib.sha256()
    for path in sorted([root, *root.rglob('*')]):
        stat = path.lstat()
        digest.update(repr((str(path.relative_to(root)), stat.st_mode, stat.st_mtime_ns, stat.st_size)).encode())
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


def store(*args, **more):
    return run(STORE, *args, **more)


class OfflineTools(ClusterTest):
    shared_members = 3

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pairs = {f'key/{i:04}'.encode(): f'value {i} '.encode() * (i % 20 + 1) for i in range(800)}
        cls.pairs[b'binary/' + BINARY] = BINARY
        cls.pairs['ümlaut'.encode()] = b''
        cls.shared.import_pairs(cls.pairs.items())
        cls.last_committed = cls.shared.wait_level()
        cls.shared.terminate_all()

    def copy(self, name='a'):
        target = self.scratch() / name
        shutil.copytree(self.shared[name].data, target)
        return target

    def data(self, name):
        return self.shared[name].data

    def test_the_stores_of_stopped_members_are_identical(self):
        for first, second in (('a', 'b'), ('b', 'c'), ('c', 'a'), ('a', 'a')):
            ran = self.assert_exit(store('compare', self.data(first), self.data(second)), OK)
            self.assertEqual(ran.out, b'')
            self.assert_says(ran.err, 'identical', 'keys')

    def test_list_prints_the_users_keys_readable(self):
        lines = self.assert_exit(store('list', self.data('a')), OK).out.splitlines()
        self.assertEqual(len(lines), len(set(lines)))
        self.assertEqual([line for line in lines if line.endswith(b'key/0007')], [b'kv/k/key/0007'])
        self.assertEqual(len([line for line in lines if line.startswith(b'kv/k/')]), len(self.pairs))
        self.assertIn('kv/k/ümlaut'.encode(), lines)

    def test_dump_and_get_agree(self):
        dumped = parse_lines(self.assert_exit(store('dump', self.data('a')), OK).out)
        listed = store('list', self.data('a')).out.splitlines()
        self.assertEqual(len(dumped), len(listed))
        for line in (listed[0], listed[-1], b'kv/k/key/0099', next(line for line in listed if b'binary' in line)):
            ran = self.assert_exit(store('get', self.data('a'), line.decode()), OK)
            self.assertIn(line + b'\t' + ran.out.rstrip(b'\n'), store('dump', self.data('a')).out)
        self.assert_refused(store('get', self.data('a'), 'kv/k/missing'), NOT_FOUND, 'kv/k/missing')

    def test_stats_count_what_is_there(self):
        ran = self.assert_exit(store('stats', self.data('b')), OK)
        stats = dict(re.findall(r'^(\w+)\W+(\d+)$', ran.text, re.MULTILINE))
        self.assertGreaterEqual(stats.keys(), {'first_committed', 'last_committed', 'keys', 'bytes'})
        self.assertEqual(int(stats['last_committed']), self.last_committed)
        dumped = parse_lines(store('dump', self.data('b')).out)
        self.assertEqual(int(stats['keys']), len(dumped))
        self.assertEqual(int(stats['bytes']), sum(len(key) + len(value) for key, value in dumped.items()))

    def test_digests_are_equal_where_stores_are(self):
        digests = {name: self.assert_exit(store('digest', self.data(name)), OK).out for name in self.shared.names}
        self.assertEqual(len(set(digests.values())), 1, digests)
        changed = self.copy()
        self.assert_exit(store('set', changed, 'kv/k/key/0001', 'x', '--accept-risk'), OK)
        self.assertNotEqual(store('digest', changed).out, digests['a'])

    def test_compare_names_exactly_the_keys_that_set_and_rm_changed_in_a_copy(self):
        listed = store('list', self.data('a')).out.decode().splitlines()
        binary = next(line for line in listed if 'binary' in line)
        changed = self.copy()
        for key in ('kv/k/key/0003', 'kv/k/key/0700', binary):
            self.assert_exit(store('set', changed, key, 'another\\x00value', '--accept-risk'), OK)
        for key in ('kv/k/new', 'kv/k/with\\ttab'):
            self.assert_exit(store('set', changed, key, '', '--accept-risk'), OK)
        for key in ('kv/k/key/0004', 'kv/k/ümlaut'):
            self.assert_exit(store('rm', changed, key, '--accept-risk'), OK)
        only_here = ['only-in {} kv/k/new', 'only-in {} kv/k/with\\ttab']
        only_there = ['only-in {} kv/k/key/0004', 'only-in {} kv/k/ümlaut']
        differs = [f'differs {key}' for key in ('kv/k/key/0003', 'kv/k/key/0700', binary)]
        for first, second, here, there in ((changed, self.data('a'), 'A', 'B'), (self.data('b'), changed, 'B', 'A')):
            ran = self.assert_exit(store('compare', first, second), DIFFERENT)
            self.assertEqual(sorted(ran.text.splitlines()),
                             sorted(differs + [line.format(here) for line in only_here] +
                                    [line.format(there) for line in only_there]))
        # And back again.
        original = parse_lines(store('dump', self.data('a')).out)
        self.assertEqual(store('get', changed, 'kv/k/key/0003').out, b'another\\x00value\n')
        for key in ('kv/k/key/0003', 'kv/k/key/0700', binary, 'kv/k/key/0004', 'kv/k/ümlaut'):
            value = store('get', self.data('a'), key).text[:-1]
            self.assert_exit(store('set', changed, key, value, '--accept-risk'), OK)
        for key in ('kv/k/new', 'kv/k/with\\ttab'):
            self.assert_exit(store('rm', changed, key, '--accept-risk'), OK)
        self.assert_exit(store('compare', changed, self.data('a')), OK)
        self.assertEqual(parse_lines(store('dump', changed).out), original)

    def test_set_and_rm_are_refused_without_the_consent(self):
        changed = self.copy()
        before = tree_hash(changed)
        self.assert_refused(store('set', changed, 'kv/k/x', 'y'), ERROR, '--accept-risk')
        self.assert_refused(store('rm', changed, 'kv/k/key/0001'), ERROR, '--accept-risk')
        self.assertEqual(tree_hash(changed), before)

    def test_rm_of_a_missing_key_is_exit_1(self):
        self.assert_refused(store('rm', self.copy(), 'kv/k/missing', '--accept-risk'), NOT_FOUND, 'kv/k/missing')

    def check_read_only(self, data, **more):
        before = tree_hash(data)
        for command in READ_ONLY:
            ran = store(command, data, **more)
            self.assert_exit(ran, OK)
            self.assertTrue(ran.out, str(ran))
            self.assertEqual(tree_hash(data), before, f'{command} changed the directory')
        self.assert_exit(store('get', data, 'kv/k/key/0001', **more), OK)
        self.assert_exit(store('get', data, 'kv/k/missing', **more), NOT_FOUND)
        self.assert_exit(store('compare', data, data, **more), OK)
        self.assertEqual(tree_hash(data), before)

    def test_what_only_reads_changes_no_byte_of_a_directory(self):
        self.check_read_only(self.copy('b'))

    def test_what_only_reads_changes_no_byte_of_the_directory_of_a_killed_member(self):
        cluster = self.formed_cluster()
        cluster.import_pairs(self.pairs.items())
        for daemon in cluster.daemons.values():
            daemon.kill()
        for name in cluster.names:
            self.check_read_only(cluster[name].data)
        self.assert_exit(store('compare', cluster['a'].data, cluster['b'].data), OK)

    def test_what_only_reads_needs_no_write_permission(self):
        data = self.copy()
        os.chmod(data.parent, 0o555)
        for path in [data, *data.rglob('*')]:
            os.chmod(path, 0o555 if path.is_dir() else 0o444)
        self.addCleanup(lambda: [os.chmod(path, 0o755) for path in [data.parent, *data.parent.rglob('*')]])
        if os.getuid() != 0:
            return self.check_read_only(data)
        # To root permissions mean nothing: as another user, with a copy of the program that this one can reach.
        programs = self.scratch()
        os.chmod(programs, 0o755)
        program = programs / 'synod-store'
        shutil.copy(STORE, program)
        os.chmod(program, 0o755)
        before = tree_hash(data)

        def become_nobody():
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        for command in READ_ONLY:
            ran = run(program, command, data, preexec_fn=become_nobody)
            self.assert_exit(ran, OK)
            self.assertTrue(ran.out, str(ran))
        self.assert_exit(run(program, 'compare', data, data, preexec_fn=become_nobody), OK)
        ran = run(program, 'set', data, 'kv/k/x', 'y', '--accept-risk', preexec_fn=become_nobody)
        self.assert_refused(ran, ERROR)
        self.assertEqual(tree_hash(data), before)

    def test_a_directory_in_use_is_refused_with_the_reason(self):
        cluster = self.formed_cluster()
        data = cluster['a'].data
        for words in ([command, data] for command in READ_ONLY):
            self.assert_refused(store(*words), ERROR, data, 'use')
        self.assert_refused(store('get', data, 'kv/k/x'), ERROR, 'use')
        self.assert_refused(store('compare', data, self.data('a')), ERROR, 'use')
        self.assert_refused(store('compare', self.data('a'), data), ERROR, 'use')
        self.assert_refused(store('set', data, 'kv/k/x', 'y', '--accept-risk'), ERROR, 'use')
        self.assert_refused(store('rm', data, 'kv/k/x', '--accept-risk'), ERROR, 'use')
        cluster.put('key', 'value')

    def test_directories_that_are_none_are_refused_and_not_made(self):
        root = self.scratch()
        (root / 'file').write_text('x')
        (root / 'empty').mkdir()
        for path in (root / 'missing', root / 'file', root / 'empty'):
            for words in (['list', path], ['stats', path], ['compare', path, self.data('a')],
                          ['set', path, 'kv/k/x', 'y', '--accept-risk']):
                with self.subTest(words=words):
                    self.assert_refused(store(*words), ERROR, path)
        self.assertFalse((root / 'missing').exists())
        self.assertEqual(list((root / 'empty').iterdir()), [])

    def test_bad_command_lines_are_refused(self):
        for words in ([], ['frobnicate'], ['list'], ['list', 'a', 'b'], ['compare', 'a'], ['get', 'a'],
                      ['--no-such-option'], ['list', self.data('a'), '--accept-risk']):
            with self.subTest(words=words):
                self.assert_refused(store(*words), USAGE)
        self.assert_refused(store('get', self.data('a'), 'kv/k/\\q'), ERROR, '\\q')

    def test_damage_is_an_error_and_never_a_difference(self):
        damaged = self.copy()
        files = [path for path in damaged.rglob('*') if path.is_file() and path.name.startswith('CURRENT')]
        self.assertTrue(files)
        for path in files:
            path.write_bytes(b'rubbish\n')
        for words in (['list', damaged], ['compare', damaged, self.data('a')]):
            ran = self.assert_exit(store(*words), ERROR)
            self.assertEqual(ran.out, b'')
        # A flipped bit in the log: found, and nothing is printed as if it were all.
        flipped = self.copy()
        logs = sorted(flipped.rglob('*.log'), key=lambda path: path.stat().st_size)
        self.assertTrue(logs)
        content = bytearray(logs[-1].read_bytes())
        content[len(content) // 2] ^= 4
        logs[-1].write_bytes(content)
        before = tree_hash(flipped)
        self.assert_exit(store('compare', flipped, self.data('a')), ERROR)
        self.assertEqual(tree_hash(flipped), before)


class Sync(StoppedSource):
    """`synod-store sync`: a stopped member's store is copied as members copy it."""
    source_keys = 20000

    def assert_copy(self, copy):
        ran = self.assert_exit(store('compare', self.source, copy), OK)
        self.assert_says(ran.err, 'identical')
        self.assertEqual(store('digest', copy).out, store('digest', self.source).out)

    def assert_no_member(self, directory, *words):
        ran = run(MON, '--name', 'a', '--data', directory, '--initial-members', f'a=127.0.0.1:{free_ports(1)[0]}')
        self.assert_refused(ran, REFUSED_DIRECTORY, directory, *words)

    def test_a_copy_is_equal_and_is_nobody(self):
        copy = self.scratch() / 'copy'
        before = tree_hash(self.source)
        ran = self.assert_exit(store('sync', self.source, copy, '--format', 'json'), OK)
        self.assertEqual(tree_hash(self.source), before)
        told = ran.json()
        self.assertEqual((told['complete'], told['first_chunk']), (True, 1))
        self.assertEqual(told['keys'], len(store('list', self.source).out.splitlines()))
        self.assert_copy(copy)
        self.assert_no_member(copy, 'no identity')
        self.assert_copy(copy)

    def test_a_stopped_sync_is_refused_until_it_has_gone_on(self):
        copy = self.scratch() / 'copy'
        options = ('--chunk-bytes', 100_000, '--format', 'json')
        first = self.assert_exit(store('sync', self.source, copy, '--stop-after-chunk', 7, *options), STOPPED).json()
        self.assertEqual((first['complete'], first['chunks']), (False, 7))
        for words in (['compare', copy, self.source], ['get', copy, 'kv/k/key/00001'], ['list', copy],
                      ['sync', self.source, copy]):
            self.assert_refused(store(*words), ERROR, 'unfinished sync at chunk 7')
        self.assert_no_member(copy, 'unfinished sync at chunk 7')
        second = self.assert_exit(store('sync', self.source, copy, '--resume', *options), OK).json()
        self.assertEqual((second['complete'], second['first_chunk']), (True, 8))
        self.assert_copy(copy)
        third = self.assert_exit(store('sync', self.source, copy, '--resume', *options), OK).json()
        self.assertEqual((third['complete'], third['chunks'], third['bytes']), (True, 0, 0))

    def test_a_killed_sync_goes_on_where_its_disk_says(self):
        copy = self.scratch() / 'copy'
        chunks, kills, is_complete = 0, 0, False
        for pause in itertools.chain((0.02 * i for i in range(1, 12)), (None,)):
            process = subprocess.Popen([STORE, 'sync', self.source, copy, '--chunk-bytes', '5000', '--resume'],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            with process:
                try:
                    process.wait(pause)
                except subprocess.TimeoutExpired:
                    process.kill()
                    kills += 1
                out, err = process.communicate()
            if process.returncode == OK:
                break
            self.assertEqual(process.returncode, -signal.SIGKILL, err)
            listed = store('list', copy)
            is_complete = listed.code == OK  # killed behind its last step
            found = re.search('unfinished sync at chunk (\\d+)', listed.err)
            if found:
                self.assertGreaterEqual(int(found[1]), chunks)
                chunks = int(found[1])
        self.assertEqual(process.returncode, OK, err)
        self.assertGreater(kills, 0)
        self.assertIn(f'first_chunk {0 if is_complete else chunks + 1}\n', out)
        self.assert_copy(copy)

    def test_an_interrupted_sync_says_where_it_stands(self):
        copy = self.scratch() / 'copy'
        process = subprocess.Popen([STORE, 'sync', self.source, copy, '--chunk-bytes', '1'],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_until(lambda: (copy / 'store.1' / 'CURRENT').exists(), PATIENCE, 'the sync has begun')
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 130, err)
        self.assertIn('complete false\n', out)
        self.assertRegex(err, 'unfinished sync at chunk \\d+: synod-store sync --resume goes on with it')
        self.assert_exit(store('sync', self.source, copy, '--resume'), OK)
        self.assert_copy(copy)


class DifferentVersions(ClusterTest):
    def test_an_older_store_is_rolled_forward_in_memory_before_it_is_compared(self):
        cluster = self.formed_cluster()
        cluster.import_pairs([(f'key/{i}', 'x') for i in range(100)])
        cluster['c'].terminate()
        cluster.wait_quorum(2, mons=('a', 'b'))
        for i in range(20):
            cluster.put(f'key/{i}', 'y', mons=('a', 'b'))
        cluster.delete('key/50', mons=('a', 'b'))
        cluster['a'].terminate()
        cluster['b'].terminate()
        before = {name: tree_hash(cluster[name].data) for name in cluster.names}
        for first, second in (('a', 'c'), ('c', 'a')):
            ran = self.assert_exit(store('compare', cluster[first].data, cluster[second].data), OK)
            self.assertEqual(ran.out, b'')
            self.assert_says(ran.err, 'rolled forward')
        self.assertEqual({name: tree_hash(cluster[name].data) for name in cluster.names}, before)

    def test_a_store_too_old_to_be_rolled_forward_is_compared_as_it_is_and_that_is_said(self):
        cluster = self.formed_cluster(3, ('--log-retain-versions', 5, '--log-trim-min', 2))
        cluster.put('key/0', 'x')
        cluster['c'].terminate()
        cluster.wait_quorum(2, mons=('a', 'b'))
        for i in range(30):
            cluster.put(f'key/{i}', 'y', mons=('a', 'b'))
        cluster['a'].terminate()
        ran = self.assert_exit(store('compare', cluster['a'].data, cluster['c'].data), DIFFERENT)
        self.assertIn('differs kv/k/key/0\n', ran.text)
        self.assertIn('only-in A kv/k/key/29\n', ran.text)
        self.assertNotIn('only-in B', ran.text)
        self.assertGreater(len(ran.err.strip().splitlines()), 1, 'it does not say that it could not roll forward')


if __name__ == '__main__':
    unittest.main()
