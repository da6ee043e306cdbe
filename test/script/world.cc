#include "test/script/world.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "base/assert.h"
#include "mon/core/sync/copy_record.h"
#include "mon/core/sync/requester.h"
#include "mon/service/monmap_service.h"

namespace synod::script {
namespace {

std::unique_ptr<MonitorStore> open_store(ScriptHome& home) {
  return std::make_unique<MonitorStore>(*home.open_current({}));
}

void must(const Status& status) { SYNOD_ASSERT(status.is_ok(), "a database in memory does not fail"); }

}  // namespace

World::Process::Process(ScriptHome& home, MonitorStart start, Random& random, TimePoint now)
    : engine(home, home.has_store() ? open_store(home) : nullptr, {}), monitor(std::move(start), random, now) {
  if (!monitor.is_marked()) return;
  if (auto unfinished = *home.open_unfinished({})) engine.go_on_with(*std::move(unfinished));
}

World::World(size_t members, const CoreOptions& options, Transcript& transcript, Names& names)
    : options_(options), transcript_(transcript), names_(names) {
  monmap_ = Monmap{Fsid{{1, 2, 3}}, 1, {}};
  for (size_t i = 0; i < members; ++i) {
    const std::string name(1, static_cast<char>('a' + i));
    const MemberId id(i + 1);
    monmap_.members.push_back({name, id, fmt::format("host-{}:1", name), MemberRole::voter});
    members_[name] = std::make_unique<Member>(name, id, i);
    by_id_[id] = members_[name].get();
    names_.add(id, name);
  }
  for (auto& [name, member] : members_) {
    Identity identity;
    identity.id = member->id;
    identity.name = name;
    identity.formation = FormationState::formed;
    identity.monmap = monmap_.encode();
    must(member->home.write_identity(identity.encode()));
    auto created = member->home.create_store({});
    must(MonitorStore(std::move(created->db)).initialize(genesis(), monmap_genesis(monmap_)));
    must(member->home.switch_to(created->name, Bound{}));
  }
}

World::~World() = default;

std::vector<std::string> World::all() const {
  std::vector<std::string> names;
  for (const auto& [name, member] : members_) names.push_back(name);
  return names;
}

// ---------------------------------------------------------------------------------------------- processes

// What a daemon does before its first message.
MonitorStart World::load(Member& member) {
  MonitorStart start;
  start.options = options_;
  start.address = monmap_.find_name(member.name)->address;
  for (const synod::Member& other : monmap_.members) start.initial_members.push_back({other.name, other.address});
  start.identity = *Identity::decode(*member.home.identity());
  ++start.identity.start_count;
  must(member.home.write_identity(start.identity.encode()));
  if (start.identity.formation != FormationState::formed) return start;
  const auto store = open_store(member.home);
  start.log = *store->load_log();
  start.monmap = *Monmap::decode(**store->new_reader()->get(monmap_key));
  start.is_marked = store->get_local(synchronizing_key)->has_value();
  if (const auto copy = *member.home.open_unfinished({}); start.is_marked && copy) {
    if (copy->record) start.copy = *CopyRecord::decode(*copy->record);
  }
  return start;
}

void World::start(const std::string& name) {
  Member& member = *members_.at(name);
  member.process = std::make_unique<Process>(member.home, load(member), member.random, now_);
  for (auto& [other_name, other] : members_) {
    if (other.get() != &member && other->process && other->group == member.group) connect(member, *other);
  }
  tick(name);
}

void World::crash(const std::string& name) {
  Member& member = *members_.at(name);
  if (!member.process->disk.empty()) {
    transcript_.line(fmt::format("{} loses what its disk had not begun: {} jobs", name, member.process->disk.size()));
  }
  member.process.reset();
  member.is_disk_held = false;
  std::erase_if(letters_, [&](const Letter& letter) { return letter.to == member.id; });
  for (auto& [other_name, other] : members_) {
    if (other.get() != &member) disconnect(*other, member);
  }
  work();
}

void World::cut_power(const std::string& name) {
  Member& member = *members_.at(name);
  const size_t lost = member.home.cut_power();
  if (lost > 0) transcript_.line(fmt::format("{} loses what was not durable: {} commits", name, lost));
  crash(name);
}

void World::wipe(const std::string& name) {
  Member& member = *members_.at(name);
  if (member.process) crash(name);
  names_.add(MemberId(member.id.value() + 100), names_.of(member.id) + "'");
  member.id = MemberId(member.id.value() + 100);
  by_id_[member.id] = &member;
  member.home = ScriptHome();
  Identity identity;
  identity.id = member.id;
  identity.name = name;
  must(member.home.write_identity(identity.encode()));
}

void World::prepare(const std::string& name, const Log& log) {
  Member& member = *members_.at(name);
  Identity identity = *Identity::decode(*member.home.identity());
  identity.promised = log.promised;
  must(member.home.write_identity(identity.encode()));
  StoreWrites writes;
  for (const LogEntry& entry : log.entries) {
    names_.of(entry);
    writes.push_back(PutEntry{entry});
    if (entry.version.value() <= log.committed) writes.push_back(ApplyEntry{entry.position(), entry.value});
  }
  writes.push_back(EraseEntries{Version(1), Version(log.first)});
  must(open_store(member.home)->commit({&writes}, Durability::durable));
}

void World::connect(Member& one, Member& other) {
  for (const auto& [a, b] : {std::pair(&one, &other), std::pair(&other, &one)}) {
    a->process->connected.insert(b->id);
    feed(*a, PeerConnected{b->id}, fmt::format("{} is connected to {}", a->name, b->name));
  }
}

void World::disconnect(Member& one, Member& other) {
  if (!one.process || one.process->connected.erase(other.id) == 0) return;
  feed(one, PeerDisconnected{other.id}, fmt::format("{} loses its connection to {}", one.name, other.name));
}

void World::partition(const std::map<std::string, size_t>& group_of) {
  for (const auto& [name, group] : group_of) members_.at(name)->group = group;
  std::erase_if(letters_, [&](const Letter& letter) { return by_id(letter.from).group != by_id(letter.to).group; });
  for (auto& [name, one] : members_) {
    for (auto& [other_name, other] : members_) {
      if (one->group != other->group) disconnect(*one, *other);
      const bool may_meet = one->group == other->group && name < other_name && one->process && other->process;
      if (may_meet && !one->process->connected.contains(other->id)) connect(*one, *other);
    }
  }
  work();
}

// ---------------------------------------------------------------------------------------------- inputs

void World::tick(const std::string& name) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now_ - TimePoint(std::chrono::hours(1)));
  feed(*members_.at(name), Tick{}, fmt::format("{} at {} ms", name, ms.count()));
  work();
}

bool World::is_electing(const std::string& name) const {
  return members_.at(name)->process->monitor.state() == MemberState::electing;
}

void World::request(const std::string& name, ClientRequest request) {
  requests_[++last_token_] = describe(request);
  request.id = last_token_;
  feed(*members_.at(name), RequestReceived{last_token_, request},
       fmt::format("client -> {} {}", name, describe(request)), transcript_.is_shown("answers"));
  work();
}

std::list<World::Letter>::iterator World::find(const LetterFilter& filter) {
  auto matches = [&](const Letter& letter) {
    return (filter.from.empty() || names_.of(letter.from) == filter.from) &&
           (filter.to.empty() || names_.of(letter.to) == filter.to) &&
           (filter.type.empty() || message_name(letter.message) == filter.type);
  };
  return std::find_if(letters_.begin(), letters_.end(), matches);
}

bool World::deliver(const LetterFilter& filter) {
  const auto it = find(filter);
  if (it == letters_.end()) return false;
  Letter letter = std::move(*it);
  letters_.erase(it);
  const std::string heading =
      fmt::format("{} -> {} {}", names_.of(letter.from), names_.of(letter.to), describe(letter.message, names_));
  const bool is_wanted = transcript_.is_message_shown(message_name(letter.message));
  feed(by_id(letter.to), PeerMessage{letter.source, std::move(letter.message)}, heading, is_wanted);
  work();
  return true;
}

bool World::drop(const LetterFilter& filter) {
  const auto it = find(filter);
  if (it == letters_.end()) return false;
  transcript_.line(
      fmt::format("lost: {} -> {} {}", names_.of(it->from), names_.of(it->to), describe(it->message, names_)));
  letters_.erase(it);
  return true;
}

bool World::duplicate(const LetterFilter& filter) {
  const auto it = find(filter);
  if (it == letters_.end()) return false;
  letters_.push_back(*it);
  return true;
}

bool World::forge(const LetterFilter& filter, const std::string& to) {
  const auto it = find(filter);
  if (it == letters_.end()) return false;
  Letter forged = *it;
  forged.to = id_of(to);
  letters_.push_back(std::move(forged));
  return true;
}

std::vector<std::string> World::on_their_way() {
  std::vector<std::string> lines;
  for (const Letter& letter : letters_) {
    lines.push_back(fmt::format("on its way: {} -> {} {}", names_.of(letter.from), names_.of(letter.to),
                                describe(letter.message, names_)));
  }
  return lines;
}

void World::feed(Member& member, Input input, const std::string& heading, bool is_wanted) {
  work_.push_back({&member, std::move(input), heading, is_wanted});
}

// What a step causes at once is done after it, not inside it.
void World::work() {
  if (is_working_) return;
  is_working_ = true;
  while (!work_.empty()) {
    Work next = std::move(work_.front());
    work_.pop_front();
    if (next.member->process == nullptr) continue;
    Effects lines;
    perform(*next.member, next.member->process->monitor.step(now_, std::move(next.input)), lines);
    transcript_.block(next.heading, next.is_wanted, lines);
    check();
  }
  is_working_ = false;
}

// ---------------------------------------------------------------------------------------------- rules

void World::check() {
  std::vector<std::string> with_lease;
  for (auto& [name, member] : members_) {
    if (member->process == nullptr) continue;
    const Monitor& monitor = member->process->monitor;
    monitor.check_invariants();
    check_sync_order(*member);
    if (monitor.has_lease(now_)) with_lease.push_back(name);
    const Position committed = monitor.committed();
    if (committed.version == Version()) continue;
    const auto [it, is_new] = chosen_.try_emplace(committed.version, committed.hash);
    if (it->second == committed.hash) continue;
    transcript_.violation(fmt::format("{} committed {}, but {} was committed before", name, names_.of(committed),
                                      names_.of(Position{committed.version, it->second})));
  }
  if (with_lease.size() > 1) {
    transcript_.violation(fmt::format("{} hold the lease at the same time", fmt::join(with_lease, " and ")));
  }
}

std::string World::name_in_events(const Member& member) const {
  return monmap_.find(member.id) != nullptr ? member.name : to_string(member.id);
}

void World::check_sync_order(const Member& member) {
  sync_order_.on_state(name_in_events(member), member.process->monitor.state());
  if (sync_order_.violation().empty() || std::exchange(is_order_broken_, true)) return;
  transcript_.violation(names_.in(sync_order_.violation()));
}

std::string World::status(const std::string& name) {
  Member& member = *members_.at(name);
  if (!member.home.has_store()) {
    return fmt::format("{} {}: no store", name, member.process ? to_string(member.process->monitor.state()) : "down");
  }
  const LogState log = *open_store(member.home)->load_log();
  const Identity identity = *Identity::decode(*member.home.identity());
  std::string text = fmt::format("{} {}: promised {}, log from {}, committed {}", name,
                                 member.process ? to_string(member.process->monitor.state()) : "down",
                                 names_.of(identity.promised), log.first.value(), names_.of(log.applied));
  for (size_t i = 0; i < log.accepted.size(); ++i) {
    text += (i == 0 ? ", accepted " : " ") + names_.of(log.accepted[i]);
  }
  if (member.process == nullptr) return text;
  const std::set<MemberId> quorum = member.process->monitor.quorum(now_);
  if (!quorum.empty()) text += ", quorum " + names_.of({quorum.begin(), quorum.end()});
  if (member.process->monitor.has_lease(now_)) text += ", has the lease";
  if (!member.process->disk.empty()) text += fmt::format(", {} writes wait for its disk", member.process->disk.size());
  return text;
}

}  // namespace synod::script
