#include "tools/line_reader.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>
#include <vector>

#include "test/unit/tools/temp_file.h"

namespace synod {
namespace {

std::vector<std::string> lines_of(LineReader& reader) {
  std::vector<std::string> lines;
  for (;;) {
    const Result<std::optional<ByteView>> line = reader.next();
    EXPECT_TRUE(line.has_value()) << line.error().message();
    if (!line || !*line) return lines;
    lines.emplace_back(**line);
    EXPECT_EQ(reader.line_number(), lines.size());
  }
}

std::vector<std::string> lines_of(std::string_view bytes) {
  const TempFile file(bytes);
  Result<LineReader> reader = LineReader::open(file.path());
  EXPECT_TRUE(reader.has_value());
  EXPECT_EQ(reader->total_bytes(), bytes.size());
  std::vector<std::string> lines = lines_of(*reader);
  EXPECT_EQ(reader->bytes_read(), bytes.size());
  return lines;
}

using Lines = std::vector<std::string>;

TEST(LineReaderTest, parts_a_file_at_its_newlines) {
  EXPECT_EQ(lines_of("a\nb\nc\n"), (Lines{"a", "b", "c"}));
  EXPECT_EQ(lines_of(""), Lines());
  EXPECT_EQ(lines_of("\n"), Lines{""});
  EXPECT_EQ(lines_of("\n\na\n"), (Lines{"", "", "a"}));
}

TEST(LineReaderTest, the_last_line_may_lack_its_newline) {
  EXPECT_EQ(lines_of("a\nb"), (Lines{"a", "b"}));
  EXPECT_EQ(lines_of("a"), Lines{"a"});
}

TEST(LineReaderTest, lines_may_be_longer_than_one_read) {
  const std::string longer(1 << 20, 'x'), other(300'000, 'y');
  EXPECT_EQ(lines_of(longer + "\n" + other + "\nz"), (Lines{longer, other, "z"}));
}

TEST(LineReaderTest, many_lines_survive_the_borders_of_reads) {
  Lines expected;
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) {
    expected.push_back("line " + std::to_string(i));
    bytes += expected.back() + "\n";
  }
  EXPECT_EQ(lines_of(bytes), expected);
}

TEST(LineReaderTest, zero_bytes_are_bytes) {
  EXPECT_EQ(lines_of(std::string_view("a\0b\nc", 5)), (Lines{std::string("a\0b", 3), "c"}));
}

TEST(LineReaderTest, a_regular_file_can_be_read_again) {
  const TempFile file("a\nb\n");
  Result<LineReader> reader = LineReader::open(file.path());
  ASSERT_TRUE(reader.has_value());
  EXPECT_EQ(lines_of(*reader), (Lines{"a", "b"}));
  ASSERT_TRUE(reader->rewind());
  EXPECT_EQ(reader->bytes_read(), 0U);
  EXPECT_EQ(lines_of(*reader), (Lines{"a", "b"}));
}

TEST(LineReaderTest, a_pipe_is_read_in_pieces_and_only_once) {
  const std::string path = testing::TempDir() + "synod_test_fifo_" + std::to_string(getpid());
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  std::thread writer([&] {
    const int fd = open(path.c_str(), O_WRONLY);
    for (const std::string_view piece : {"on", "e\ntw", "o\nthree"}) {
      EXPECT_EQ(write(fd, piece.data(), piece.size()), static_cast<ssize_t>(piece.size()));
    }
    close(fd);
  });
  Result<LineReader> reader = LineReader::open(path);
  ASSERT_TRUE(reader.has_value());
  EXPECT_EQ(reader->total_bytes(), 0U);
  EXPECT_FALSE(reader->rewind());
  EXPECT_EQ(lines_of(*reader), (Lines{"one", "two", "three"}));
  writer.join();
  unlink(path.c_str());
}

TEST(LineReaderTest, a_missing_file_is_named) {
  const Result<LineReader> reader = LineReader::open("/nonexistent/file");
  ASSERT_FALSE(reader.has_value());
  EXPECT_NE(reader.error().message().find("/nonexistent/file"), std::string::npos);
}

TEST(LineReaderTest, a_directory_cannot_be_read) {
  Result<LineReader> reader = LineReader::open("/");
  ASSERT_TRUE(reader.has_value());
  EXPECT_EQ(reader->next().error().code(), Code::io_error);
}

TEST(LineReaderTest, a_line_without_end_is_refused_before_it_fills_the_memory) {
  Result<LineReader> reader = LineReader::open("/dev/zero");
  ASSERT_TRUE(reader.has_value());
  const Result<std::optional<ByteView>> line = reader->next();
  ASSERT_FALSE(line.has_value());
  EXPECT_EQ(line.error().code(), Code::invalid_argument);
  EXPECT_NE(line.error().message().find("/dev/zero:1:"), std::string::npos);
}

}  // namespace
}  // namespace synod
