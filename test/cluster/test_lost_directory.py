"""Formation of a cluster, and what becomes of a member whose directory was lost."""

import itertools
import json
import shutil
import unittest

from harness import CLI, OK, PATIENCE, UNAVAILABLE, USAGE, ClusterTest, Daemon, free_ports, run, wait_until
from syncs import noise


class LostDirectory(ClusterTest):
    def lose_directory(self, cluster, name):
        cluster[name].kill()
        shutil.rmtree(cluster[name].data)
        cluster.learners.add(name)

    def test_a_member_that_lost_its_directory_follows_without_a_vote_and_the_others_go_on(self):
        cluster = self.formed_cluster()
        before = cluster.status()
        cluster.import_pairs([(f'key/{i}', f'value {i}') for i in range(200)])
        self.lose_directory(cluster, 'c')
        cluster['c'].start()
        own = cluster.wait_learner('c')
        self.assert_says(own['detail'], 'no vote', 'member id', 'lost')
        self.assert_says(cluster['c'].log_bytes().decode(), 'not a member', 'as a learner', 'has no vote')
        cluster.put('key', 'value', mons=('a', 'b'))
        cluster.wait_quorum(2, mons=('a', 'b'))
        # The last grant of the old member id lapses; the new one never grants any.
        status = cluster.wait_status(lambda status: sorted(status['quorum']) == ['a', 'b'], PATIENCE,
                                     'c is not in quorum', ('a',))
        self.assertEqual(status['fsid'], before['fsid'])
        ids = {member['name']: member['id'] for member in before['members']}
        voters = [member for member in status['members'] if member['has_vote']]
        self.assertEqual({member['name']: member['id'] for member in voters}, ids, 'the monmap changed')
        # The others list the learner, level, beside the member id that is gone.
        status = cluster.wait_status(
            lambda status: status['members'][-1]['state'] == 'learner' and status['members'][2]['state'] == 'unreachable'
            and status['members'][-1]['last_committed'] == status['members'][0]['last_committed'], PATIENCE,
            'the others list the learner', ('a',))
        self.assertEqual([member['name'] for member in status['members']], ['a', 'b', 'c', 'c'])
        self.assertNotEqual(status['members'][-1]['id'], ids['c'])
        self.assert_says(cluster.must('status', mons=('a',)).out.decode(), '(2 of 3)', 'learner')

    def test_a_member_that_lost_its_directory_under_load_copies_the_store_and_its_restarts_follow_on(self):
        cluster = self.formed_cluster(options=('--log-retain-versions', 20, '--log-trim-min', 10))
        cluster.import_pairs([(f'before/{i:04}', 'v' * 200) for i in range(500)])
        written = itertools.count()

        def load():
            for number in itertools.islice(written, 100):
                cluster.put(f'during/{number % 40}', f'value {number}', mons=('a', 'b'))
        load()
        self.lose_directory(cluster, 'c')
        cluster['c'].start()
        load()
        cluster.wait_learner('c')
        # It says so, too, before it has found out that it has to copy.
        wait_until(lambda: b'sync finished provider=' in cluster['c'].log_bytes(), PATIENCE, 'it has copied a store')
        own_id = cluster.member_status('c')['id']
        for _ in range(2):
            load()
            cluster['c'].kill()
            cluster.put('meanwhile', 'value', mons=('a', 'b'))
            cluster['c'].start()
            cluster.wait_learner('c')
            self.assertEqual(cluster.member_status('c')['id'], own_id)
        load()
        cluster.wait_level()
        cluster.wait_status(lambda status: not status['holds'], PATIENCE, 'its hold is over', ('a',))

    def test_a_learner_whose_provider_is_killed_on_the_way_goes_on(self):
        cluster = self.formed_cluster(options=('--log-retain-versions', 20, '--log-trim-min', 10,
                                               '--sync-chunk-bytes', 2048, '--sync-rate', 150_000,
                                               '--write-buffer-bytes', 65536))
        cluster.import_pairs([(f'before/{i:04}', noise(i, 400)) for i in range(2500)])
        for number in range(60):
            cluster.put('after', f'value {number}')
        self.lose_directory(cluster, 'c')
        cluster['c'].start()

        def provider():
            entry = cluster.member_status('c')
            sync = entry and entry['state'] == 'syncing' and entry['sync']
            return sync['provider'] if sync and sync['chunks'] >= 5 else None
        killed = wait_until(provider, PATIENCE, lambda: f'c copies\n{cluster["c"].log_tail()}')
        cluster[killed].kill()
        cluster.wait_status(lambda status: status['state'] != 'syncing' or status['members'][-1]['sync'] is None or
                            status['members'][-1]['sync']['provider'] != killed, PATIENCE, 'it asks another', ('c',))
        cluster[killed].start()
        cluster.wait_learner('c')
        cluster.wait_level()
        self.assertIn(b'sync [4] goes on with a copy', cluster['c'].log_bytes())

    def test_a_member_that_lost_its_directory_does_not_vote_also_not_after_a_restart(self):
        cluster = self.formed_cluster()
        cluster.put('key', 'value')
        victim = cluster.leader()
        self.lose_directory(cluster, victim)
        cluster[victim].start()
        cluster.wait_learner(victim)
        first, second = cluster.others(victim)
        cluster[second].kill()
        # One true member and one without memory are no majority.
        for _ in range(2):
            ran = cluster.synod('put', 'key', 'of a minority', mons=(first, victim), timeout=3)
            self.assertIn(ran.code, (3, 4), str(ran))
            cluster.expected[b'key'] = None
            self.assert_exit(cluster.synod('status', '--wait-quorum', 2, mons=(first, victim), timeout=1), UNAVAILABLE)
            cluster[victim].kill()
            cluster[victim].start()
            cluster.wait_learner(victim)
        ran = cluster.must('get', 'key', '--consistency', 'serializable', mons=(first,))
        self.assertEqual(ran.out, b'value\n')
        self.assert_exit(cluster.synod('get', 'key', '--consistency', 'serializable', mons=(victim,), timeout=1),
                         UNAVAILABLE)
        cluster[second].start()
        cluster.wait_quorum(2, mons=(first, second))
        cluster.put('key 2', 'value', mons=(first, second))

    def test_a_name_that_the_cluster_does_not_have_stays_an_outsider(self):
        cluster = self.formed_cluster()
        cluster['c'].kill()
        address = cluster['c'].address
        members = cluster.members_option.replace(f'c={address}', f'z={address}')
        stranger = Daemon('z', address, cluster.root, cluster.command('z', members=members))
        try:
            stranger.start()
            said = wait_until(lambda: self.status_at(address, 'outsider'), PATIENCE, 'z says that it is an outsider')
            self.assert_says(said['detail'], 'does not list member id')
            self.assertEqual(len(cluster.status('a')['members']), 3)
        finally:
            stranger.terminate()

    def status_at(self, address, state):
        ran = run(CLI, '--mons', address, '--timeout', 10, '--format', 'json', 'status')
        status = json.loads(ran.out) if ran.out.strip() else {}
        return status if status.get('state') == state else None

    def test_a_directory_of_which_a_copy_was_started_later_is_superseded(self):
        cluster = self.formed_cluster()
        cluster['a'].kill()
        shutil.copytree(cluster['a'].data, cluster.root / 'copy')
        cluster['a'].start()
        cluster.wait_quorum(3)
        address = f'127.0.0.1:{free_ports(1)[0]}'
        members = cluster.members_option.replace(f"a={cluster['a'].address}", f'a={address}')
        copy = Daemon('copy', address, cluster.root,
                      cluster.command('a', data=cluster.root / 'copy', members=members))
        try:
            copy.start()
            wait_until(lambda: b'listens at' in copy.log_bytes(), PATIENCE, 'the copy listens')
            copy.kill()
            copy.start()  # one start more than the original has counted
            self.assertEqual(cluster['a'].wait_exit(PATIENCE), 5)
            self.assert_says(cluster['a'].log_bytes().decode(), 'superseded')
        finally:
            copy.kill()
        cluster.put('key', 'value', mons=('b', 'c'))
        cluster['a'].start()
        cluster.wait_quorum(3)

    def test_a_client_that_asks_a_learner_first_is_served_by_the_others(self):
        cluster = self.formed_cluster()
        self.lose_directory(cluster, 'a')
        cluster['a'].start()
        cluster.wait_learner('a')
        cluster.wait_quorum(2, mons=('b', 'c'))
        cluster.put('key', 'value')  # asks a first
        self.assertEqual(cluster.get('key'), b'value')

    def test_a_majority_that_lost_its_directories_forms_no_second_cluster_while_a_peer_knows_the_first(self):
        cluster = self.formed_cluster()
        cluster.put('key', 'value')
        fsid = cluster.status()['fsid']
        cluster.wait_level()
        for name in ('b', 'c'):
            self.lose_directory(cluster, name)
        for name in ('b', 'c'):
            cluster[name].start()
        for name in ('b', 'c'):
            cluster.wait_learner(name)
        ran = cluster.synod('put', 'key', 'x', timeout=2)
        self.assertIn(ran.code, (3, 4), str(ran))
        status = cluster.status('a')
        self.assertEqual(status['fsid'], fsid)
        ran = cluster.must('get', 'key', '--consistency', 'serializable', mons=('a',))
        self.assertEqual(ran.out, b'value\n')
        cluster.formed = False  # there will never be a quorum again: nothing to settle, and one store only


class Formation(ClusterTest):
    def fsids(self, cluster):
        return {cluster.status(name)['fsid'] for name in cluster.names}

    def test_fresh_members_started_in_any_order_form_exactly_one_cluster(self):
        for order in list(itertools.permutations('abc'))[::2]:
            with self.subTest(order=order):
                cluster = self.cluster()
                for name in order:
                    cluster[name].start()
                    wait_until(lambda: cluster.status(name), PATIENCE, f'{name} answers')
                cluster.wait_quorum(3)
                fsids = self.fsids(cluster)
                self.assertEqual(len(fsids), 1)
                self.assertNotIn(None, fsids)

    def test_two_of_three_fresh_members_form_no_cluster(self):
        cluster = self.cluster()
        cluster.start('a', 'b')
        for name in ('a', 'b'):
            cluster.wait_status(lambda status: status['state'] == 'forming' and status['detail'], PATIENCE, 'it waits',
                                (name,))
        self.assert_exit(cluster.synod('status', '--wait-quorum', 1, timeout=3), UNAVAILABLE)
        for name in ('a', 'b'):
            self.assertEqual(cluster.status(name)['fsid'], None)
        cluster.start('c')
        cluster.wait_quorum(3)

    def test_members_killed_during_the_formation_form_exactly_one_cluster(self):
        cluster = self.cluster()
        cluster.start()
        for turn in range(12):
            name = cluster.names[turn % 3]
            cluster[name].kill()
            cluster[name].start()
            wait_until(lambda: cluster.status(name), PATIENCE, f'{name} answers')
        cluster.wait_quorum(3)
        self.assertEqual(len(self.fsids(cluster)), 1)

    def test_lists_that_differ_form_no_cluster(self):
        cluster = self.cluster()
        parts = cluster.members_option.split(',')
        cluster['a'].start()
        cluster['b'].start()
        cluster['c'].start(command=cluster.command('c', members=','.join(reversed(parts))))
        said = cluster.wait_status(lambda status: status['state'] == 'forming' and 'list' in status['detail'], PATIENCE,
                                   'it says that the lists differ', ('c',))
        self.assertEqual(said['fsid'], None)
        self.assert_exit(cluster.synod('status', '--wait-quorum', 1, timeout=2), UNAVAILABLE)

    def test_a_list_of_one_forms_only_with_the_command_given_once(self):
        cluster = self.cluster(1)
        command = cluster.command('a')
        ran = run(*command)
        self.assertIn(ran.code, (USAGE, 3), f'a fresh list of one without --form is to be refused: {ran}')
        self.assert_says(ran.err, '--form')
        self.assertEqual(ran.out, b'')
        ran = run(*command, '--form')
        self.assert_exit(ran, OK)
        cluster.start()
        cluster.wait_quorum(1)
        fsid = cluster.status()['fsid']
        cluster.put('key', 'value')
        cluster['a'].kill()
        again = run(*command, '--form')
        self.assertNotEqual(again.code, OK, f'--form on a formed directory is to be refused: {again}')
        self.assertEqual(again.out, b'')
        cluster['a'].start()
        cluster.wait_quorum(1)
        self.assertEqual(cluster.status()['fsid'], fsid)
        self.assertEqual(cluster.get('key'), b'value')

    def test_a_lost_list_of_one_does_not_form_by_itself(self):
        cluster = self.cluster(1)
        command = cluster.command('a')
        self.assert_exit(run(*command, '--form'), OK)
        cluster.start()
        cluster.wait_quorum(1)
        cluster['a'].terminate()
        shutil.rmtree(cluster['a'].data)
        ran = run(*command)
        self.assertIn(ran.code, (USAGE, 3), str(ran))
        self.assert_says(ran.err, '--form')
        cluster.formed = False  # there is nothing left that could be compared

    def test_form_is_for_a_list_of_one(self):
        cluster = self.cluster()
        ran = run(*cluster.command('a'), '--form')
        self.assert_refused(ran, USAGE, '--form')


if __name__ == '__main__':
    unittest.main()
