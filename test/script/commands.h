// The commands of a script; README.md describes them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "test/script/world.h"

namespace synod::script {

class Commands {
 public:
  // Carries out one line. An error is one of the script, not of the protocol.
  Status run(const std::string& line);
  Transcript& transcript() { return transcript_; }

 private:
  using Words = std::vector<std::string>;

  Status members(const Words& words);
  Status log(const Words& words);
  Status processes(const Words& words);
  Status tick(const Words& words);
  Status run_for(const Words& words);
  Status elect(const Words& words);
  Status letters(const Words& words);
  Status forge(const Words& words);
  Status settle();
  Status partition(const Words& words);
  Status disks(const Words& words);
  Status put(const Words& words);
  Status get(const Words& words);
  Status status(const Words& words);
  Status transcript_filter(const Words& words);
  Result<LogEntry> parse_entry(const std::string& word, const Position& below) const;
  Result<ProposalNumber> parse_pn(const std::string& word) const;
  // The members named from `first` on, or all; fails on an unknown name.
  Result<Words> names(const Words& words, size_t first, bool all_if_none) const;

  Transcript transcript_;
  Names names_;
  std::unique_ptr<World> world_;
};

}  // namespace synod::script
