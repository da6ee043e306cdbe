// The short run of a fuzz target, with any compiler: its seeds, the inputs that once broke it, and a fixed number of
// mutations of all of them. The same arguments give the same inputs.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/checksum.h"
#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/memory_watch.h"
#include "test/fuzz/mutate.h"

namespace {

using synod::Bytes;
using synod::ByteView;

constexpr const char* usage =
    "usage: {} [--runs N] [--seed N] [--write-seeds DIR] [FILE|DIR...]\n"
    "Runs the target on its seeds, on the files (a DIR that does not exist has none), and on N mutations of them.\n"
    "The input that it dies of is left in ./crash-NAME; with that file as argument it dies again.\n";

// Memory follows what is in an input, never what a length in it claims.
constexpr size_t memory_base_bytes = 2 << 20;
constexpr size_t memory_per_input_byte = 512;

struct Arguments {
  uint64_t runs = 0;
  uint64_t seed = 1;
  std::string write_seeds;
  std::vector<std::string> paths;
};

// For the signal handler, which may call little: the input that runs, and where it is to be left.
const Bytes* current_input = nullptr;
std::string crash_file;

void leave_input(int signal) {
  const int fd = open(crash_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const bool is_left =
      fd >= 0 && current_input != nullptr &&
      write(fd, current_input->data(), current_input->size()) == static_cast<ssize_t>(current_input->size());
  const ByteView text = is_left ? "the input is left in " : "the input could not be left in ";
  for (const ByteView part : {text, ByteView(crash_file), ByteView("\n")}) {
    if (write(STDERR_FILENO, part.data(), part.size()) < 0) break;
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

// A sanitizer reports the other signals itself, and aborts after any finding (see the end of this file).
void catch_crashes() {
#if SYNOD_SANITIZED
  std::signal(SIGABRT, leave_input);
#else
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, leave_input);
#endif
}

void run_one(const Bytes& input) {
  current_input = &input;
  synod::fuzz::start_memory_watch();
  synod::fuzz::run(input);
  const size_t most = memory_base_bytes + memory_per_input_byte * input.size();
  if (synod::fuzz::peak_bytes() > most) {
    fmt::print(stderr, "an input of {} bytes made it hold {} bytes, at most {} are allowed\n", input.size(),
               synod::fuzz::peak_bytes(), most);
    std::abort();
  }
}

bool parse(int argc, char** argv, Arguments& arguments) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (!word.starts_with("--")) {
      arguments.paths.push_back(word);
      continue;
    }
    if (++i == argc) return false;
    if (word == "--runs") {
      arguments.runs = std::strtoull(argv[i], nullptr, 10);
    } else if (word == "--seed") {
      arguments.seed = std::strtoull(argv[i], nullptr, 10);
    } else if (word == "--write-seeds") {
      arguments.write_seeds = argv[i];
    } else {
      return false;
    }
  }
  return true;
}

Bytes read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    fmt::print(stderr, "cannot read {}\n", path.string());
    std::exit(2);
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<Bytes> read_inputs(const std::string& path) {
  if (path.ends_with('/') && !std::filesystem::exists(path)) return {};
  if (!std::filesystem::is_directory(path)) return {read_file(path)};
  std::vector<std::filesystem::path> files;
  for (const auto& file : std::filesystem::directory_iterator(path)) files.push_back(file.path());
  std::sort(files.begin(), files.end());  // directory order differs between machines
  std::vector<Bytes> inputs;
  for (const auto& file : files) inputs.push_back(read_file(file));
  return inputs;
}

int write_seeds(const std::string& directory) {
  std::filesystem::create_directories(directory);
  for (const Bytes& seed : synod::fuzz::seeds()) {
    const std::string path = fmt::format("{}/seed-{:016x}", directory, synod::checksum64(seed));
    std::ofstream file(path, std::ios::binary);
    if (!(file << seed).flush()) {
      fmt::print(stderr, "cannot write {}\n", path);
      return 1;
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string name = std::filesystem::path(argv[0]).filename().string();
  Arguments arguments;
  if (!parse(argc, argv, arguments)) {
    fmt::print(stderr, fmt::runtime(usage), name);
    return 2;
  }
  if (!arguments.write_seeds.empty()) return write_seeds(arguments.write_seeds);
  crash_file = "crash-" + name;
  catch_crashes();

  std::vector<Bytes> corpus = synod::fuzz::seeds();
  for (const std::string& path : arguments.paths) {
    for (Bytes& input : read_inputs(path)) corpus.push_back(std::move(input));
  }
  if (corpus.empty()) {
    fmt::print(stderr, "{} has no seeds\n", name);
    return 1;
  }
  run_one({});
  for (const Bytes& input : corpus) run_one(input);
  synod::fuzz::Mutator mutator(arguments.seed);
  for (uint64_t i = 0; i < arguments.runs; ++i) run_one(mutator.next(corpus));
  fmt::print("{}: {} inputs and {} mutations\n", name, corpus.size() + 1, arguments.runs);
  return 0;
}

#if SYNOD_SANITIZED
// What a sanitizer asks for its defaults: to end with a signal that leaves the input, and to refuse large allocations.
extern "C" const char* __asan_default_options() { return "abort_on_error=1:max_allocation_size_mb=256"; }
extern "C" const char* __ubsan_default_options() { return "abort_on_error=1:print_stacktrace=1"; }
#endif
