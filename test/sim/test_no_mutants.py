"""No program of an ordinary build holds a planted bug: the name of none of them stands in it."""

import os
import pathlib
import re
import unittest

BIN = pathlib.Path(os.environ['SYNOD_BIN'])
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def planted():
    """Names asked for in src/, and those that are registered."""
    asked = set()
    for path in (ROOT / 'src').rglob('*'):
        if path.suffix in ('.h', '.cc') and path.name != 'mutant.h':
            asked.update(re.findall(r'SYNOD_MUTANT\("([^"]*)"\)', path.read_text()))
    registered = re.findall(r'^ *\{"([a-z-]+)"', (ROOT / 'test/sim/mutants/mutants.cc').read_text(), re.MULTILINE)
    return asked, registered


class NoMutants(unittest.TestCase):
    def test_each_name_is_asked_for_and_registered_once(self):
        asked, registered = planted()
        self.assertGreaterEqual(len(asked), 20)
        self.assertEqual(sorted(registered), sorted(asked))

    def test_no_program_holds_a_name(self):
        programs = [path for path in sorted(BIN.iterdir()) if path.is_file()]
        self.assertIn('synod-sim', [path.name for path in programs])
        for path in programs:
            program = path.read_bytes()
            if path.name in ('synod-mon', 'synod-sim'):
                self.assertIn(b'I-10: nothing leaves before its write is durable', program)  # texts are found in it
            self.assertEqual([name for name in planted()[0] if name.encode() in program], [], path)


if __name__ == '__main__':
    unittest.main()
