// What requests mean: etcd's revisions, versions and ranges.
#include "mon/service/kv_service.h"

#include <gtest/gtest.h>

#include "base/codec.h"
#include "test/unit/mon/service_driver.h"

namespace synod {
namespace {

WriteOp put(const std::string& key, const std::string& text) { return test::put_op(key, text); }
WriteOp erase(const std::string& key) { return test::erase_op(key); }

struct Service : test::ServiceDriver {
  struct Done {
    SharedBytes value;
    std::vector<WriteReply> replies;
  };
  Done evaluate(const std::vector<WriteRequest>& requests, uint64_t term = 1) {
    const Evaluated evaluated = evaluate_all({requests.begin(), requests.end()}, term);
    Done done{evaluated.value, {}};
    for (const ClientReply& reply : evaluated.replies) {
      EXPECT_TRUE(reply.status.is_ok()) << reply.status.to_string();
      done.replies.push_back(std::get<WriteReply>(reply.body));
    }
    return done;
  }
  WriteReply write(std::vector<WriteOp> ops) {
    Done done = evaluate({{std::move(ops)}});
    apply_all();
    return done.replies.at(0);
  }
  RangeReply range(const Bytes& begin, const Bytes& end, uint64_t limit = 0, size_t max_bytes = 1 << 20) {
    Result<RangeReply> reply = read_range(*store.new_reader(), {begin, end, limit, {}}, max_bytes);
    EXPECT_TRUE(reply.has_value()) << reply.error().to_string();
    return *std::move(reply);
  }
  std::optional<KeyValue> get(const Bytes& key) {
    RangeReply reply = range(key, key + Bytes(1, '\0'));
    if (reply.items.empty()) return std::nullopt;
    return reply.items.front();
  }
};

std::vector<std::string> keys(const RangeReply& reply) {
  std::vector<std::string> found;
  for (const KeyValue& item : reply.items) found.push_back(item.key);
  return found;
}
using Keys = std::vector<std::string>;

// ---------------------------------------------------------------------------------------------- revisions

TEST(KvServiceTest, the_first_revision_is_1_and_each_changing_request_adds_one) {
  Service service;
  EXPECT_EQ(service.range("", "").revision, 1U);
  EXPECT_EQ(service.write({put("k", "1")}).revision, 2U);
  EXPECT_EQ(service.write({put("k", "2")}).revision, 3U);
  EXPECT_EQ(service.write({erase("k")}).revision, 4U);
  EXPECT_EQ(service.range("", "").revision, 4U);
}

TEST(KvServiceTest, the_operations_of_one_request_share_a_revision) {
  Service service;
  const WriteReply reply = service.write({put("a", "1"), put("b", "2"), erase("c"), put("c", "3")});
  EXPECT_EQ(reply.revision, 2U);
  for (const char* key : {"a", "b", "c"}) {
    EXPECT_EQ(service.get(key)->mod_revision, 2U);
    EXPECT_EQ(service.get(key)->create_revision, 2U);
  }
}

TEST(KvServiceTest, requests_that_share_a_value_have_revisions_of_their_own) {
  Service service;
  const Service::Done done =
      service.evaluate({{{put("a", "1")}}, {{put("b", "2")}}, {{erase("none")}}, {{erase("a")}}});
  service.apply_all();
  std::vector<uint64_t> revisions;
  for (const WriteReply& reply : done.replies) revisions.push_back(reply.revision);
  EXPECT_EQ(revisions, (std::vector<uint64_t>{2, 3, 3, 4}));
  EXPECT_FALSE(service.get("a").has_value());
}

TEST(KvServiceTest, a_put_keeps_the_create_revision_moves_the_mod_revision_and_counts_the_version) {
  Service service;
  service.write({put("k", "one")});
  service.write({put("other", "x")});
  service.write({put("k", "two")});
  const KeyValue item = *service.get("k");
  EXPECT_EQ(item.value.view(), "two");
  EXPECT_EQ(item.create_revision, 2U);
  EXPECT_EQ(item.mod_revision, 4U);
  EXPECT_EQ(item.version, 2U);
}

TEST(KvServiceTest, an_erase_resets_what_a_later_put_begins_anew) {
  Service service;
  service.write({put("k", "1")});
  service.write({put("k", "2")});
  EXPECT_EQ(service.write({erase("k")}).erased, std::vector<uint64_t>{1});
  service.write({put("k", "3")});
  const KeyValue item = *service.get("k");
  EXPECT_EQ(item.create_revision, 5U);
  EXPECT_EQ(item.mod_revision, 5U);
  EXPECT_EQ(item.version, 1U);
}

TEST(KvServiceTest, an_erase_that_finds_nothing_changes_nothing) {
  Service service;
  service.write({put("k", "1")});
  const Service::Done done = service.evaluate({{{erase("none"), erase("nothing")}}});
  EXPECT_EQ(done.replies[0].revision, 2U);
  EXPECT_EQ(done.replies[0].erased, (std::vector<uint64_t>{0, 0}));
  EXPECT_TRUE(Transaction::decode(done.value)->is_empty());
}

TEST(KvServiceTest, a_request_sees_what_its_earlier_operations_did) {
  Service service;
  const WriteReply reply = service.write({put("k", "1"), put("k", "2"), erase("k"), erase("k"), put("k", "3")});
  EXPECT_EQ(reply.erased, (std::vector<uint64_t>{0, 0, 1, 0, 0}));
  EXPECT_EQ(service.get("k")->version, 1U);
  EXPECT_EQ(service.get("k")->value.view(), "3");
}

TEST(KvServiceTest, a_trim_rides_with_a_value_and_changes_no_revision) {
  Service service;
  service.trim_to = Version(17);
  service.evaluate({});
  service.apply_all();
  const auto floor = service.store.new_reader()->get(trim_floor_key);
  EXPECT_EQ(Decoder(**floor).fixed64(), 17U);
  EXPECT_EQ(service.range("", "").revision, 1U);
}

// ---------------------------------------------------------------------------------------------- in flight

TEST(KvServiceTest, a_later_value_is_computed_on_those_in_flight) {
  Service service;
  service.evaluate({{{put("k", "1")}}});
  service.evaluate({{{put("k", "2")}}});
  const Service::Done third = service.evaluate({{{erase("k")}}});
  EXPECT_EQ(third.replies[0].revision, 4U);
  EXPECT_EQ(third.replies[0].erased, std::vector<uint64_t>{1});
  const Service::Done fourth = service.evaluate({{{erase("k")}}});
  EXPECT_EQ(fourth.replies[0].erased, std::vector<uint64_t>{0}) << "an erase in flight is seen too";
  service.apply_all();
  EXPECT_EQ(service.range("", "").revision, 4U);
}

TEST(KvServiceTest, a_new_term_forgets_what_was_in_flight) {
  Service service;
  service.write({put("k", "1")});
  service.evaluate({{{put("k", "lost"), put("new", "lost")}}});
  service.drop_in_flight();
  const Service::Done done = service.evaluate({{{erase("new")}}, {{put("k", "2")}}}, 2);
  EXPECT_EQ(done.replies[0].erased, std::vector<uint64_t>{0});
  EXPECT_EQ(done.replies[1].revision, 3U);
  service.apply_all();
  EXPECT_EQ(service.get("k")->version, 2U);
}

TEST(KvServiceTest, values_in_flight_that_were_applied_meanwhile_give_the_same_result) {
  Service service;
  for (int round = 0; round < 10; ++round) {
    service.evaluate({{{put("k", std::to_string(round))}}});
    if (round % 3 == 2) service.apply_all();
  }
  service.apply_all();
  EXPECT_EQ(service.get("k")->version, 10U);
  EXPECT_EQ(service.get("k")->mod_revision, 11U);
}

// ---------------------------------------------------------------------------------------------- ranges

TEST(KvServiceTest, a_range_has_its_begin_and_not_its_end_in_the_order_of_bytes) {
  Service service;
  service.write({put("a", ""), put("b", ""), put(Bytes("b\0", 2), ""), put("b\xff", ""), put("c", "")});
  EXPECT_EQ(keys(service.range("b", "c")), (Keys{"b", Bytes("b\0", 2), "b\xff"}));
  EXPECT_EQ(keys(service.range("b", prefix_end("b"))), (Keys{"b", Bytes("b\0", 2), "b\xff"}));
  EXPECT_EQ(keys(service.range("b", Bytes("b\0", 2))), Keys{"b"}) << "a single key";
  EXPECT_TRUE(service.range("c", "b").items.empty());
}

TEST(KvServiceTest, an_empty_end_means_to_the_last_key_and_nothing_else_of_the_store_is_shown) {
  Service service;
  service.write({put("a", ""), put("\xff\xff", "")});
  EXPECT_EQ(keys(service.range("", "")), (Keys{"a", "\xff\xff"}));
  EXPECT_EQ(keys(service.range("b", "")), Keys{"\xff\xff"});
}

TEST(KvServiceTest, a_limit_cuts_the_answer_and_says_whether_there_is_more) {
  Service service;
  service.write({put("a", ""), put("b", ""), put("c", "")});
  EXPECT_EQ(keys(service.range("", "", 2)), (Keys{"a", "b"}));
  EXPECT_TRUE(service.range("", "", 2).more);
  EXPECT_FALSE(service.range("", "", 3).more);
  EXPECT_FALSE(service.range("", "", 0).more);
  EXPECT_FALSE(service.range("a", "c", 2).more) << "c is not in the range";
}

TEST(KvServiceTest, an_answer_is_bounded_in_bytes_but_holds_one_key_however_large) {
  Service service;
  service.write({put("a", std::string(1000, 'x')), put("b", std::string(1000, 'x')), put("c", "")});
  EXPECT_EQ(keys(service.range("", "", 0, 10)), Keys{"a"});
  EXPECT_TRUE(service.range("", "", 0, 10).more);
  EXPECT_EQ(keys(service.range("", "", 0, 1500)), Keys{"a"});
  EXPECT_EQ(keys(service.range("b", "", 0, 1500)), (Keys{"b", "c"}));
  EXPECT_FALSE(service.range("b", "", 0, 1500).more);
}

TEST(KvServiceTest, a_value_may_be_empty_or_hold_any_byte) {
  Service service;
  Bytes all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  service.write({put(all, all), put("empty", "")});
  EXPECT_EQ(service.get(all)->value.view(), all);
  EXPECT_EQ(service.get("empty")->value.view(), "");
}

// ---------------------------------------------------------------------------------------------- damage

void put_raw(MonitorStore& store, const Bytes& key, const Bytes& raw) {
  ReplicatedTransaction transaction;
  transaction.put(key, SharedBytes(raw));
  ASSERT_TRUE(store.commit_chunk(transaction, Durability::durable).is_ok());
}

TEST(KvServiceTest, a_record_that_is_too_short_is_corruption_for_readers_and_writers) {
  Service service;
  put_raw(service.store, Bytes(kv_key_prefix) + "k", Bytes(23, 'x'));
  const auto read = read_range(*service.store.new_reader(), {"", "", 0, {}}, 1000);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code(), Code::corruption);
  const auto written = service.evaluator.evaluate(*service.store.new_reader(),
                                                  {1, Version(1), Version(0), {WriteRequest{{put("k", "v")}}}, {}});
  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(written.error().code(), Code::corruption);
}

TEST(KvServiceTest, a_revision_that_does_not_decode_is_corruption) {
  for (const size_t size : {size_t{0}, size_t{7}, size_t{9}}) {
    Service service;
    put_raw(service.store, Bytes(kv_revision_key), Bytes(size, 'x'));
    EXPECT_FALSE(read_range(*service.store.new_reader(), {"", "", 0, {}}, 1000).has_value()) << size;
  }
}

TEST(KvServiceTest, a_record_is_decoded_as_it_was_encoded) {
  const KvRecord record{3, 9, 2, "value"};
  const Bytes encoded = record.encode();
  const Result<KvRecord> decoded = KvRecord::decode(encoded);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->create_revision, 3U);
  EXPECT_EQ(decoded->mod_revision, 9U);
  EXPECT_EQ(decoded->version, 2U);
  EXPECT_EQ(decoded->value, "value");
  for (size_t length = 0; length < 24; ++length) EXPECT_FALSE(KvRecord::decode(ByteView(encoded).substr(0, length)));
}

}  // namespace
}  // namespace synod
