#include "test/unit/msg/samples.h"

#include <fmt/format.h>

#include <numeric>

namespace synod::test {
namespace {

Digest sample_digest(uint8_t first) {
  Digest digest;
  std::iota(digest.bytes.begin(), digest.bytes.end(), first);
  return digest;
}
Fsid sample_fsid() { return {sample_digest(100).bytes}; }
const ProposalNumber pn{7, MemberId(0xfedcba9876543210)};
const ProposalNumber higher{9, MemberId(3)};
Position position(uint64_t version) { return {Version(version), sample_digest(static_cast<uint8_t>(version))}; }
SyncProgress progress() { return {"b", 3, 1000, uint64_t{1} << 40, Version(88), 77, 455, 1 << 20, 9000}; }
Bytes binary() { return Bytes("\0\xff\x80key\n", 7); }
ScrubCheck check() { return {MemberId(5), ScrubState::done, 17, uint64_t{1} << 40, sample_digest(70), ""}; }
ScrubCheck no_check() { return {MemberId(~uint64_t{0}), ScrubState::unreadable, 0, 0, {}, "bad \xff block"}; }

ClientRequest request(decltype(ClientRequest::body) body) { return {0x1122334455667788, 5000, std::move(body)}; }

std::vector<ClientRequest> requests() {
  const SharedBytes value(Bytes(1000, 'v'));
  return {request(WriteRequest{{{WriteOp::Type::put, binary(), value},
                                {WriteOp::Type::erase, "gone", {}},
                                {WriteOp::Type::put, "empty", {}},
                                {WriteOp::Type::put, "last", SharedBytes(binary())}}}),
          request(WriteRequest{{{WriteOp::Type::erase, "k", {}}}, RequestTag{{~uint64_t{0}, 7}, ~uint64_t{0}, 12}}),
          request(OpenSessionRequest{0x8877665544332211}),
          request(RangeRequest{"a", binary(), 17, Consistency::serializable}),
          request(StatusRequest{}),
          request(TransferRequest{"b"}),
          request(ScrubRequest{0x8877665544332211})};
}

std::vector<ClientReply> replies() {
  const MemberStatus member{"c",        MemberId(5), "c:1",      true, MemberState::syncing,
                            Version(4), Version(6),  progress(), true, "its store \xff differs"};
  const MemberStatus learner{"c", MemberId(7), "c:2", true, MemberState::learner, Version(4), Version(6), {}, false};
  const StatusReply status{
      sample_fsid(),
      "a",
      MemberState::leader,
      "waits",
      "a",
      12,
      {"a", "b"},
      {member, learner},
      {{"c", Version(4), 1 << 20, 1 << 30, 5000, 40, false, true}, {"d", Version(9), 7, 9, 8, 0, true, false}}};
  const RangeReply range{99, {{binary(), SharedBytes(Bytes("value")), 1, 2, 3}, {"k", {}, 4, 5, 6}}, true};
  return {{1, Status::ok(), WriteReply{44, {1, 0, 1}}},
          {2, Status::ok(), range},
          {3, Status::ok(), status},
          {5, Status::ok(), OpenSessionReply{{0x8877665544332211, 300}}},
          {6, Status::ok(), TransferReply{"b"}},
          {7, Status::ok(),
           ScrubReply{ScrubReply::Phase::over,
                      Version(812),
                      true,
                      {{"a", check(), false, {}, {}}, {"b", no_check(), true, {{binary(), "k"}, 7, false}, "heals"}}}},
          {8, Status::ok(), ScrubReply{}},
          {4, Status(Code::unknown_outcome, "the leader \xff is gone"), {}}};
}

std::string text(const Status& status) { return status.to_string(); }
std::string text(const Digest& digest) { return to_string(digest); }
std::string text(const Position& p) { return fmt::format("{}:{}", p.version.value(), text(p.hash)); }
std::string text(const ProposalNumber& number) { return to_string(number); }
std::string text(const SyncProgress& p) {
  return fmt::format("({} {} {} {} {} {} {} {} {})", p.provider, p.chunks, p.keys, p.bytes, p.version.value(), p.cookie,
                     p.per_mille, p.bytes_per_second, p.remaining_ms);
}
std::string text(const std::vector<LogEntry>& entries) {
  std::string all;
  for (const LogEntry& e : entries) {
    all += fmt::format("[{} {} {} {} {}]", e.version.value(), text(e.pn), text(e.predecessor), text(e.hash),
                       e.value.view());
  }
  return all;
}

template <class... Fields>
std::string join(const Fields&... fields) {
  return fmt::format("{}", fmt::join(std::vector<std::string>{fmt::format("{}", fields)...}, "|"));
}

std::string of(const Hello& m) { return join(m.version, int(m.kind), m.name, m.address); }
std::string of(const Goodbye& m) { return text(m.reason); }
std::string of(const Probe& m) {
  return join(m.name, m.address, to_string(m.state), int(m.formation), m.members_digest, m.monmap, m.first.value(),
              text(m.committed), text(m.promised), m.leader.value(), text(m.sync), m.commit_us, m.alarm);
}
std::string of(const FormPrepare& m) { return m.monmap; }
std::string of(const FormPrepared& m) { return to_string(m.fsid); }
std::string of(const FormCommit& m) { return m.monmap; }
std::string of(const Propose& m) { return join(text(m.pn), m.committed.value()); }
std::string of(const ProposeReply& m) { return join(text(m.pn), m.granted, text(m.promised)); }
std::string of(const Collect& m) { return join(text(m.pn), text(m.committed), text(m.released)); }
std::string of(const Last& m) { return join(text(m.pn), m.first.value(), text(m.committed), text(m.accepted)); }
std::string of(const Refuse& m) { return join(text(m.pn), text(m.promised)); }
std::string of(const Begin& m) { return join(text({m.entry}), text(m.committed)); }
std::string of(const Accept& m) { return join(text(m.pn), text(m.position)); }
std::string of(const Gap& m) { return join(text(m.pn), text(m.position)); }
std::string of(const Commit& m) { return join(text(m.pn), text(m.committed)); }
std::string of(const Lease& m) {
  std::string quorum;
  for (const MemberId member : m.quorum) quorum += to_string(member) + ",";
  return join(text(m.pn), m.sequence, text(m.committed), m.first.value(), quorum);
}
std::string of(const LeaseAck& m) {
  return join(text(m.pn), m.sequence, text(m.position), text(m.committed), m.disk_hangs);
}
std::string of(const HandOver& m) { return text(m.pn); }
std::string of(const ReadIndex& m) { return join(m.id); }
std::string of(const ReadIndexReply& m) { return join(m.id, text(m.committed)); }
std::string of(const Fetch& m) { return join(m.from.value(), m.to.value()); }
std::string of(const Entries& m) { return join(m.first.value(), m.wanted.value(), text(m.entries)); }
std::string text(const SyncCursor& c) {
  return join(text(c.base), text(c.highest), c.last_key, c.has_all_keys, text(c.replayed));
}
std::string of(const SyncStart& m) {
  return join(m.cookie, m.committed.value(), m.window, m.resume ? text(*m.resume) : "none", m.is_delta);
}
std::string of(const SyncRanges& m) {
  std::string ranges;
  for (const SyncRange& range : m.ranges) ranges += join(range.last_key, range.digest) + ";";
  return join(m.cookie, m.sequence, m.after, ranges, m.per_mille);
}
std::string of(const SyncDiffering& m) {
  std::string ranges;
  for (const DifferingRange& range : m.ranges) {
    ranges += join(range.index, range.is_cleared, range.fingerprints.view()) + ";";
  }
  return join(m.cookie, m.sequence, ranges);
}
std::string of(const HoldTrim& m) { return join(m.cookie, m.requester.value(), m.version.value()); }
std::string of(const SyncChunk& m) {
  return join(m.cookie, m.sequence, m.is_last, m.keys, m.bytes, m.checksum, m.transaction.view(), text(m.cursor),
              text(m.digest), m.per_mille, m.ranges, fmt::format("{}", fmt::join(m.erased, ",")));
}
std::string of(const SyncAck& m) { return join(m.cookie, m.sequence); }
std::string of(const SyncAbort& m) { return join(m.cookie, text(m.reason)); }

std::string text(const ScrubCheck& c) {
  return join(c.member.value(), int(c.state), c.keys, c.bytes, text(c.digest), c.reason) + ";";
}
std::string text(const DifferingKeys& d) { return join(fmt::format("{}", fmt::join(d.keys, ",")), d.count, d.is_all); }
std::string of(const ScrubReport& m) { return join(text(m.point), text(m.check)); }
std::string of(const ScrubVerdict& m) {
  std::string checks;
  for (const ScrubCheck& one : m.checks) checks += text(one);
  return join(text(m.point), m.is_known, checks, fmt::format("{}", fmt::join(m.requests, ",")));
}
std::string of(const ScrubAsk& m) { return join(m.version.value(), m.is_for_pairs, m.after, m.last_key); }
std::string of(const ScrubSegments& m) {
  std::string segments;
  for (const ScrubSegment& segment : m.segments) segments += join(segment.last_key, text(segment.digest)) + ";";
  return join(m.version.value(), m.after, text(m.failure), segments, m.is_last);
}
std::string of(const ScrubPairs& m) {
  std::string pairs;
  for (const ScrubPair& pair : m.pairs) pairs += join(pair.key, pair.fingerprint) + ";";
  return join(m.version.value(), m.after, text(m.failure), pairs, m.is_last);
}
std::string of(const ScrubFinding& m) { return join(text(m.point), m.is_over, text(m.differing), m.text); }
std::string of(const ScrubRequest& m) { return join(m.number); }
std::string of(const ScrubReply& m) {
  std::string members;
  for (const ScrubbedMember& one : m.members) {
    members += join(one.name, text(one.check), one.differs, text(one.differing), one.text) + ";";
  }
  return join(int(m.phase), m.version.value(), m.is_agreed, members);
}

std::string of(const WriteRequest& m) {
  std::string ops;
  for (const WriteOp& op : m.ops) ops += join(int(op.type), op.key, op.value.view()) + ";";
  if (m.tag) ops += join(m.tag->session.client, m.tag->session.number, m.tag->sequence, m.tag->lowest_unanswered);
  return ops;
}
std::string of(const OpenSessionRequest& m) { return join(m.client); }
std::string of(const OpenSessionReply& m) { return join(m.session.client, m.session.number); }
std::string of(const RangeRequest& m) { return join(m.begin, m.end, m.limit, int(m.consistency)); }
std::string of(const StatusRequest&) { return "status"; }
std::string of(const TransferRequest& m) { return m.name; }
std::string of(const TransferReply& m) { return m.leader; }
std::string of(const std::monostate&) { return "nothing"; }
std::string of(const WriteReply& m) { return fmt::format("{} {}", m.revision, fmt::join(m.erased, ",")); }
std::string of(const RangeReply& m) {
  std::string items = join(m.revision, m.more);
  for (const KeyValue& i : m.items) items += join(i.key, i.value.view(), i.create_revision, i.mod_revision, i.version);
  return items;
}
std::string of(const StatusReply& m) {
  std::string all = join(to_string(m.fsid), m.answered_by, to_string(m.state), m.detail, m.leader, m.epoch);
  for (const std::string& name : m.quorum) all += "," + name;
  for (const MemberStatus& s : m.members) {
    all += join(s.name, s.id.value(), s.address, s.reachable, to_string(s.state), s.first.value(), s.committed.value(),
                text(s.sync), s.has_vote, s.alarm);
  }
  for (const HoldStatus& h : m.holds) {
    all += join(h.owner, h.version.value(), h.bytes, h.bytes_max, h.age_ms, h.delay_ms, h.is_ended, h.blocks_trimming);
  }
  return all;
}
template <class Body>
std::string of_body(const Body& variant) {
  return fmt::format("{}:{}", variant.index(), std::visit([](const auto& body) { return of(body); }, variant));
}
std::string of(const ClientRequest& m) { return join(m.id, m.timeout_ms, of_body(m.body)); }
std::string of(const ClientReply& m) { return join(m.id, text(m.status), of_body(m.body)); }
std::string of(const Forward& m) { return join(m.id, of(m.request)); }
std::string of(const ForwardReply& m) { return join(m.id, of(m.reply)); }

}  // namespace

Source sample_source() { return {sample_fsid(), MemberId(0x8000000000000001), 17}; }

LogEntry sample_entry(uint64_t version, const Bytes& value) {
  return make_log_entry(position(version - 1), pn, SharedBytes(value));
}

std::vector<Message> sample_messages() {
  const std::vector<LogEntry> entries = {sample_entry(43, "first"), sample_entry(44, ""), sample_entry(45, binary())};
  const Probe probe{"a",
                    "a:7000",
                    MemberState::peon,
                    FormationState::prepared,
                    0xabcdef,
                    binary(),
                    Version(3),
                    position(42),
                    higher,
                    MemberId(77),
                    progress(),
                    1234,
                    "a store \xff differs"};
  const SyncCursor cursor{position(49), position(50), "key", true, position(51)};
  const SyncChunk chunk{11,
                        3,
                        true,
                        500,
                        2900,
                        0x99,
                        SharedBytes(Bytes(3000, 'c')),
                        cursor,
                        sample_digest(60),
                        455,
                        7,
                        {0, 3, 4000'000'000}};
  std::vector<Message> all = {
      Hello{protocol_version, PeerKind::monitor, "a", "host:7000"},
      Goodbye{Status(Code::refused, "wrong cluster")},
      probe,
      FormPrepare{binary()},
      FormPrepared{sample_fsid()},
      FormCommit{"monmap"},
      Propose{pn, Version(41)},
      ProposeReply{pn, true, higher},
      Collect{pn, position(41), {}},
      Collect{pn, position(41), higher},
      Last{pn, Version(12), position(42), entries},
      Refuse{pn, higher},
      Begin{sample_entry(43, Bytes(2000, 'x')), position(42)},
      Accept{pn, position(43)},
      Gap{pn, position(40)},
      Commit{pn, position(43)},
      Lease{pn, 1001, position(43), Version(12), {MemberId(1), MemberId(~uint64_t{0})}},
      LeaseAck{pn, 1001, position(44), position(43), true},
      HandOver{pn},
      ReadIndex{77},
      ReadIndexReply{77, position(43)},
      Fetch{Version(10), Version(~uint64_t{0})},
      Entries{Version(12), Version(43), entries},
      SyncStart{11, Version(2), 4, cursor, true},
      SyncStart{11, Version(2), 1, std::nullopt, false},
      HoldTrim{11, MemberId(6), Version(40)},
      SyncRanges{11, 7, binary(), {{"key", 0x1122334455667788}, {"", 9}}, 455},
      SyncDiffering{11, 7, {{0, false, SharedBytes(Bytes(24, 'f'))}, {1, true, {}}, {9, false, {}}}},
      chunk,
      SyncAck{11, 3},
      SyncAbort{11, Status(Code::io_error, "disk")},
      ScrubReport{position(812), check()},
      ScrubReport{position(812), no_check()},
      ScrubVerdict{position(812), true, {check(), no_check()}, {1, ~uint64_t{0}}},
      ScrubVerdict{position(812), false, {}, {}},
      ScrubAsk{Version(812), false, "", ""},
      ScrubAsk{Version(812), true, binary(), "to here"},
      ScrubSegments{Version(812), "a", {}, {{binary(), sample_digest(9)}, {"z", sample_digest(8)}}, true},
      ScrubSegments{Version(812), "", Status(Code::unavailable, "not now"), {}, false},
      ScrubPairs{Version(812), "a", {}, {{binary(), ~uint64_t{0}}, {"z", 1}}, false},
      ScrubPairs{Version(812), "a", Status(Code::corruption, "a block"), {}, false},
      ScrubFinding{position(812), true, {{binary(), "k"}, 2, true}, "it is healed"},
      ScrubFinding{position(812), false, {}, ""},
  };
  for (const ClientRequest& r : requests())
    all.insert(all.end(), {Message(r), Message(Forward{8, {3, MemberId(9)}, r})});
  for (const ClientReply& r : replies()) all.insert(all.end(), {Message(r), Message(ForwardReply{9, r})});
  return all;
}

std::string describe(const Message& message) {
  return fmt::format("{}: {}", message_name(message), std::visit([](const auto& body) { return of(body); }, message));
}

}  // namespace synod::test
