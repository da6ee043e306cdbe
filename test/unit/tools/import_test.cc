#include "tools/import.h"

#include <gtest/gtest.h>

#include <map>

#include "test/unit/tools/temp_file.h"

namespace synod {
namespace {

std::string complaint(ByteView line) {
  const Result<WriteOp> op = parse_import_line(line);
  EXPECT_FALSE(op.has_value()) << line;
  return op ? std::string() : op.error().message();
}

TEST(ImportLineTest, is_a_key_and_a_value) {
  const Result<WriteOp> op = parse_import_line("key\tvalue");
  ASSERT_TRUE(op.has_value());
  EXPECT_EQ(op->type, WriteOp::Type::put);
  EXPECT_EQ(op->key, "key");
  EXPECT_EQ(op->value.view(), "value");
}

TEST(ImportLineTest, both_are_unescaped) {
  const Result<WriteOp> op = parse_import_line("a\\tb\\\\\t\\n\\r\\x00\\xff");
  ASSERT_TRUE(op.has_value());
  EXPECT_EQ(op->key, "a\tb\\");
  EXPECT_EQ(op->value.view(), ByteView("\n\r\0\xff", 4));
}

TEST(ImportLineTest, a_value_may_be_empty_and_a_key_may_not) {
  EXPECT_TRUE(parse_import_line("key\t").has_value());
  EXPECT_EQ(complaint("\tvalue"), "the key is empty");
}

TEST(ImportLineTest, malformed_lines_are_explained) {
  EXPECT_NE(complaint("").find("no tab"), std::string::npos);
  EXPECT_NE(complaint("key value").find("no tab"), std::string::npos);
  EXPECT_NE(complaint("k\tv\tw").find("second tab"), std::string::npos);
  EXPECT_NE(complaint("k\tv\r").find("carriage return"), std::string::npos);
  EXPECT_NE(complaint("k\\q\tv").find("'\\q'"), std::string::npos);
  EXPECT_NE(complaint("k\tv\\x1").find("'\\x1'"), std::string::npos);
}

class ImporterTest : public testing::Test {
 protected:
  ImportResult import(std::string_view text, Importer::Settings settings = {}) {
    const TempFile file(text);
    Result<LineReader> input = LineReader::open(file.path());
    EXPECT_TRUE(input.has_value());
    if (!settings.is_interrupted) settings.is_interrupted = [] { return false; };
    Importer importer([this](WriteRequest request) { return write(std::move(request)); }, std::move(settings));
    return importer.run(*input, "FILE");
  }

  Result<WriteReply> write(WriteRequest request) {
    ++writes_;
    if (!failures_.empty()) {
      const Status failure = failures_.front();
      failures_.erase(failures_.begin());
      if (!failure.is_ok()) return failure;
    }
    batches_.push_back(request.ops.size());
    for (const WriteOp& op : request.ops) stored_[op.key] = Bytes(op.value.view());
    return WriteReply{batches_.size(), {}};
  }

  std::map<Bytes, Bytes> stored_;
  std::vector<size_t> batches_;
  std::vector<Status> failures_;  // of the next writes; ok: it succeeds
  int writes_ = 0;
};

std::string numbered_lines(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "key" + std::to_string(i) + "\tvalue\n";
  return text;
}

TEST_F(ImporterTest, stores_every_line) {
  const ImportResult result = import("a\t1\nb\t2\nc\t\n");
  EXPECT_TRUE(result.status.is_ok()) << result.status.message();
  EXPECT_EQ(stored_, (std::map<Bytes, Bytes>{{"a", "1"}, {"b", "2"}, {"c", ""}}));
  EXPECT_EQ(result.summary.keys, 3U);
  EXPECT_EQ(result.summary.bytes, 5U);
  EXPECT_EQ(result.summary.lines, 3U);
  EXPECT_EQ(result.summary.revision, 1U);
}

TEST_F(ImporterTest, an_empty_file_writes_nothing) {
  EXPECT_TRUE(import("").status.is_ok());
  EXPECT_EQ(writes_, 0);
}

TEST_F(ImporterTest, batches_have_at_most_so_many_keys) {
  EXPECT_TRUE(import(numbered_lines(10), {.batch_keys = 4, .is_interrupted = {}, .on_progress = {}}).status.is_ok());
  EXPECT_EQ(batches_, (std::vector<size_t>{4, 4, 2}));
}

TEST_F(ImporterTest, batches_have_at_most_so_many_bytes_but_one_key_at_least) {
  const std::string large(100, 'x');
  const std::string text = "a\t" + large + "\nb\tsmall\nc\tsmall\nd\t" + large + "\n";
  EXPECT_TRUE(import(text, {.batch_bytes = 50, .is_interrupted = {}, .on_progress = {}}).status.is_ok());
  EXPECT_EQ(batches_, (std::vector<size_t>{1, 2, 1}));
}

TEST_F(ImporterTest, a_key_that_comes_again_gets_a_batch_of_its_own_and_its_last_value) {
  EXPECT_TRUE(import("a\t1\nb\t1\na\t2\na\t3\n").status.is_ok());
  EXPECT_EQ(batches_, (std::vector<size_t>{2, 1, 1}));
  EXPECT_EQ(stored_["a"], "3");
}

TEST_F(ImporterTest, a_malformed_file_changes_nothing) {
  const ImportResult result = import(numbered_lines(1000) + "malformed\n");
  EXPECT_EQ(result.status.code(), Code::invalid_argument);
  EXPECT_TRUE(result.is_input_error);
  EXPECT_NE(result.status.message().find("FILE:1001: no tab"), std::string::npos) << result.status.message();
  EXPECT_EQ(writes_, 0);
}

TEST_F(ImporterTest, several_malformed_lines_are_named_at_once_but_not_all_of_many) {
  const std::string two = import("a\t1\nbad\nb\t2\nk\tv\\q\n").status.message();
  EXPECT_NE(two.find("FILE:2:"), std::string::npos);
  EXPECT_NE(two.find("FILE:4:"), std::string::npos);
  std::string text;
  for (int i = 0; i < 100; ++i) text += "bad\n";
  const std::string many = import(text).status.message();
  EXPECT_NE(many.find("FILE:10:"), std::string::npos);
  EXPECT_EQ(many.find("FILE:11:"), std::string::npos);
  EXPECT_NE(many.find("90 more"), std::string::npos);
}

TEST_F(ImporterTest, an_unknown_outcome_ends_it_and_it_tells_what_is_committed_and_what_is_unknown) {
  failures_ = {Status::ok(), Status(Code::unknown_outcome, "lost")};
  const ImportResult result = import(numbered_lines(10), {.batch_keys = 3, .is_interrupted = {}, .on_progress = {}});
  EXPECT_EQ(result.status.code(), Code::unknown_outcome);
  EXPECT_FALSE(result.is_input_error);
  EXPECT_EQ(result.summary.keys, 3U);
  EXPECT_EQ(result.summary.lines, 3U);
  EXPECT_EQ(result.unknown_to_line, 6U);
  EXPECT_EQ(writes_, 2) << "trying again is the client library's work";
}

TEST_F(ImporterTest, what_is_certainly_not_done_ends_it_and_nothing_is_unknown) {
  for (const Code code : {Code::unavailable, Code::invalid_argument}) {
    failures_ = {Status::ok(), Status(code, "the value of k is too large")};
    writes_ = 0;
    const ImportResult result = import(numbered_lines(4), {.batch_keys = 2, .is_interrupted = {}, .on_progress = {}});
    EXPECT_EQ(result.status, Status(code, "the value of k is too large"));
    EXPECT_FALSE(result.is_input_error);
    EXPECT_EQ(result.summary.keys, 2U);
    EXPECT_EQ(result.unknown_to_line, 0U);
    EXPECT_EQ(writes_, 2);
  }
}

TEST_F(ImporterTest, an_interrupt_ends_it_between_two_batches) {
  const ImportResult result = import(
      numbered_lines(100), {.batch_keys = 10, .is_interrupted = [&] { return writes_ == 3; }, .on_progress = {}});
  EXPECT_EQ(result.status.code(), Code::unavailable);
  EXPECT_EQ(result.summary.keys, 30U);
  EXPECT_EQ(result.summary.lines, 30U);
  EXPECT_EQ(stored_.size(), 30U);
}

TEST_F(ImporterTest, progress_goes_up_to_the_size_of_the_file) {
  const std::string text = numbered_lines(20);
  std::vector<uint64_t> progress;
  const auto note = [&](const ImportSummary&, uint64_t bytes) { progress.push_back(bytes); };
  EXPECT_TRUE(import(text, {.batch_keys = 5, .is_interrupted = {}, .on_progress = note}).status.is_ok());
  ASSERT_EQ(progress.size(), 4U);
  EXPECT_TRUE(std::is_sorted(progress.begin(), progress.end()));
  EXPECT_EQ(progress.back(), text.size());
}

}  // namespace
}  // namespace synod
