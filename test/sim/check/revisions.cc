#include "test/sim/check/revisions.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace synod::sim {
namespace {

using Operations = std::vector<const Operation*>;

constexpr uint64_t first_revision = 1;

// A write request, with all its operations.
struct Write {
  Operations operations;  // in the order of the request
  uint64_t revision = 0;  // 0: it changed nothing, or nobody told
  const Operation* told_by = nullptr;

  const Operation& any() const { return *operations.front(); }
  bool is_done() const { return any().is_done(); }
  bool did_change() const {
    return is_done() && std::any_of(operations.begin(), operations.end(),
                                    [](const Operation* o) { return o->is_put() || o->found; });
  }
  // Of unknown outcome, and no answer shows it.
  bool is_unresolved() const { return any().outcome == Operation::Outcome::maybe && revision == 0; }
};

// What is known of one key: the last operation of each request on it, by revision; and from when on there were
// unresolved ones.
struct KeyPast {
  std::map<uint64_t, const Operation*> changes;
  uint64_t unresolved_put = Operation::never;
  uint64_t unresolved_erase = Operation::never;
};

std::string explain(const std::string& why, std::initializer_list<const Operation*> operations) {
  std::string text = why;
  for (const Operation* operation : operations) {
    if (operation != nullptr) text += "\n  " + describe(*operation);
  }
  return text;
}

class Checker {
 public:
  explicit Checker(std::span<const Operation> operations) {
    for (const Operation& operation : operations) sort_in(operation);
  }

  std::string run() {
    learn();
    assign();
    if (violation_.empty()) check_order();
    if (violation_.empty()) build_past();
    for (const Operation* read : reads_) {
      if (violation_.empty()) check_seen(*read, read->revision);
    }
    for (const auto& [request, write] : writes_) {
      if (violation_.empty()) check_erases(write);
    }
    return violation_;
  }

 private:
  void sort_in(const Operation& operation) {
    if (operation.outcome == Operation::Outcome::failed) return;
    if (!operation.is_get()) {
      Write& write = writes_[operation.request];
      write.operations.push_back(&operation);
      if (operation.is_put()) puts_[{operation.key, operation.value}] = &write;
    } else if (operation.is_done()) {
      reads_.push_back(&operation);
    }
  }

  void fail(const std::string& why, std::initializer_list<const Operation*> operations) {
    if (violation_.empty()) violation_ = explain(why, operations);
  }

  void tell(Write& write, uint64_t revision, const Operation& by) {
    if (revision == 0) return;
    if (write.revision != 0 && write.revision != revision) {
      fail("a request has two revisions:", {&write.any(), write.told_by, &by});
    }
    write.revision = revision;
    write.told_by = &by;
  }

  // The revisions of writes, by their own answers and by reads.
  void learn() {
    for (auto& [request, write] : writes_) {
      if (write.did_change()) tell(write, write.any().revision, write.any());
    }
    for (const Operation* read : reads_) {
      if (!read->found) continue;
      const auto put = puts_.find({read->key, read->value});
      if (put == puts_.end()) {
        fail("a value was read that nobody wrote, or whose write had failed:", {read});
      } else {
        tell(*put->second, read->mod_revision, *read);
      }
    }
  }

  void assign() {
    std::map<uint64_t, const Write*> owners;
    for (const auto& [request, write] : writes_) {
      if (write.revision == 0) continue;
      const auto [owner, is_new] = owners.emplace(write.revision, &write);
      if (!is_new) fail("two requests have one revision:", {&owner->second->any(), &write.any(), write.told_by});
      if (write.revision <= first_revision) fail("a change at the first revision:", {&write.any(), write.told_by});
    }
    for (const auto& [revision, write] : owners) known_revisions_.push_back(revision);
  }

  struct Event {
    uint64_t at = 0;
    bool is_answer = false;
    const Operation* operation = nullptr;
    const Write* write = nullptr;  // null: a read
  };

  std::vector<Event> events() const {
    std::vector<Event> events;
    auto add = [&](const Operation& operation, const Write* write) {
      events.push_back({operation.invoked, false, &operation, write});
      if (operation.is_done()) events.push_back({operation.responded, true, &operation, write});
    };
    for (const auto& [request, write] : writes_) add(write.any(), &write);
    for (const Operation* read : reads_) add(*read, nullptr);
    // At one moment, invocations first: what is not clearly over before is concurrent.
    std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
      return std::pair(a.at, a.is_answer) < std::pair(b.at, b.is_answer);
    });
    return events;
  }

  void check_order() {
    const Operation* highest = nullptr;  // the answer so far that told the highest revision
    uint64_t changes = 0;                // requests begun that may have changed something
    for (const Event& event : events()) {
      const Write* write = event.write;
      const Operation& operation = *event.operation;
      if (event.is_answer) {
        if (operation.revision > first_revision + changes) {
          fail("a revision higher than all writes begun by then can make:", {&operation});
        }
        if (highest == nullptr || operation.revision > highest->revision) highest = &operation;
        continue;
      }
      if (write != nullptr && (write->did_change() || write->is_unresolved() || write->revision != 0)) ++changes;
      if (highest != nullptr) check_floor(operation, write, *highest);
    }
  }

  void check_floor(const Operation& operation, const Write* write, const Operation& highest) {
    const bool is_stale = write == nullptr && operation.consistency == Consistency::serializable;
    const bool is_change = write != nullptr && write->revision != 0;
    const uint64_t revision = is_change ? write->revision : operation.revision;
    if (is_stale || revision == 0 || revision > highest.revision) return;
    if (is_change) {
      fail("a later request has no higher revision:", {&highest, &operation, write->told_by});
    } else if (revision < highest.revision) {
      fail("a later answer is of an older revision:", {&highest, &operation});
    }
  }

  void build_past() {
    for (const auto& [request, write] : writes_) {
      for (const Operation* operation : write.operations) {
        KeyPast& past = past_[operation->key];
        if (write.revision != 0) {
          past.changes[write.revision] = operation;
        } else if (write.is_unresolved() || write.did_change()) {
          uint64_t& since = operation->is_put() ? past.unresolved_put : past.unresolved_erase;
          since = std::min(since, operation->invoked);
        }
      }
    }
  }

  // Is a revision in (low, high] left for a request whose revision is unknown?
  bool has_free_revision(uint64_t low, uint64_t high) const {
    const auto begin = std::upper_bound(known_revisions_.begin(), known_revisions_.end(), low);
    const auto end = std::upper_bound(begin, known_revisions_.end(), high);
    return static_cast<uint64_t>(end - begin) < high - low;
  }

  // Does what `seen` found agree with what the requests up to `revision` left?
  void check_seen(const Operation& seen, uint64_t revision) {
    if (revision == 0) return;
    if (seen.mod_revision > revision) return fail("a value is newer than its read:", {&seen});
    const auto past = past_.find(seen.key);
    if (past == past_.end()) return;
    const auto after = past->second.changes.upper_bound(revision);
    const Operation* last = after == past->second.changes.begin() ? nullptr : std::prev(after)->second;
    const uint64_t last_revision = last == nullptr ? first_revision : std::prev(after)->first;
    if (seen.is_get() && seen.found && seen.mod_revision != 0) {
      if (last_revision != seen.mod_revision) fail("a value was read that had been overwritten:", {last, &seen});
      if (last != nullptr && last->value != seen.value) fail("not what its request left:", {last, &seen});
      return;
    }
    const bool was_found = last != nullptr && last->is_put();
    if (was_found == seen.found) return;
    const uint64_t since = seen.found ? past->second.unresolved_put : past->second.unresolved_erase;
    if (since < seen.responded && has_free_revision(last_revision, revision)) return;
    fail(seen.found ? "a key was found that was absent at that revision:"
                    : "a key was not found that was there at that revision:",
         {last, &seen});
  }

  // An erase sees the state before its request, and what the request did to its key before.
  void check_erases(const Write& write) {
    if (!write.is_done() || write.any().revision == 0) return;
    std::map<ByteView, bool> own;  // whether a key is there after what came before in the request
    for (const Operation* operation : write.operations) {
      const auto before = own.find(operation->key);
      if (!operation->is_put() && before == own.end()) {
        check_seen(*operation, write.did_change() ? operation->revision - 1 : operation->revision);
      } else if (!operation->is_put() && before->second != operation->found) {
        fail("an erase contradicts its own request:", {operation});
      }
      own[operation->key] = operation->is_put();
    }
  }

  std::map<uint64_t, Write> writes_;  // by request
  std::map<std::pair<ByteView, ByteView>, Write*> puts_;
  Operations reads_;
  std::vector<uint64_t> known_revisions_;  // of changes, in order
  std::unordered_map<ByteView, KeyPast> past_;
  std::string violation_;
};

}  // namespace

Verdict check_revisions(std::span<const Operation> operations) {
  std::string violation = Checker(operations).run();
  return violation.empty() ? Verdict() : Verdict::violation(std::move(violation));
}

}  // namespace synod::sim
