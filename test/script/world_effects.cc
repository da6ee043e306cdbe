// What the executor does with an Output: persist, send, run tasks, answer, publish, in this order.
#include <fmt/format.h>

#include <utility>

#include "base/assert.h"
#include "test/script/world.h"

namespace synod::script {

void World::perform(Member& member, Output out, Effects& lines) {
  trace_sync(member, out.sync_events, lines);
  persist(member, out, lines);
  send_all(member, std::move(out.messages), "sends", lines);
  std::vector<Envelope> waiting;
  Process& process = *member.process;
  for (Envelope& envelope : out.messages_when_durable) {
    const bool waits = process.progress.durable_step < process.last_durable_submitted;
    if (waits) waiting.push_back(envelope);
    process.held.push_back({process.last_durable_submitted, std::move(envelope)});
  }
  for (const Envelope& envelope : waiting) {
    if (!transcript_.is_message_shown(message_name(envelope.message))) continue;
    lines.push_back(fmt::format("{} will send {} {}, once that is durable", member.name, names_.of(envelope.to),
                                describe(envelope.message, names_)));
  }
  send_held(member, lines);
  if (out.probe) spread(member, *out.probe);
  for (TaskRequest& request : out.tasks) run(member, std::move(request));
  for (const Answer& answer : out.answers) {
    if (!transcript_.is_shown("answers")) continue;
    lines.push_back(
        fmt::format("{} answers {}: {}", member.name, requests_[answer.token], names_.in(describe(answer.reply))));
  }
  for (const Event& event : out.events) {
    if (!transcript_.is_shown("events")) continue;
    lines.push_back(names_.in(process.monitor.trace_prefix() + " " + event.text));
  }
  if (out.exit) lines.push_back(fmt::format("{} exits with {}: {}", member.name, out.exit->code, out.exit->reason));
}

void World::trace_sync(Member& member, const std::vector<SyncEvent>& events, Effects& lines) {
  for (const SyncEvent& event : events) {
    sync_order_.on_event(name_in_events(member), event);
    if (!transcript_.is_shown("sync")) continue;
    lines.push_back(names_.in(member.process->monitor.trace_prefix() + " " + to_string(event)));
  }
}

// ---------------------------------------------------------------------------------------------- disk

std::string World::describe_writes(const Output& out) {
  std::string text;
  auto add = [&](const std::string& one) { text += (text.empty() ? "" : ", ") + one; };
  if (out.promise) add("promise " + names_.of(*out.promise));
  for (const StoreWrite& write : out.writes) {
    if (const auto* put = std::get_if<PutEntry>(&write)) {
      add("entry " + names_.of(put->entry));
    } else if (const auto* erase = std::get_if<EraseEntries>(&write)) {
      add(fmt::format("erase entries {}..{}", erase->from.value(), erase->to.value() - 1));
    } else if (const auto* apply = std::get_if<ApplyEntry>(&write)) {
      add("applied " + names_.of(apply->position));
    } else if (const auto* local = std::get_if<PutLocal>(&write)) {
      add("set " + local->key);
    } else if (const auto* open = std::get_if<OpenScrub>(&write)) {
      add(fmt::format("open for a scrub at {}", open->point.version.value()));
    } else {
      add("erase " + std::get<EraseLocal>(write).key);
    }
  }
  return text.empty() ? "identity" : text;
}

void World::persist(Member& member, Output& out, Effects& lines) {
  if (!out.identity && out.writes.empty()) return;
  Job job;
  job.step = out.step;
  job.is_durable = out.identity.has_value() || out.is_durable;
  job.text = fmt::format("{} {}", job.is_durable ? "persists" : "writes", describe_writes(out));
  job.write = {std::move(out.identity), std::move(out.writes),
               out.is_durable ? Durability::durable : Durability::visible};
  if (job.is_durable) member.process->last_durable_submitted = out.step;
  if (transcript_.is_shown("writes")) {
    lines.push_back(member.is_disk_held ? fmt::format("disk of {} is to do: {}", member.name, job.text)
                                        : fmt::format("{} {}", member.name, job.text));
  }
  member.process->disk.push_back(std::move(job));
  run_disk(member);
}

// A disk that is not held does all at once.
void World::run_disk(Member& member) {
  Effects nothing;
  while (!member.is_disk_held && !member.process->disk.empty()) {
    Job job = std::move(member.process->disk.front());
    member.process->disk.pop_front();
    do_job(member, std::move(job), nothing);
  }
}

void World::do_job(Member& member, Job job, Effects& lines) {
  Process& process = *member.process;
  if (job.task) {
    Result<TaskResult> result = process.engine.run(job.task->task);
    SYNOD_ASSERT(result.has_value(), "a disk in memory does not fail");
    const std::string heading = fmt::format("{} {}", member.name, describe_result(*result));
    feed(member, TaskDone{job.task->id, *std::move(result)}, heading);
    return;
  }
  std::vector<WriteJob> jobs;
  jobs.push_back(std::move(job.write));
  const Status status = process.engine.write(jobs);
  SYNOD_ASSERT(status.is_ok(), "a disk in memory does not fail");
  process.progress.visible_step = job.step;
  if (job.is_durable) process.progress.durable_step = job.step;
  send_held(member, lines);
  feed(member, process.progress, fmt::format("disk of {} is done", member.name));
}

bool World::persist(const std::string& name) {
  Member& member = *members_.at(name);
  if (!member.process || member.process->disk.empty()) return false;
  Job job = std::move(member.process->disk.front());
  member.process->disk.pop_front();
  const std::string heading = fmt::format("disk of {} {}", name, job.text);
  Effects lines;
  is_working_ = true;  // its consequences come behind this block
  do_job(member, std::move(job), lines);
  is_working_ = false;
  transcript_.block(heading, true, lines);
  work();
  return true;
}

void World::release(const std::string& name) {
  while (persist(name)) {
  }
  members_.at(name)->is_disk_held = false;
}

// ---------------------------------------------------------------------------------------------- messages

void World::send_all(Member& member, std::vector<Envelope> envelopes, const std::string& verb, Effects& lines) {
  std::string last;
  for (Envelope& envelope : envelopes) {
    const bool is_lost = envelope.to != member.id && !member.process->connected.contains(envelope.to);
    const bool is_shown = envelope.to != member.id && !is_lost && !std::holds_alternative<Probe>(envelope.message) &&
                          transcript_.is_message_shown(message_name(envelope.message));
    if (is_shown) {
      const std::string text = describe(envelope.message, names_);
      if (text == last) {
        // Several messages that are alike in a row: one line names all who get it.
        const std::string head = fmt::format("{} {} ", member.name, verb);
        lines.back().insert(lines.back().find(' ', head.size()), "," + names_.of(envelope.to));
      } else {
        lines.push_back(fmt::format("{} {} {} {}", member.name, verb, names_.of(envelope.to), text));
      }
      last = text;
    }
    if (!is_lost) post(member, std::move(envelope));
  }
}

void World::post(Member& member, Envelope envelope) {
  Member& to = by_id(envelope.to);
  const Source source = member.process->monitor.source();
  if (&to == &member || std::holds_alternative<Probe>(envelope.message)) {
    const std::string heading = fmt::format("{} -> {} {}", member.name, to.name, describe(envelope.message, names_));
    const bool is_wanted = &to == &member && transcript_.is_message_shown(message_name(envelope.message));
    feed(to, PeerMessage{source, std::move(envelope.message)}, heading, is_wanted);
  } else {
    letters_.push_back({member.id, envelope.to, source, std::move(envelope.message)});
  }
}

void World::send_held(Member& member, Effects& lines) {
  Process& process = *member.process;
  std::vector<Envelope> ready;
  while (!process.held.empty() && process.held.front().needs <= process.progress.durable_step) {
    ready.push_back(std::move(process.held.front().envelope));
    process.held.pop_front();
  }
  send_all(member, std::move(ready), "sends", lines);
}

void World::spread(Member& member, const Probe& probe) {
  const std::set<MemberId> connected = member.process->connected;
  for (MemberId to : connected) post(member, {to, probe});
}

// ---------------------------------------------------------------------------------------------- tasks

std::string World::describe_result(const TaskResult& result) {
  if (const auto* value = std::get_if<Evaluated>(&result)) {
    return fmt::format("computed {} from {} requests", describe_value(value->value), value->replies.size());
  }
  if (std::holds_alternative<RangeDone>(result)) return "read a range";
  if (std::holds_alternative<ReadLogDone>(result)) return "read its log";
  if (std::holds_alternative<SnapshotOpened>(result)) return "opened a snapshot";
  if (std::holds_alternative<ChunkRead>(result)) return "read a chunk";
  if (const auto* ranges = std::get_if<RangesRead>(&result)) {
    return fmt::format("read {} ranges", ranges->ranges.size());
  }
  if (const auto* compared = std::get_if<RangesCompared>(&result)) {
    return fmt::format("compared ranges: {} differ", compared->differing.size());
  }
  if (std::holds_alternative<Formed>(result)) return "made its first store";
  if (std::holds_alternative<StoreCreated>(result)) return "made another store";
  if (std::holds_alternative<ChunkWritten>(result)) return "wrote a chunk";
  if (std::holds_alternative<Verified>(result)) return "verified its copy";
  if (std::holds_alternative<Switched>(result)) return "switched to its copy";
  const auto* failed = std::get_if<Status>(&result);
  return failed != nullptr ? "failed: " + failed->to_string() : "did a task";
}

void World::run(Member& member, TaskRequest request) {
  if (is_writer_task(request.task)) {
    Job job;
    job.text = std::holds_alternative<KeepSegmentsTask>(request.task) ? "keeps its digests" : "does a task of a sync";
    job.task = std::move(request);
    member.process->disk.push_back(std::move(job));
    run_disk(member);
    return;
  }
  Result<TaskResult> result = member.process->engine.run(request.task);
  SYNOD_ASSERT(result.has_value(), "a disk in memory does not fail");
  const std::string heading = fmt::format("{} {}", member.name, describe_result(*result));
  feed(member, TaskDone{request.id, *std::move(result)}, heading);
}

}  // namespace synod::script
