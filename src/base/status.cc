#include "base/status.h"

namespace synod {

const char* code_name(Code code) {
  switch (code) {
    case Code::ok: return "ok";
    case Code::not_found: return "not found";
    case Code::invalid_argument: return "invalid argument";
    case Code::refused: return "refused";
    case Code::in_use: return "in use";
    case Code::unavailable: return "unavailable";
    case Code::unknown_outcome: return "outcome unknown";
    case Code::corruption: return "corruption";
    case Code::io_error: return "I/O error";
    case Code::exhausted: return "exhausted";
    case Code::unknown_session: return "unknown session";
  }
  return "unknown code";
}

std::string Status::to_string() const {
  if (is_ok()) return "ok";
  return std::string(code_name(code_)) + ": " + message_;
}

}  // namespace synod
