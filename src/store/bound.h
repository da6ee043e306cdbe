// How far a store is durable, and known to be: the bound, which is kept beside the identity (bound_file.h) and never
// runs ahead of the store. A store that ends below it has lost what others may depend on.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "store/monitor_store.h"

namespace synod {

struct Bound {
  uint64_t sequence = 0;  // of the latest batch
  Position last;          // the last accepted entry, or what is applied if nothing is accepted above that
  ProposalNumber pn;      // under which the entry was accepted; zero if it is applied

  friend bool operator==(const Bound&, const Bound&) = default;
};

// What the log of a store ends with, kept up to date from the writes, without a look at the store.
class LogEnd {
 public:
  explicit LogEnd(const LogState& log);
  void add(const StoreWrite& write);
  Bound bound(uint64_t sequence) const;

 private:
  struct Accepted {
    ChainHash hash;
    ProposalNumber pn;
  };
  Position applied_;
  std::map<Version, Accepted> accepted_;  // above applied_
};

// The bound that covers all that the store holds.
Result<Bound> read_bound(DbIterator& iterator);

// The sentence for a store that ends below its bound. `where` tells what was seen, and may be empty.
Status rolled_back(const std::string& store, uint64_t found, uint64_t bound, const std::string& where);

// The last words of each sentence about a store that must not be used.
inline constexpr char store_advice[] =
    "this member must not vote from it: move the directory away and start again, to return as a new member id";

// That a store which holds `found` has lost nothing that `bound` covers; otherwise `corruption`, with a sentence that
// names the store.
Status verify_reaches(const Bound& found, const Bound& bound, const std::string& store);

}  // namespace synod
