// A unified diff of two texts.
#pragma once

#include <string>

namespace synod::script {

// Empty if they are equal. The cost is the product of their lengths in lines.
std::string unified_diff(const std::string& name, const std::string& expected, const std::string& actual);

}  // namespace synod::script
