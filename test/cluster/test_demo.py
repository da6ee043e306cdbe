"""The demo ends well, ends clean when it is interrupted, and says in one sentence what went wrong."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import unittest

from harness import (INTERRUPTED, OK, PATIENCE, REPOSITORY, STORE, SYNC_ORDER, ClusterTest, die_with_the_test, run,
                     seeded_random, wait_until)

DEMO = str(REPOSITORY / 'scripts/demo')


class Demo(ClusterTest):
    def setUp(self):
        super().setUp()
        self.directory = self.scratch()

    def start(self, **more):
        process = subprocess.Popen([sys.executable, DEMO, '--sample', '--directory', self.directory],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=die_with_the_test, **more)
        self.addCleanup(process.kill)
        return process

    def daemons(self):
        """Processes that use our directory."""
        found = []
        for path in pathlib.Path('/proc').glob('[0-9]*/cmdline'):
            try:
                words = path.read_bytes().split(b'\0')
            except OSError:
                continue
            if words[0].endswith(b'synod-mon') and any(os.fsencode(self.directory) in word for word in words):
                found.append(int(path.parent.name))
        return found

    def test_the_demo_brings_a_member_back_and_proves_the_stores_identical(self):
        ran = run(sys.executable, DEMO, '--sample', '--directory', self.directory, seconds=3 * PATIENCE)
        self.assert_exit(ran, OK)
        self.assertEqual(ran.err, '')
        self.assertRegex(ran.text.splitlines()[-1], r'^demo: ok keys=\d+ bytes=\d+ versions=\d+ sync_keys=\d+ '
                                                    r'sync_bytes=\d+ sync_seconds=[\d.]+$')
        self.assertEqual(ran.text.count(' identical\n'), 3)
        self.assertEqual(self.daemons(), [])
        for first, second in ('ab', 'bc', 'ca'):
            self.assert_exit(run(STORE, 'compare', self.directory / first, self.directory / second), OK)
        logs = [self.directory / f'{name}.log' for name in 'abc']
        self.assertRegex(self.assert_exit(run(SYNC_ORDER, *logs), 0).text, r'^[1-9]\d* events in a permitted order\n$')

    def test_the_demo_interrupted_at_any_moment_stops_its_monitors_and_exits_130(self):
        chance = seeded_random(self.id())
        # The moments are random, around the demo's steps, after each of which there is more to do than the delay takes.
        for step in (b'start:', b'import:', b'kill -9:', b'restart:'):
            number = chance.choice([signal.SIGINT, signal.SIGTERM])
            delay = chance.uniform(0, 0.3)
            with self.subTest(signal=number, step=step, delay=delay):
                process = self.start(start_new_session=True)
                for line in process.stdout:
                    if line.startswith(step):
                        break
                time.sleep(delay)  # the moment is what is random here
                self.assertIsNone(process.poll(), 'the demo was over')
                if number == signal.SIGINT:  # control-C goes to the client that just runs, too
                    os.killpg(process.pid, number)
                else:
                    process.send_signal(number)
                out, err = process.communicate(timeout=PATIENCE)
                self.assertEqual(process.returncode, INTERRUPTED, out + err)
                self.assertEqual(len(err.splitlines()), 1, err)
                self.assertEqual(self.daemons(), [])

    def test_a_killed_demo_leaves_no_monitor_behind(self):
        process = self.start()
        wait_until(lambda: len(self.daemons()) == 3, PATIENCE, 'three monitors run')
        process.kill()
        process.communicate(timeout=PATIENCE)
        wait_until(lambda: not self.daemons(), PATIENCE, 'the monitors are gone')

    def test_a_monitor_that_dies_during_the_demo_is_a_clear_failure(self):
        process = self.start()
        victim = wait_until(lambda: self.daemons()[:1], PATIENCE, 'a monitor runs')[0]
        os.kill(victim, signal.SIGKILL)
        out, err = process.communicate(timeout=3 * PATIENCE)
        self.assertEqual(process.returncode, 1, out + err)
        self.assertTrue(re.fullmatch(rb'demo: failed: monitor [abc] ended by itself.*\n', err), err)
        self.assertEqual(self.daemons(), [])

    def test_two_demos_do_not_share_a_directory(self):
        first = self.start()
        wait_until(lambda: self.daemons(), PATIENCE, 'the first one runs')
        second = self.start()
        _, err = second.communicate(timeout=PATIENCE)
        self.assertEqual(second.returncode, 1)
        self.assertIn(b'another demo', err)
        self.assertIsNone(first.poll())
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=PATIENCE)

    def test_missing_programs_are_a_clear_failure(self):
        ran = run(sys.executable, DEMO, '--directory', self.directory, env={'SYNOD_BIN': '/no/such/place'})
        self.assert_refused(ran, 1, 'make build')


if __name__ == '__main__':
    unittest.main()
