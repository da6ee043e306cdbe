#include "test/sim/disk/mirror_disk.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "store/bound_file.h"
#include "store/store_names.h"
#include "store/twin_file.h"

namespace synod::sim {
namespace {

// A small record that is durable when its write returns. After writes that failed it may be any of these.
template <class T>
class KeptRecord {
 public:
  void wrote(const T& value, const Status& done) {
    if (done.is_ok()) {
      set(value);
    } else {
      tried_.push_back(value);
    }
  }
  void set(T value) {
    kept_ = std::move(value);
    tried_.clear();
  }
  bool may_be(const T& found) const {
    return found == kept_ || std::find(tried_.begin(), tried_.end(), found) != tried_.end();
  }
  const T& kept() const { return kept_; }

 private:
  T kept_{};
  std::vector<T> tried_;
};

std::string shown(const std::string& store) { return store.empty() ? "none" : store; }

}  // namespace

class MirrorDisk::State {
 public:
  State(LevelDbDisk real_disk, Report report_to) : real(std::move(real_disk)), report(std::move(report_to)) {
    on_call({});
  }

  void on_call(std::function<void(const DiskEvent&)> observer);
  void end_life();
  void lose_volatile();
  void compare_records();
  void started();
  Result<std::unique_ptr<KeyValueDB>> opened(std::unique_ptr<KeyValueDB> db);
  Result<std::unique_ptr<KeyValueDB>> cloned(const std::string& name, std::unique_ptr<KeyValueDB> db);
  Result<std::unique_ptr<KeyValueDB>> created(const std::string& name, std::unique_ptr<KeyValueDB> db);
  Result<std::unique_ptr<KeyValueDB>> opened_unfinished(const std::string& name, std::unique_ptr<KeyValueDB> db);
  void forget_unfinished();
  void switched(const std::string& name, const Bound& written, const Status& done);
  std::shared_ptr<State> durable_copy();

  LevelDbDisk real;
  Report report;
  uint64_t life = 0;
  KeptRecord<std::optional<Bytes>> identity;
  KeptRecord<Bound> bound;  // of the current store
  bool is_opening = false;  // which writes a bound that depends on what it finds

 private:
  struct Switch {
    std::string name;
    Bound bound;
  };
  void become_current(const std::string& name, const Bound& written);
  void keep_store(const std::string& name);
  std::string visible_current();

  std::map<std::string, std::shared_ptr<StoreMirror>> stores_;
  std::string current_;                 // empty: there is none
  std::optional<Switch> tried_switch_;  // failed: done, or not
};

void MirrorDisk::State::on_call(std::function<void(const DiskEvent&)> observer) {
  real.on_call([this, observer = std::move(observer)](const DiskEvent& event) {
    const bool is_failed_sync = event.error != DiskError::none && event.call == DiskCall::sync;
    if (is_failed_sync && event.file == FileClass::wal) {
      for (auto& [name, store] : stores_) {
        if (event.path.find("/" + name + "/") != std::string::npos) store->lose_volatile();
      }
    }
    if (observer) observer(event);
  });
}

void MirrorDisk::State::end_life() {
  ++life;
  for (auto& [name, store] : stores_) store->end_life();
}

void MirrorDisk::State::lose_volatile() {
  for (auto& [name, store] : stores_) store->lose_volatile();
}

// On a copy of the disk as after a power cut, so that this is no call of the member's.
void MirrorDisk::State::compare_records() {
  const std::unique_ptr<SimDisk> copy = real.disk().durable_copy();
  const std::shared_ptr<DiskLife> files = copy->start_life();
  const Result<std::optional<Bytes>> found_identity = TwinFile(*files, LevelDbDisk::path, "identity").read();
  if (!found_identity) {
    report("the identity cannot be read: " + found_identity.error().message());
  } else if (!identity.may_be(*found_identity)) {
    report("the identity is not the one that was written last");
  }
  const Result<std::string> name = read_current_store(*files, LevelDbDisk::path);
  if (!name && name.error().code() != Code::not_found) return report(name.error().message());
  const std::string found = name ? *name : "";
  const bool is_switched = tried_switch_ && found == tried_switch_->name;
  if (found != current_ && !is_switched) {
    return report(fmt::format("the current store is {}, and was {}", shown(found), shown(current_)));
  }
  if (found.empty()) return;
  const Result<Bound> found_bound = BoundFile(*files, LevelDbDisk::path).read(*store_number(found));
  if (!found_bound) return report(found_bound.error().message());
  const Bound& last = is_switched ? tried_switch_->bound : bound.kept();
  const bool is_moved_on = is_opening && found_bound->sequence >= last.sequence;
  if (*found_bound == last || is_moved_on || (!is_switched && bound.may_be(*found_bound))) return;
  report(fmt::format("the bound of {} is at batch {}, and was written at {}", found, found_bound->sequence,
                     last.sequence));
}

std::string MirrorDisk::State::visible_current() {
  const DiskNodePtr pointer = real.disk().find(fmt::format("{}/CURRENT_STORE", LevelDbDisk::path));
  if (pointer == nullptr) return "";
  const ByteView text = pointer->file.bytes();
  return std::string(text.substr(0, text.find('\n')));
}

// Opening the directory has removed what is older than the current store.
void MirrorDisk::State::started() {
  const std::string name = visible_current();
  if (tried_switch_ && name == tried_switch_->name) {
    become_current(name, Bound(tried_switch_->bound));
    keep_store(current_);
  }
  tried_switch_.reset();
}

void MirrorDisk::State::keep_store(const std::string& name) {
  std::erase_if(stores_, [&](const auto& entry) { return entry.first != name; });
}

void MirrorDisk::State::become_current(const std::string& name, const Bound& written) {
  current_ = name;
  bound.set(written);
  is_opening = false;
}

Result<std::unique_ptr<KeyValueDB>> MirrorDisk::State::opened(std::unique_ptr<KeyValueDB> db) {
  const auto mirror = stores_.find(current_);
  if (real.is_frozen()) return db;  // the power is gone: nothing that this life still does will count
  const std::string name = visible_current();
  if (mirror == stores_.end() || name != current_) {
    report(fmt::format("{} was opened, and {} is the current store", shown(name), shown(current_)));
    return db;
  }
  Result<std::unique_ptr<KeyValueDB>> mirrored = mirror->second->open(std::move(db));
  if (!mirrored) return mirrored;
  const Result<Bound> covered = read_bound(*mirror->second->live().new_iterator());
  if (!covered) return covered.error();
  bound.set(*covered);
  is_opening = false;
  return mirrored;
}

Result<std::unique_ptr<KeyValueDB>> MirrorDisk::State::created(const std::string& name,
                                                               std::unique_ptr<KeyValueDB> db) {
  const auto mirror = std::make_shared<StoreMirror>(name, report);
  stores_[name] = mirror;
  return mirror->open(std::move(db));
}

Result<std::unique_ptr<KeyValueDB>> MirrorDisk::State::opened_unfinished(const std::string& name,
                                                                         std::unique_ptr<KeyValueDB> db) {
  if (real.is_frozen()) return db;
  const auto [mirror, is_new] = stores_.try_emplace(name, std::make_shared<StoreMirror>(name, report));
  return is_new ? mirror->second->adopt(std::move(db)) : mirror->second->open(std::move(db));
}

// It holds what the current store held when it was closed.
Result<std::unique_ptr<KeyValueDB>> MirrorDisk::State::cloned(const std::string& name, std::unique_ptr<KeyValueDB> db) {
  if (real.is_frozen()) return db;
  const std::shared_ptr<StoreMirror> mirror = stores_.at(current_)->copy(name);
  stores_[name] = mirror;
  return mirror->open(std::move(db));
}

// A part of it may be left, or come back, if this failed or the power goes while it is at it.
void MirrorDisk::State::forget_unfinished() { keep_store(current_); }

void MirrorDisk::State::switched(const std::string& name, const Bound& written, const Status& done) {
  if (!done.is_ok()) {
    tried_switch_ = Switch{name, written};
    return;
  }
  become_current(name, written);
  keep_store(name);
}

std::shared_ptr<MirrorDisk::State> MirrorDisk::State::durable_copy() {
  auto copy = std::make_shared<State>(LevelDbDisk(real.disk().durable_copy()), report);
  copy->identity = identity;
  copy->bound = bound;
  copy->is_opening = is_opening;
  for (const auto& [name, store] : stores_) copy->stores_[name] = store->durable_copy();
  copy->current_ = current_;
  copy->tried_switch_ = tried_switch_;
  return copy;
}

class MirrorDisk::Home final : public StoreHome {
 public:
  Home(std::shared_ptr<State> state, std::unique_ptr<StoreHome> real)
      : state_(std::move(state)), real_(std::move(real)), life_(state_->life) {}

  bool has_store() const override { return real_->has_store(); }
  Result<std::optional<Bytes>> read_identity() const override {
    Result<std::optional<Bytes>> found = real_->read_identity();
    if (found && is_alive() && !state_->identity.may_be(*found))
      state_->report("another identity is read than written");
    return found;
  }
  Status write_identity(ByteView record) override {
    Status done = real_->write_identity(record);
    if (is_alive()) state_->identity.wrote(Bytes(record), done);
    return done;
  }
  Result<std::unique_ptr<KeyValueDB>> open_current(const DatabaseOptions& options) override {
    if (is_alive()) state_->is_opening = true;
    Result<std::unique_ptr<KeyValueDB>> db = real_->open_current(options);
    if (!db || !is_alive()) return db;
    return state_->opened(*std::move(db));
  }
  Result<NewStore> create_store(const DatabaseOptions& options) override {
    if (is_alive()) state_->forget_unfinished();
    Result<NewStore> made = real_->create_store(options);
    if (!made || !is_alive()) return made;
    Result<std::unique_ptr<KeyValueDB>> db = state_->created(made->name, std::move(made->db));
    if (!db) return db.error();
    made->db = *std::move(db);
    return made;
  }
  Result<NewStore> clone_current(const DatabaseOptions& options) override {
    if (is_alive()) state_->forget_unfinished();
    Result<NewStore> made = real_->clone_current(options);
    if (!made || !is_alive()) return made;
    Result<std::unique_ptr<KeyValueDB>> db = state_->cloned(made->name, std::move(made->db));
    if (!db) return db.error();
    made->db = *std::move(db);
    return made;
  }
  Result<std::optional<NewStore>> open_unfinished(const DatabaseOptions& options) override {
    Result<std::optional<NewStore>> found = real_->open_unfinished(options);
    if (!found || !*found || !is_alive()) return found;
    Result<std::unique_ptr<KeyValueDB>> db = state_->opened_unfinished((*found)->name, std::move((*found)->db));
    if (!db) return db.error();
    (*found)->db = *std::move(db);
    return found;
  }
  Status write_copy_record(ByteView record) override { return real_->write_copy_record(record); }
  Status remove_unfinished() override {
    if (is_alive()) state_->forget_unfinished();
    return real_->remove_unfinished();
  }
  Status keep_evidence() override { return real_->keep_evidence(); }
  Status switch_to(const std::string& name, const Bound& bound) override {
    Status done = real_->switch_to(name, bound);
    if (is_alive()) state_->switched(name, bound, done);
    return done;
  }
  Status write_bound(const Bound& bound) override {
    Status done = real_->write_bound(bound);
    if (is_alive()) state_->bound.wrote(bound, done);
    return done;
  }

 private:
  bool is_alive() const { return state_->life == life_; }

  std::shared_ptr<State> state_;
  std::unique_ptr<StoreHome> real_;
  uint64_t life_;
};

MirrorDisk::MirrorDisk(SimDisk::Options options, Report report)
    : MirrorDisk(std::make_shared<State>(LevelDbDisk(std::move(options)), std::move(report))) {}

MirrorDisk::MirrorDisk(std::shared_ptr<State> state) : state_(std::move(state)) {}

MirrorDisk::~MirrorDisk() { end_life(); }

Result<std::unique_ptr<StoreHome>> MirrorDisk::start_life() {
  end_life();
  if (!is_frozen()) state_->compare_records();
  Result<std::unique_ptr<StoreHome>> home = state_->real.start_life();
  if (!home) return home;
  state_->started();
  return std::unique_ptr<StoreHome>(std::make_unique<Home>(state_, *std::move(home)));
}

void MirrorDisk::end_life() {
  state_->end_life();
  state_->real.end_life();
}

CutReport MirrorDisk::cut_power(PowerCut mode, SeededRandom& random) {
  state_->end_life();
  state_->lose_volatile();
  return state_->real.cut_power(mode, random);
}

void MirrorDisk::freeze_at_call(uint64_t n) { state_->real.freeze_at_call(n); }
bool MirrorDisk::is_frozen() const { return state_->real.is_frozen(); }
uint64_t MirrorDisk::changes() const { return state_->real.changes(); }
void MirrorDisk::fail(const FaultSpec& spec) { state_->real.fail(spec); }
void MirrorDisk::clear_faults() { state_->real.clear_faults(); }
void MirrorDisk::on_call(std::function<void(const DiskEvent&)> observer) { state_->on_call(std::move(observer)); }
LevelDbDisk& MirrorDisk::real() { return state_->real; }

std::unique_ptr<MemberDisk> MirrorDisk::durable_copy() const {
  return std::unique_ptr<MemberDisk>(new MirrorDisk(state_->durable_copy()));
}

}  // namespace synod::sim
