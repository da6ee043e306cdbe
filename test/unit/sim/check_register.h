// Random histories of a real register: what clients see of one key that is atomic, as they are interleaved, lose
// answers, and get failures.
#pragma once

#include <string>
#include <vector>

#include "test/sim/check/history.h"
#include "test/sim/scheduler.h"

namespace synod::sim {

struct RegisterShape {
  size_t operations = 0;
  size_t clients = 0;
  uint64_t get_percent = 50;
  uint64_t erase_percent = 10;
  uint64_t lost_percent =
      2;  // answers of writes that never arrive; half of these writes have no effect, half a late one
  uint64_t failed_percent = 2;
  bool tells_versions = true;
};

class RandomRegister {
 public:
  RandomRegister(RegisterShape shape, uint64_t seed) : shape_(shape), random_(seed) {}

  std::vector<Operation> run(const std::string& key) {
    key_ = key;
    clients_.resize(shape_.clients);
    while (operations_.size() < shape_.operations) step(clients_[random_.below(clients_.size())]);
    // What is still in flight stays open. A read without an answer tells nothing.
    std::erase_if(operations_, [](const Operation& operation) { return operation.is_get() && !operation.is_done(); });
    return std::move(operations_);
  }

 private:
  enum class Stage : uint8_t { idle, invoked, effective };
  struct Client {
    Stage stage = Stage::idle;
    size_t operation = 0;
    Operation answer;
  };

  void step(Client& client) {
    if (random_.chance(5)) surface();
    switch (client.stage) {
      case Stage::idle: invoke(client); break;
      case Stage::invoked: take_effect(client); break;
      case Stage::effective: respond(client); break;
    }
  }

  void invoke(Client& client) {
    Operation operation;
    operation.request = operations_.size() + 1;
    operation.client = static_cast<uint64_t>(&client - clients_.data());
    operation.key = key_;
    const uint64_t draw = random_.below(100);
    using Kind = Operation::Kind;
    operation.kind = draw < shape_.get_percent                          ? Kind::get
                     : draw < shape_.get_percent + shape_.erase_percent ? Kind::erase
                                                                        : Kind::put;
    if (operation.is_put()) operation.value = "v" + std::to_string(operations_.size());
    operation.invoked = ++event_;
    operation.invoked_at = TimePoint(std::chrono::milliseconds(event_));
    client = {Stage::invoked, operations_.size(), operation};
    operations_.push_back(operation);
  }

  void take_effect(Client& client) {
    client.stage = Stage::effective;
    client.answer.outcome = Operation::Outcome::done;
    if (!client.answer.is_get()) {
      if (random_.chance(shape_.failed_percent)) {
        client.answer.outcome = Operation::Outcome::failed;
        return;
      }
      if (random_.chance(shape_.lost_percent)) {
        if (random_.chance(50)) late_.push_back(client.answer);
        client.stage = Stage::idle;
        return;
      }
    }
    apply(client.answer);
  }

  void apply(Operation& operation) {
    operation.found = version_ != 0;
    if (operation.is_put()) {
      value_ = operation.value;
      ++version_;
    } else if (operation.kind == Operation::Kind::erase) {
      version_ = 0;
    } else if (operation.found) {
      operation.value = value_;
      if (shape_.tells_versions) operation.version = version_;
    }
  }

  void respond(Client& client) {
    client.stage = Stage::idle;
    client.answer.responded = ++event_;
    client.answer.responded_at = TimePoint(std::chrono::milliseconds(event_));
    operations_[client.operation] = client.answer;
  }

  // A write whose client gave up takes effect after all.
  void surface() {
    if (late_.empty()) return;
    const size_t which = random_.below(late_.size());
    apply(late_[which]);
    late_.erase(late_.begin() + static_cast<std::ptrdiff_t>(which));
  }

  RegisterShape shape_;
  SeededRandom random_;
  std::string key_;
  uint64_t event_ = 0;
  uint64_t version_ = 0;
  Bytes value_;
  std::vector<Operation> operations_;
  std::vector<Client> clients_;
  std::vector<Operation> late_;
};

}  // namespace synod::sim
