// An ordered key-value database: what a store needs of LevelDB, and what stands in for LevelDB in tests.
//
// Keys sort as unsigned bytes, first by key space, then by key. Implementations: open_level_db (store/leveldb/), and
// make_memory_db (memory_db.h). Both pass test/unit/store/key_value_db_test.cc.
//
// Thread safety: all methods may be called from any thread; commits take effect one after the other. An iterator is
// used by one thread.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "store/transaction.h"

namespace synod {

enum class Durability {
  visible,  // survives the end of the process; becomes durable with the next durable commit
  durable,  // survives a power cut before commit() returns, and so does everything committed before it
};

// Parts take effect in order, all or none.
class DbBatch {
 public:
  struct Part {
    KeySpace space;
    Transaction transaction;
  };
  template <KeySpace space>
  void add(SpaceTransaction<space> transaction) {
    parts_.push_back({space, std::move(transaction)});
  }
  const std::vector<Part>& parts() const { return parts_; }

 private:
  std::vector<Part> parts_;
};

// Moves over the state that the database had when the iterator was made, whatever is committed meanwhile.
// key() and value() are valid until the next move. A failed read ends the iteration: is_valid() turns false and
// status() says why, so it is to be asked at the end of every loop.
class DbIterator {
 public:
  virtual ~DbIterator() = default;
  virtual void seek_to_first() = 0;
  // To the first key at or after this one.
  virtual void seek(KeySpace space, ByteView key) = 0;
  virtual bool is_valid() const = 0;
  virtual void next() = 0;  // REQUIRES: is_valid()
  virtual KeySpace space() const = 0;
  virtual ByteView key() const = 0;
  virtual ByteView value() const = 0;
  virtual Status status() const = 0;
};

// To the first key behind this one; behind the empty key, to the first of the space.
void seek_behind(DbIterator& iterator, KeySpace space, ByteView key);

// Whether the blocks that an iterator reads are kept in memory: those of single keys are soon wanted again, those of a
// walk over the store would only push them out.
enum class CacheUse { fill, bypass };

class KeyValueDB {
 public:
  virtual ~KeyValueDB() = default;

  // Any failure is final: the caller stops using the database.
  virtual Status commit(const DbBatch& batch, Durability durability) = 0;
  // No value: no such key. Checksums are verified.
  virtual Result<std::optional<Bytes>> get(KeySpace space, ByteView key) const = 0;
  // Over the whole database.
  std::unique_ptr<DbIterator> new_iterator() const { return make_iterator(CacheUse::bypass); }
  // Over one key space only: is_valid() is false outside of it.
  std::unique_ptr<DbIterator> new_iterator(KeySpace space, CacheUse use = CacheUse::bypass) const;

  // Roughly which share, 0 to 1, of what a key space takes on disk lies before `key`; nothing if that is not known, as
  // while all of it was written a moment ago. Reads little.
  virtual std::optional<double> share_before(KeySpace /*space*/, ByteView /*key*/) const { return std::nullopt; }

  // What an implementation gives: an iterator over the whole database.
  virtual std::unique_ptr<DbIterator> make_iterator(CacheUse use) const = 0;
};

}  // namespace synod
