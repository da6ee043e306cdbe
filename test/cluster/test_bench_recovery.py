"""The benchmarks of recovery run, and tell all that they should; how long anything takes is not asked."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / 'bench/recovery'))

import bounds  # noqa: E402
from harness import BIN, INTERRUPTED, OK, PATIENCE, REPOSITORY, USAGE, ClusterTest, die_with_the_test, run, wait_until

BENCH = str(REPOSITORY / 'scripts/bench_recovery')
LOAD = str(BIN.parent / 'bench/synod_load')
KEY_BYTES, VALUE_BYTES = 32, 1024
MEBIBYTE = 1 << 20


class BenchRecovery(ClusterTest):
    def setUp(self):
        super().setUp()
        self.directory = self.scratch()

    def bench(self, *options, **more):
        return run(sys.executable, BENCH, '--directory', self.directory, *options, seconds=5 * PATIENCE, **more)

    def test_a_small_run_tells_all_of_each_case(self):
        file = self.directory / 'results.json'
        ran = self.assert_exit(self.bench('--mebibytes', 3, '--value-bytes', VALUE_BYTES, '--rounds', 1,
                                          '--before-seconds', 1, '--mon-options=--sync-chunk-bytes 500000',
                                          '--json', file), OK)
        self.assertEqual(ran.err, '')
        self.assertNotIn('at most', ran.text)  # it is too small
        results = json.loads(file.read_text())
        self.assertLessEqual({'processor', 'cores', 'memory_bytes', 'kernel', 'file_system'}, set(results['machine']))
        store, = results['stores']
        self.assertTrue(store['stores_equal'])
        self.assertEqual(store['keys'], 3 * MEBIBYTE // (KEY_BYTES + VALUE_BYTES))
        self.assertEqual(store['fill']['keys'], store['keys'])
        cases = {case['name']: case for case in store['cases']}
        self.assertEqual(set(cases), {'offline', 'empty', 'missed', 'load'})
        for case in cases.values():
            self.check_round(store, *case['rounds'])
            self.assertIn(case['what'], ran.text)
            self.assertEqual(case['median']['seconds'], case['rounds'][0]['seconds'])
        entries = [cases[name]['rounds'][0] for name in ('empty', 'missed', 'load')]
        for entry in entries:
            self.check_member(entry)
        # One may be refused at first, on a busy machine.
        self.assertIn(1, [entry['attempts'] for entry in entries])
        self.check_clients(cases['load']['rounds'][0]['client'])

    def test_a_store_that_is_large_enough_is_held_to_bounds(self):
        def case(name, ratio, wire=0, p99=1.0, failed=0):
            client = {phase: {'failed': 0, 'unknown': 0, 'all': {'p99_ms': 1.0}}
                      for phase in ('before', 'during', 'after')}
            client['during'] |= {'failed': failed, 'all': {'p99_ms': p99}}
            entry = {'ratios': {'load_s': ratio}, 'received_bytes': wire, 'client': client,
                     'memory_before': {'provider': 0, 'requester': MEBIBYTE},
                     'peak_memory': {'provider': MEBIBYTE, 'requester': 129 * MEBIBYTE}}
            return {'name': name, 'median': entry, 'rounds': [entry]}

        def verdicts(mebibytes, *cases):
            judged = bounds.judge({'mebibytes': mebibytes, 'value_bytes': VALUE_BYTES, 'cases': cases})
            return bounds.are_held(judged), '\n'.join(bounds.lines(judged))

        good = case('empty', 1.4, wire=1000), case('missed', 9, wire=50), case('load', 9, p99=2.0), case('offline', 1.5)
        held, text = verdicts(1024, *good)
        self.assertTrue(held, text)
        self.assertEqual(len(text.splitlines()), len(bounds.BOUNDS))
        self.assertIn('held      an empty member, x load: 1.4, at most 1.5', text)
        for bad in (case('offline', 1.6), case('load', 1, p99=2.1), case('load', 1, failed=1),
                    case('missed', 1, wire=51)):
            held, text = verdicts(1024, *(each for each in good if each['name'] != bad['name']), bad)
            self.assertFalse(held, text)
            self.assertEqual(text.count('NOT HELD'), 1, text)
        self.assertEqual(verdicts(3, case('empty', 9)), (True, ''))
        self.assertNotIn('x load', verdicts(100, case('empty', 9))[1])

    def check_round(self, store, entry):
        for floor in ('load_s', 'cp_s', 'cp_synced_s', 'loopback_s'):
            self.assertGreater(entry['floors'][floor], 0)
            self.assertAlmostEqual(entry['ratios'][floor] * entry['floors'][floor], entry['sync_s'])
        self.assertGreaterEqual(entry['seconds'], entry['sync_s'])
        # Who missed some keys gets the ranges that they are in.
        is_whole = entry['case'] != 'missed'
        keys = store['keys'] if is_whole else store['keys'] // 100
        self.assertGreaterEqual(entry['keys'], keys)
        self.assertGreaterEqual(entry['payload_bytes'], keys * (KEY_BYTES + VALUE_BYTES))
        self.assertGreaterEqual(entry['chunks'], 3 if entry['case'] == 'offline' else 6 if is_whole else 1)
        for end in entry['peak_memory']:
            self.assertGreater(entry['peak_memory'][end], MEBIBYTE)
            self.assertGreaterEqual(entry['processor_s'][end], 0)  # counted in hundredths

    def check_member(self, entry):
        self.assertGreater(entry['received_bytes'], entry['payload_bytes'])
        self.assertGreater(entry['sent_bytes'], 0)
        self.assertEqual(set(entry['peak_memory']), {'provider', 'requester'})
        for end, before in entry['memory_before'].items():
            self.assertGreaterEqual(entry['peak_memory'][end], before)
        self.assertGreaterEqual(entry['attempts'], 1)
        if entry['attempts'] == 1:  # as the member itself tells, in thousandths of a second
            self.assertAlmostEqual(entry['sync_s'], entry['told_s'], places=2)
        self.assertIn('step 14', entry['step_s'])

    def check_clients(self, client):
        for phase in ('before', 'during', 'after'):
            counts = client[phase]
            self.assertGreater(counts['requests'], 0)
            self.assertEqual(counts['all']['count'], counts['reads']['count'] + counts['writes']['count'])
            self.assertEqual(counts['requests'], counts['all']['count'] + counts['failed'] + counts['unknown'])
            self.assertGreater(counts['all']['p50_ms'], 0)
            self.assertGreaterEqual(counts['all']['p99_ms'], counts['all']['p50_ms'])
        self.assertGreater(client['rate'], 0)

    def test_what_cannot_be_measured_is_a_sentence(self):
        self.assert_refused(self.bench(env={'SYNOD_BIN': '/no/such/place'}), 1, 'make bench-recovery')
        self.assert_refused(self.bench('--json', '/no/such/place/results.json'), 1, '/no/such/place')
        self.assert_refused(self.bench('--mebibytes', 1 << 40), 1, 'MiB free', '--directory')
        for wrong in (('--rounds', 0), ('--cases', 'empty,other'), ('--mebibytes', '1,x'), ('--load-percent', 101)):
            ran = self.assert_exit(self.bench(*wrong), USAGE)
            self.assert_says(ran.err, wrong[0])

    def test_an_interrupted_benchmark_leaves_nothing_running(self):
        process = subprocess.Popen([sys.executable, BENCH, '--directory', self.directory, '--mebibytes', '50'],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=die_with_the_test)
        self.addCleanup(process.kill)
        wait_until(lambda: len(self.monitors()) == 3, PATIENCE, 'its monitors run')
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, INTERRUPTED, out + err)
        self.assertEqual(err.decode(), 'bench_recovery: interrupted\n')
        wait_until(lambda: not self.monitors(), PATIENCE, 'the monitors are gone')

    def monitors(self):
        """Those that use our directory."""
        found = []
        for path in pathlib.Path('/proc').glob('[0-9]*/cmdline'):
            try:
                words = path.read_bytes().split(b'\0')
            except OSError:
                continue
            if words[0].endswith(b'synod-mon') and any(os.fsencode(self.directory) in word for word in words):
                found.append(path.parent.name)
        return found


class Load(ClusterTest):
    shared_members = 3

    def load(self, command, *options):
        return run(LOAD, command, '--mons', self.shared.mons(), *options)

    def filled(self, *options):
        return self.assert_exit(self.load('fill', '--keys', 1000, '--value-bytes', 100, *options), OK).json()

    def test_fill_writes_each_key_once_and_a_step_chooses_among_them(self):
        self.assertEqual(self.filled()['keys'], 1000)
        before = self.shared.export()
        self.assertEqual(len(before), 1000)
        self.assertEqual({(len(key), len(value)) for key, value in before.items()}, {(KEY_BYTES, 100)})
        self.assertEqual(len(set(before.values())), 1000)
        self.filled('--connections', 1)
        self.assertEqual(self.shared.export(), before, 'the same seed gives the same values')
        written = self.filled('--seed', 2, '--step', 100, '--batch', 3)
        after = self.shared.export()
        self.assertEqual(written['keys'], 10)
        self.assertEqual(written['bytes'], 10 * (KEY_BYTES + 100))
        self.assertEqual(len([key for key in after if after[key] != before[key]]), 10)

    def test_every_request_that_was_due_is_made(self):
        self.filled()
        ran = self.assert_exit(self.load('run', '--keys', 1000, '--value-bytes', 100, '--rate', 400, '--seconds', 2.5,
                                         '--writes', 25), OK)
        self.assertEqual(ran.err, '')
        result = ran.json()
        due = 400 * result['seconds']
        self.assertIn(result['requests'] - int(due), (0, 1))
        self.assertEqual(len(result['each_second']), 3)
        self.assertEqual(sum(second['requests'] for second in result['each_second']), result['requests'])
        self.assertGreater(result['phases'][0]['reads']['count'], result['phases'][0]['writes']['count'])

    def test_what_waits_for_a_cluster_that_stands_still_counts_from_when_it_was_due(self):
        self.filled()
        before = max(map(self.shared.last_committed, self.shared.names))
        process = subprocess.Popen([LOAD, 'run', '--mons', self.shared.mons(), '--keys', '1000', '--rate', '200',
                                    '--connections', '4', '--timeout', '60'], stdout=subprocess.PIPE,
                                   preexec_fn=die_with_the_test)
        self.addCleanup(process.kill)
        wait_until(lambda: max(map(self.shared.last_committed, self.shared.names)) > before + 20, PATIENCE, 'it writes')
        for daemon in self.shared.daemons.values():
            daemon.stop()
        process.send_signal(signal.SIGUSR1)
        time.sleep(1)  # nothing is answered; 200 requests are due, of which four can be under way
        process.send_signal(signal.SIGUSR1)
        for daemon in self.shared.daemons.values():
            daemon.cont()
        process.send_signal(signal.SIGTERM)
        _, still, _ = json.loads(process.communicate(timeout=2 * PATIENCE)[0])['phases']
        self.assertGreater(still['requests'], 150)
        self.assertGreater(still['all']['p50_ms'], 300)

    def test_wrong_options_are_refused(self):
        for wrong in (('run',), ('walk', '--keys', 1), ('fill', '--keys', 1, '--batch', 0),
                      ('run', '--keys', 1, '--writes', 101), ('run', '--keys', 1, '--rate', -1)):
            self.assert_refused(self.load(*wrong), USAGE)


if __name__ == '__main__':
    unittest.main()
