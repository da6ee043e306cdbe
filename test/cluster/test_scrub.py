"""Scrub: what one member's disk has changed is found by the others, named, and healed."""

import json
import re
import unittest

from harness import NOT_FOUND, OK, PATIENCE, STORE, UNAVAILABLE, ClusterTest, run, wait_until

DIFFERENT = NOT_FOUND


class Scrub(ClusterTest):
    def scrub(self, cluster, code, **more):
        ran = cluster.synod('scrub', '--format', 'json', timeout=PATIENCE, **more)
        self.assert_exit(ran, code)
        return json.loads(ran.out)

    def outcomes(self, scrub):
        return {member['name']: member['outcome'] for member in scrub['members']}

    def stopped(self, cluster, name):
        """A member that was stopped, while the others go on."""
        cluster[name].terminate()
        cluster.wait_quorum(2, cluster.others(name))
        return cluster[name].data

    def started(self, cluster, name):
        cluster[name].start()
        cluster.wait_quorum(3)

    def store_of(self, data):
        return data / (data / 'CURRENT_STORE').read_text().strip()

    def wait_healed(self, cluster, name):
        """What it and the others say of it then."""
        alarms = [cluster.wait_status(lambda status: 'healed at' in (self.alarm_in(status, name) or ''), PATIENCE,
                                      f'{name} is healed, says {asked}', (asked,)) for asked in cluster.names]
        cluster.wait_quorum(3)
        return [self.alarm_in(status, name) for status in alarms]

    def alarm_in(self, status, name):
        return next(member['alarm'] for member in status['members'] if member['name'] == name)

    def alarms(self, cluster):
        return [member['alarm'] for member in cluster.status()['members']]

    def test_a_key_that_one_store_has_changed_is_named_and_the_member_healed_with_the_evidence_kept(self):
        cluster = self.formed_cluster()
        cluster.import_pairs([(f'key/{i:05}', f'value {i}') for i in range(3000)])
        self.assertEqual(set(self.outcomes(self.scrub(cluster, OK)).values()), {'same'})
        for victim in (next(iter(cluster.others(cluster.leader()))), cluster.leader()):
            data = self.stopped(cluster, victim)
            self.assert_exit(run(STORE, 'set', '--accept-risk', data, 'kv/k/key/01234', 'rotten'), OK)
            self.started(cluster, victim)
            found = self.scrub(cluster, DIFFERENT, mons=(victim,))
            self.assertEqual(self.outcomes(found),
                             {name: 'different' if name == victim else 'same' for name in cluster.names})
            member = next(member for member in found['members'] if member['name'] == victim)
            self.assertEqual(member['differing_keys'], ['kv/k/key/01234'])
            self.assertEqual(member['differing_count'], 1)
            for alarm in self.wait_healed(cluster, victim):
                self.assertIn('1 key: kv/k/key/01234', alarm)
            log = cluster[victim].log_bytes().decode()
            self.assertIn('sync [4] begins with a copy of its own store', log, 'not a delta')
            moved = int(re.findall(r'sync finished .* bytes=(\d+)', log)[-1])
            self.assertLess(moved, 20_000, 'not only what differs')
            self.assertEqual(set(self.outcomes(self.scrub(cluster, OK)).values()), {'same'})
            wait_until(lambda: self.alarms(cluster) == [None] * 3, PATIENCE, 'no alarm any more')
            self.assertEqual(cluster.get('key/01234'), b'value 1234')
            evidence = run(STORE, 'get', data / 'evidence', 'kv/k/key/01234')
            self.assert_exit(evidence, OK)
            self.assertEqual(evidence.out, b'rotten\n')
        # Their last digests are of one scrub.
        cluster.wait_level()
        cluster.terminate_all()
        quick = self.assert_exit(run(STORE, 'compare', '--quick', cluster['a'].data, cluster['b'].data), OK)
        self.assert_says(quick.err, 'identical', 'trusting the digests')
        named = self.assert_exit(run(STORE, 'compare', cluster[victim].data, cluster[victim].data / 'evidence'), 1)
        self.assertIn(b'differs kv/k/key/01234\n', named.out)

    def test_a_store_that_cannot_be_read_is_healed_by_a_whole_copy(self):
        cluster = self.formed_cluster()
        cluster.import_pairs([(f'key/{i:05}', f'{i} ' + 'v' * 100) for i in range(3000)])
        victim = next(iter(cluster.others(cluster.leader())))
        # Its log becomes one table: with more of them LevelDB may merge the damaged one, and then the member stops.
        self.stopped(cluster, victim)
        self.started(cluster, victim)
        data = self.stopped(cluster, victim)
        table = max(self.store_of(data).glob('*.ldb'), key=lambda path: path.stat().st_size)
        damaged = bytearray(table.read_bytes())
        # The replicated space comes behind the log, which is about as large.
        damaged[len(damaged) * 3 // 4] ^= 0x10
        table.write_bytes(damaged)
        self.started(cluster, victim)
        found = self.scrub(cluster, DIFFERENT)
        member = next(member for member in found['members'] if member['name'] == victim)
        self.assertEqual(member['outcome'], 'different')
        self.assertIn('orruption', member['reason'])
        for alarm in self.wait_healed(cluster, victim):
            self.assertIn('cannot be read', alarm)
        self.assertNotIn('begins with a copy of its own store', cluster[victim].log_bytes().decode())
        self.assertEqual(set(self.outcomes(self.scrub(cluster, OK)).values()), {'same'})
        self.assertTrue((data / 'evidence' / table.name).exists())

    def test_it_runs_by_itself_and_heals_though_nobody_asks(self):
        cluster = self.formed_cluster(options=('--scrub-interval', 1))
        cluster.import_pairs([(f'key/{i:05}', f'value {i}') for i in range(500)])
        victim = next(iter(cluster.others(cluster.leader())))
        data = self.stopped(cluster, victim)
        self.assert_exit(run(STORE, 'rm', '--accept-risk', data, 'kv/k/key/00123'), OK)
        self.started(cluster, victim)
        wait_until(lambda: b'sync finished' in cluster[victim].log_bytes(), PATIENCE, f'{victim} is healed')
        cluster.wait_quorum(3)
        wait_until(lambda: self.alarms(cluster) == [None] * 3, PATIENCE, 'a later scrub passes')
        self.assertTrue((data / 'evidence').is_dir())

    def test_without_all_members_it_is_no_pass_and_without_a_quorum_it_does_not_begin(self):
        cluster = self.formed_cluster()
        cluster.put('key', 'value')
        leader = cluster.leader()
        names = cluster.others(leader)
        cluster[names[0]].kill()
        cluster.wait_quorum(2, cluster.others(names[0]))
        cluster.wait_status(lambda status: len(status['quorum']) == 2, PATIENCE, 'its grant has lapsed',
                            cluster.others(names[0]))
        found = self.scrub(cluster, UNAVAILABLE, mons=cluster.others(names[0]))
        self.assertEqual(self.outcomes(found)[names[0]], 'no report')
        self.assertEqual(sorted(self.outcomes(found).values()), ['no report', 'same', 'same'])
        wait_until(lambda: any('was not checked' in (alarm or '') for alarm in self.alarms(cluster)), PATIENCE, 'an alarm')
        cluster[names[1]].kill()
        cluster.wait_status(lambda status: names[1] not in status['quorum'], PATIENCE, 'its grant has lapsed', (leader,))
        self.assert_exit(cluster.synod('scrub', timeout=2), UNAVAILABLE)


if __name__ == '__main__':
    unittest.main()
