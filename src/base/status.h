// How expected failures travel: `Status` without a value, `Result<T>` with one. Both are [[nodiscard]].
//
// `Result<T>` is a subset of C++23's `std::expected<T, Status>`, to be replaced by it one day. A bug asserts instead; a
// failure of the member's own disk arrives as `io_error`, `exhausted` or `corruption` and stops the daemon.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/assert.h"

namespace synod {

enum class Code {
  ok,
  not_found,         // the thing asked for does not exist
  invalid_argument,  // the request or the input is malformed, or over a limit
  refused,           // understood, and refused: wrong cluster, not a member, wrong directory
  in_use,            // another process has it
  unavailable,       // no quorum or no answer, and certainly not done
  unknown_outcome,   // may or may not have been done
  corruption,        // stored or received bytes fail their check
  io_error,          // the operating system refused a read or a write
  exhausted,         // a queue, a window or a disk is full; try again later
  unknown_session,   // the client's session was evicted or never opened; the request was not done
};

// Lower-case words for messages, such as "not found".
const char* code_name(Code code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  // `message` is one sentence without a full stop: what, where, what to do.
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}
  static Status ok() { return {}; }

  bool is_ok() const { return code_ == Code::ok; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }
  // "not found: no such key", for logs.
  std::string to_string() const;

  friend bool operator==(const Status&, const Status&) = default;

 private:
  Code code_ = Code::ok;
  std::string message_;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}      // NOLINT(google-explicit-constructor): as std::expected
  Result(Status error) : error_(std::move(error)) {  // NOLINT(google-explicit-constructor)
    SYNOD_ASSERT(!error_.is_ok(), "a Result without a value needs an error");
  }

  bool has_value() const { return value_.has_value(); }
  explicit operator bool() const { return has_value(); }

  T& operator*() & { return checked(); }
  const T& operator*() const& { return const_cast<Result*>(this)->checked(); }
  T&& operator*() && { return std::move(checked()); }
  T* operator->() { return &checked(); }
  const T* operator->() const { return &const_cast<Result*>(this)->checked(); }

  // REQUIRES: !has_value().
  const Status& error() const {
    SYNOD_ASSERT(!value_.has_value(), "error() of a Result that has a value");
    return error_;
  }
  // The error, or ok.
  Status status() const { return value_ ? Status::ok() : error_; }

 private:
  T& checked() {
    SYNOD_ASSERT(value_.has_value(), "value of a Result that has none");
    return *value_;
  }

  std::optional<T> value_;
  Status error_;
};

}  // namespace synod

// Leaves the calling function with the error, if there is one.
// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): it returns from the caller
#define SYNOD_RETURN_IF_ERROR(expression)                                         \
  do {                                                                            \
    if (::synod::Status status_ = (expression); !status_.is_ok()) return status_; \
  } while (false)
