#include "mon/core/sync/sync_event.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>

#include "base/escape.h"

namespace synod {
namespace {

// In the order in which they are written.
enum Field : uint32_t {
  provider = 1 << 0,
  requester = 1 << 1,
  leader = 1 << 2,
  start = 1 << 3,
  is_marked = 1 << 4,
  version = 1 << 5,
  at = 1 << 6,
  window = 1 << 7,
  chunks = 1 << 8,
  sequence = 1 << 9,
  keys = 1 << 10,
  bytes = 1 << 11,
  ranges = 1 << 12,
  settles = 1 << 13,
  digest = 1 << 14,
  is_delta = 1 << 15,
  reason = 1 << 16,
};
struct Description {
  int step;
  const char* name;
  uint32_t fields;
};

// By kind.
constexpr std::array<Description, sync_event_kinds> descriptions{{
    {1, "started", start | is_marked | chunks | reason},
    {1, "must-copy", version},
    {2, "provider-chosen", provider | version},
    {2, "asked", provider | version | window | is_delta},
    {2, "session-opened", requester | version | window},
    {2, "session-refused", requester | reason},
    {3, "marking", 0},
    {3, "marked", 0},
    {3, "unmarking", 0},
    {3, "unmarked", 0},
    {4, "copy-made", 0},
    {4, "copy-cloned", 0},
    {4, "copy-resumed", version | chunks},
    {4, "copy-given-up", chunks | reason},
    {5, "hold-asked", requester | leader | version},
    {5, "hold-taken", requester | version},
    {5, "hold-logged", requester | version | at},
    {5, "hold-ended", requester | version | at},
    {6, "snapshot-opened", requester | version},
    {7, "session-ended", requester | reason},
    {7, "session-closed", requester},
    {7, "abort-received", provider | reason},
    {7, "failed", provider | chunks | reason},
    {8, "alive-sent", requester},
    {8, "alive-received", provider},
    {8, "ranges-sent", requester | sequence | ranges},
    {8, "ranges-received", provider | sequence | ranges},
    {8, "differing-sent", provider | sequence | ranges},
    {8, "differing-received", requester | sequence | ranges},
    {9, "chunk-sent", requester | sequence | keys | bytes | settles},
    {9, "chunk-received", provider | sequence | keys | bytes | settles},
    {9, "chunk-written", chunks | sequence},
    {9, "ack-sent", provider | sequence},
    {9, "ack-received", requester | sequence},
    {10, "last-chunk-sent", requester | sequence | keys | bytes | settles | digest},
    {10, "last-chunk-received", provider | sequence | keys | bytes | settles | digest},
    {11, "verifying", 0},
    {11, "verified", version | digest},
    {11, "last-ack-sent", provider | sequence},
    {11, "last-ack-received", requester | sequence},
    {12, "switching", 0},
    {12, "switched", version},
    {13, "hold-over", requester | reason},
    {13, "hold-released", requester | at},
    {14, "in-quorum", 0},
    {14, "level", 0},
}};

const Description& describe(SyncEventKind kind) { return descriptions[static_cast<size_t>(kind)]; }

std::string head(const Description& description) {
  return fmt::format("sync [{}] {} cookie=", description.step, description.name);
}

// Names come from peers; what is one word stays one.
std::string one_word(const std::string& text) {
  std::string word;
  for (const char c : escape(text)) c == ' ' ? word += "\\x20" : word += c;
  return word;
}

// Takes the fields off a line, in their order; nothing once one has failed.
class Fields {
 public:
  explicit Fields(ByteView text) : rest_(text) {}

  // Up to the next space, which is taken too.
  ByteView word() {
    const size_t space = rest_.find(' ');
    const ByteView word = rest_.substr(0, space);
    rest_.remove_prefix(space == ByteView::npos ? rest_.size() : space + 1);
    return word;
  }
  ByteView rest() { return std::exchange(rest_, ByteView()); }
  bool take(ByteView name) {
    if (rest_.substr(0, name.size()) != name || rest_.substr(name.size(), 1) != "=") return fail();
    rest_.remove_prefix(name.size() + 1);
    return true;
  }
  uint64_t number(ByteView digits, int base = 10) {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (error != std::errc() || end != digits.data() + digits.size()) fail();
    return value;
  }
  std::string text(ByteView escaped) {
    const Result<Bytes> text = unescape(escaped);
    if (!text) fail();
    return text ? *text : Bytes();
  }
  Digest digest_of(ByteView hex) {
    Digest found;
    if (hex.size() != 2 * found.bytes.size()) fail();
    for (size_t i = 0; i < found.bytes.size() && !has_failed_; ++i) {
      found.bytes[i] = static_cast<uint8_t>(number(hex.substr(2 * i, 2), 16));
    }
    return found;
  }
  bool fail() {
    has_failed_ = true;
    return false;
  }
  bool has_failed() const { return has_failed_; }

 private:
  ByteView rest_;
  bool has_failed_ = false;
};

void parse_fields(Fields& in, uint32_t fields, SyncEvent& event) {
  const auto has = [&](Field field, ByteView name) { return (fields & field) != 0 && in.take(name); };
  if (has(provider, "provider")) event.peer = in.text(in.word());
  if (has(requester, "requester")) event.peer = in.text(in.word());
  if (has(leader, "leader")) event.leader = in.text(in.word());
  if (has(start, "start")) event.start = in.number(in.word());
  if (has(is_marked, "marked")) event.is_marked = in.word() == "yes";
  if (has(version, "version")) event.version = Version(in.number(in.word()));
  if (has(at, "at")) event.at = Version(in.number(in.word()));
  if (has(window, "window")) event.window = static_cast<uint32_t>(in.number(in.word()));
  if (has(chunks, "chunks")) event.chunks = in.number(in.word());
  if (has(sequence, "sequence")) event.sequence = in.number(in.word());
  if (has(keys, "keys")) event.keys = in.number(in.word());
  if (has(bytes, "bytes")) event.bytes = in.number(in.word());
  if (has(ranges, "ranges")) event.ranges = in.number(in.word());
  if (has(settles, "settles")) event.settles = in.number(in.word());
  if (has(digest, "digest")) event.digest = in.digest_of(in.word());
  if (has(is_delta, "delta")) event.is_delta = in.word() == "yes";
  if (has(reason, "reason")) event.reason = in.text(in.rest());
}

std::optional<SyncEventKind> kind_of(ByteView text) {
  for (size_t i = 0; i < descriptions.size(); ++i) {
    if (text.starts_with(head(descriptions[i]))) return static_cast<SyncEventKind>(i);
  }
  return std::nullopt;
}

}  // namespace

int step_of(SyncEventKind kind) { return describe(kind).step; }

std::string to_string(const SyncEvent& event) {
  const Description& description = describe(event.kind);
  std::string line = head(description) + fmt::format("{:016x}", event.cookie);
  const auto add = [&](Field field, const char* name, const auto& value) {
    if ((description.fields & field) != 0) line += fmt::format(" {}={}", name, value);
  };
  add(provider, "provider", one_word(event.peer));
  add(requester, "requester", one_word(event.peer));
  add(leader, "leader", one_word(event.leader));
  add(start, "start", event.start);
  add(is_marked, "marked", event.is_marked ? "yes" : "no");
  add(version, "version", event.version.value());
  add(at, "at", event.at.value());
  add(window, "window", event.window);
  add(chunks, "chunks", event.chunks);
  add(sequence, "sequence", event.sequence);
  add(keys, "keys", event.keys);
  add(bytes, "bytes", event.bytes);
  add(ranges, "ranges", event.ranges);
  add(settles, "settles", event.settles);
  add(digest, "digest", to_string(event.digest));
  add(is_delta, "delta", event.is_delta ? "yes" : "no");
  add(reason, "reason", escape(event.reason));
  return line;
}

bool is_sync_event(ByteView text) {
  // Lines for people have a comma before a cookie.
  Fields words(text);
  const ByteView sync = words.word();
  const ByteView step = words.word();
  words.word();
  return sync == "sync" && step.starts_with('[') && words.rest().starts_with("cookie=");
}

Result<SyncEvent> parse_sync_event(ByteView text) {
  const auto malformed = [&] { return Status(Code::invalid_argument, "no event of a sync: '" + escape(text) + "'"); };
  const std::optional<SyncEventKind> kind = kind_of(text);
  if (!kind) return malformed();
  SyncEvent event;
  event.kind = *kind;
  Fields in(text.substr(head(describe(*kind)).size()));
  event.cookie = in.number(in.word(), 16);
  parse_fields(in, describe(*kind).fields, event);
  // There is one way to write each.
  if (in.has_failed() || to_string(event) != text) return malformed();
  return event;
}

}  // namespace synod
