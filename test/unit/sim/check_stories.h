// Short ways to write histories by hand, for the tests of the checkers. The numbers are events.
#pragma once

#include <string>

#include "test/sim/check/history.h"

namespace synod::sim {

struct Span {
  uint64_t from = 0;
  uint64_t to = Operation::never;
};

inline Operation at(Operation::Kind kind, Span span) {
  static uint64_t last_request = 0;
  Operation operation;
  operation.request = ++last_request;
  operation.kind = kind;
  operation.key = "k";
  operation.invoked = span.from;
  operation.invoked_at = TimePoint(std::chrono::milliseconds(span.from));
  operation.responded = span.to;
  if (span.to == Operation::never) return operation;
  operation.responded_at = TimePoint(std::chrono::milliseconds(span.to));
  operation.outcome = Operation::Outcome::done;
  return operation;
}

inline Operation put(const std::string& value, Span span, uint64_t version = 0) {
  Operation operation = at(Operation::Kind::put, span);
  operation.value = value;
  operation.version = version;
  return operation;
}
inline Operation maybe_put(const std::string& value, uint64_t from) { return put(value, {from}); }
inline Operation failed_put(const std::string& value, Span span) {
  Operation operation = put(value, span);
  operation.outcome = Operation::Outcome::failed;
  return operation;
}
inline Operation get(const std::string& value, Span span, uint64_t version = 0) {
  Operation operation = at(Operation::Kind::get, span);
  operation.found = true;
  operation.value = value;
  operation.version = version;
  return operation;
}
inline Operation absent(Span span) { return at(Operation::Kind::get, span); }
inline Operation erase(Span span, bool found = true) {
  Operation operation = at(Operation::Kind::erase, span);
  operation.found = found;
  return operation;
}
inline Operation maybe_erase(uint64_t from) { return at(Operation::Kind::erase, {from}); }

}  // namespace synod::sim
