"""The log is trimmed while thousands of values are written, a member is lost and comes back meanwhile; again and again all
are stopped at one version, and their stores are the same."""

import unittest

from harness import PATIENCE, ClusterTest, seeded_random, wait_until

RETAIN, TRIM_MIN = 50, 20
ROUNDS = 5
WRITES = 1000  # in a round, each of them a version
KEYS = 400


class Trimming(ClusterTest):
    def test_thousands_of_updates_leave_equal_stores_and_short_logs(self):
        random = seeded_random('trimming')
        cluster = self.formed_cluster(3, ('--log-retain-versions', RETAIN, '--log-trim-min', TRIM_MIN,
                                          '--write-buffer-bytes', 65536))
        for number in range(ROUNDS):
            before = cluster.wait_level()
            away = random.choice(cluster.names) if number % 2 else None
            if away:
                cluster[away].kill()
                others = cluster.others(away)
                cluster.wait_quorum(len(others), others)
            self.write(cluster, random, number, cluster.others(away) if away else ())
            if away:
                cluster[away].start()
                cluster.wait_quorum(len(cluster.names))
            self.assertGreaterEqual(cluster.wait_level() - before, WRITES)
            self.check_logs_are_short(cluster)
            cluster.compare_all()
            cluster.start()
            cluster.wait_quorum(len(cluster.names))

    def write(self, cluster, random, number, mons):
        pairs = [(f'key/{random.randrange(KEYS)}', f'{number} {i} ' + 'v' * random.randrange(300)) for i in range(WRITES)]
        cluster.import_pairs(pairs, batch=1, mons=mons)
        for key in random.sample(sorted({key for key, _ in pairs}), 20):
            cluster.delete(key, mons=mons)

    def check_logs_are_short(self, cluster):
        def lengths():
            entries = [cluster.member_status(name) for name in cluster.names]
            return [entry['last_committed'] - entry['first_committed'] + 1 for entry in entries if entry]
        # What is kept, what may gather before the next trim, and what was in flight at it.
        wait_until(lambda: len(lengths()) == 3 and max(lengths()) <= RETAIN + 2 * TRIM_MIN, PATIENCE,
                   lambda: f'logs of at most {RETAIN + 2 * TRIM_MIN} versions: {lengths()}')


if __name__ == '__main__':
    unittest.main()
