// The same seed gives the same calls, and a run of small commits is cheap.
#include <gtest/gtest.h>

#include <ctime>
#include <iostream>

#include "base/checksum.h"
#include "disk_run.h"

namespace synod::sim {
namespace {

struct Outcome {
  uint64_t hash = 0;
  uint64_t calls = 0;
  uint64_t logs_made = 0;

  bool operator==(const Outcome&) const = default;
};

// Lives with commits, each ended by a failure, a kill or a power cut.
Outcome run_lives(DiskKind kind, uint64_t seed) {
  const std::unique_ptr<MemberDisk> disk = make_disk(kind, seed);
  SeededRandom random(seed);
  Outcome outcome;
  disk->on_call([&](const DiskEvent& event) {
    Bytes line = std::to_string(outcome.hash) + ' ' + std::to_string(event.number) + call_name(event.call) +
                 event.path + '@' + std::to_string(event.offset) + error_text(event.error);
    line += event.bytes;
    outcome.hash = checksum64(line);
    ++outcome.calls;
    if (event.call == DiskCall::create && event.file == FileClass::wal) ++outcome.logs_made;
  });
  {
    Life life(*disk);
    life.form();
  }
  CommitRun run(1200, 1500);
  for (int i = 0; i < 12; ++i) {
    if (random.chance(50)) disk->freeze_at_call(disk->changes() + 1 + random.below(300));
    if (random.chance(20)) disk->fail({.call = DiskCall::sync, .nth = random.below(50)});
    Life life(*disk);
    life.open_store();
    if (life.status().is_ok() && !disk->is_frozen()) {
      run.resume_after(run.commits_in(life.db()));
      run.go(life.engine(), run.done() + 60);
    }
    if (random.chance(30)) {
      life.end();
    } else {
      life.cut_power(every_power_cut[random.below(std::size(every_power_cut))], random);
    }
    disk->clear_faults();
  }
  return outcome;
}

class SameSeed : public testing::TestWithParam<DiskKind> {};
INSTANTIATE_TEST_SUITE_P(All, SameSeed, testing::Values(DiskKind::model, DiskKind::lenient, DiskKind::strict),
                         [](const auto& param_info) { return kind_name(param_info.param); });

TEST_P(SameSeed, gives_the_same_calls) {
  for (const uint64_t seed : {1, 2, 3}) {
    const Outcome first = run_lives(GetParam(), seed);
    EXPECT_GT(first.calls, 100U);
    if (GetParam() != DiskKind::model) {
      EXPECT_GT(first.logs_made, 10U) << "logs rotate";
    }
    EXPECT_TRUE(first == run_lives(GetParam(), seed)) << "seed " << seed;
    EXPECT_FALSE(first == run_lives(GetParam(), seed + 100));
  }
}

// These print how fast it is, and demand nothing, since the machine may be busy.

double seconds_of(const std::function<void()>& work) {
  const std::clock_t start = std::clock();
  work();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

TEST_P(SameSeed, speed_of_lives_and_of_looks_at_what_is_durable) {
  constexpr int lives = 500;
  const std::unique_ptr<MemberDisk> disk = make_disk(GetParam(), 1);
  SeededRandom random(1);
  { Life(*disk).form(); }
  CommitRun run(lives * 20, 500);
  const double with_cuts = seconds_of([&] {
    for (int i = 0; i < lives; ++i) {
      Life life(*disk);
      life.open_store();
      run.resume_after(read_bound(*life.db().new_iterator())->last.version.value());
      run.go(life.engine(), run.done() + 20);
      life.cut_power(PowerCut::random_cut, random);
    }
  });
  Life life(*disk);
  life.open_store();
  const double looks = seconds_of([&] {
    for (int i = 0; i < lives; ++i) {
      const std::unique_ptr<MemberDisk> copy = disk->durable_copy();
      Life other(*copy);
      other.open_store();
      EXPECT_TRUE(other.status().is_ok());
    }
  });
  std::cout << kind_name(GetParam()) << ": " << lives / with_cuts << " lives of 20 commits with a power cut/s, "
            << lives / looks << " durable copies opened/s of CPU time\n";
}

TEST_P(SameSeed, speed_of_small_commits) {
  constexpr uint64_t commits = 20000;
  const std::unique_ptr<MemberDisk> disk = make_disk(GetParam(), 1);
  Life life(*disk);
  life.form();
  life.open_store();
  CommitRun run(commits, 100);
  const uint64_t before = disk->changes();
  const double seconds = seconds_of([&] { run.go(life.engine()); });
  EXPECT_EQ(run.done(), commits);
  std::cout << kind_name(GetParam()) << ": " << static_cast<double>(commits) / seconds << " commits/s, "
            << static_cast<double>(disk->changes() - before) / seconds << " changes/s of CPU time\n";
}

}  // namespace
}  // namespace synod::sim
