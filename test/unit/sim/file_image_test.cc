#include "test/sim/disk/file_image.h"

#include <gtest/gtest.h>

namespace synod::sim {
namespace {

constexpr uint64_t page = FileImage::page_bytes;

Bytes filled(char c, uint64_t size = page) { return Bytes(size, c); }

TEST(FileImage, what_was_synced_stays_whatever_is_written_over_it) {
  FileImage file;
  file.write(0, filled('a', 3 * page));
  EXPECT_EQ(file.durable_bytes(), "");
  file.sync();
  file.write(page, filled('b'));
  file.write(3 * page, "tail");
  EXPECT_EQ(file.bytes(), filled('a') + filled('b') + filled('a') + "tail");
  EXPECT_EQ(file.durable_bytes(), filled('a', 3 * page));
  file.truncate(10);
  file.write(10, "short");
  EXPECT_EQ(file.bytes(), filled('a', 10) + "short");
  EXPECT_EQ(file.durable_bytes(), filled('a', 3 * page));
  file.sync();
  EXPECT_EQ(file.durable_bytes(), filled('a', 10) + "short");
}

TEST(FileImage, a_write_behind_the_end_leaves_zeros_also_where_a_longer_file_was_cut) {
  FileImage file;
  file.write(0, "0123456789");
  file.truncate(2);
  file.write(4, "x");
  EXPECT_EQ(file.bytes(), Bytes("01\0\0x", 5));
}

TEST(FileImage, a_power_cut_in_a_truncation_keeps_all_synced_bytes_before_the_new_end) {
  const Bytes all = filled('a', 3 * page);
  for (const PowerCut mode : every_power_cut) {
    for (uint64_t seed = 1; seed <= 50; ++seed) {
      FileImage file;
      file.write(0, all);
      file.sync();
      file.truncate(page + 100);
      SeededRandom random(seed);
      file.cut_power(mode, random);
      EXPECT_GE(file.size(), page + 100) << "mode " << static_cast<int>(mode);
      EXPECT_EQ(file.bytes(), all.substr(0, file.size()));
    }
  }
}

// Random writes, truncations, syncs and copies against two plain strings.
TEST(FileImage, random_changes_agree_with_two_strings) {
  SeededRandom random(5);
  for (int run = 0; run < 200; ++run) {
    FileImage file;
    Bytes live;
    Bytes durable;
    std::vector<std::pair<FileImage, Bytes>> copies;
    for (int step = 0; step < 40; ++step) {
      switch (random.below(6)) {
        case 0:
          file.sync();
          durable = live;
          break;
        case 1: {
          const uint64_t size = random.below(live.size() + 1);
          file.truncate(size);
          live.resize(size);
          break;
        }
        case 2:
          copies.emplace_back(file.durable_copy(), durable);
          copies.back().first.write(copies.back().second.size(), "own");
          copies.back().second += "own";
          break;
        default: {
          const uint64_t offset = random.chance(60) ? live.size() : random.below(live.size() + 1);
          const Bytes data = filled(static_cast<char>('a' + step % 26), 1 + random.below(2 * page));
          file.write(offset, data);
          live.resize(std::max<uint64_t>(live.size(), offset + data.size()));
          live.replace(offset, data.size(), data);
        }
      }
      ASSERT_EQ(file.bytes(), live) << run << '/' << step;
      ASSERT_EQ(file.durable_bytes(), durable) << run << '/' << step;
    }
    for (const auto& [copy, expected] : copies) ASSERT_EQ(copy.bytes(), expected) << run;
  }
}

TEST(FileImage, a_power_cut_leaves_what_its_mode_says) {
  SeededRandom random(3);
  bool was_byte_cut = false;
  bool had_hole = false;
  for (int run = 0; run < 300; ++run) {
    for (const PowerCut mode : every_power_cut) {
      FileImage file;
      file.write(0, filled('a', page / 2));
      file.sync();
      file.write(page / 2, filled('b', 3 * page));
      const Bytes live(file.bytes());
      file.cut_power(mode, random);
      const Bytes left(file.bytes());
      EXPECT_EQ(file.durable_bytes(), left);
      ASSERT_LE(left.size(), live.size());
      ASSERT_EQ(left.substr(0, page / 2), filled('a', page / 2)) << "what was synced";
      const bool is_prefix = left == live.substr(0, left.size());
      switch (mode) {
        case PowerCut::all_lost: ASSERT_EQ(left, filled('a', page / 2)); break;
        case PowerCut::prefix_kept:
          ASSERT_TRUE(is_prefix);
          ASSERT_TRUE(left.size() % page == 0 || left.size() == live.size() || left.size() == page / 2) << left.size();
          break;
        case PowerCut::random_cut:
          ASSERT_TRUE(is_prefix);
          was_byte_cut |= left.size() % page != 0 && left.size() != live.size();
          break;
        case PowerCut::pages_kept:
          had_hole |= !is_prefix;
          for (uint64_t at = page / 2; at < left.size(); ++at) ASSERT_TRUE(left[at] == 'b' || left[at] == '\0');
          break;
      }
    }
  }
  EXPECT_TRUE(was_byte_cut);
  EXPECT_TRUE(had_hole);
}

TEST(FileImage, a_power_cut_after_a_truncation_leaves_what_stood_below_it) {
  SeededRandom random(5);
  bool was_undone = false;
  bool was_kept = false;
  for (int run = 0; run < 100; ++run) {
    for (const PowerCut mode : every_power_cut) {
      FileImage file;
      file.write(0, filled('a', 2 * page));
      file.sync();
      file.truncate(page + 100);
      file.cut_power(mode, random);
      ASSERT_TRUE(file.size() == page + 100 || file.size() == 2 * page) << file.size();
      ASSERT_EQ(file.bytes(), filled('a', file.size()));
      was_undone |= file.size() == 2 * page;
      was_kept |= file.size() == page + 100;
    }
  }
  EXPECT_TRUE(was_undone);
  EXPECT_TRUE(was_kept);
}

TEST(FileImage, a_failed_sync_marks_pages_clean_that_never_reach_the_disk) {
  SeededRandom random(11);
  bool lost_after_good_sync = false;
  bool showed_old_bytes = false;
  for (int run = 0; run < 100; ++run) {
    FileImage file;
    file.write(0, filled('a', 2 * page));
    file.sync();
    file.write(0, filled('b', 2 * page));
    file.fail_sync(random);
    const Bytes seen(file.bytes());
    showed_old_bytes |= seen != filled('b', 2 * page);
    file.sync();
    for (const uint64_t at : {uint64_t{0}, page}) {
      ASSERT_TRUE(seen.substr(at, page) == filled('a') || seen.substr(at, page) == filled('b'));
    }
    lost_after_good_sync |= file.durable_bytes() != seen;
    file.write(0, filled('c', 2 * page));
    file.sync();
    ASSERT_EQ(file.durable_bytes(), filled('c', 2 * page)) << "a page that is written again is synced again";
  }
  EXPECT_TRUE(lost_after_good_sync);
  EXPECT_TRUE(showed_old_bytes);
}

}  // namespace
}  // namespace synod::sim
