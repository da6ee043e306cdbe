#include "tools/store_options.h"

#include <gtest/gtest.h>

namespace synod {
namespace {

using Words = std::vector<std::string>;

void expect_complaint(const Words& words, const std::string& part) {
  const Result<StoreOptions> options = parse_store_options(words);
  ASSERT_FALSE(options.has_value());
  EXPECT_EQ(options.error().code(), Code::invalid_argument);
  EXPECT_NE(options.error().message().find(part), std::string::npos) << options.error().message();
}

TEST(StoreOptionsTest, a_command_and_its_arguments) {
  const Result<StoreOptions> options = parse_store_options({"compare", "a", "b"});
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(options->command, "compare");
  EXPECT_EQ(options->arguments, (Words{"a", "b"}));
}

TEST(StoreOptionsTest, what_writes_needs_the_risk_to_be_accepted) {
  EXPECT_TRUE(parse_store_options({"set", "d", "k", "v", "--accept-risk"}).has_value());
  EXPECT_TRUE(parse_store_options({"--accept-risk", "rm", "d", "k"}).has_value());
  expect_complaint({"set", "d", "k", "v"}, "--accept-risk");
  expect_complaint({"rm", "d", "k"}, "--accept-risk");
  expect_complaint({"list", "d", "--accept-risk"}, "takes no --accept-risk");
}

TEST(StoreOptionsTest, the_command_and_the_number_of_arguments_are_checked) {
  expect_complaint({}, "no command");
  expect_complaint({"frobnicate"}, "'frobnicate'");
  expect_complaint({"compare", "a"}, "too few");
  expect_complaint({"list", "a", "b"}, "too many");
  expect_complaint({"list", "a", "--frobnicate"}, "--frobnicate");
}

TEST(StoreOptionsTest, help_and_version_need_nothing_else) {
  EXPECT_TRUE(parse_store_options({"--help"})->help);
  EXPECT_TRUE(parse_store_options({"--version"})->version);
}

TEST(StoreOptionsTest, of_a_sync) {
  const Result<StoreOptions> plain = parse_store_options({"sync", "a", "b"});
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->sync.chunk_bytes, 1048576U);
  EXPECT_EQ(plain->sync.window, 4U);
  EXPECT_EQ(plain->sync.stop_after_chunk, 0U);
  EXPECT_FALSE(plain->sync.resume || plain->sync.as_json || plain->sync.trace);
  EXPECT_TRUE(parse_store_options({"sync", "a", "b", "--trace-sync"})->sync.trace);
  const Result<StoreOptions> all = parse_store_options({"sync", "a", "b", "--chunk-bytes", "1", "--window", "64",
                                                        "--stop-after-chunk=7", "--resume", "--format", "json"});
  ASSERT_TRUE(all.has_value());
  EXPECT_EQ(all->sync.chunk_bytes, 1U);
  EXPECT_EQ(all->sync.window, 64U);
  EXPECT_EQ(all->sync.stop_after_chunk, 7U);
  EXPECT_TRUE(all->sync.resume && all->sync.as_json);
}

TEST(StoreOptionsTest, of_a_sync_are_checked_and_nobody_elses) {
  expect_complaint({"sync", "a", "b", "--chunk-bytes", "0"}, "--chunk-bytes takes a number from 1 to 8388608, not '0'");
  expect_complaint({"sync", "a", "b", "--chunk-bytes", "1k"}, "not '1k'");
  expect_complaint({"sync", "a", "b", "--window", "65"}, "--window takes a number from 1 to 64, not '65'");
  expect_complaint({"sync", "a", "b", "--stop-after-chunk", "-1"}, "--stop-after-chunk");
  expect_complaint({"sync", "a", "b", "--format", "xml"}, "plain or json, not 'xml'");
  expect_complaint({"sync", "a", "b", "--accept-risk"}, "sync takes no --accept-risk");
  expect_complaint({"compare", "a", "b", "--resume"}, "compare takes no --resume");
  expect_complaint({"sync", "a"}, "too few arguments: synod-store sync SRC DST");
}

TEST(StoreOptionsTest, the_help_names_every_command) {
  for (const char* part : {"compare", "list", "get", "dump", "stats", "digest", "sync", "--resume", "set", "rm",
                           "--accept-risk", "only-in"}) {
    EXPECT_NE(store_help_text().find(part), std::string::npos) << part;
  }
}

}  // namespace
}  // namespace synod
