// Power cuts at every call of what DataDir and TwinFile do: the old state or the new one, never none.
#include "store/data_dir.h"

#include <gtest/gtest.h>

#include "disk_run.h"
#include "store/twin_file.h"

namespace synod::sim {
namespace {

struct Cut {
  bool is_strict;
  PowerCut mode;
  uint64_t call;
};
std::string text_of(const Cut& cut) {
  return std::string(cut.is_strict ? "strict" : "lenient") + ", mode " + std::to_string(static_cast<int>(cut.mode)) +
         ", call " + std::to_string(cut.call);
}

// Runs `check` for each way to cut the power in each call, until a run ends before the call.
void for_each_cut(const std::function<bool(const Cut&)>& check) {
  for (const bool is_strict : {false, true}) {
    for (const PowerCut mode : every_power_cut) {
      uint64_t call = 1;
      for (bool was_cut = true; was_cut; ++call) {
        const Cut cut{is_strict, mode, call};
        const testing::ScopedTrace trace(__FILE__, __LINE__, text_of(cut));
        was_cut = check(cut);
        if (testing::Test::HasFailure()) return;
        ASSERT_LT(call, 10000U);
      }
      EXPECT_GT(call, 5U);
    }
  }
}

TEST(TwinFileUnderPowerCuts, holds_the_old_or_the_new_record) {
  for (const uint64_t seed : {1, 2, 3, 4, 5, 6, 7, 8}) {
    for_each_cut([&](const Cut& cut) {
      SimDisk disk({.is_strict = cut.is_strict, .seed = seed});
      SeededRandom random(seed * 1000 + cut.call);
      disk.freeze_at_call(cut.call);
      auto life = disk.start_life();
      const auto record = [](int number) { return std::to_string(number) + std::string(6000, 'r'); };
      int written = 0;
      TwinFile twin(*life, "", "identity");
      while (written < 5 && twin.write(record(written + 1)).is_ok()) ++written;
      const bool was_cut = disk.is_frozen();
      disk.cut_power(cut.mode, random);
      life = disk.start_life();
      const Result<std::optional<Bytes>> found = TwinFile(*life, "", "identity").read();
      EXPECT_TRUE(found) << found.error().to_string();
      if (!found) return was_cut;
      EXPECT_TRUE(written == 0 || found->has_value()) << "a record is lost";
      if (found->has_value()) {
        EXPECT_TRUE(**found == record(written) || **found == record(written + 1)) << (*found)->substr(0, 3);
      }
      EXPECT_TRUE(TwinFile(*life, "", "identity").write("next").is_ok());
      EXPECT_EQ(*TwinFile(*life, "", "identity").read(), "next");
      return was_cut;
    });
  }
}

// Makes store after store with its number in it, and writes the number as the identity, until something fails.
struct Progress {
  int identity = 0;
  int store = 0;
};
Progress make_stores(const std::shared_ptr<DiskLife>& shared) {
  DiskLife& life = *shared;
  Progress done;
  const Result<std::unique_ptr<DataDir>> dir = DataDir::open("a/data", life);
  if (!dir) return done;
  for (int i = 1; i <= 3; ++i) {
    if (!(*dir)->write_identity(std::to_string(i)).is_ok()) return done;
    done.identity = i;
    Result<StoreHome::NewStore> made = (*dir)->create_store(small_buffers);
    life.drain();
    if (!made) return done;
    MonitorStore store(with_drain(shared, std::move(made->db)));
    ReplicatedTransaction value;
    value.put("k", SharedBytes(std::to_string(i)));
    if (!store.initialize({}, value).is_ok()) return done;
    const Result<Bound> bound = read_bound(*store.db().new_iterator());
    if (!bound || !(*dir)->switch_to(made->name, *bound).is_ok()) return done;
    done.store = i;
  }
  return done;
}

TEST(DataDirUnderPowerCuts, has_the_old_or_the_new_store_and_identity) {
  for_each_cut([&](const Cut& cut) {
    SimDisk disk({.is_strict = cut.is_strict, .seed = cut.call});
    SeededRandom random(cut.call);
    disk.freeze_at_call(cut.call);
    auto life = disk.start_life();
    const Progress done = make_stores(life);
    const bool was_cut = disk.is_frozen();
    disk.cut_power(cut.mode, random);

    life = disk.start_life();
    const Result<std::unique_ptr<DataDir>> dir = DataDir::open("a/data", *life);
    EXPECT_TRUE(dir) << dir.error().to_string();
    if (!dir) return was_cut;
    const Result<std::optional<Bytes>> identity = (*dir)->read_identity();
    EXPECT_TRUE(identity) << identity.error().to_string();
    if (!identity) return was_cut;
    const int known = std::stoi(identity->value_or("0"));
    EXPECT_TRUE(known == done.identity || known == done.identity + 1) << known;
    EXPECT_TRUE(done.store == 0 || (*dir)->has_store());
    if (!(*dir)->has_store()) return was_cut;
    Result<std::unique_ptr<KeyValueDB>> db = (*dir)->open_current(small_buffers);
    EXPECT_TRUE(db) << db.error().to_string();
    if (!db) return was_cut;
    const std::unique_ptr<KeyValueDB> open = with_drain(life, *std::move(db));
    const Result<std::optional<Bytes>> value = open->get(KeySpace::replicated, "k");
    EXPECT_TRUE(value && value->has_value());
    if (!value || !value->has_value()) return was_cut;
    const int store = std::stoi(**value);
    EXPECT_TRUE(store == done.store || store == done.store + 1) << store;
    return was_cut;
  });
}

}  // namespace
}  // namespace synod::sim
