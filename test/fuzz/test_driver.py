"""The driver of the short fuzz runs finds planted defects, leaves the input, and dies of that input again.

    test_driver.py PROGRAM      the program of planted_fuzz.cc
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.path.abspath(sys.argv.pop())


class Driver(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)

    def fuzz(self, *words):
        return subprocess.run([PROGRAM, *map(str, words)], cwd=self.scratch, capture_output=True, text=True,
                              errors='replace', timeout=1800, check=False)

    def crash_of(self, data):
        """What the program says when it dies of `data`, which it must leave."""
        path = self.scratch / 'input'
        path.write_bytes(data)
        left = self.scratch / 'crash-fuzz_planted'
        left.unlink(missing_ok=True)
        done = self.fuzz(path)
        self.assertLess(done.returncode, 0, 'a defect ends it with a signal')
        self.assertIn('the input is left in crash-fuzz_planted', done.stderr)
        self.assertEqual(left.read_bytes(), data)
        return done.stderr

    def test_mutations_find_a_crash_and_leave_an_input_that_dies_again(self):
        done = self.fuzz('--runs', 100000)
        self.assertLess(done.returncode, 0, done.stdout)
        left = self.scratch / 'crash-fuzz_planted'
        self.crash_of(left.read_bytes())

    def test_the_same_seed_finds_the_same_input(self):
        found = []
        for _ in range(2):
            self.fuzz('--runs', 100000, '--seed', 7)
            left = self.scratch / 'crash-fuzz_planted'
            found.append(left.read_bytes())
            left.unlink()
        self.assertEqual(found[0], found[1])

    def test_a_failed_assertion_is_a_crash(self):
        self.assertIn('the planted bug', self.crash_of(b'n\0\0'))

    def test_memory_for_a_length_that_is_only_claimed_is_a_crash(self):
        self.assertIn('bytes made it hold', self.crash_of(b'l\x0f\0\0\0'))

    def test_seeds_alone_are_fine_and_can_be_written(self):
        self.assertEqual(self.fuzz().returncode, 0)
        self.assertEqual(self.fuzz('--write-seeds', self.scratch / 'seeds').returncode, 0)
        self.assertEqual(len(list((self.scratch / 'seeds').iterdir())), 2)

    def test_a_file_that_is_missing_and_an_unknown_option_are_refused(self):
        self.assertEqual(self.fuzz(self.scratch / 'missing').returncode, 2)
        self.assertEqual(self.fuzz('--walks', '3').returncode, 2)
        self.assertEqual(self.fuzz(f'{self.scratch}/no-such-directory/').returncode, 0)


if __name__ == '__main__':
    unittest.main()
