"""The commands of the README do what it says."""
import os
import re
import subprocess
import tempfile
import unittest

import harness

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def indented_block_after(heading):
    with open(os.path.join(REPOSITORY, 'README.md'), encoding='utf-8') as file:
        section = file.read().split(heading, 1)[1]
    block = re.search(r'\n\n((?:    .*\n)+)', section).group(1)
    return [line[4:] for line in block.splitlines()]


class Readme(unittest.TestCase):
    def test_three_monitors_by_hand_in_five_lines(self):
        lines = indented_block_after('## Three monitors by hand')
        self.assertEqual(len(lines), 5)
        script = '\n'.join(lines)
        with tempfile.TemporaryDirectory() as directory:
            ports = harness.free_ports(3)
            for number, port in zip(('7101', '7102', '7103'), ports):
                self.assertIn(number, script)
                script = script.replace(number, str(port))
            script = script.replace('/tmp/synod', directory).replace('build/bin', str(harness.BIN))
            # As long as a slow machine needs.
            script = script.replace('/synod status', f'/synod --timeout {harness.ANSWER_SECONDS} status')
            # The daemons of the README go on; here they end with the shell that started them.
            script = "trap 'kill $(jobs -p); wait' EXIT\nset -e\n" + script
            done = subprocess.run(['bash', '-c', script], cwd=REPOSITORY, timeout=harness.PATIENCE, capture_output=True,
                                  text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn('quorum   a b c (3 of 3)', done.stdout)
            self.assertTrue(done.stdout.endswith('revision 2\nhello\n'), done.stdout)

    def test_the_make_targets_that_it_names_exist(self):
        with open(os.path.join(REPOSITORY, 'README.md'), encoding='utf-8') as file:
            named = set(re.findall(r'make ([a-z-]+)', file.read()))
        self.assertIn('demo', named)
        for target in named:
            dry = subprocess.run(['make', '-n', target], cwd=REPOSITORY, capture_output=True, text=True, check=False)
            self.assertEqual(dry.returncode, 0, f'make {target}: {dry.stderr}')


if __name__ == '__main__':
    unittest.main()
