"""A member whose store lost or changed what was synced does not start; one whose unsynced tail is torn does."""

import shutil
import subprocess
import unittest

from harness import OK, PATIENCE, STORE, ClusterTest, Ran, die_with_the_test, run, wait_until

DISK_FAILURE = 4


class RolledBack(ClusterTest):
    shared_members = 3

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared.import_pairs([(f'key/{i:03}', f'value {i} ' * 20) for i in range(50)])
        cls.shared.wait_level()
        cls.shared['c'].kill()  # so that its log holds all of it
        cls.shared.terminate_all()  # a copy that they meet would supersede c

    def setUp(self):
        super().setUp()
        self.data = self.scratch() / 'c'
        shutil.copytree(self.shared['c'].data, self.data)

    def start(self):
        """A start that succeeds is ended with SIGTERM; the peers are not there."""
        command = self.shared.command('c', data=self.data)
        log = self.data.parent / 'stderr'
        with open(log, 'wb') as file:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=file,
                                       preexec_fn=die_with_the_test)
        self.addCleanup(process.kill)
        wait_until(lambda: process.poll() is not None or b'listens at' in log.read_bytes(), PATIENCE,
                   lambda: f'it listens, or ends: {log.read_bytes()}')
        process.terminate()
        out, _ = process.communicate(timeout=PATIENCE)
        return Ran(command, process.returncode, out, log.read_text(errors='replace'), 0)

    def store(self):
        return self.data / (self.data / 'CURRENT_STORE').read_text().strip()

    def log(self):
        return max((path for path in self.store().glob('*.log') if path.stat().st_size), key=lambda path: path.name)

    def assert_does_not_start(self, *words):
        ran = self.start()
        self.assertEqual(ran.code, DISK_FAILURE, str(ran))
        self.assert_says(ran.err, *words, 'move the directory away')
        self.assertEqual(len([line for line in ran.err.splitlines() if 'stops:' in line]), 1, str(ran))

    def assert_starts(self, *words):
        ran = self.start()
        self.assertEqual(ran.code, OK, str(ran))
        self.assert_says(ran.err, 'listens at', *words)

    def flip(self, path, offset):
        data = bytearray(path.read_bytes())
        data[offset] ^= 0x10
        path.write_bytes(data)

    def test_an_untouched_copy_starts(self):
        self.assert_starts()

    def test_a_byte_that_changed_in_the_middle_of_the_log_is_corruption(self):
        self.flip(self.log(), self.log().stat().st_size // 2)
        before = {path: path.read_bytes() for path in self.store().iterdir()}
        self.assert_does_not_start('corrupt', self.log().name, 'at byte')
        self.assertEqual({path: path.read_bytes() for path in self.store().iterdir()}, before, 'the evidence changed')

    def test_a_log_that_lost_synced_bytes_was_rolled_back(self):
        size = self.log().stat().st_size
        with open(self.log(), 'r+b') as log:
            log.truncate(size // 2)
        self.assert_does_not_start('rolled back', self.log().name)

    def test_a_log_that_is_missing_is_corruption(self):
        log = self.log()
        log.unlink()
        self.assert_does_not_start(log.name, 'missing')

    def test_what_was_not_synced_may_be_torn(self):
        log = self.log()
        with open(log, 'ab') as file:
            file.write(bytes(5000))  # pages that were allocated and never written
        size = log.stat().st_size
        self.assert_exit(run(STORE, 'list', self.data), OK)
        self.assertEqual(log.stat().st_size, size, 'a reading tool changed the log')
        self.assert_starts('cuts off', log.name, '5000 bytes')
        self.assert_starts()

    def test_an_older_copy_of_the_store_was_rolled_back(self):
        older = self.data.parent / 'older'
        shutil.copytree(self.store(), older)
        self.assert_exit(run(STORE, 'set', '--accept-risk', self.data, 'kv/x', 'y'), OK)  # moves store and bound on
        self.assert_starts()
        name = self.store()
        shutil.rmtree(name)
        shutil.copytree(older, name)
        self.assert_does_not_start('rolled back')

    def test_one_bound_file_is_enough_and_none_is_not(self):
        bounds = sorted(self.data.glob('bound.*'))
        self.assertEqual(len(bounds), 2)
        self.flip(bounds[0], 40)
        self.assert_starts('bound.1')
        bounds[1].unlink()
        self.assert_starts('bound.2')
        for bound in bounds:
            self.flip(bound, 40)
        self.assert_does_not_start('damaged')
        for bound in bounds:
            bound.unlink()
        self.assert_does_not_start('missing')


if __name__ == '__main__':
    unittest.main()
