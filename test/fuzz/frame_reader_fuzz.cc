// A stream of frames, cut in arbitrary pieces: the pieces must make no difference. The first byte decides the pieces,
// and whether the checksums are made to fit.
#include <algorithm>

#include "base/assert.h"
#include "msg/frame_reader.h"
#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/wire.h"
#include "test/unit/msg/samples.h"

namespace synod::fuzz {
namespace {

constexpr size_t max_frame_bytes = 32 << 20;

// What a reader makes of the stream: its messages as text, and its error if there is one.
std::vector<std::string> read(ByteView stream, size_t piece_bytes) {
  std::vector<std::string> found;
  FrameReader reader(max_frame_bytes);
  while (!stream.empty()) {
    ByteView piece = stream.substr(0, piece_bytes);
    stream.remove_prefix(piece.size());
    while (!piece.empty()) {
      const size_t before = piece.size();
      const Result<std::optional<Received>> received = reader.read(piece);
      if (!received) {
        found.push_back(received.error().to_string());
        return found;
      }
      SYNOD_ASSERT(piece.size() < before, "a reader takes something");
      if (*received) found.push_back(test::describe((**received).message));
    }
  }
  return found;
}

}  // namespace

void run(ByteView input) {
  if (input.empty()) return;
  const unsigned choice = static_cast<unsigned char>(input[0]);
  Bytes stream(input.substr(1));
  if (choice % 2 == 0) stream = with_right_checksums(std::move(stream));
  SYNOD_ASSERT(read(stream, 1 + choice / 2) == read(stream, stream.size()), "the pieces make no difference");
}

std::vector<Bytes> seeds() {
  std::vector<Bytes> streams;
  Bytes pair(1, '\x10');
  for (const Bytes& frame : sample_frames()) {
    streams.push_back('\x06' + frame);
    pair += frame;
    if (pair.size() > 1024) streams.push_back(std::exchange(pair, Bytes(1, '\x20')));
  }
  return streams;
}

}  // namespace synod::fuzz
