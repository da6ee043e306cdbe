// What a value costs on its way into and out of a frame.
#include <benchmark/benchmark.h>

#include "msg/codec.h"

namespace synod {
namespace {

Begin begin_with_value(size_t value_size) {
  return {make_log_entry({}, {1, MemberId(1)}, SharedBytes(Bytes(value_size, 'v'))), {}};
}

void encode_begin(benchmark::State& state) {
  const auto value_size = static_cast<size_t>(state.range(0));
  const Source source{{}, MemberId(1), 1};
  const Message message = begin_with_value(value_size);
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(encode_frame(source, message));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(encode_begin)->Arg(1 << 10)->Arg(1 << 20);

// Both the frame's checksum and the entry's chain hash are computed.
void decode_begin(benchmark::State& state) {
  const Frame frame = encode_frame({{}, MemberId(1), 1}, begin_with_value(static_cast<size_t>(state.range(0))));
  Bytes wire = frame.head;
  for (const SharedBytes& part : frame.payload) wire += part.view();
  const Bytes prefix = wire.substr(0, frame_prefix_size);
  const SharedBytes body(wire.substr(frame_prefix_size));
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(decode_frame(prefix, body));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(decode_begin)->Arg(1 << 10)->Arg(1 << 20);

}  // namespace
}  // namespace synod
