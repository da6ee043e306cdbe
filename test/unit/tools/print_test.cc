// What the results look like: JSON, the status table, the progress bar.
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tools/json.h"
#include "tools/progress.h"
#include "tools/scrub_print.h"
#include "tools/status_print.h"

namespace synod {
namespace {

namespace json = boost::json;

KeyValue item(Bytes key, Bytes value) { return {std::move(key), SharedBytes(std::move(value)), 3, 5, 2}; }

TEST(JsonTest, of_a_write_is_its_revision) {
  EXPECT_EQ(json_of_put(WriteReply{12, {}}), R"({"revision":12})");
  EXPECT_EQ(json_of_del(WriteReply{12, {1}}), R"({"revision":12,"deleted":1})");
  EXPECT_EQ(json_of_del(WriteReply{12, {0}}), R"({"revision":12,"deleted":0})");
  EXPECT_EQ(json_of_del(WriteReply{12, {}}), R"({"revision":12,"deleted":0})");
}

TEST(JsonTest, of_a_key_has_its_revisions_and_the_stores) {
  EXPECT_EQ(json_of_get(item("k", "v"), 9),
            R"({"key":"k","value":"v","create_revision":3,"mod_revision":5,"version":2,"revision":9})");
}

TEST(JsonTest, utf8_is_a_string) {
  const json::value parsed = json::parse(json_of_item(item("Grüße", "\"quoted\"\n\t\\ and \x01 and 😀")));
  EXPECT_EQ(parsed.at("key").as_string(), "Grüße");
  EXPECT_EQ(parsed.at("value").as_string(), "\"quoted\"\n\t\\ and \x01 and 😀");
}

TEST(JsonTest, a_zero_byte_is_utf8) {
  const json::value parsed = json::parse(json_of_item(item(Bytes("a\0b", 3), "")));
  EXPECT_EQ(parsed.at("key").as_string(), json::string_view("a\0b", 3));
}

TEST(JsonTest, what_is_not_utf8_is_escaped_in_an_object) {
  for (const char* bytes : {"\xff", "a\xc0\xaf", "\xed\xa0\x80", "cut \xe2\x82"}) {
    const json::value parsed = json::parse(json_of_item(item("k", bytes)));
    ASSERT_TRUE(parsed.at("value").is_object());
    EXPECT_NE(parsed.at("value").at("escaped").as_string().find("\\x"), json::string::npos);
  }
  EXPECT_EQ(json::parse(json_of_item(item("\xff\t", "v"))).at("key").at("escaped").as_string(), "\\xff\\t");
}

TEST(JsonTest, of_a_range_is_one_object) {
  const std::string text = json_before_items() + json_of_item(item("a", "1")) + "," + json_of_item(item("b", "2")) +
                           json_after_items({.revision = 8, .keys = 2, .more = true});
  const json::value parsed = json::parse(text);
  EXPECT_EQ(parsed.at("items").as_array().size(), 2U);
  EXPECT_EQ(parsed.at("items").at(1).at("key").as_string(), "b");
  EXPECT_TRUE(parsed.at("more").as_bool());
  EXPECT_EQ(parsed.at("revision").as_int64(), 8);
}

TEST(JsonTest, of_an_empty_range_is_valid) {
  const json::value parsed = json::parse(json_before_items() + json_after_items({}));
  EXPECT_TRUE(parsed.at("items").as_array().empty());
}

TEST(JsonTest, of_an_import_says_how_much) {
  EXPECT_EQ(json_of_import({.keys = 3, .bytes = 40, .lines = 3, .revision = 7}),
            R"({"keys":3,"bytes":40,"revision":7})");
}

StatusReply sample_status() {
  StatusReply status;
  status.fsid.bytes.fill(0xab);
  status.answered_by = "b";
  status.state = MemberState::peon;
  status.leader = "a";
  status.epoch = 4;
  status.quorum = {"a", "b"};
  status.members = {
      {"a", MemberId(0xa1), "h:1", true, MemberState::leader, Version(5), Version(90), {}},
      {"b", MemberId(0xb1), "h:2", true, MemberState::peon, Version(6), Version(90), {}},
      {"c",
       MemberId(0xc1),
       "h:3",
       true,
       MemberState::syncing,
       Version(0),
       Version(0),
       {"b", 12, 3456, 1 << 20, Version(88), 0xc0, 455, 2 << 20, 7001}},
      {"d", MemberId(0xd1), "h:4", false, MemberState::peon, Version(5), Version(70), {}},
  };
  status.holds = {{"c", Version(5), 3 << 20, 1 << 30, 12'345, 40, false, true}};
  return status;
}

TEST(StatusJsonTest, has_the_documented_fields) {
  const json::value parsed = json::parse(json_of_status(sample_status()));
  EXPECT_EQ(parsed.at("fsid").as_string(), "abababab-abab-abab-abab-abababababab");
  EXPECT_EQ(parsed.at("leader").as_string(), "a");
  EXPECT_EQ(parsed.at("epoch").as_int64(), 4);
  EXPECT_EQ(json::serialize(parsed.at("quorum")), R"(["a","b"])");
  EXPECT_EQ(parsed.at("answered_by").as_string(), "b");
  EXPECT_EQ(parsed.at("state").as_string(), "peon");
  EXPECT_EQ(parsed.at("detail").as_string(), "");
  const json::array& members = parsed.at("members").as_array();
  ASSERT_EQ(members.size(), 4U);
  EXPECT_EQ(members[0].at("name").as_string(), "a");
  EXPECT_EQ(members[0].at("id").as_string(), "00000000000000a1");
  EXPECT_EQ(members[0].at("address").as_string(), "h:1");
  EXPECT_EQ(members[0].at("state").as_string(), "leader");
  EXPECT_EQ(members[0].at("first_committed").as_int64(), 5);
  EXPECT_EQ(members[0].at("last_committed").as_int64(), 90);
  EXPECT_TRUE(members[0].at("sync").is_null());
  EXPECT_EQ(json::serialize(members[2].at("sync")),
            R"({"provider":"b","chunks":12,"keys":3456,"bytes":1048576,"version":88,"cookie":"00000000000000c0",)"
            R"("percent":45,"bytes_per_second":2097152,"remaining_ms":7001})");
  EXPECT_EQ(members[3].at("state").as_string(), "unreachable");
  EXPECT_TRUE(members[3].at("has_vote").as_bool());
  EXPECT_EQ(
      json::serialize(parsed.at("holds")),
      R"([{"owner":"c","version":5,"bytes":3145728,"bytes_max":1073741824,"delay_ms":40,"age_ms":12345,"ended":false,"blocks_trimming":true}])");
}

TEST(StatusJsonTest, what_is_not_known_is_null) {
  const json::value parsed = json::parse(json_of_status(StatusReply()));
  EXPECT_TRUE(parsed.at("fsid").is_null());
  EXPECT_TRUE(parsed.at("leader").is_null());
  EXPECT_TRUE(parsed.at("quorum").as_array().empty());
  EXPECT_TRUE(parsed.at("members").as_array().empty());
}

TEST(StatusTableTest, shows_every_member_in_columns) {
  const std::string text = status_table(sample_status());
  EXPECT_NE(text.find("cluster  abababab-abab-abab-abab-abababababab\n"), std::string::npos);
  EXPECT_NE(text.find("leader   a (epoch 4)\n"), std::string::npos);
  EXPECT_NE(text.find("quorum   a b (2 of 4)\n"), std::string::npos);
  EXPECT_NE(text.find("NAME  ID                ADDRESS  STATE        FIRST  LAST  SYNC\n"), std::string::npos) << text;
  EXPECT_NE(text.find("d     00000000000000d1  h:4      unreachable  5      70    -\n"), std::string::npos) << text;
  EXPECT_NE(text.find("from b: 45 %, 12 chunks, 3456 keys, 1.0 MiB, 2.0 MiB/s, 8 s to go, version 88\n"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find(" \n"), std::string::npos) << "no blanks at the ends of lines";
}

TEST(StatusTableTest, a_learner_is_listed_and_not_counted) {
  StatusReply status = sample_status();
  status.members.push_back(
      {"d", MemberId(0xd2), "h:4", true, MemberState::learner, Version(5), Version(90), {}, false});
  const std::string text = status_table(status);
  EXPECT_NE(text.find("quorum   a b (2 of 4)\n"), std::string::npos) << text;
  EXPECT_NE(text.find("d     00000000000000d2  h:4      learner      5      90    -\n"), std::string::npos) << text;
  const json::value parsed = json::parse(json_of_status(status));
  EXPECT_FALSE(parsed.at("members").as_array()[4].at("has_vote").as_bool());
}

TEST(StatusTableTest, shows_what_holds_the_log_and_whether_that_blocks_its_trimming) {
  StatusReply status = sample_status();
  const std::string blocking =
      "\nthe log is held for c from version 5 on: 3.0 MiB of 1.0 GiB in 12 s; it would be trimmed by now; writes are "
      "slowed by up to "
      "40 ms\n";
  EXPECT_TRUE(status_table(status).ends_with(blocking)) << status_table(status);
  status.holds[0].blocks_trimming = false;
  status.holds[0].delay_ms = 0;
  EXPECT_TRUE(status_table(status).ends_with(" on: 3.0 MiB of 1.0 GiB in 12 s\n")) << status_table(status);
  status.holds[0].is_ended = true;
  EXPECT_TRUE(
      status_table(status).ends_with("the hold on the log for c has ended at its bound: 3.0 MiB of 1.0 GiB in 12 s\n"));
  status.holds.clear();
  EXPECT_EQ(status_table(status).find("hold"), std::string::npos);
}

TEST(StatusTableTest, ends_with_what_a_scrub_has_found) {
  StatusReply status = sample_status();
  EXPECT_EQ(status_table(status).find("ALARM"), std::string::npos);
  EXPECT_TRUE(json::parse(json_of_status(status)).at("members").at(1).at("alarm").is_null());
  status.members[1].alarm = "scrub at version 812: this store is not what the majority has";
  EXPECT_TRUE(
      status_table(status).ends_with("\nALARM    b: scrub at version 812: this store is not what the majority has\n"));
  EXPECT_EQ(json::parse(json_of_status(status)).at("members").at(1).at("alarm").as_string(),
            "scrub at version 812: this store is not what the majority has");
}

// a and b are the same, c differs, d has said nothing.
ScrubReply sample_scrub() {
  const Digest digest{{0xab}};
  ScrubReply reply{ScrubReply::Phase::over, Version(812), true, {}};
  reply.members = {{"a", {MemberId(1), ScrubState::done, 17, 2048, digest, {}}, false, {}, {}},
                   {"b", {MemberId(2), ScrubState::done, 17, 2048, digest, {}}, false, {}, {}},
                   {"c",
                    {MemberId(3), ScrubState::done, 18, 2049, Digest(), {}},
                    true,
                    {{"kv/k/x\n", "kv/k/y"}, 2, true},
                    "2 keys; it is healed"},
                   {"d", {MemberId(4), ScrubState::missing, 0, 0, {}, "it could not be heard"}, false, {}, {}}};
  return reply;
}

TEST(ScrubPrint, has_a_line_for_each_member_the_keys_and_a_last_line) {
  const std::string zeros(30, '0');
  EXPECT_EQ(scrub_text(sample_scrub()), "a  version 812  17 keys  2.0 KiB  digest ab" + zeros + "  same\n" +
                                            "b  version 812  17 keys  2.0 KiB  digest ab" + zeros + "  same\n" +
                                            "c  version 812  18 keys  2.0 KiB  digest 00" + zeros +
                                            "  different: 2 keys; it is healed\n" +
                                            "d  version 812  no report: it could not be heard\n"
                                            "differs c kv/k/x\\n\ndiffers c kv/k/y\n"
                                            "scrub at version 812: members differ\n");
  const json::value parsed = json::parse(json_of_scrub(sample_scrub()));
  EXPECT_EQ(parsed.at("version").as_int64(), 812);
  EXPECT_EQ(parsed.at("outcome").as_string(), "different");
  const json::array& members = parsed.at("members").as_array();
  ASSERT_EQ(members.size(), 4U);
  EXPECT_EQ(members[0].at("outcome").as_string(), "same");
  EXPECT_EQ(members[0].at("digest").as_string(), "ab" + zeros);
  EXPECT_EQ(json::serialize(members[2].at("differing_keys")), R"(["kv/k/x\n","kv/k/y"])");
  EXPECT_EQ(members[2].at("differing_count").as_int64(), 2);
  EXPECT_TRUE(members[2].at("is_count_exact").as_bool());
  EXPECT_TRUE(members[0].at("is_count_exact").as_bool()) << "of one that is the same, none differs";
  EXPECT_EQ(members[3].at("outcome").as_string(), "no report");
  EXPECT_TRUE(members[3].at("digest").is_null());
}

TEST(ScrubPrint, what_was_not_compared_is_no_pass) {
  ScrubReply reply = sample_scrub();
  EXPECT_EQ(exit_code_of(reply), 1);
  reply.members.erase(reply.members.begin() + 2);
  EXPECT_EQ(scrub_outcome(reply), "no report");
  EXPECT_EQ(exit_code_of(reply), 3);
  reply.members.pop_back();
  EXPECT_EQ(scrub_outcome(reply), "same");
  EXPECT_EQ(exit_code_of(reply), 0);
  reply.is_agreed = false;
  EXPECT_EQ(scrub_outcome(reply), "not compared");
  EXPECT_EQ(exit_code_of(reply), 3);
  EXPECT_EQ(exit_code_of(ScrubReply()), 3);
}

TEST(StatusTableTest, says_what_a_monitor_waits_for) {
  StatusReply status;
  status.answered_by = "a";
  status.state = MemberState::forming;
  status.detail = "waits for b and c";
  const std::string text = status_table(status);
  EXPECT_NE(text.find("cluster  not formed yet\nleader   none\nquorum   none (0 of 0)\n"), std::string::npos) << text;
  EXPECT_NE(text.find("answer   from a (forming): waits for b and c\n"), std::string::npos) << text;
}

TEST(ReadableBytesTest, has_three_digits_or_four) {
  EXPECT_EQ(readable_bytes(0), "0 B");
  EXPECT_EQ(readable_bytes(1023), "1023 B");
  EXPECT_EQ(readable_bytes(1024), "1.0 KiB");
  EXPECT_EQ(readable_bytes(1536), "1.5 KiB");
  EXPECT_EQ(readable_bytes((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(readable_bytes(UINT64_MAX), "16.0 EiB");
}

TEST(ProgressTest, the_bar_grows_with_what_is_done) {
  EXPECT_EQ(progress_line(0, 10, "x"), "[                              ]   0%  x");
  EXPECT_EQ(progress_line(5, 10, "x"), "[###############               ]  50%  x");
  EXPECT_EQ(progress_line(10, 10, "x"), "[##############################] 100%  x");
  EXPECT_EQ(progress_line(11, 10, "x"), progress_line(10, 10, "x"));
}

TEST(ProgressTest, without_a_total_there_is_no_bar) { EXPECT_EQ(progress_line(5, 0, "5 keys"), "5 keys"); }

TEST(ProgressTest, is_silent_where_there_is_no_terminal) {
  testing::internal::CaptureStderr();
  {
    ProgressBar bar(false, 10);
    bar.show(5, "text");
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(ProgressTest, is_drawn_at_most_so_often_and_wiped_at_the_end) {
  testing::internal::CaptureStderr();
  {
    ProgressBar bar(true, 10);
    for (int i = 0; i < 1000; ++i) bar.show(5, "text");
  }
  const std::string drawn = testing::internal::GetCapturedStderr();
  EXPECT_LT(drawn.size(), 500U);
  EXPECT_TRUE(drawn.ends_with("\r\x1b[K"));
}

}  // namespace
}  // namespace synod
