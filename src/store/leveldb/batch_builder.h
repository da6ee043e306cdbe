// Turns a DbBatch into a LevelDB batch, which knows no erase_range: a range becomes one deletion for each key that is
// in the database or was put earlier in the same batch.
#pragma once

#include <leveldb/iterator.h>
#include <leveldb/write_batch.h>

#include <functional>
#include <memory>
#include <set>

#include "store/key_value_db.h"

namespace synod {

class BatchBuilder {
 public:
  // `new_scan` gives an iterator over the database as the batch will find it. REQUIRES: no commit goes on meanwhile.
  explicit BatchBuilder(std::function<std::unique_ptr<leveldb::Iterator>()> new_scan);

  leveldb::Status add(const DbBatch& batch);
  leveldb::WriteBatch& batch() { return batch_; }

 private:
  leveldb::Status add_op(KeySpace space, const Op& op);
  leveldb::Status erase_range(const Bytes& begin, const Bytes& end);

  std::function<std::unique_ptr<leveldb::Iterator>()> new_scan_;
  leveldb::WriteBatch batch_;
  bool has_ranges_ = false;
  std::set<Bytes, std::less<>> put_keys_;  // kept only if the batch has ranges
};

}  // namespace synod
