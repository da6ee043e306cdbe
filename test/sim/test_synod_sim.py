"""The program synod-sim: what it is linked from, its command line, and that a seed decides everything."""

import os
import subprocess
import unittest

BIN = os.environ['SYNOD_BIN']
WORLD = os.environ['SYNOD_SIM_WORLD']  # the archive of test/sim
SIM = os.path.join(BIN, 'synod-sim')


def sim(*words):
    return subprocess.run([SIM, *words], capture_output=True, text=True, timeout=3600)


def defined(path):
    """Names of the functions and objects that a file defines, other than inline ones."""
    out = subprocess.run(['nm', '-C', '--defined-only', path], capture_output=True, text=True, check=True).stdout
    names = set()
    for line in out.splitlines():
        parts = line.split(' ', 2)
        if len(parts) == 3 and parts[1] in 'TDBR':
            names.add(parts[2])
    return names


class Links(unittest.TestCase):
    REAL = ['synod::Monitor::step(', 'synod::Executor::perform(', 'synod::Messenger::receive(',
            'synod::FrameReader::read(', 'synod::encode_frame(', 'synod::decode_frame(', 'synod::StoreEngine::write(',
            'synod::perform_work(', 'synod::open_member(', 'synod::DataDir::open(', 'synod::HardenedEnv::SyncDir(',
            'synod::open_level_db(', 'synod::Paxos::step(']

    def test_the_simulator_brings_nothing_of_its_own_for_what_it_tests(self):
        own = [name for name in defined(WORLD) if name.startswith('synod::') and not name.startswith('synod::sim::')]
        self.assertEqual(own, [])
        self.assertTrue(any(name.startswith('synod::sim::Cluster::') for name in defined(WORLD)))

    def test_it_is_linked_from_the_same_functions_as_the_daemon(self):
        sim_names = defined(SIM)
        mon_names = defined(os.path.join(BIN, 'synod-mon'))
        for wanted in self.REAL:
            in_sim = [name for name in sim_names if name.startswith(wanted)]
            in_mon = [name for name in mon_names if name.startswith(wanted)]
            self.assertEqual(len(in_sim), 1, wanted)
            self.assertEqual(in_sim, in_mon)


class CommandLine(unittest.TestCase):
    def test_bad_input_is_told_in_one_line_and_exits_2(self):
        for words, said in [
                ([], 'one command'), (['walk'], "'walk'"), (['run', '--seeds', '0'], '--seeds'),
                (['run', '--seeds', 'x'], "'x'"), (['run', '--members', '4'], '3 or 5'),
                (['run', '--profile', 'fast'], "'fast'"), (['replay'], '--seed'), (['run', '--nonsense'], 'nonsense'),
                (['run', '--seed', '3'], '--first-seed'), (['replay', '--seed', '1', '--only', '1,x'], "'x'"),
                (['replay', '--seed', '1', '--only', '1000'], 'no fault 1000')]:
            result = sim(*words)
            self.assertEqual(result.returncode, 2, words)
            self.assertIn(said, result.stderr)
            self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)

    def test_help_tells_commands_and_defaults(self):
        result = sim('--help')
        self.assertEqual(result.returncode, 0)
        for word in ['run', 'replay', 'shrink', 'faults', 'default 1', '--profile']:
            self.assertIn(word, result.stdout)

    def test_the_last_line_counts_seeds_and_violations(self):
        result = sim('run', '--first-seed', '5', '--seeds', '2', '--profile', 'model', '--hash')
        self.assertEqual(result.returncode, 0, result.stdout)
        lines = result.stdout.splitlines()
        self.assertEqual(lines[-1], '2 seeds, 0 violations')
        self.assertRegex(lines[0], r'^5 [0-9a-f]{16} [0-9]+ [0-9]+$')

    def test_faults_are_listed_and_a_replay_can_be_told_which_of_them(self):
        faults = sim('faults', '--seed', '5').stdout.splitlines()
        self.assertGreater(len(faults), 3)
        result = sim('replay', '--seed', '5', '--profile', 'model', '--only', '0,2', '--trace')
        self.assertEqual(result.returncode, 0, result.stdout[-500:])
        told = [line for line in result.stdout.splitlines() if ' == fault ' in line]
        self.assertEqual(len(told), 2)
        self.assertIn(' 2 faults', result.stdout.splitlines()[-1])

    def test_a_seed_that_does_not_fail_cannot_be_shrunk(self):
        result = sim('shrink', '--seed', '5', '--profile', 'model')
        self.assertEqual(result.returncode, 2)
        self.assertIn('does not fail', result.stderr)


class Determinism(unittest.TestCase):
    def test_the_same_seed_twice_is_the_same_run(self):
        for members, seeds in [('3', '20'), ('5', '10')]:
            first = sim('run', '--seeds', seeds, '--members', members, '--hash')
            second = sim('run', '--seeds', seeds, '--members', members, '--hash', '--jobs', '1')
            self.assertEqual(first.stdout, second.stdout)
            self.assertEqual(first.returncode, 0, first.stdout)


if __name__ == '__main__':
    unittest.main()
