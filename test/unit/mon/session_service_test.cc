// A request of a session is done at most once (I-12), and gets its first answer as often as it is asked for.
#include "mon/service/session_service.h"

#include "base/codec.h"
#include "mon/service/kv_service.h"
#include "test/unit/mon/service_driver.h"

namespace synod {
namespace {

using test::erase_op;
using test::put_op;
using test::ServiceDriver;

struct Sessions : ServiceDriver {
  using ServiceDriver::ServiceDriver;

  SessionId open(uint64_t client) {
    const Evaluated done = evaluate_all({OpenSessionRequest{client}});
    apply_all();
    EXPECT_TRUE(done.replies.at(0).status.is_ok());
    return std::get<OpenSessionReply>(done.replies[0].body).session;
  }
  ClientReply write(WriteRequest request) {
    Evaluated done = evaluate_all({std::move(request)});
    apply_all();
    return done.replies.at(0);
  }
  // How often the key was put; zero if it is not there.
  uint64_t puts(const Bytes& key) {
    const Result<RangeReply> reply = read_range(*store.new_reader(), {key, key + '\0', 1, {}}, 1 << 20);
    EXPECT_TRUE(reply.has_value());
    return reply->items.empty() ? 0 : reply->items[0].version;
  }
  size_t keys(ByteView prefix) {
    size_t count = 0;
    EXPECT_TRUE(
        store.new_reader()->scan(prefix, prefix_end(prefix), [&](ByteView, ByteView) { return ++count > 0; }).is_ok());
    return count;
  }
  bool exists(const SessionId& id) {
    return write({{put_op("probe", "")}, RequestTag{id, 1'000'000, 1'000'000}}).status.is_ok();
  }
};

WriteRequest put_of(const SessionId& session, uint64_t sequence, uint64_t lowest, const std::string& key = "k") {
  return {{put_op(key, "v")}, RequestTag{session, sequence, lowest}};
}
uint64_t revision(const ClientReply& reply) {
  EXPECT_TRUE(reply.status.is_ok()) << reply.status.to_string();
  return reply.status.is_ok() ? std::get<WriteReply>(reply.body).revision : 0;
}
Code code(const ClientReply& reply) { return reply.status.code(); }

// ---------------------------------------------------------------------------------------------- opening

TEST(SessionTest, opening_again_finds_the_session_that_is_there) {
  Sessions service;
  const SessionId session = service.open(7);
  EXPECT_EQ(session.client, 7U);
  EXPECT_EQ(service.open(7), session);
  const Evaluated twice = service.evaluate_all({OpenSessionRequest{8}, OpenSessionRequest{8}});
  EXPECT_EQ(std::get<OpenSessionReply>(twice.replies[0].body).session,
            std::get<OpenSessionReply>(twice.replies[1].body).session)
      << "also in one value";
  service.apply_all();
  EXPECT_EQ(service.keys(session_key_prefix), 2U);
  EXPECT_EQ(service.keys(session_order_prefix), 2U);
}

TEST(SessionTest, opening_changes_no_revision) {
  Sessions service;
  const SessionId session = service.open(7);
  EXPECT_EQ(revision(service.write(put_of(session, 1, 1))), 2U);
}

// ---------------------------------------------------------------------------------------------- retries

TEST(SessionTest, a_retry_gets_the_first_answer_and_is_not_done_again) {
  Sessions service;
  const SessionId session = service.open(7);
  EXPECT_EQ(revision(service.write(put_of(session, 1, 1))), 2U);
  EXPECT_EQ(revision(service.write({{put_op("k", "other's")}})), 3U);
  for (int retry = 0; retry < 3; ++retry) EXPECT_EQ(revision(service.write(put_of(session, 1, 1))), 2U);
  EXPECT_EQ(service.puts("k"), 2U);
  EXPECT_EQ(revision(service.write(put_of(session, 2, 2))), 4U);
}

TEST(SessionTest, the_first_answer_is_given_again_whole) {
  Sessions service;
  service.write({{put_op("a", ""), put_op("b", "")}});
  const WriteRequest request{{erase_op("a"), erase_op("none"), put_op("c", ""), erase_op("b"), erase_op("c"),
                              erase_op("c"), put_op("d", ""), erase_op("d"), erase_op("d"), put_op("a", "")},
                             RequestTag{service.open(7), 1, 1}};
  const ClientReply first = service.write(request);
  const ClientReply again = service.write(request);
  EXPECT_EQ(std::get<WriteReply>(first.body).erased, (std::vector<uint64_t>{1, 0, 0, 1, 1, 0, 0, 1, 0, 0}));
  EXPECT_EQ(std::get<WriteReply>(again.body).erased, std::get<WriteReply>(first.body).erased);
  EXPECT_EQ(revision(again), revision(first));
  EXPECT_EQ(service.puts("a"), 1U);
}

TEST(SessionTest, a_retry_of_a_request_in_flight_gets_its_answer_in_the_same_value_and_in_later_ones) {
  Sessions service;
  const SessionId session = service.open(7);
  const Evaluated first = service.evaluate_all({put_of(session, 1, 1), put_of(session, 1, 1)});
  const Evaluated second = service.evaluate_all({put_of(session, 1, 1)});
  for (const ClientReply& reply : {first.replies[0], first.replies[1], second.replies[0]}) {
    EXPECT_EQ(revision(reply), 2U);
  }
  service.apply_all();
  EXPECT_EQ(service.puts("k"), 1U);
}

TEST(SessionTest, a_retry_of_what_was_in_flight_and_not_chosen_is_done) {
  Sessions service;
  const SessionId session = service.open(7);
  service.evaluate_all({put_of(session, 1, 1)});
  service.drop_in_flight();
  const Evaluated again = service.evaluate_all({put_of(session, 1, 1)}, 2);
  EXPECT_EQ(revision(again.replies[0]), 2U);
  service.apply_all();
  EXPECT_EQ(service.puts("k"), 1U);
}

TEST(SessionTest, requests_may_come_in_any_order_and_each_is_done_once) {
  Sessions service;
  const SessionId session = service.open(7);
  for (const uint64_t sequence : {3U, 1U, 2U, 3U, 2U, 1U}) service.write(put_of(session, sequence, 1));
  EXPECT_EQ(service.puts("k"), 3U);
}

TEST(SessionTest, sessions_do_not_share_their_sequences) {
  Sessions service;
  const SessionId one = service.open(7);
  const SessionId two = service.open(8);
  service.write(put_of(one, 1, 1));
  service.write(put_of(two, 1, 1));
  EXPECT_EQ(service.puts("k"), 2U);
}

// ---------------------------------------------------------------------------------------------- what is refused

TEST(SessionTest, what_lies_below_the_lowest_unanswered_is_refused_and_stays_so) {
  Sessions service;
  const SessionId session = service.open(7);
  service.write(put_of(session, 1, 1));
  service.write(put_of(session, 5, 4));
  for (const uint64_t sequence : {1U, 2U, 3U}) {
    EXPECT_EQ(code(service.write(put_of(session, sequence, sequence))), Code::refused) << sequence;
  }
  EXPECT_EQ(revision(service.write(put_of(session, 4, 2))), 4U) << "an older floor does not lower it";
  EXPECT_EQ(code(service.write(put_of(session, 3, 3))), Code::refused);
  EXPECT_EQ(service.puts("k"), 3U);
}

TEST(SessionTest, an_unknown_session_is_refused_and_nothing_is_done) {
  Sessions service;
  const SessionId session = service.open(7);
  for (const SessionId unknown : {SessionId{8, session.number}, SessionId{7, session.number + 1}, SessionId{7, 0},
                                  SessionId{0, 0}, SessionId{~uint64_t{0}, ~uint64_t{0}}}) {
    EXPECT_EQ(code(service.write(put_of(unknown, 1, 1))), Code::unknown_session);
  }
  EXPECT_EQ(service.puts("k"), 0U);
  EXPECT_EQ(service.keys(session_key_prefix), 1U);
}

TEST(SessionTest, numbers_of_any_size_are_borne) {
  constexpr uint64_t top = ~uint64_t{0};
  Sessions service;
  const SessionId session = service.open(top);
  EXPECT_EQ(revision(service.write(put_of(session, top, 1))), 2U);
  EXPECT_EQ(revision(service.write(put_of(session, top - 1, 1))), 3U);
  EXPECT_EQ(revision(service.write(put_of(session, top, top))), 2U);
  EXPECT_EQ(code(service.write(put_of(session, top - 1, 1))), Code::refused);
}

TEST(SessionTest, too_many_answers_that_were_not_fetched_are_refused_until_the_client_moves_on) {
  Sessions service({.answers = 3});
  const SessionId session = service.open(7);
  for (uint64_t sequence = 1; sequence <= 3; ++sequence) service.write(put_of(session, sequence, 1));
  EXPECT_EQ(code(service.write(put_of(session, 4, 1))), Code::exhausted);
  EXPECT_EQ(revision(service.write(put_of(session, 2, 1))), 3U) << "a retry needs no room";
  EXPECT_EQ(service.puts("k"), 3U);
  EXPECT_EQ(revision(service.write(put_of(session, 4, 2))), 5U) << "the refusal was not its answer";
}

TEST(SessionTest, answers_are_bounded_in_bytes_too) {
  Sessions service({.answer_bytes = 100});
  const SessionId session = service.open(7);
  service.write({{put_op("found", "")}});
  WriteRequest large{{erase_op("found")}, RequestTag{session, 1, 1}};
  for (int i = 0; i < 1000; ++i) large.ops.push_back(erase_op("none"));
  EXPECT_TRUE(service.write(large).status.is_ok());
  EXPECT_EQ(code(service.write(put_of(session, 2, 1))), Code::exhausted);
  EXPECT_TRUE(service.write(put_of(session, 2, 2)).status.is_ok());
}

// ---------------------------------------------------------------------------------------------- bounds

TEST(SessionTest, what_the_client_has_received_is_not_kept) {
  Sessions service;
  const SessionId session = service.open(7);
  size_t largest = 0;
  for (uint64_t sequence = 1; sequence <= 100; ++sequence) {
    const Evaluated done = service.evaluate_all({put_of(session, sequence, sequence)});
    service.apply_all();
    largest = std::max(largest, done.value.size());
  }
  EXPECT_LT(largest, 300U);
  EXPECT_EQ(service.keys("client/"), 3U) << "the session, its place in the order, the table";
}

TEST(SessionTest, a_session_too_many_evicts_the_one_that_was_least_recently_used) {
  Sessions service({.sessions = 3});
  const SessionId one = service.open(1);
  const SessionId two = service.open(2);
  const SessionId three = service.open(3);
  service.write(put_of(one, 1, 1));
  const SessionId four = service.open(4);
  EXPECT_FALSE(service.exists(two));
  EXPECT_TRUE(service.exists(three));
  EXPECT_TRUE(service.exists(one));
  EXPECT_TRUE(service.exists(four));
  const SessionId five = service.open(5);
  EXPECT_FALSE(service.exists(three));
  EXPECT_TRUE(service.exists(five));
  EXPECT_EQ(service.keys(session_key_prefix), 3U);
  EXPECT_EQ(service.keys(session_order_prefix), 3U);
}

TEST(SessionTest, eviction_sees_what_is_in_flight) {
  Sessions service({.sessions = 3});
  const SessionId one = service.open(1);
  service.evaluate_all({OpenSessionRequest{2}, OpenSessionRequest{3}});
  service.evaluate_all({put_of(one, 1, 1)});  // now 2 and 3 are the oldest, and 1 is not where the store has it
  service.evaluate_all({OpenSessionRequest{4}, OpenSessionRequest{5}, OpenSessionRequest{6}});
  service.apply_all();
  EXPECT_EQ(service.keys(session_key_prefix), 3U);
  EXPECT_EQ(service.keys(session_order_prefix), 3U);
  EXPECT_FALSE(service.exists(one));
}

TEST(SessionTest, a_session_that_was_evicted_and_opened_anew_is_another_one) {
  Sessions service({.sessions = 2});
  const SessionId before = service.open(1);
  service.write(put_of(before, 1, 1));
  service.open(2);
  service.open(3);
  // Old frames come again: the opening, and then the request that was done.
  const SessionId after = service.open(1);
  EXPECT_NE(after, before);
  EXPECT_EQ(code(service.write(put_of(before, 1, 1))), Code::unknown_session);
  EXPECT_EQ(service.puts("k"), 1U);
}

TEST(SessionTest, more_sessions_than_there_is_room_for_may_be_opened_by_one_value) {
  Sessions service({.sessions = 2});
  std::vector<LoggedRequest> requests;
  for (uint64_t client = 1; client <= 10; ++client) requests.emplace_back(OpenSessionRequest{1 + client % 5});
  const Evaluated done = service.evaluate_all(requests);
  service.apply_all();
  EXPECT_EQ(service.keys(session_key_prefix), 2U);
  EXPECT_EQ(service.keys(session_order_prefix), 2U);
  std::map<uint64_t, uint64_t> clients;  // by number
  for (const ClientReply& reply : done.replies) {
    const SessionId id = std::get<OpenSessionReply>(reply.body).session;
    EXPECT_EQ(clients.try_emplace(id.number, id.client).first->second, id.client) << "no number is given twice";
  }
  EXPECT_GT(clients.size(), 5U) << "some were evicted and opened anew";
}

// ---------------------------------------------------------------------------------------------- damage

TEST(SessionTest, records_that_do_not_decode_are_corruption) {
  const auto damage = [](const Bytes& key, const Bytes& raw, const LoggedRequest& request) {
    Sessions service;
    service.open(7);
    ReplicatedTransaction transaction;
    transaction.put(key, SharedBytes(raw));
    EXPECT_TRUE(service.store.commit_chunk(transaction, Durability::durable).is_ok());
    const auto done =
        service.evaluator.evaluate(*service.store.new_reader(), {9, Version(9), Version(8), {request}, {}});
    return done.has_value() ? Code::ok : done.error().code();
  };
  Bytes key(session_key_prefix);
  put_fixed64(key, 7);
  for (const size_t size : {size_t{0}, size_t{23}, size_t{25}, size_t{34}}) {
    EXPECT_EQ(damage(key, Bytes(size, '\0'), put_of({7, 1}, 1, 1)), Code::corruption) << size;
    EXPECT_EQ(damage(key, Bytes(size, '\0'), OpenSessionRequest{7}), Code::corruption) << size;
  }
  EXPECT_EQ(damage(Bytes(session_table_key), "short", OpenSessionRequest{8}), Code::corruption);
}

TEST(SessionTest, an_answer_is_decoded_as_it_was_encoded) {
  for (const size_t count : std::vector<size_t>{0, 1, 7, 8, 9, 10'000}) {
    WriteReply reply{~uint64_t{0}, std::vector<uint64_t>(count, 0)};
    for (const bool has_one : {false, true}) {
      if (has_one && count > 0) reply.erased.back() = 1;
      const Bytes encoded = encode_answer(reply);
      const Result<WriteReply> decoded = decode_answer(encoded);
      ASSERT_TRUE(decoded.has_value());
      EXPECT_EQ(decoded->revision, reply.revision);
      EXPECT_EQ(decoded->erased, reply.erased);
      EXPECT_FALSE(decode_answer(encoded + Bytes(2000, 'x')).has_value());
      EXPECT_FALSE(decode_answer(ByteView(encoded).substr(0, 11)).has_value());
    }
  }
  Bytes many;
  put_fixed64(many, 1);
  put_fixed32(many, ~uint32_t{0});
  EXPECT_FALSE(decode_answer(many).has_value());
}

}  // namespace
}  // namespace synod
