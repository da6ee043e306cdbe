"""Store synchronization: a member that fell behind what its peers' logs hold comes back, whatever happens meanwhile."""

import time
import unittest

from harness import PATIENCE, UNAVAILABLE, wait_until
from syncs import SMALL_CHUNKS, SMALL_LOG, SyncTest, WasTooLate, disturbs_a_sync, finished_syncs


class Sync(SyncTest):
    def test_while_every_operation_of_every_store_is_compared_with_memory(self):
        cluster = self.left_behind(sync_options=(*SMALL_CHUNKS, '--write-buffer-bytes', 65536, '--mirror-store'))
        for daemon in cluster.daemons.values():
            self.assertIn(b'mirrors its store in memory', daemon.log_bytes())
        self.restart_behind(cluster)
        self.wait_synced(cluster)
        cluster.put('after', 'value', mons=('c',))

    @disturbs_a_sync
    def test_a_member_behind_the_trimmed_log_is_brought_back_by_store_synchronization(self):
        cluster = self.left_behind()
        self.restart_behind(cluster)
        progress = self.wait_syncing(cluster, 'c')
        self.assertIn(progress['provider'], ('a', 'b'))
        self.assertRegex(cluster[progress['provider']].log_bytes(), rb'@peon\(.*sync \[2\] serves member',
                         'the leader provides although another could')

        def seen_by_another():
            self.wait_syncing(cluster, 'c')
            entry = cluster.member_status('c', 'a')
            sync = entry['state'] == 'syncing' and entry['sync']
            return sync and sync['remaining_ms'] and sync
        sync = wait_until(seen_by_another, PATIENCE, 'the others show how far the sync is, too')
        self.assertIn(sync['percent'], range(1, 101))
        self.assertGreater(sync['bytes_per_second'], 0)
        fields = self.wait_synced(cluster)
        # A delta: what was written while it was away.
        self.assertGreaterEqual(int(fields['keys']), 1250)
        self.assertGreaterEqual(int(fields['bytes']), 1250 * 400)
        self.assertGreaterEqual(int(fields['chunks']), 20)
        self.assertEqual(cluster.get('after/0', mons=['c']), cluster.expected[b'after/0'])

    @disturbs_a_sync
    def test_a_member_that_syncs_serves_nothing(self):
        cluster = self.left_behind()
        self.restart_behind(cluster)
        self.wait_syncing(cluster, 'c')
        for consistency in ('serializable', 'linearizable'):
            ran = cluster.synod('get', 'before/00000', '--consistency', consistency, mons=['c'], timeout=0.2)
            if cluster.member_status('c')['state'] == 'syncing':
                self.assert_exit(ran, UNAVAILABLE)
        self.wait_synced(cluster)

    @disturbs_a_sync
    def test_writes_go_on_during_a_sync_and_reach_the_member(self):
        cluster = self.left_behind()
        self.restart_behind(cluster)
        self.wait_syncing(cluster, 'c')
        cluster['c'].stop()
        self.write_many(cluster, 40, 'x' * 50, mons=('a', 'b'))  # more than a log keeps
        cluster['c'].cont()
        for number in range(3000):
            if len(finished_syncs(cluster['c'])) > self.finished_before:
                break
            cluster.put(f'later/{number:04}', 'x' * 50, mons=('a', 'b'))
        self.wait_synced(cluster)
        self.assertEqual(cluster.get('meanwhile/39', mons=['c']), cluster.expected[b'meanwhile/39'])

    @disturbs_a_sync
    def test_a_requester_that_is_killed_in_the_middle_of_a_sync_ends_equal(self):
        cluster = self.left_behind()
        self.restart_behind(cluster)
        for chunks in (3, 20, 60):
            self.wait_syncing(cluster, 'c', chunks)
            cluster['c'].kill()
            cluster.put('between', str(chunks), mons=('a', 'b'))
            cluster['c'].start()
        self.wait_synced(cluster)
        # More often, if a session broke by itself.
        self.assertGreaterEqual(cluster['c'].log_bytes().count(b'sync [4] goes on with a copy'), 3)

    @disturbs_a_sync
    def test_a_provider_that_is_killed_in_the_middle_of_a_sync_leaves_the_requester_able_to_end_equal(self):
        cluster = self.left_behind()
        self.restart_behind(cluster)
        for chunks in (5, 20):
            provider = self.wait_syncing(cluster, 'c', chunks)['provider']
            cluster[provider].kill()
            cluster[provider].start()
        self.wait_synced(cluster)

    @disturbs_a_sync
    def test_of_five_a_provider_that_stays_dead_is_replaced_by_another(self):
        cluster = self.left_behind(5)
        self.restart_behind(cluster)
        provider = self.wait_syncing(cluster, 'c', 5)['provider']
        cluster[provider].kill()
        wait_until(lambda: len(finished_syncs(cluster['c'])) > self.finished_before, PATIENCE,
                   'the sync is finished')
        self.assertNotEqual(finished_syncs(cluster['c'])[-1]['provider'], provider)
        cluster.wait_quorum(4)

    def test_a_provider_that_dies_before_it_is_asked_does_not_hold_up_the_sync(self):
        # The requester has heard of it, and waits a moment for the leader, before which it does not choose.
        cluster = self.left_behind(sync_options=SMALL_CHUNKS, value_bytes=40, keys=400)
        leader = cluster.leader(('a', 'b'))
        peon = cluster.others('c', leader)[0]
        cluster[leader].stop()
        self.restart_behind(cluster)
        cluster.wait_status(lambda status: any(member['name'] == peon and member['last_committed'] > 0
                                               for member in status['members']), PATIENCE,
                            f'c has heard of {peon}', ('c',))
        cluster[peon].kill()
        cluster[leader].cont()
        wait_until(lambda: len(finished_syncs(cluster['c'])) > self.finished_before, PATIENCE,
                   lambda: f'the sync is finished\n{cluster["c"].log_tail()}')
        self.assertNotIn(b'nothing came from the provider', cluster['c'].log_bytes(), 'it waited for the dead one')

    @disturbs_a_sync
    def test_the_leader_may_be_killed_during_a_sync(self):
        cluster = self.left_behind()
        self.restart_behind(cluster)
        self.wait_syncing(cluster, 'c', 5)
        leader = cluster.leader(('a', 'b'))
        cluster[leader].kill()
        cluster[leader].start()
        self.wait_synced(cluster)

    def test_two_of_three_alive_with_one_beyond_the_trim_floor_and_no_leader_recover(self):
        cluster = self.left_behind(sync_options=SMALL_CHUNKS)
        leader = cluster.leader(('a', 'b'))
        peon = cluster.others('c', leader)[0]
        cluster[leader].kill()
        cluster[peon].kill()
        self.finished_before = 0
        cluster['c'].start()
        cluster[peon].start()  # alone with c, which may not vote before it has synced
        cluster.wait_quorum(2, mons=('c', peon), seconds=PATIENCE)
        self.assertTrue(finished_syncs(cluster['c']))
        cluster.put('by the two', 'x', mons=('c', peon))
        self.assertEqual(cluster.get('before/00001', mons=['c']), cluster.expected[b'before/00001'])

    def test_a_member_not_so_far_behind_catches_up_from_the_log(self):
        cluster = self.formed_cluster(3, ('--log-retain-versions', 500, '--log-trim-min', 250))
        cluster.put('key', 'before')
        cluster['c'].kill()
        for number in range(30):
            cluster.put(f'key/{number}', 'x', mons=('a', 'b'))
        cluster['c'].start()
        cluster.wait_quorum(3)
        self.assertEqual(finished_syncs(cluster['c']), [])

    def test_the_hold_on_trimming_ends_when_the_member_is_in_quorum(self):
        cluster = self.left_behind(sync_options=SMALL_CHUNKS, value_bytes=40, keys=400)
        self.restart_behind(cluster)
        version = int(self.wait_synced(cluster)['version'])
        self.write_many(cluster, 100, 'x')  # much more than a log keeps
        for name in cluster.names:
            wait_until(lambda: cluster.member_status(name)['first_committed'] > version + 1, PATIENCE,
                       lambda: f'{name} has trimmed version {version + 1}: {cluster.status(name)}')

    def hold_of(self, cluster, mon, owner='c'):
        return next((hold for hold in cluster.status(mon)['holds'] if hold['owner'] == owner), None)

    def held_version(self, cluster, mon):
        """From which on the log is held for c, once that is chosen."""
        def hold():
            self.wait_syncing(cluster, 'c')
            return self.hold_of(cluster, mon)
        return wait_until(hold, PATIENCE, f'{mon} knows the hold')['version']

    def stop_requester(self, cluster):
        """Its session lives on for 30 s, and its hold for as long after that."""
        self.holds_until = time.monotonic() + 50
        cluster['c'].stop()

    def check_still_held(self):
        if time.monotonic() > self.holds_until:
            raise WasTooLate('the hold may have lapsed before it could be looked at')

    @disturbs_a_sync
    def test_the_hold_is_in_the_log_and_outlives_its_leader(self):
        cluster = self.left_behind(5)
        self.restart_behind(cluster)
        provider = self.wait_syncing(cluster, 'c')['provider']
        leader = cluster.leader(cluster.others('c'))
        version = self.held_version(cluster, leader)
        self.stop_requester(cluster)
        cluster[leader].kill()
        rest = cluster.others('c', leader)
        cluster.wait_quorum(3, mons=rest)
        self.write_many(cluster, 60, 'x', mons=rest)  # more than a log keeps
        found = [(self.hold_of(cluster, name), cluster.member_status(name)) for name in rest]
        self.check_still_held()
        for hold, member in found:
            self.assertIsNotNone(hold, member)
            self.assertEqual((hold['version'], hold['ended'], hold['blocks_trimming']), (version, False, True))
            self.assertLessEqual(member['first_committed'], version)
        said = cluster.must('status', mons=(provider,)).text
        self.check_still_held()
        self.assert_says(said, f'the log is held for c from version {version}')
        cluster[leader].start()
        cluster['c'].cont()
        self.wait_synced(cluster)
        for name in cluster.names:
            wait_until(lambda: self.hold_of(cluster, name) is None, PATIENCE, f'{name} knows no hold')

    @disturbs_a_sync
    def test_a_requester_that_stalls_keeps_no_more_of_the_log_than_the_bound(self):
        cluster = self.left_behind(sync_options=(*self.slow_sync(), '--sync-hold-bytes', 65536))
        self.restart_behind(cluster)
        version = self.held_version(cluster, 'a')
        self.stop_requester(cluster)
        self.write_many(cluster, 100, 'x' * 1000, mons=('a', 'b'))
        for name in ('a', 'b'):
            wait_until(lambda: cluster.member_status(name)['first_committed'] > version, PATIENCE,
                       lambda: f'{name} has trimmed what was held: {cluster.status(name)}')
        hold = self.hold_of(cluster, 'a')
        self.check_still_held()
        self.assertTrue(hold['ended'])
        cluster['c'].cont()
        self.wait_synced(cluster)
        self.assertEqual(cluster.get('meanwhile/99', mons=['c']), cluster.expected[b'meanwhile/99'])

    def test_each_member_in_turn_is_left_behind_and_comes_back(self):
        cluster = self.formed_cluster(3, SMALL_LOG)
        cluster.import_pairs([(f'before/{i:05}', f'{i} ' + 'v' * 100) for i in range(1000)])
        for victim in cluster.names:
            self.kill_behind(cluster, victim)
            cluster.wait_quorum(2, mons=cluster.others(victim))
            self.write_past(cluster, victim, cluster.others(victim))
            self.restart_behind(cluster, victim)
            self.wait_synced(cluster, victim)


if __name__ == '__main__':
    unittest.main()
