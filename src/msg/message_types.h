// The table of message types: the number on the wire, which never changes and is never used again for another message,
// and the name in logs. Private to src/msg.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <variant>

#include "msg/messages.h"

namespace synod {

struct MessageType {
  uint16_t number = 0;  // zero is no message
  const char* name = nullptr;
};

template <class M>
inline constexpr MessageType message_type{};

// clang-format off
template <> inline constexpr MessageType message_type<Hello>{1, "hello"};
template <> inline constexpr MessageType message_type<Goodbye>{2, "goodbye"};

template <> inline constexpr MessageType message_type<Probe>{10, "probe"};
template <> inline constexpr MessageType message_type<FormPrepare>{11, "form_prepare"};
template <> inline constexpr MessageType message_type<FormPrepared>{12, "form_prepared"};
template <> inline constexpr MessageType message_type<FormCommit>{13, "form_commit"};

template <> inline constexpr MessageType message_type<Propose>{20, "propose"};
template <> inline constexpr MessageType message_type<ProposeReply>{21, "propose_reply"};
template <> inline constexpr MessageType message_type<Collect>{22, "collect"};
template <> inline constexpr MessageType message_type<Last>{23, "last"};
template <> inline constexpr MessageType message_type<Refuse>{24, "refuse"};
template <> inline constexpr MessageType message_type<Begin>{25, "begin"};
template <> inline constexpr MessageType message_type<Accept>{26, "accept"};
template <> inline constexpr MessageType message_type<Gap>{27, "gap"};
template <> inline constexpr MessageType message_type<Commit>{28, "commit"};
template <> inline constexpr MessageType message_type<Lease>{29, "lease"};
template <> inline constexpr MessageType message_type<LeaseAck>{30, "lease_ack"};
template <> inline constexpr MessageType message_type<Fetch>{31, "fetch"};
template <> inline constexpr MessageType message_type<Entries>{32, "entries"};
template <> inline constexpr MessageType message_type<HandOver>{33, "hand_over"};
template <> inline constexpr MessageType message_type<ReadIndex>{34, "read_index"};
template <> inline constexpr MessageType message_type<ReadIndexReply>{35, "read_index_reply"};

template <> inline constexpr MessageType message_type<SyncStart>{40, "sync_start"};
template <> inline constexpr MessageType message_type<HoldTrim>{41, "hold_trim"};
template <> inline constexpr MessageType message_type<SyncRanges>{42, "sync_ranges"};
template <> inline constexpr MessageType message_type<SyncDiffering>{43, "sync_differing"};
template <> inline constexpr MessageType message_type<SyncChunk>{44, "sync_chunk"};
template <> inline constexpr MessageType message_type<SyncAck>{45, "sync_ack"};
template <> inline constexpr MessageType message_type<SyncAbort>{46, "sync_abort"};

template <> inline constexpr MessageType message_type<ScrubReport>{50, "scrub_report"};
template <> inline constexpr MessageType message_type<ScrubVerdict>{51, "scrub_verdict"};
template <> inline constexpr MessageType message_type<ScrubAsk>{52, "scrub_ask"};
template <> inline constexpr MessageType message_type<ScrubSegments>{53, "scrub_segments"};
template <> inline constexpr MessageType message_type<ScrubPairs>{54, "scrub_pairs"};
template <> inline constexpr MessageType message_type<ScrubFinding>{55, "scrub_finding"};

template <> inline constexpr MessageType message_type<ClientRequest>{60, "client_request"};
template <> inline constexpr MessageType message_type<ClientReply>{61, "client_reply"};
template <> inline constexpr MessageType message_type<Forward>{62, "forward"};
template <> inline constexpr MessageType message_type<ForwardReply>{63, "forward_reply"};
// clang-format on

namespace detail {

template <size_t... index>
constexpr auto types_of(std::index_sequence<index...>) {
  return std::array<MessageType, sizeof...(index)>{message_type<std::variant_alternative_t<index, Message>>...};
}

}  // namespace detail

// In the order of the variant.
inline constexpr auto message_types = detail::types_of(std::make_index_sequence<std::variant_size_v<Message>>{});

constexpr bool has_message_type(uint16_t number) {
  for (const MessageType& type : message_types) {
    if (type.number == number) return true;
  }
  return false;
}

constexpr bool message_types_are_distinct() {
  for (size_t i = 0; i < message_types.size(); ++i) {
    if (message_types[i].number == 0) return false;
    for (size_t j = 0; j < i; ++j) {
      if (message_types[i].number == message_types[j].number) return false;
    }
  }
  return true;
}
static_assert(message_types_are_distinct(), "every message of the variant needs a number of its own in the table");

}  // namespace synod
