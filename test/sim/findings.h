// What the oracles have found out about a run: the first violation, and how often rare situations occurred.
#pragma once

#include <string>

#include "base/log_entry.h"
#include "test/sim/counters.h"

namespace synod::sim {

class Findings {
 public:
  // Anybody may report what breaks a promise; the first one counts.
  void violated(const std::string& what) {
    if (violation_.empty()) violation_ = what;
  }
  // What is wrong, or nothing.
  void check(const std::string& wrong) {
    if (!wrong.empty()) violated(wrong);
  }
  void count(Rare rare) { counters_.count(rare); }

  const std::string& violation() const { return violation_; }
  Counters& counters() { return counters_; }
  const Counters& counters() const { return counters_; }

 private:
  std::string violation_;
  Counters counters_;
};

// As violations say it, "12:0a1b2c3d".
std::string short_text(const ChainHash& hash);
std::string short_text(const Position& position);

}  // namespace synod::sim
