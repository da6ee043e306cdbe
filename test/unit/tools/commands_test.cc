// The commands, against a monitor that keeps its keys in a map.
#include "tools/commands.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "test/unit/tools/temp_file.h"
#include "test/unit/tools/threaded_monitor.h"

namespace synod {
namespace {

class FakeStore {
 public:
  FakeMonitor::Answer operator()(const ClientRequest& request) {
    return std::visit([this](const auto& body) { return answer(body); }, request.body);
  }

  std::map<Bytes, Bytes> keys;
  size_t quorum = 3;
  std::vector<ScrubReply> scrubs;  // one after the other; the last one again and again
  Status write_failure;

 private:
  FakeMonitor::Answer answer(const WriteRequest& request) {
    if (!write_failure.is_ok()) return ClientReply{0, write_failure, {}};
    WriteReply reply;
    reply.revision = ++revision_;
    for (const WriteOp& op : request.ops) {
      reply.erased.push_back(op.type == WriteOp::Type::erase ? keys.erase(op.key) : 0);
      if (op.type == WriteOp::Type::put) keys[op.key] = Bytes(op.value.view());
    }
    return ClientReply{0, Status::ok(), std::move(reply)};
  }
  FakeMonitor::Answer answer(const RangeRequest& request) {
    RangeReply reply;
    reply.revision = revision_;
    for (auto key = keys.lower_bound(request.begin); key != keys.end(); ++key) {
      if (!request.end.empty() && key->first >= request.end) break;
      reply.more = request.limit != 0 && reply.items.size() == request.limit;
      if (reply.more) break;
      reply.items.push_back(KeyValue{key->first, SharedBytes::copy_of(key->second), 1, 1, 1});
    }
    return ClientReply{0, Status::ok(), std::move(reply)};
  }
  FakeMonitor::Answer answer(const OpenSessionRequest&) const { return FakeMonitor::Hangup{}; }  // not asked
  FakeMonitor::Answer answer(const TransferRequest& request) const {
    if (request.name != "b") return ClientReply{0, Status(Code::invalid_argument, "no member has that name"), {}};
    return ClientReply{0, Status::ok(), TransferReply{request.name}};
  }
  FakeMonitor::Answer answer(const ScrubRequest&) {
    if (scrubs.empty()) return ClientReply{0, Status(Code::unavailable, "no leader"), {}};
    const ScrubReply reply = scrubs.front();
    if (scrubs.size() > 1) scrubs.erase(scrubs.begin());
    return ClientReply{0, Status::ok(), reply};
  }
  FakeMonitor::Answer answer(const StatusRequest&) const {
    StatusReply reply;
    reply.answered_by = "a";
    reply.leader = quorum == 0 ? "" : "a";
    reply.quorum.assign(quorum, "a");
    reply.members.resize(3);
    return ClientReply{0, Status::ok(), std::move(reply)};
  }

  uint64_t revision_ = 0;
};

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

class CommandsTest : public testing::Test {
 protected:
  Outcome run(std::vector<std::string> words) {
    if (std::find(words.begin(), words.end(), "--timeout") == words.end()) {
      words.insert(words.begin(), {"--timeout", "300"});
    }
    return run_at(monitor_.address(), words);
  }
  static Outcome run_at(const std::string& monitors, const std::vector<std::string>& words) {
    const Result<Options> options = parse_options(words, monitors);
    EXPECT_TRUE(options.has_value()) << options.error().message();
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Outcome outcome;
    if (options) outcome.code = run_command(*options);
    std::fflush(stdout);
    outcome.out = testing::internal::GetCapturedStdout();
    outcome.err = testing::internal::GetCapturedStderr();
    return outcome;
  }

  FakeStore store_;
  ThreadedMonitor monitor_{[this](const ClientRequest& request) { return store_(request); }};
};

TEST_F(CommandsTest, put_and_get) {
  EXPECT_EQ(run({"put", "k", "hello\tworld"}).out, "revision 1\n");
  const Outcome got = run({"get", "k"});
  EXPECT_EQ(got.code, 0);
  EXPECT_EQ(got.out, "hello\tworld\n") << "the value and a newline, nothing else";
  EXPECT_EQ(got.err, "");
}

TEST_F(CommandsTest, leader_transfer_tells_who_leads) {
  EXPECT_EQ(run({"leader", "transfer", "b"}).out, "leader b\n");
  EXPECT_EQ(run({"leader", "transfer", "b", "--format", "json"}).out, "{\"leader\":\"b\"}\n");
  const Outcome refused = run({"leader", "transfer", "x"});
  EXPECT_EQ(refused.code, 5);
  EXPECT_EQ(refused.out, "");
  EXPECT_NE(refused.err.find("no member"), std::string::npos);
}

TEST_F(CommandsTest, scrub_waits_for_its_end_and_says_by_its_exit_code_what_came_of_it) {
  ScrubReply over{ScrubReply::Phase::over, Version(9), true, {}};
  over.members = {{"a", {MemberId(1), ScrubState::done, 1, 2, {}, {}}, false, {}, {}}};
  ScrubReply walking = over;
  walking.phase = ScrubReply::Phase::walking;
  store_.scrubs = {ScrubReply(), walking, over};
  const Outcome same = run({"scrub"});
  EXPECT_EQ(same.code, 0) << same.err;
  EXPECT_TRUE(same.out.ends_with("scrub at version 9: all members have the same\n")) << same.out;
  EXPECT_EQ(same.err, "") << "progress is for terminals";
  over.members[0].differs = true;
  over.members[0].differing = {{"kv/k/x"}, 1, true};
  store_.scrubs = {over};
  const Outcome different = run({"scrub"});
  EXPECT_EQ(different.code, 1);
  EXPECT_NE(different.out.find("differs a kv/k/x\n"), std::string::npos) << different.out;
  EXPECT_EQ(run({"scrub", "--format", "json"}).out.find("{\"version\":9,\"outcome\":\"different\""), 0U);
}

TEST_F(CommandsTest, a_scrub_that_does_not_end_in_time_goes_on_and_one_that_never_begins_does_not) {
  ScrubReply walking{ScrubReply::Phase::walking, Version(9), true, {}};
  store_.scrubs = {walking};
  const Outcome late = run({"scrub", "--timeout", "0.3"});
  EXPECT_EQ(late.code, 4);
  EXPECT_EQ(late.out, "");
  EXPECT_NE(late.err.find("the scrub goes on"), std::string::npos) << late.err;
  store_.scrubs.clear();
  const Outcome never = run({"scrub", "--timeout", "0.3"});
  EXPECT_EQ(never.code, 3);
  EXPECT_NE(never.err.find("no leader"), std::string::npos) << never.err;
}

TEST_F(CommandsTest, get_of_what_is_not_there) {
  const Outcome got = run({"get", "k\n"});
  EXPECT_EQ(got.code, 1);
  EXPECT_EQ(got.out, "");
  EXPECT_EQ(got.err, "synod: no such key: k\\n\n");
}

TEST_F(CommandsTest, get_does_not_take_a_longer_key_for_its_own) {
  store_.keys = {{"kk", "v"}};
  EXPECT_EQ(run({"get", "k"}).code, 1);
}

TEST_F(CommandsTest, del_tells_whether_the_key_was_there) {
  store_.keys = {{"k", "v"}};
  EXPECT_EQ(run({"del", "k"}).code, 0);
  EXPECT_TRUE(store_.keys.empty());
  const Outcome again = run({"del", "k"});
  EXPECT_EQ(again.code, 1);
  EXPECT_EQ(again.out, "");
  EXPECT_EQ(run({"del", "k", "--format", "json"}).out, "{\"revision\":3,\"deleted\":0}\n");
}

TEST_F(CommandsTest, range_by_prefix_interval_and_limit) {
  store_.keys = {{"a", "1"}, {"b1", "2"}, {"b2", "3"}, {"c", "4"}};
  EXPECT_EQ(run({"range", "--prefix", "b"}).out, "b1\t2\nb2\t3\n");
  EXPECT_EQ(run({"range", "b1", "c"}).out, "b1\t2\nb2\t3\n");
  EXPECT_EQ(run({"range", "b2"}).out, "b2\t3\nc\t4\n");
  EXPECT_EQ(run({"range", "", "--limit", "2"}).out, "a\t1\nb1\t2\n");
  EXPECT_EQ(run({"range", "x"}).out, "");
  EXPECT_EQ(run({"range", "x"}).code, 0);
}

TEST_F(CommandsTest, range_in_json_is_one_line) {
  store_.keys = {{"a", "1"}, {"b", "\xff"}};
  EXPECT_EQ(run({"range", "", "--format", "json", "--limit", "1"}).out,
            "{\"items\":[{\"key\":\"a\",\"value\":\"1\",\"create_revision\":1,\"mod_revision\":1,\"version\":1}],"
            "\"more\":true,\"revision\":0}\n");
  EXPECT_EQ(run({"range", "x", "--format", "json"}).out, "{\"items\":[],\"more\":false,\"revision\":0}\n");
}

TEST_F(CommandsTest, what_export_prints_import_reads_back) {
  for (int byte = 0; byte < 256; ++byte) {
    store_.keys[Bytes("k") + static_cast<char>(byte)] = Bytes(3, static_cast<char>(byte)) + "\t\n\r\\";
  }
  for (int i = 0; i < 2000; ++i) store_.keys["more/" + std::to_string(i)] = "value " + std::to_string(i);
  const auto before = store_.keys;
  const Outcome exported = run({"export"});
  ASSERT_EQ(exported.code, 0);
  const TempFile file(exported.out);
  store_.keys.clear();
  const Outcome imported = run({"import", file.path()});
  EXPECT_EQ(imported.code, 0) << imported.err;
  EXPECT_EQ(store_.keys, before);
  EXPECT_EQ(imported.out.find("keys=2256 bytes="), 0U) << imported.out;
}

TEST_F(CommandsTest, import_in_json_tells_how_much) {
  const TempFile file("a\t1\nb\t22\n");
  EXPECT_EQ(run({"import", file.path(), "--format", "json"}).out, "{\"keys\":2,\"bytes\":5,\"revision\":1}\n");
}

TEST_F(CommandsTest, import_of_a_malformed_file_stores_nothing) {
  const TempFile file("a\t1\nbad\n");
  const Outcome imported = run({"import", file.path()});
  EXPECT_EQ(imported.code, 2);
  EXPECT_EQ(imported.out, "");
  EXPECT_NE(imported.err.find(file.path() + ":2: no tab"), std::string::npos) << imported.err;
  EXPECT_TRUE(store_.keys.empty());
}

TEST_F(CommandsTest, import_of_a_file_that_is_not_there) {
  const Outcome imported = run({"import", "/nonexistent"});
  EXPECT_EQ(imported.code, 2);
  EXPECT_NE(imported.err.find("/nonexistent"), std::string::npos);
}

TEST_F(CommandsTest, what_the_cluster_refuses_is_exit_5) {
  store_.write_failure = Status(Code::invalid_argument, "the value has 9 bytes, at most 8 are allowed");
  const Outcome put = run({"put", "k", "v"});
  EXPECT_EQ(put.code, 5);
  EXPECT_EQ(put.err, "synod: the value has 9 bytes, at most 8 are allowed\n");
  const TempFile file("a\t1\n");
  const Outcome imported = run({"import", file.path()});
  EXPECT_EQ(imported.code, 5);
  EXPECT_NE(imported.err.find("committed of " + file.path() + ": 0 keys"), std::string::npos) << imported.err;
}

TEST_F(CommandsTest, an_unknown_outcome_is_exit_4) {
  store_.write_failure = Status(Code::unknown_outcome, "the leader changed");
  const Outcome put = run({"put", "k", "v", "--timeout", "4"});
  EXPECT_EQ(put.code, 4);
  EXPECT_EQ(put.err, "synod: outcome unknown: " + monitor_.address() + ": the leader changed\n");
}

TEST_F(CommandsTest, no_quorum_is_exit_3) {
  store_.write_failure = Status(Code::unavailable, "no quorum");
  EXPECT_EQ(run({"put", "k", "v", "--timeout", "2"}).code, 3);
}

TEST_F(CommandsTest, no_monitor_is_exit_3_and_names_it) {
  const std::string address = test::free_address();
  const Outcome got = run_at(address, {"get", "k", "--timeout", "2"});
  EXPECT_EQ(got.code, 3);
  EXPECT_NE(got.err.find(address), std::string::npos) << got.err;
  EXPECT_EQ(std::count(got.err.begin(), got.err.end(), '\n'), 1);
}

TEST_F(CommandsTest, status_without_a_quorum_is_printed_all_the_same) {
  EXPECT_EQ(run({"status"}).code, 0);
  store_.quorum = 1;
  const Outcome status = run({"status"});
  EXPECT_EQ(status.code, 3);
  EXPECT_NE(status.out.find("(1 of 3)"), std::string::npos);
  EXPECT_NE(status.err.find("1 of 3 members are in quorum"), std::string::npos);
}

TEST_F(CommandsTest, status_waits_for_a_quorum_of_that_many) {
  store_.quorum = 2;
  const Outcome waited = run({"status", "--wait-quorum", "3", "--timeout", "4"});
  EXPECT_EQ(waited.code, 3);
  EXPECT_NE(waited.out.find("(2 of 3)"), std::string::npos);
  EXPECT_EQ(run({"status", "--wait-quorum", "2"}).code, 0);
}

}  // namespace
}  // namespace synod
