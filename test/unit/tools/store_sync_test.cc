// `synod-store sync`, on directories of stopped members.
#include "tools/store_sync.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>

#include "mon/core/sync/copy_record.h"
#include "test/sim/check/sync/sync_order.h"
#include "test/unit/store/temp_dir.h"
#include "test/unit/tools/run_store_tool.h"
#include "test/unit/tools/stopped_member.h"

namespace synod {
namespace {

using test::Outcome;
using test::run_store_tool;

constexpr uint64_t versions = 30;

// Puts, overwrites and erases, keys and ranges.
ReplicatedTransaction changes(uint64_t version) {
  ReplicatedTransaction value = test::put_own_key(version);
  value.put("kv/k/hot", SharedBytes("of version " + std::to_string(version)));
  if (version % 7 == 0) value.erase("kv/k/" + std::to_string(version / 2));
  if (version == 25) value.erase_range("kv/k/11", "kv/k/14");
  return value;
}

uint64_t number(const Outcome& outcome, const std::string& field) {
  std::smatch found;
  const std::regex wanted("\"" + field + "\":(\\d+)");
  EXPECT_TRUE(std::regex_search(outcome.out, found, wanted)) << field << " in " << outcome.out;
  return found.empty() ? 0 : std::stoull(found[1]);
}

// Takes the events off what a sync has told, and judges them. What a monitor tells of a sync, no tool does.
void judge_events(Outcome& outcome) {
  std::optional<sim::SyncOrder> order;
  std::istringstream told(std::exchange(outcome.err, ""));
  for (std::string line; std::getline(told, line);) {
    const size_t space = line.find(' ');
    const Result<SyncEvent> event = parse_sync_event(std::string_view(line).substr(space + 1));
    if (!event) {
      outcome.err += line + "\n";
      order.reset();  // it begins again
      continue;
    }
    if (!order) {
      order.emplace();
      order->on_event("source", {.kind = SyncEventKind::started, .start = 1});
      order->on_event("copy", {.kind = SyncEventKind::started, .start = 1, .is_marked = true, .chunks = event->chunks});
      order->on_event("copy", {.kind = SyncEventKind::must_copy, .cookie = event->cookie});
      order->on_event("copy", {.kind = SyncEventKind::provider_chosen, .cookie = event->cookie, .peer = "source"});
    }
    order->on_event(line.substr(0, space), *event);
    EXPECT_EQ(order->violation(), "");
  }
}

class StoreSyncTest : public testing::Test {
 protected:
  StoreSyncTest() { test::make_member(source_, versions, changes); }

  // In small chunks, told in JSON.
  Outcome sync_from(const std::string& source, std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"sync", source, copy_, "--chunk-bytes", "40", "--format", "json", "--trace-sync"};
    words.insert(words.end(), more.begin(), more.end());
    Outcome outcome = run_store_tool(words);
    judge_events(outcome);
    return outcome;
  }
  Outcome sync(std::vector<std::string> more = {}) { return sync_from(source_, std::move(more)); }

  void expect_copy_of(const std::string& source) {
    const Outcome compared = run_store_tool({"compare", source, copy_});
    EXPECT_EQ(compared.code, 0) << compared.out << compared.err;
    EXPECT_EQ(run_store_tool({"digest", copy_}).out, run_store_tool({"digest", source}).out);
  }

  test::TempDir temp_;
  const std::string source_ = temp_ / "source";
  const std::string copy_ = temp_ / "copy";
};

TEST_F(StoreSyncTest, makes_a_copy_that_compare_takes) {
  const Outcome synced = sync();
  EXPECT_EQ(synced.code, 0) << synced.err;
  EXPECT_EQ(synced.err, "") << "no progress where there is no terminal";
  EXPECT_EQ(synced.out.find("{\"complete\":true,"), 0U) << synced.out;
  EXPECT_EQ(number(synced, "first_chunk"), 1U);
  EXPECT_GT(number(synced, "chunks"), 5U);
  EXPECT_EQ(number(synced, "base_version"), versions);
  EXPECT_EQ(number(synced, "version"), versions);
  const std::string stats = run_store_tool({"stats", source_}).out;
  EXPECT_NE(stats.find("\nkeys " + std::to_string(number(synced, "keys")) + "\n"), std::string::npos) << stats;
  EXPECT_NE(stats.find("\nbytes " + std::to_string(number(synced, "bytes")) + "\n"), std::string::npos) << stats;
  expect_copy_of(source_);
}

TEST_F(StoreSyncTest, tells_the_same_in_words) {
  const Outcome synced = run_store_tool({"sync", source_, copy_});
  EXPECT_EQ(synced.out.find("complete true\nchunks 1\nfirst_chunk 1\nkeys "), 0U) << synced.out;
}

TEST_F(StoreSyncTest, ends_at_any_chunk_and_goes_on_there) {
  const Outcome whole = sync();
  const uint64_t chunks = number(whole, "chunks");
  for (uint64_t stop = 1; stop <= chunks; ++stop) {
    SCOPED_TRACE(stop);
    std::filesystem::remove_all(copy_);
    const Outcome stopped =
        sync({"--stop-after-chunk", std::to_string(stop), "--window", std::to_string(stop % 5 + 1)});
    EXPECT_EQ(stopped.code, 4);
    EXPECT_EQ(stopped.out.find("{\"complete\":false,"), 0U);
    EXPECT_EQ(number(stopped, "chunks"), stop);
    const std::string unfinished = "unfinished sync at chunk " + std::to_string(stop);
    EXPECT_NE(stopped.err.find(unfinished), std::string::npos) << stopped.err;
    for (const std::vector<std::string>& words : {std::vector<std::string>{"compare", source_, copy_},
                                                  {"get", copy_, "kv/k/1"},
                                                  {"list", copy_},
                                                  {"dump", copy_},
                                                  {"stats", copy_},
                                                  {"digest", copy_},
                                                  {"set", copy_, "kv/k/1", "x", "--accept-risk"},
                                                  {"sync", copy_, source_}}) {
      const Outcome refused = run_store_tool(words);
      EXPECT_EQ(refused.code, 2) << words[0];
      EXPECT_EQ(refused.out, "") << words[0];
      EXPECT_NE(refused.err.find(unfinished), std::string::npos) << words[0] << refused.err;
    }
    const Outcome again = sync();
    EXPECT_EQ(again.code, 2) << "what is there is not lost by forgetting an option";
    EXPECT_NE(again.err.find("--resume"), std::string::npos) << again.err;
    const Outcome resumed = sync({"--resume"});
    EXPECT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_EQ(resumed.err, "");
    EXPECT_EQ(number(resumed, "first_chunk"), stop + 1);
    EXPECT_EQ(number(resumed, "bytes"), number(whole, "bytes") - number(stopped, "bytes")) << "no byte twice";
    EXPECT_EQ(number(resumed, "keys"), number(whole, "keys") - number(stopped, "keys"));
    expect_copy_of(source_);
  }
}

TEST_F(StoreSyncTest, one_chunk_a_run_comes_to_its_end) {
  int runs = 1;
  Outcome last = sync({"--stop-after-chunk", "1"});
  while (last.code == 4 && ++runs < 200) last = sync({"--resume", "--stop-after-chunk", std::to_string(runs)});
  EXPECT_EQ(last.code, 0) << last.err;
  expect_copy_of(source_);
}

TEST_F(StoreSyncTest, a_stop_that_is_reached_already_moves_nothing) {
  ASSERT_EQ(sync({"--stop-after-chunk", "3"}).code, 4);
  const Outcome again = sync({"--resume", "--stop-after-chunk", "2"});
  EXPECT_EQ(again.code, 4);
  EXPECT_EQ(number(again, "chunks"), 0U);
  EXPECT_EQ(number(again, "first_chunk"), 4U);
}

TEST_F(StoreSyncTest, a_complete_copy_is_left_as_it_is) {
  ASSERT_EQ(sync().code, 0);
  const Outcome again = sync({"--resume"});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(again.out,
            "{\"complete\":true,\"chunks\":0,\"first_chunk\":0,\"keys\":0,\"bytes\":0,\"base_version\":30,"
            "\"version\":30}\n");
  const Outcome without = sync();
  EXPECT_EQ(without.code, 2);
  EXPECT_NE(without.err.find("holds a store already"), std::string::npos) << without.err;
  expect_copy_of(source_);
}

TEST_F(StoreSyncTest, goes_on_from_a_source_that_has_changed_since) {
  const std::string later = temp_ / "later";
  test::make_member(later, versions + 40, changes);
  for (const char* stop : {"1", "4", "9"}) {
    SCOPED_TRACE(stop);
    std::filesystem::remove_all(copy_);
    ASSERT_EQ(sync({"--stop-after-chunk", stop}).code, 4);
    const Outcome resumed = sync_from(later, {"--resume"});
    EXPECT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_EQ(number(resumed, "base_version"), versions);
    EXPECT_EQ(number(resumed, "version"), versions + 40);
    expect_copy_of(later);
  }
}

TEST_F(StoreSyncTest, begins_again_where_the_log_between_is_gone_and_says_so) {
  const std::string later = temp_ / "later";
  test::make_member(later, versions + 40, changes, versions + 20);
  ASSERT_EQ(sync({"--stop-after-chunk", "4"}).code, 4);
  const Outcome resumed = sync_from(later, {"--resume"});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_NE(resumed.err.find("begins again from the start"), std::string::npos) << resumed.err;
  EXPECT_NE(resumed.err.find("its log begins at version 50, past 31 which the copy needs"), std::string::npos)
      << resumed.err;
  EXPECT_EQ(number(resumed, "first_chunk"), 1U);
  expect_copy_of(later);
}

TEST_F(StoreSyncTest, a_source_that_is_behind_the_copy_leaves_it_for_another) {
  const std::string earlier = temp_ / "earlier";
  test::make_member(earlier, versions - 10, changes);
  ASSERT_EQ(sync({"--stop-after-chunk", "4"}).code, 4);
  const Outcome refused = sync_from(earlier, {"--resume"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("it is at version 20, and the copy has keys of version 30"), std::string::npos)
      << refused.err;
  const Outcome resumed = sync({"--resume"});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(number(resumed, "first_chunk"), 5U);
  expect_copy_of(source_);
}

TEST_F(StoreSyncTest, values_larger_than_a_chunk_travel) {
  const std::string large = temp_ / "large";
  test::make_member(large, 3, [](uint64_t version) {
    ReplicatedTransaction value;
    value.put("kv/k/" + std::to_string(version), SharedBytes(Bytes(300'000 * version, static_cast<char>(version))));
    return value;
  });
  const Outcome synced = run_store_tool({"sync", large, copy_, "--chunk-bytes", "1", "--format", "json"});
  EXPECT_EQ(synced.code, 0) << synced.err;
  EXPECT_EQ(number(synced, "chunks"), number(synced, "keys"));
  expect_copy_of(large);
}

TEST_F(StoreSyncTest, a_store_without_a_value_is_copied) {
  const std::string young = temp_ / "young";
  test::make_member(young, 0);
  EXPECT_EQ(sync_from(young).code, 0);
  expect_copy_of(young);
}

TEST_F(StoreSyncTest, damage_in_the_copy_is_found_and_the_copy_made_anew) {
  ASSERT_EQ(sync({"--stop-after-chunk", "8"}).code, 4);
  {
    // What a disk does, below any checksum: another value, well-formed.
    Result<std::unique_ptr<DataDir>> dir = DataDir::open(copy_);
    auto unfinished = (*dir)->open_unfinished({});
    ASSERT_TRUE(unfinished && *unfinished);
    MonitorStore store(std::move((*unfinished)->db));
    ReplicatedTransaction wrong;
    wrong.put("kv/k/1", SharedBytes(Bytes("rotten")));
    ASSERT_TRUE(store.commit_chunk(wrong, Durability::durable).is_ok());
  }
  const Outcome resumed = sync({"--resume"});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_NE(resumed.err.find("begins again from the start: the copy at version 30 has digest"), std::string::npos)
      << resumed.err;
  EXPECT_EQ(number(resumed, "first_chunk"), 1U);
  expect_copy_of(source_);
}

TEST_F(StoreSyncTest, a_copy_that_cannot_be_read_is_left_alone) {
  ASSERT_EQ(sync({"--stop-after-chunk", "8"}).code, 4);
  std::ofstream(copy_ + "/store.1/CURRENT") << "rubbish\n";
  const Outcome resumed = sync({"--resume"});
  EXPECT_EQ(resumed.code, 2);
  EXPECT_NE(resumed.err.find("cannot go on with the copy in " + copy_), std::string::npos) << resumed.err;
  EXPECT_NE(resumed.err.find("remove the directory to begin again"), std::string::npos) << resumed.err;
}

// What is left when the process or the power ended before LevelDB had made its database, and in the middle of removing
// one: any of the files, but no CURRENT.
TEST_F(StoreSyncTest, a_copy_whose_store_was_never_made_or_half_removed_is_begun_anew) {
  ASSERT_EQ(sync({"--stop-after-chunk", "8"}).code, 4);
  ASSERT_TRUE(std::filesystem::remove(copy_ + "/store.1/CURRENT"));
  const std::string broken = temp_ / "broken";
  std::filesystem::rename(copy_, broken);
  std::vector<std::filesystem::path> files = {""};
  for (const auto& file : std::filesystem::directory_iterator(broken + "/store.1")) files.push_back(file.path());
  EXPECT_GT(files.size(), 4U);
  for (const std::filesystem::path& removed : files) {
    for (const bool resumes : {false, true}) {
      SCOPED_TRACE(removed.filename().string() + (resumes ? ", --resume" : ""));
      std::filesystem::remove_all(copy_);
      std::filesystem::copy(broken, copy_, std::filesystem::copy_options::recursive);
      if (!removed.empty()) std::filesystem::remove(copy_ + "/store.1/" + removed.filename().string());
      EXPECT_EQ(run_store_tool({"get", copy_, "kv/k/1"}).code, 2);
      const Outcome synced = resumes ? sync({"--resume"}) : sync();
      EXPECT_EQ(synced.code, 0) << synced.err;
      EXPECT_EQ(number(synced, "first_chunk"), 1U);
      expect_copy_of(source_);
    }
  }
  std::filesystem::remove_all(copy_);
  std::filesystem::create_directories(copy_ + "/store.1");
  std::ofstream(copy_ + "/lock") << "";
  EXPECT_EQ(sync({"--resume"}).code, 0) << "killed when the directory had been made";
  expect_copy_of(source_);
}

TEST_F(StoreSyncTest, what_lacks_its_pointer_is_no_copy) {
  const std::string damaged = temp_ / "damaged";
  std::filesystem::copy(source_, damaged, std::filesystem::copy_options::recursive);
  std::filesystem::remove(damaged + "/CURRENT_STORE");
  const Outcome refused = run_store_tool({"sync", source_, damaged, "--resume"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("store.1 is no copy"), std::string::npos) << refused.err;
  EXPECT_TRUE(std::filesystem::exists(damaged + "/store.1/CURRENT"));
}

TEST_F(StoreSyncTest, refuses_what_is_no_place_for_a_copy) {
  const std::string member = temp_ / "member";
  test::make_member(member, 3);
  { ASSERT_TRUE((*DataDir::open(member))->write_identity("somebody").is_ok()); }
  const std::string foreign = temp_ / "foreign";
  std::filesystem::create_directory(foreign);
  std::ofstream(foreign + "/thesis.tex") << "text\n";
  std::ofstream(temp_ / "file") << "text\n";
  const std::vector<std::pair<std::string, std::string>> places = {{member, "syncs by itself"},
                                                                   {foreign, "neither empty nor a data directory"},
                                                                   {temp_ / "file", "not a directory"},
                                                                   {source_, "the same directory"}};
  for (const auto& [place, why] : places) {
    const Outcome refused = run_store_tool({"sync", source_, place, "--resume"});
    EXPECT_EQ(refused.code, 2) << place;
    EXPECT_EQ(refused.out, "");
    EXPECT_NE(refused.err.find(why), std::string::npos) << refused.err;
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(foreign), {}), 1);
}

TEST_F(StoreSyncTest, without_a_source_no_directory_is_made) {
  const Outcome refused = sync_from(temp_ / "none");
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("none"), std::string::npos) << refused.err;
  EXPECT_FALSE(std::filesystem::exists(copy_));
}

TEST_F(StoreSyncTest, an_empty_directory_is_filled_also_with_resume) {
  std::filesystem::create_directory(copy_);
  EXPECT_EQ(sync({"--resume"}).code, 0);
  expect_copy_of(source_);
}

// ---------------------------------------------------------------------------------------------- delta

class StoreDeltaTest : public StoreSyncTest {
 protected:
  StoreDeltaTest() {
    test::make_member(older_, versions / 2, changes);
    EXPECT_EQ(sync_from(older_).code, 0);
  }
  const std::string older_ = temp_ / "older";
};

TEST_F(StoreDeltaTest, brings_an_older_copy_up_to_the_source) {
  const Outcome refused = sync();
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("--delta"), std::string::npos) << refused.err;
  const Outcome synced = sync({"--delta"});
  EXPECT_EQ(synced.code, 0) << synced.err;
  EXPECT_EQ(number(synced, "version"), versions);
  expect_copy_of(source_);
  const Outcome again = sync({"--delta"});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(number(again, "keys"), 0U) << "nothing differs";
  expect_copy_of(source_);
}

TEST_F(StoreDeltaTest, without_a_copy_it_is_a_whole_one) {
  std::filesystem::remove_all(copy_);
  EXPECT_EQ(sync({"--delta"}).code, 0);
  expect_copy_of(source_);
}

TEST_F(StoreDeltaTest, ends_at_any_chunk_and_goes_on_there) {
  const std::string kept = temp_ / "kept";
  std::filesystem::copy(copy_, kept, std::filesystem::copy_options::recursive);
  const uint64_t chunks = number(sync({"--delta"}), "chunks");
  EXPECT_GT(chunks, 3U);
  for (uint64_t stop = 1; stop <= chunks; ++stop) {
    SCOPED_TRACE(stop);
    std::filesystem::remove_all(copy_);
    std::filesystem::copy(kept, copy_, std::filesystem::copy_options::recursive);
    const Outcome stopped =
        sync({"--delta", "--stop-after-chunk", std::to_string(stop), "--window", std::to_string(stop % 5 + 1)});
    EXPECT_EQ(stopped.code, 4) << stopped.err;
    const std::string unfinished = "unfinished sync at chunk " + std::to_string(stop);
    for (const std::vector<std::string>& words : {std::vector<std::string>{"compare", source_, copy_},
                                                  {"get", copy_, "kv/k/1"},
                                                  {"list", copy_},
                                                  {"set", copy_, "kv/k/1", "x", "--accept-risk"},
                                                  {"sync", source_, copy_, "--delta"}}) {
      const Outcome refused = run_store_tool(words);
      EXPECT_EQ(refused.code, 2) << words[0];
      EXPECT_NE(refused.err.find(unfinished), std::string::npos) << words[0] << refused.err;
    }
    const Outcome resumed = sync({"--resume"});
    EXPECT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_EQ(number(resumed, "first_chunk"), stop + 1);
    expect_copy_of(source_);
  }
}

TEST_F(StoreDeltaTest, a_source_that_is_behind_is_refused_and_the_copy_stays) {
  ASSERT_EQ(sync({"--delta"}).code, 0);
  const Outcome back = sync_from(older_, {"--delta"});
  EXPECT_EQ(back.code, 2);
  EXPECT_NE(back.err.find("the copy is at version 15, and this member has committed 30"), std::string::npos)
      << back.err;
  expect_copy_of(source_);
}

}  // namespace
}  // namespace synod
