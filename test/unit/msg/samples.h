// One message of each type with all fields set, for the codec's tests.
#pragma once

#include <vector>

#include "msg/messages.h"

namespace synod::test {

Source sample_source();
LogEntry sample_entry(uint64_t version, const Bytes& value);
std::vector<Message> sample_messages();
// The message as text, every field of it, so that two messages are equal if their texts are.
std::string describe(const Message& message);

}  // namespace synod::test
