#include "mon/daemon/open_member.h"

#include <fmt/format.h>

#include <utility>

#include "base/mutant.h"
#include "mon/core/sync/requester.h"
#include "mon/daemon/unfinished_copy.h"
#include "mon/service/monmap_service.h"

namespace synod {
namespace {

std::optional<Refusal> load_identity(StoreHome& home, const DaemonOptions& options, Random& random,
                                     OpenedMember& opened) {
  Result<std::optional<Bytes>> record = home.read_identity();
  if (!record) return Refusal{exit_disk_failure, record.error().message()};
  Identity& identity = opened.start.identity;
  if (*record) {
    Result<Identity> decoded = Identity::decode(**record);
    if (!decoded) return Refusal{exit_disk_failure, options.data + ": " + decoded.error().message()};
    identity = *std::move(decoded);
    if (SYNOD_MUTANT("forget-promise-on-restart")) identity.promised = ProposalNumber();
  } else if (home.has_store()) {
    return Refusal{exit_directory_refused,
                   fmt::format("{} has a store and no identity: a member without its memory must not vote; move the "
                               "directory away and start again, to return as a new member id",
                               options.data)};
  } else {
    while (!identity.id) identity.id = MemberId(random.next());
    identity.name = options.name;
  }
  if (identity.name != options.name) {
    return Refusal{exit_directory_refused, fmt::format("{} is the directory of member '{}', not of '{}'", options.data,
                                                       identity.name, options.name)};
  }
  return std::nullopt;
}

std::optional<Refusal> check_formation(const DaemonOptions& options, const Identity& identity) {
  const bool is_formed = identity.formation == FormationState::formed;
  if (options.form && (is_formed || options.initial_members.size() != 1)) {
    return Refusal{exit_usage, is_formed ? fmt::format("--form: {} belongs to a cluster already", options.data)
                                         : "--form forms a cluster of one; --initial-members names more"};
  }
  if (!options.form && !is_formed && options.initial_members.size() == 1) {
    return Refusal{exit_usage,
                   fmt::format("{} belongs to no cluster, and the list has one member: form the cluster by running "
                               "once with --form",
                               options.data)};
  }
  return std::nullopt;
}

// The copy that a marked member had begun. If it is of no use, a new one will take its place; where there is no room to
// open it, nothing is wrong with it.
Status load_copy(StoreHome& home, const DaemonOptions& options, OpenedMember& opened) {
  Result<std::optional<StoreHome::NewStore>> unfinished = home.open_unfinished(options.database);
  if (unfinished && !*unfinished) return Status::ok();
  if (!unfinished && unfinished.error().code() == Code::exhausted) return unfinished.error();
  Status why = unfinished.status();
  if (unfinished) {
    const Result<std::optional<CopyRecord>> record = decode_copy_record((*unfinished)->record);
    if (record && !*record) return Status::ok();  // made, and nothing written
    why = record.status();
    if (record) {
      opened.start.copy = *record;
      opened.unfinished = std::move(**unfinished);
      return Status::ok();
    }
  }
  opened.start.copy_given_up = why.message();
  return Status::ok();
}

std::optional<Refusal> load_store(StoreHome& home, const DaemonOptions& options, OpenedMember& opened) {
  Identity& identity = opened.start.identity;
  if (identity.formation != FormationState::formed) return std::nullopt;
  auto failed = [&](const Status& status) { return Refusal{exit_disk_failure, status.message()}; };
  Result<std::unique_ptr<KeyValueDB>> db = home.open_current(options.database);
  if (!db) return failed(db.error());
  opened.store = std::make_unique<MonitorStore>(*std::move(db));
  Result<LogState> log = opened.store->load_log();
  if (!log) return failed(log.error());
  if (SYNOD_MUTANT("forget-accepted-on-restart")) log->accepted.clear();
  const Result<std::optional<Bytes>> marker = opened.store->get_local(synchronizing_key);
  if (!marker) return failed(marker.error());
  const Result<std::optional<Bytes>> monmap = opened.store->new_reader()->get(monmap_key);
  if (!monmap) return failed(monmap.error());
  Result<Monmap> decoded = Monmap::decode(monmap->value_or(Bytes()));
  if (!decoded) return failed(Status(Code::corruption, options.data + ": " + decoded.error().message()));
  const Result<std::optional<Bytes>> alarm = opened.store->get_local(alarm_key);
  if (!alarm) return failed(alarm.error());
  const Result<std::optional<Bytes>> refuted = opened.store->get_local(refuted_key);
  if (!refuted) return failed(refuted.error());
  opened.start.scrub = {alarm->value_or(Bytes()), refuted->has_value()};
  opened.start.is_marked = marker->has_value();
  if (marker->has_value()) {
    opened.start.repair = Repair::from_marker(**marker);
    const Status loaded = load_copy(home, options, opened);
    if (!loaded.is_ok()) return failed(loaded);
  } else {
    const Status removed = home.remove_unfinished();
    if (!removed.is_ok()) return failed(removed);
  }
  opened.start.log = *std::move(log);
  opened.start.monmap = *std::move(decoded);
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> open_member(StoreHome& home, const DaemonOptions& options, Random& random,
                                   OpenedMember& opened) {
  opened.start.options = options.core;
  opened.start.initial_members = options.initial_members;
  opened.start.may_form_alone = options.form;
  for (const InitialMember& member : options.initial_members) {
    if (member.name == options.name) opened.start.address = member.address;
  }
  if (auto refusal = load_identity(home, options, random, opened)) return refusal;
  if (auto refusal = check_formation(options, opened.start.identity)) return refusal;
  if (auto refusal = load_store(home, options, opened)) return refusal;
  // Counted and written twice before the first message (I-4).
  ++opened.start.identity.start_count;
  const Status written = home.write_identity(opened.start.identity.encode());
  if (!written.is_ok()) return Refusal{exit_directory_refused, written.message()};
  return std::nullopt;
}

}  // namespace synod
