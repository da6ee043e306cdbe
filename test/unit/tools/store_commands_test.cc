// The offline commands, on data directories as a stopped member leaves them.
#include "tools/store_commands.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "store/data_dir.h"
#include "store/scrub_record.h"
#include "test/unit/store/temp_dir.h"
#include "test/unit/tools/run_store_tool.h"
#include "test/unit/tools/stopped_member.h"

namespace synod {
namespace {

using test::make_member;
using test::Outcome;
const auto run = test::run_store_tool;

class StoreCommandsTest : public testing::Test {
 protected:
  StoreCommandsTest() {
    make_member(a_, 3);
    std::filesystem::copy(a_, b_, std::filesystem::copy_options::recursive);
  }

  test::TempDir temp_;
  const std::string a_ = temp_ / "a";
  const std::string b_ = temp_ / "b";
};

TEST_F(StoreCommandsTest, list_prints_escaped_keys) {
  const Outcome listed = run({"list", a_});
  EXPECT_EQ(listed.code, 0) << listed.err;
  EXPECT_EQ(listed.out, "kv/k/1\nkv/k/2\nkv/k/3\nkv/k/a\\tb\npaxos/applied\n");
}

TEST_F(StoreCommandsTest, dump_prints_keys_and_values) {
  const std::string dumped = run({"dump", a_}).out;
  EXPECT_EQ(dumped.find("kv/k/1\tvalue 1\nkv/k/2\tvalue 2\nkv/k/3\tvalue 3\nkv/k/a\\tb\t\\x00\\xff\n"), 0U) << dumped;
}

TEST_F(StoreCommandsTest, get_takes_a_key_as_list_prints_it) {
  const Outcome got = run({"get", a_, "kv/k/a\\tb"});
  EXPECT_EQ(got.code, 0);
  EXPECT_EQ(got.out, "\\x00\\xff\n");
  const Outcome missing = run({"get", a_, "kv/k/none"});
  EXPECT_EQ(missing.code, 1);
  EXPECT_NE(missing.err.find("kv/k/none"), std::string::npos);
  EXPECT_EQ(run({"get", a_, "bad\\q"}).code, 2);
}

TEST_F(StoreCommandsTest, stats_and_digest) {
  const Outcome stats = run({"stats", a_});
  EXPECT_EQ(stats.code, 0) << stats.err;
  EXPECT_EQ(stats.out.find("first_committed 1\nlast_committed 3\nkeys 5\nbytes "), 0U) << stats.out;
  const Outcome digest = run({"digest", a_});
  EXPECT_EQ(digest.out.find("digest "), 0U);
  EXPECT_NE(digest.out.find("\nversion 3\n"), std::string::npos);
  EXPECT_EQ(run({"digest", b_}).out, digest.out);
}

TEST_F(StoreCommandsTest, compare_of_copies_finds_nothing) {
  const Outcome compared = run({"compare", a_, b_});
  EXPECT_EQ(compared.code, 0) << compared.err;
  EXPECT_EQ(compared.out, "");
  EXPECT_NE(compared.err.find("identical: 5 keys"), std::string::npos) << compared.err;
}

TEST_F(StoreCommandsTest, compare_names_exactly_what_set_and_rm_changed) {
  EXPECT_EQ(run({"set", b_, "kv/k/1", "other", "--accept-risk"}).code, 0);
  EXPECT_EQ(run({"rm", b_, "kv/k/a\\tb", "--accept-risk"}).code, 0);
  EXPECT_EQ(run({"set", b_, "kv/k/new\\n", "\\x00", "--accept-risk"}).code, 0);
  const Outcome compared = run({"compare", a_, b_});
  EXPECT_EQ(compared.code, 1);
  EXPECT_EQ(compared.out, "differs kv/k/1\nonly-in A kv/k/a\\tb\nonly-in B kv/k/new\\n\n");
  EXPECT_NE(compared.err.find("1 differ, 1 only in A, 1 only in B"), std::string::npos) << compared.err;
}

TEST_F(StoreCommandsTest, compare_rolls_the_older_one_forward) {
  const std::string older = temp_ / "older";
  make_member(older, 1);
  const Outcome compared = run({"compare", older, a_});
  EXPECT_EQ(compared.code, 0) << compared.out << compared.err;
  EXPECT_NE(compared.err.find("A was rolled forward in memory from version 1 to 3"), std::string::npos);
}

// As a scrub of the whole stores leaves them.
void store_digests(const std::string& dir) {
  const Result<std::unique_ptr<DataDir>> home = DataDir::open(dir);
  ASSERT_TRUE(home);
  MonitorStore store(*(*home)->open_current({}));
  const Digest digest = *store.digest();
  const ScrubRecord record{*store.applied(), 5, {{"paxos/applied", digest}}};
  ASSERT_TRUE(store.commit_local(replace_scrub_record(record), Durability::durable).is_ok());
}

TEST_F(StoreCommandsTest, compare_quick_trusts_the_digests_of_a_scrub_and_says_so) {
  const Outcome none = run({"compare", "--quick", a_, b_});
  EXPECT_EQ(none.code, 2);
  EXPECT_NE(none.err.find("A has no stored digests"), std::string::npos) << none.err;
  store_digests(a_);
  store_digests(b_);
  const Outcome same = run({"compare", "--quick", a_, b_});
  EXPECT_EQ(same.code, 0) << same.err;
  EXPECT_EQ(same.out, "");
  EXPECT_NE(same.err.find("identical in 1 ranges, trusting the digests that both stored at version 3"),
            std::string::npos)
      << same.err;
  EXPECT_EQ(run({"set", b_, "kv/k/1", "other", "--accept-risk"}).code, 0);
  const Outcome changed = run({"compare", "--quick", a_, b_});
  EXPECT_EQ(changed.code, 2) << "they were of what was there before";
  EXPECT_NE(changed.err.find("B has no stored digests"), std::string::npos) << changed.err;
  store_digests(b_);
  const Outcome different = run({"compare", "--quick", a_, b_});
  EXPECT_EQ(different.code, 1) << different.err;
  EXPECT_EQ(different.out, "differs kv/k/1\n");
  EXPECT_NE(different.err.find("1 ranges were read"), std::string::npos) << different.err;
}

TEST_F(StoreCommandsTest, a_store_by_itself_can_be_looked_at_too) {
  const Outcome listed = run({"list", a_ + "/store.1"});
  EXPECT_EQ(listed.code, 0) << listed.err;
  EXPECT_EQ(listed.out, run({"list", a_}).out);
  EXPECT_EQ(run({"compare", a_, b_ + "/store.1"}).code, 0);
  EXPECT_EQ(run({"set", a_ + "/store.1", "kv/k/1", "x", "--accept-risk"}).code, 2) << "it is not to be changed";
}

TEST_F(StoreCommandsTest, rm_of_what_is_not_there_is_told) {
  EXPECT_EQ(run({"rm", b_, "kv/k/none", "--accept-risk"}).code, 1);
}

TEST_F(StoreCommandsTest, keys_and_values_that_are_malformed_change_nothing) {
  EXPECT_EQ(run({"set", b_, "bad\\q", "v", "--accept-risk"}).code, 2);
  EXPECT_EQ(run({"set", b_, "k", "bad\\q", "--accept-risk"}).code, 2);
  EXPECT_EQ(run({"set", b_, "", "v", "--accept-risk"}).code, 2);
  EXPECT_EQ(run({"compare", a_, b_}).code, 0);
}

TEST_F(StoreCommandsTest, a_directory_in_use_is_refused) {
  const Result<std::unique_ptr<DataDir>> daemon = DataDir::open(a_);
  ASSERT_TRUE(daemon.has_value());
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"list", a_}, {"compare", b_, a_}, {"set", a_, "k", "v", "--accept-risk"}}) {
    const Outcome refused = run(words);
    EXPECT_EQ(refused.code, 2);
    EXPECT_EQ(refused.out, "");
    EXPECT_NE(refused.err.find(a_), std::string::npos) << refused.err;
  }
}

TEST_F(StoreCommandsTest, what_is_no_data_directory_is_an_error) {
  for (const std::string& path : {temp_ / "none", temp_.path()}) {
    EXPECT_EQ(run({"list", path}).code, 2);
    EXPECT_EQ(run({"compare", a_, path}).code, 2);
  }
  EXPECT_FALSE(std::filesystem::exists(temp_ / "none"));
}

}  // namespace
}  // namespace synod
