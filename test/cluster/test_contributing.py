"""The recipes of CONTRIBUTING.md: every command in it does something, and ends well."""
import re
import subprocess
import tempfile
import unittest

import harness

BUILD = harness.BIN.parent


def recipes():
    """(heading, commands) for each section."""
    text = (harness.REPOSITORY / 'CONTRIBUTING.md').read_text(encoding='utf-8')
    for section in re.split(r'^## ', text, flags=re.MULTILINE)[1:]:
        heading = section.splitlines()[0]
        blocks = re.findall(r'\n\n((?: {4,}.*\n)+)', section)
        yield heading, [line.strip() for block in blocks for line in block.splitlines()]


def is_sanitized():
    cache = (BUILD / 'CMakeCache.txt').read_text(encoding='utf-8')
    return re.search(r'^SYNOD_SANITIZE:\w+=.+$', cache, re.MULTILINE) is not None


class Contributing(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = scratch.name

    def run_command(self, command):
        if command.startswith('make '):
            command = command.replace('make ', 'make -n ', 1)
        command = command.replace('/tmp/', f'{self.scratch}/')
        command = re.sub(r'(?<![\w/-])build(?=[/ ])', str(BUILD), command)
        done = subprocess.run(['bash', '-c', command], cwd=harness.REPOSITORY, timeout=1800, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors='replace', check=False)
        self.assertEqual(done.returncode, 0, f'{command}\n{done.stdout[-3000:]}')
        return done.stdout

    def test_every_command_ends_well(self):
        for heading, commands in recipes():
            self.assertTrue(commands, f'"{heading}" has no command')
            for command in commands:
                if '/bench/' in command and is_sanitized():  # benchmarks are not built with a sanitizer
                    continue
                with self.subTest(recipe=heading, command=command):
                    output = self.run_command(command)
                    self.assertNotRegex(output, r'0 tests from 0 test suites ran|Ran 0 tests|No tests were found')

    def test_what_a_message_touches_is_what_the_recipe_says(self):
        commands = dict(recipes())['Add a message']
        touched = set(self.run_command(next(c for c in commands if c.startswith('git grep'))).split())
        self.assertLessEqual({'src/msg/messages.h', 'src/msg/message_types.h', 'test/unit/msg/samples.cc'}, touched)
        for folder in ('src/msg/proto/', 'src/msg/codec_', 'src/mon/core/'):
            self.assertTrue(any(path.startswith(folder) for path in touched), f'{folder} in {touched}')
        outside = [path for path in touched if not path.startswith(('src/msg/', 'src/mon/core/', 'test/'))]
        self.assertEqual(outside, [], 'a message touches its definition, its handler and tests')

    def test_there_is_a_recipe_for_each_kind_of_work(self):
        headings = [heading for heading, _ in recipes()]
        for wanted in ('Build', 'Test', 'Fuzz a decoder', 'Replay a seed and read its trace', 'Add a message',
                       'Add a service', 'Plant a bug', 'Take a profile'):
            self.assertIn(wanted, headings)


if __name__ == '__main__':
    unittest.main()
