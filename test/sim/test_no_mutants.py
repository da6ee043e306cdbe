"""No program of an ordinary build holds a planted bug: the name of none of them stands in it."""

import os
import pathlib
import re
import unittest

BIN = pathlib.Path(os.environ['SYNOD_BIN'])
CONTROL = pathlib.Path(os.environ['SYNOD_MUTANT_CONTROL'])  # a program that holds them all
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def asked_for():
    """The names in src/."""
    names = set()
    for path in (ROOT / 'src').rglob('*'):
        if path.suffix in ('.h', '.cc') and path.name != 'mutant.h':
            names.update(re.findall(r'SYNOD_MUTANT\("([^"]*)"\)', path.read_text(encoding='utf-8')))
    return sorted(names)


def held_by(path):
    program = path.read_bytes()
    return [name for name in asked_for() + ['asked-for-by-the-control'] if name.encode() in program]


class NoMutants(unittest.TestCase):
    def test_each_name_is_asked_for_and_registered_once(self):
        names = asked_for()
        registry = (ROOT / 'test/sim/mutants/mutants.cc').read_text(encoding='utf-8')
        self.assertGreaterEqual(len(names), 25)
        self.assertEqual(sorted(re.findall(r'^ *\{"([a-z-]+)"', registry, re.MULTILINE)), names)

    def test_each_is_in_the_table_of_the_document_and_was_caught(self):
        text = (ROOT / 'doc/testing.md').read_text(encoding='utf-8')
        section = text.split('\n## Planted bugs\n')[1].split('\n## ')[0]
        rows = re.findall(r'^\| `([a-z-]+)` \|', section, re.MULTILINE)
        self.assertEqual(sorted(rows), asked_for())
        self.assertNotIn('not caught', section)

    def test_a_program_that_holds_them_is_found_out(self):
        self.assertEqual(held_by(CONTROL), asked_for() + ['asked-for-by-the-control'])

    def test_no_program_holds_a_name(self):
        programs = [path for path in sorted(BIN.iterdir()) if path.is_file()]
        for wanted in ('synod-mon', 'synod', 'synod-store', 'synod-sim'):
            self.assertIn(wanted, [path.name for path in programs])
        for path in programs:
            self.assertEqual(held_by(path), [], path)


if __name__ == '__main__':
    unittest.main()
