// What happens, as text. A step of a member is a block: what it was given, then, indented, what it did about it.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace synod::script {

class Transcript {
 public:
  // Words that can be hidden: writes, events, sync (which is hidden until it is shown), answers, messages (all of
  // them), or the name of one message.
  void hide(const std::string& word) { hidden_.insert(word); }
  void show(const std::string& word) { hidden_.erase(word); }
  bool is_shown(const std::string& word) const { return hidden_.count(word) == 0; }
  // `name` is the name of a message.
  bool is_message_shown(const std::string& name) const { return is_shown("messages") && is_shown(name); }

  void line(const std::string& text) { text_ += text + "\n"; }
  // Without effects, nothing is written unless `is_wanted`.
  void block(const std::string& heading, bool is_wanted, const std::vector<std::string>& effects) {
    if (!is_wanted && effects.empty()) return;
    line(heading);
    for (const std::string& effect : effects) line("  " + effect);
  }
  // What breaks a rule of the protocol fails the script, whatever is expected.
  void violation(const std::string& what) {
    line("VIOLATION: " + what);
    ++violations_;
  }

  std::string take() { return std::exchange(text_, {}); }
  size_t violations() const { return violations_; }

 private:
  std::set<std::string> hidden_{"sync"};
  std::string text_;
  size_t violations_ = 0;
};

}  // namespace synod::script
