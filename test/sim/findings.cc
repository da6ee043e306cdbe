#include "test/sim/findings.h"

#include <fmt/format.h>

namespace synod::sim {

std::string short_text(const ChainHash& hash) { return to_string(hash).substr(0, 8); }
std::string short_text(const Position& position) {
  return fmt::format("{}:{}", position.version.value(), short_text(position.hash));
}

}  // namespace synod::sim
