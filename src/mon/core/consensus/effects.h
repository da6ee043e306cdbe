// What a step of the core asks for. Nothing in the core performs an effect: the executor does, in one function, in the
// order in which the fields stand here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/log.h"
#include "msg/messages.h"
#include "store/monitor_store.h"

namespace synod {

struct Envelope {
  MemberId to;  // may be the member itself: the executor then delivers it to the core
  Message message;
};

// One line of the trace.
struct Event {
  LogLevel level = LogLevel::info;
  std::string text;
};

struct Effects {
  // To be durable, twice, before anything below.
  std::optional<ProposalNumber> promise;
  StoreWrites writes;
  // `writes` hold an acceptance: they are committed durably. Otherwise they need only be visible.
  bool is_durable = false;

  std::vector<Envelope> messages;               // may leave at once
  std::vector<Envelope> messages_when_durable;  // leave when all durable writes up to this step have returned
  std::vector<Event> events;

  void send(MemberId to, Message message) { messages.push_back({to, std::move(message)}); }
  void send_when_durable(MemberId to, Message message) { messages_when_durable.push_back({to, std::move(message)}); }
  void trace(LogLevel level, std::string text) { events.push_back({level, std::move(text)}); }
};

}  // namespace synod
