"""Formation of a cluster, and what becomes of a member whose directory was lost."""

import itertools
import shutil
import unittest

from harness import OK, PATIENCE, UNAVAILABLE, USAGE, ClusterTest, Daemon, free_ports, run, wait_until


class LostDirectory(ClusterTest):
    def lose_directory(self, cluster, name):
        cluster[name].kill()
        shutil.rmtree(cluster[name].data)

    def wait_outsider(self, cluster, name):
        """Its own words, once it says that it is not a member."""
        return cluster.wait_status(lambda status: status['state'] == 'outsider', PATIENCE, f'{name} is an outsider',
                                   (name,))

    def test_a_member_that_lost_its_directory_says_that_it_is_not_a_member_and_the_others_go_on(self):
        cluster = self.formed_cluster()
        before = cluster.status()
        cluster.import_pairs([(f'key/{i}', f'value {i}') for i in range(200)])
        self.lose_directory(cluster, 'c')
        cluster.outsiders.add('c')
        cluster['c'].start()
        own = self.wait_outsider(cluster, 'c')
        self.assertTrue(own['detail'], 'it does not say what it waits for')
        self.assert_says(own['detail'], 'member')
        self.assert_says(cluster['c'].log_bytes().decode(), 'not a member')
        cluster.put('key', 'value', mons=('a', 'b'))
        cluster.wait_quorum(2, mons=('a', 'b'))
        # The last grant of the old member id lapses; the new one never grants any.
        status = cluster.wait_status(lambda status: sorted(status['quorum']) == ['a', 'b'], PATIENCE,
                                     'c is not in quorum', ('a',))
        self.assertEqual(status['fsid'], before['fsid'])
        ids = {member['name']: member['id'] for member in before['members']}
        self.assertEqual({member['name']: member['id'] for member in status['members']}, ids, 'the monmap changed')

    def test_a_member_that_lost_its_directory_does_not_vote_also_not_after_a_restart(self):
        cluster = self.formed_cluster()
        cluster.put('key', 'value')
        victim = cluster.leader()
        self.lose_directory(cluster, victim)
        cluster.outsiders.add(victim)
        cluster[victim].start()
        self.wait_outsider(cluster, victim)
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
            self.wait_outsider(cluster, victim)
        ran = cluster.must('get', 'key', '--consistency', 'serializable', mons=(first,))
        self.assertEqual(ran.out, b'value\n')
        self.assert_exit(cluster.synod('get', 'key', '--consistency', 'serializable', mons=(victim,), timeout=1),
                         UNAVAILABLE)
        cluster[second].start()
        cluster.wait_quorum(2, mons=(first, second))
        cluster.put('key 2', 'value', mons=(first, second))

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

    def test_a_client_that_asks_an_outsider_first_is_served_by_the_others(self):
        cluster = self.formed_cluster()
        self.lose_directory(cluster, 'a')
        cluster.outsiders.add('a')
        cluster['a'].start()
        self.wait_outsider(cluster, 'a')
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
            self.wait_outsider(cluster, name)
            cluster.outsiders.add(name)
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
