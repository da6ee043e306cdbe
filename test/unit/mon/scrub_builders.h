// What the tests of a scrub's parts share.
#pragma once

#include <utility>
#include <vector>

#include "mon/core/scrub/scrub_walk.h"
#include "test/unit/mon/builders.h"

namespace synod::test {

inline Position at(uint64_t version) { return history(version, pn(1, c)).back().position(); }
inline Digest digest_of(uint8_t first) { return Digest{{first}}; }

// What a step sends, and to whom.
template <class T>
std::vector<std::pair<MemberId, T>> sent(const Output& out) {
  std::vector<std::pair<MemberId, T>> found;
  for (const Envelope& envelope : out.messages) {
    if (const auto* message = std::get_if<T>(&envelope.message)) found.emplace_back(envelope.to, *message);
  }
  return found;
}

// Collects what is to be done.
struct Tasks {
  std::vector<Task> all;
  ScrubWalk::RunTask run() {
    return [this](Task task) {
      all.push_back(std::move(task));
      return all.size();
    };
  }
  template <class T>
  size_t count() const {
    size_t found = 0;
    for (const Task& task : all) found += std::holds_alternative<T>(task);
    return found;
  }
};

}  // namespace synod::test
