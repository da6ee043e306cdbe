// A member's directory whose disk lost or changed some of it: the check of the logs, the cut of a torn tail, the bound.
// It opens with all that its bound covers, in a state that the store once had, or it is refused.
//
// The script damages files that the real store wrote, rather than to bring bytes of its own: LevelDB reads tables and
// MANIFESTs without a check once their checksums fit.
#include <map>

#include "base/assert.h"
#include "base/codec.h"
#include "store/bound_file.h"
#include "store/data_dir.h"
#include "store/files.h"
#include "store/log_reader.h"
#include "store/monitor_store.h"
#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/scratch_dir.h"
#include "test/fuzz/script.h"

namespace synod::fuzz {
namespace {

constexpr uint64_t batches_in_table = 5;
constexpr uint64_t batches = 12;
constexpr uint64_t batches_covered = 9;  // by the bound; the others were not synced

using Files = std::map<std::string, Bytes>;  // by their paths in the directory

struct Original {
  Files files;
  std::map<uint64_t, Digest> states;  // what the store held after each batch
};

Files read_files(const std::string& dir) {
  Files files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir)) {
    if (entry.is_regular_file()) {
      files[std::filesystem::relative(entry.path(), dir)] = *read_file(entry.path());
    }
  }
  files.erase("lock");
  files.erase("store.1/LOCK");
  return files;
}

// Writes until the store holds so many batches, and notes its state after each.
class Writer {
 public:
  explicit Writer(std::map<uint64_t, Digest>& states) : states_(states) {}
  Position begin() const { return at_; }
  void write_until(MonitorStore& store, uint64_t sequence) {
    while (*store.last_sequence() < sequence) {
      ReplicatedTransaction value;
      const uint64_t version = at_.version.value() + 1;
      value.put("key/" + std::to_string(version % 7), SharedBytes(Bytes(60, static_cast<char>('a' + version))));
      const LogEntry entry = make_log_entry(at_, {1, MemberId(1)}, SharedBytes(value.encode()));
      at_ = entry.position();
      const StoreWrites writes{PutEntry{entry}, ApplyEntry{at_, entry.value}};
      SYNOD_ASSERT(store.commit({&writes}, Durability::durable).is_ok(), "the original is made");
      states_[*store.last_sequence()] = *store.digest();
    }
  }

 private:
  std::map<uint64_t, Digest>& states_;
  Position at_{Version(), genesis_hash(Fsid{})};
};

Original make_original() {
  const ScratchDir scratch;
  const std::string path = scratch / "member";
  Original original;
  Writer writer(original.states);
  const std::unique_ptr<DataDir> dir = *DataDir::open(path);
  SYNOD_ASSERT(dir->write_identity("identity").is_ok(), "the original is made");
  DataDir::NewStore made = *dir->create_store({});
  Bound bound;
  {
    MonitorStore store(std::move(made.db));
    SYNOD_ASSERT(store.initialize(writer.begin(), {}).is_ok(), "the original is made");
    writer.write_until(store, batches_in_table);
    bound = *read_bound(*store.db().new_iterator());
  }
  SYNOD_ASSERT(dir->switch_to(made.name, bound).is_ok(), "the original is made");
  // Opened again, LevelDB moves what the log held to a table.
  MonitorStore store(*dir->open_current({}));
  writer.write_until(store, batches_covered);
  SYNOD_ASSERT(dir->write_bound(*read_bound(*store.db().new_iterator())).is_ok(), "the original is made");
  writer.write_until(store, batches);
  original.files = read_files(path);
  return original;
}

const Original& original() {
  static const Original made = make_original();
  return made;
}

// A step names a file by its number, and what happens to it by its kind: at a place, for a length.
void damage(Files& files, const Step& step) {
  const auto file = std::next(files.begin(), step.number % static_cast<ptrdiff_t>(files.size()));
  Bytes& bytes = file->second;
  Decoder decoder(step.bytes);
  const size_t at = bytes.empty() ? 0 : decoder.fixed32() % bytes.size();
  const size_t length = 1 + decoder.fixed32() % 64;
  const ByteView rest = step.bytes.substr(step.bytes.size() - decoder.remaining());
  switch (step.kind % 5) {
    case 0: bytes.resize(at); break;
    case 1:
      if (!bytes.empty()) bytes[at] = static_cast<char>(~bytes[at]);
      break;
    case 2: bytes.replace(at, std::min(length, bytes.size() - at), std::min(length, bytes.size() - at), '\0'); break;
    case 3:
      if (file->first.ends_with(".log")) bytes.replace(at, bytes.npos, rest);
      break;
    default: files.erase(file); break;
  }
}

void lay_out(const std::string& path, const Files& files) {
  std::filesystem::remove_all(path);
  for (const auto& [name, bytes] : files) {
    std::filesystem::create_directories(std::filesystem::path(path + "/" + name).parent_path());
    std::ofstream out(path + "/" + name, std::ios::binary);
    SYNOD_ASSERT(static_cast<bool>((out << bytes).flush()), "a file of the target is written");
  }
}

// Of the store that opened.
void check_state(const KeyValueDB& db, uint64_t covered) {
  const Result<uint64_t> reached = read_sequence(*db.new_iterator());
  SYNOD_ASSERT(reached && *reached >= covered && *reached <= batches, "all that the bound covers is there");
}

}  // namespace

void run(ByteView input) {
  static const ScratchDir scratch;
  constexpr int steps_max = 6;
  Files files = original().files;
  for (int i = 0; i < steps_max && !files.empty(); ++i) {
    const std::optional<Step> step = next_step(input);
    if (!step) break;
    damage(files, *step);
  }
  const std::string path = scratch / "member";
  lay_out(path, files);
  // One of the two files may be bad: then the other one says what is covered.
  const Result<Bound> bound = BoundFile(posix_files(), path).read(1);
  const Result<std::unique_ptr<DataDir>> dir = DataDir::open(path);
  SYNOD_ASSERT(dir.has_value(), "nothing in a directory keeps it from being locked");
  Result<std::unique_ptr<KeyValueDB>> db = (*dir)->open_current({});
  if (!db) return;
  SYNOD_ASSERT(bound.has_value(), "a store is opened only if its bound is known");
  check_state(**db, bound->sequence);
  MonitorStore store(*std::move(db));
  const uint64_t reached = *store.last_sequence();
  const Result<Digest> digest = store.digest();  // reads all of the replicated space, also damaged tables
  SYNOD_ASSERT(!digest || *digest == original().states.at(reached), "it is in a state that it had");
}

std::vector<Bytes> seeds() {
  std::vector<Bytes> seeds;
  const Files& files = original().files;
  for (uint8_t file = 0; file < files.size(); ++file) {
    const size_t size = std::next(files.begin(), file)->second.size();
    for (uint8_t kind = 0; kind < 5; ++kind) {
      Bytes place;
      put_fixed32(place, static_cast<uint32_t>(size - size / 8));
      put_fixed32(place, 20);
      Bytes script;
      put_step(script, kind, file, place);
      seeds.push_back(std::move(script));
    }
  }
  return seeds;
}

}  // namespace synod::fuzz
