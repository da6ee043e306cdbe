#include "store/transaction.h"

#include <gtest/gtest.h>

#include <random>

#include "store_helpers.h"

namespace synod {
namespace {

using test::shared;

Transaction sample() {
  Transaction transaction;
  transaction.put("alpha", shared("one"));
  transaction.put("", shared(""));
  transaction.erase("beta");
  transaction.erase_range("c", "d");
  transaction.erase_range("x", "");
  transaction.put(std::string("\0\xff", 2), shared(std::string(300, 'v')));
  return transaction;
}

TEST(Transaction, decodes_to_what_was_encoded) {
  const Transaction transaction = sample();
  const Bytes encoded = transaction.encode();
  EXPECT_EQ(encoded.size(), transaction.encoded_size());
  const Result<Transaction> decoded = Transaction::decode(SharedBytes(encoded));
  ASSERT_TRUE(decoded) << decoded.error().to_string();
  EXPECT_EQ(*decoded, transaction);
  EXPECT_EQ(decoded->encode(), encoded);
}

TEST(Transaction, an_empty_transaction_is_one_byte) {
  EXPECT_EQ(Transaction().encode(), Bytes(1, '\x01'));
  const Result<Transaction> decoded = Transaction::decode(SharedBytes(Transaction().encode()));
  ASSERT_TRUE(decoded);
  EXPECT_TRUE(decoded->is_empty());
}

TEST(Transaction, the_encoded_form_is_the_one_that_the_documentation_states) {
  Transaction transaction;
  transaction.put("k", shared("vw"));
  transaction.erase("e");
  transaction.erase_range("a", "b");
  const char expected[] =
      "\x01"
      "\x01\0\0\0\x01k\0\0\0\x02vw"
      "\x02\0\0\0\x01"
      "e"
      "\x03\0\0\0\x01"
      "a\0\0\0\x01"
      "b";
  EXPECT_EQ(transaction.encode(), Bytes(expected, sizeof expected - 1));
}

TEST(Transaction, decoded_values_are_slices_of_the_encoded_bytes) {
  const SharedBytes encoded(sample().encode());
  const Result<Transaction> decoded = Transaction::decode(encoded);
  ASSERT_TRUE(decoded);
  for (const Op& op : decoded->ops()) {
    if (op.type != OpType::put || op.value.empty()) continue;
    EXPECT_GE(op.value.view().data(), encoded.view().data());
    EXPECT_LE(op.value.view().data() + op.value.size(), encoded.view().data() + encoded.size());
  }
}

TEST(Transaction, decoded_values_outlive_the_encoded_handle) {
  Result<Transaction> decoded = Transaction::decode(SharedBytes(sample().encode()));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->ops().back().value.view(), std::string(300, 'v'));
}

TEST(Transaction, every_prefix_decodes_cleanly_or_is_refused) {
  const Bytes encoded = sample().encode();
  for (size_t length = 0; length < encoded.size(); ++length) {
    const Result<Transaction> decoded = Transaction::decode(SharedBytes(encoded.substr(0, length)));
    // A cut between two operations leaves a shorter transaction; whoever carries it has a checksum.
    if (decoded) {
      EXPECT_EQ(decoded->encode(), encoded.substr(0, length));
    } else {
      EXPECT_EQ(decoded.error().code(), Code::corruption);
    }
  }
}

TEST(Transaction, every_flipped_byte_decodes_cleanly_or_is_refused) {
  const Bytes encoded = sample().encode();
  for (size_t at = 0; at < encoded.size(); ++at) {
    for (int flip = 1; flip < 256; ++flip) {
      Bytes damaged = encoded;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      const Result<Transaction> decoded = Transaction::decode(SharedBytes(damaged));
      if (decoded) {
        EXPECT_EQ(decoded->encode(), damaged);
      }
    }
  }
}

TEST(Transaction, random_bytes_never_crash_the_decoder) {
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    Bytes bytes(random() % 40, '\0');
    for (char& c : bytes) c = static_cast<char>(random() % 6);
    if (!bytes.empty()) bytes[0] = 1;
    const Result<Transaction> decoded = Transaction::decode(SharedBytes(bytes));
    if (decoded) {
      EXPECT_EQ(decoded->encode(), bytes);
    }
  }
}

TEST(Transaction, an_unknown_format_version_is_named) {
  const Result<Transaction> decoded = Transaction::decode(SharedBytes(Bytes("\x02")));
  ASSERT_FALSE(decoded);
  EXPECT_NE(decoded.error().message().find("unknown format version 2"), std::string::npos);
}

TEST(Transaction, a_malformed_operation_is_named_by_its_place) {
  Bytes encoded = test::put("k", "v").encode();
  encoded += "\x09";
  const Result<Transaction> decoded = Transaction::decode(SharedBytes(encoded));
  ASSERT_FALSE(decoded);
  EXPECT_NE(decoded.error().message().find("at byte 12"), std::string::npos) << decoded.error().message();
}

TEST(Transaction, an_empty_range_is_refused_from_outside_and_dropped_inside) {
  const char bytes[] = "\x01\x03\0\0\0\x01z\0\0\0\x01y";
  const Result<Transaction> decoded = Transaction::decode(SharedBytes(Bytes(bytes, sizeof bytes - 1)));
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code(), Code::corruption);
  Transaction transaction;
  transaction.erase_range("z", "y");
  transaction.erase_range("z", "z");
  EXPECT_TRUE(transaction.is_empty());
}

TEST(Transaction, append_keeps_order_and_size) {
  Transaction all = sample();
  all.append(sample());
  EXPECT_EQ(all.ops().size(), 2 * sample().ops().size());
  EXPECT_EQ(all.encode().size(), all.encoded_size());
  Transaction onto_empty;
  onto_empty.append(sample());
  EXPECT_EQ(onto_empty, sample());
}

}  // namespace
}  // namespace synod
