"""Store synchronization: a member that fell behind what its peers' logs hold comes back, whatever happens meanwhile."""

import re
import unittest

from harness import PATIENCE, UNAVAILABLE, ClusterTest, wait_until

# A log that is soon trimmed, and a sync of many chunks.
SMALL_LOG = ('--log-retain-versions', 20, '--log-trim-min', 10)
SMALL_CHUNKS = ('--sync-chunk-bytes', 2048)
# It then takes several seconds: long enough to be disturbed.
SLOW_SYNC = (*SMALL_CHUNKS, '--sync-rate', 150_000, '--write-buffer-bytes', 65536)
FINISHED = re.compile(r'sync finished (.*)')


def finished_syncs(daemon):
    """The fields of each line about a finished sync in the daemon's log."""
    lines = FINISHED.findall(daemon.log_bytes().decode(errors='replace'))
    return [dict(field.split('=', 1) for field in line.split() if '=' in field) for line in lines]


class Sync(ClusterTest):
    def write_past(self, cluster, behind, mons):
        """Writes until none of `mons` has in its log what `behind` needs next."""
        needs = self.last_committed[behind] + 1
        for number in range(600):
            cluster.put(f'after/{number % 50}', f'value {number}', mons=mons)
            if number % 10 == 9 and all(cluster.member_status(name)['first_committed'] > needs for name in mons):
                return
        self.fail(f'after 600 writes the log still holds what {behind} needs: {cluster.status(*mons)}')

    def left_behind(self, count=3, sync_options=SLOW_SYNC, value_bytes=400, keys=2500):
        """A cluster of which the member `c` was killed, and needs more than the others' logs hold."""
        cluster = self.formed_cluster(count, (*SMALL_LOG, *sync_options))
        cluster.import_pairs([(f'before/{i:05}', f'{i} ' + 'v' * value_bytes) for i in range(keys // 2)])
        self.kill_behind(cluster, 'c')
        others = cluster.others('c')
        cluster.wait_quorum(len(others), others)  # if it was the leader
        cluster.import_pairs([(f'during/{i:05}', f'{i} ' + 'w' * value_bytes) for i in range(keys // 2)], mons=others)
        self.write_past(cluster, 'c', others)
        return cluster

    def kill_behind(self, cluster, victim):
        self.last_committed = {victim: cluster.last_committed(victim)}
        cluster[victim].kill()

    def wait_syncing(self, cluster, requester, chunks=1):
        """The progress of a running sync, when it has come to so many chunks."""
        def progress():
            self.assertEqual(len(finished_syncs(cluster[requester])), self.finished_before,
                             'the sync was over before it could be disturbed')
            entry = cluster.member_status(requester)
            return entry and entry['state'] == 'syncing' and entry['sync'] and entry['sync']['chunks'] >= chunks and \
                entry['sync']
        return wait_until(progress, PATIENCE, f'{requester} is syncing and has {chunks} chunks')

    def restart_behind(self, cluster, name='c'):
        self.finished_before = len(finished_syncs(cluster[name]))
        cluster[name].start()

    def wait_synced(self, cluster, name='c'):
        wait_until(lambda: len(finished_syncs(cluster[name])) > self.finished_before, PATIENCE,
                   lambda: f'"sync finished" in the log of {name}\n{cluster[name].log_tail()}')
        fields = finished_syncs(cluster[name])[-1]
        for field in ('provider', 'chunks', 'keys', 'bytes', 'seconds', 'version'):
            self.assertIn(field, fields)
        cluster.wait_quorum(len(cluster.names))
        return fields

    def test_while_every_operation_of_every_store_is_compared_with_memory(self):
        cluster = self.left_behind(sync_options=(*SMALL_CHUNKS, '--write-buffer-bytes', 65536, '--mirror-store'))
        for daemon in cluster.daemons.values():
            self.assertIn(b'mirrors its store in memory', daemon.log_bytes())
        self.restart_behind(cluster)
        self.wait_synced(cluster)
        cluster.put('after', 'value', mons=('c',))

    def test_a_member_behind_the_trimmed_log_is_brought_back_by_store_synchronization(self):
        cluster = self.left_behind()
        self.restart_behind(cluster)
        progress = self.wait_syncing(cluster, 'c')
        self.assertIn(progress['provider'], ('a', 'b'))
        leader = cluster.leader(('a', 'b'))
        self.assertNotEqual(progress['provider'], leader, 'the leader provides although another could')
        seen = cluster.wait_status(lambda status: any(member['name'] == 'c' and member['state'] == 'syncing' and
                                                      member['sync'] for member in status['members']), PATIENCE,
                                   'the others show the progress, too', ('a',))
        running = cluster.wait_status(lambda status: any(member['name'] == 'c' and member['sync'] and
                                                         member['sync']['remaining_ms'] for member in status['members']),
                                      PATIENCE, 'how far the sync is', ('a',))
        sync = next(member['sync'] for member in running['members'] if member['name'] == 'c')
        self.assertIn(sync['percent'], range(1, 101))
        self.assertGreater(sync['bytes_per_second'], 0)
        self.assertEqual([member['state'] for member in seen['members'] if member['name'] == 'c'], ['syncing'])
        fields = self.wait_synced(cluster)
        self.assertGreaterEqual(int(fields['keys']), 2500)
        self.assertGreaterEqual(int(fields['bytes']), 2500 * 400)
        self.assertGreaterEqual(int(fields['chunks']), 20)
        self.assertEqual(cluster.get('after/0', mons=['c']), cluster.expected[b'after/0'])

    def test_a_member_that_syncs_serves_nothing(self):
        cluster = self.left_behind()
        self.restart_behind(cluster)
        self.wait_syncing(cluster, 'c')
        for consistency in ('serializable', 'linearizable'):
            ran = cluster.synod('get', 'before/00000', '--consistency', consistency, mons=['c'], timeout=0.2)
            if cluster.member_status('c')['state'] == 'syncing':
                self.assert_exit(ran, UNAVAILABLE)
        self.wait_synced(cluster)

    def test_writes_go_on_during_a_sync_and_reach_the_member(self):
        cluster = self.left_behind()
        self.restart_behind(cluster)
        self.wait_syncing(cluster, 'c')
        cluster['c'].stop()
        for number in range(30):  # more than a log keeps
            cluster.put(f'meanwhile/{number:04}', 'x' * 50, mons=('a', 'b'))
        cluster['c'].cont()
        for number in range(30, 3000):
            if len(finished_syncs(cluster['c'])) > self.finished_before:
                break
            cluster.put(f'meanwhile/{number:04}', 'x' * 50, mons=('a', 'b'))
        self.wait_synced(cluster)
        self.assertEqual(cluster.get('meanwhile/0029', mons=['c']), cluster.expected[b'meanwhile/0029'])

    def test_a_requester_that_is_killed_in_the_middle_of_a_sync_ends_equal(self):
        cluster = self.left_behind()
        self.restart_behind(cluster)
        for chunks in (3, 20, 60):
            self.wait_syncing(cluster, 'c', chunks)
            cluster['c'].kill()
            cluster.put('between', str(chunks), mons=('a', 'b'))
            cluster['c'].start()
        self.wait_synced(cluster)
        self.assertEqual(cluster['c'].log_bytes().count(b'sync [4] goes on with a copy'), 3)

    def test_a_provider_that_is_killed_in_the_middle_of_a_sync_leaves_the_requester_able_to_end_equal(self):
        cluster = self.left_behind()
        self.restart_behind(cluster)
        for chunks in (5, 20):
            provider = self.wait_syncing(cluster, 'c', chunks)['provider']
            cluster[provider].kill()
            cluster[provider].start()
        self.wait_synced(cluster)

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
        wait_until(lambda: len(finished_syncs(cluster['c'])) > self.finished_before, 15,
                   lambda: f'the sync is finished\n{cluster["c"].log_tail()}')

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
        for number in range(100):  # much more than a log keeps
            cluster.put(f'later/{number}', 'x')
        for name in cluster.names:
            wait_until(lambda: cluster.member_status(name)['first_committed'] > version + 1, PATIENCE,
                       lambda: f'{name} has trimmed version {version + 1}: {cluster.status(name)}')

    def hold_of(self, cluster, mon, owner='c'):
        return next((hold for hold in cluster.status(mon)['holds'] if hold['owner'] == owner), None)

    def test_the_hold_is_in_the_log_and_outlives_its_leader(self):
        cluster = self.left_behind(5)
        self.restart_behind(cluster)
        provider = self.wait_syncing(cluster, 'c')['provider']
        leader = cluster.leader(cluster.others('c'))
        version = self.hold_of(cluster, leader)['version']
        cluster['c'].stop()  # its session lives on for 30 s, and its hold for as long after that
        cluster[leader].kill()
        rest = cluster.others('c', leader)
        cluster.wait_quorum(3, mons=rest)
        for number in range(60):  # more than a log keeps
            cluster.put(f'meanwhile/{number}', 'x', mons=rest)
        for name in rest:
            hold = self.hold_of(cluster, name)
            self.assertEqual((hold['version'], hold['ended'], hold['blocks_trimming']), (version, False, True))
            self.assertLessEqual(cluster.member_status(name)['first_committed'], version)
        self.assert_says(cluster.must('status', mons=(provider,)).text, f'the log is held for c from version {version}')
        cluster[leader].start()
        cluster['c'].cont()
        self.wait_synced(cluster)
        for name in cluster.names:
            wait_until(lambda: self.hold_of(cluster, name) is None, PATIENCE, f'{name} knows no hold')

    def test_a_requester_that_stalls_keeps_no_more_of_the_log_than_the_bound(self):
        cluster = self.left_behind(sync_options=(*SLOW_SYNC, '--sync-hold-bytes', 65536))
        self.restart_behind(cluster)
        self.wait_syncing(cluster, 'c')
        version = self.hold_of(cluster, 'a')['version']
        cluster['c'].stop()
        for number in range(100):
            cluster.put(f'meanwhile/{number}', 'x' * 1000, mons=('a', 'b'))
        for name in ('a', 'b'):
            wait_until(lambda: cluster.member_status(name)['first_committed'] > version, PATIENCE,
                       lambda: f'{name} has trimmed what was held: {cluster.status(name)}')
        self.assertTrue(self.hold_of(cluster, 'a')['ended'])
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
