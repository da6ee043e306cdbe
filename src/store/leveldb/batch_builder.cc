#include "store/leveldb/batch_builder.h"

#include <algorithm>
#include <utility>

#include "store/leveldb/translate.h"
#include "store/space_key.h"

namespace synod {

BatchBuilder::BatchBuilder(std::function<std::unique_ptr<leveldb::Iterator>()> new_scan)
    : new_scan_(std::move(new_scan)) {}

leveldb::Status BatchBuilder::add(const DbBatch& batch) {
  has_ranges_ = std::any_of(batch.parts().begin(), batch.parts().end(), [](const DbBatch::Part& part) {
    const auto& ops = part.transaction.ops();
    return std::any_of(ops.begin(), ops.end(), [](const Op& op) { return op.type == OpType::erase_range; });
  });
  for (const DbBatch::Part& part : batch.parts()) {
    for (const Op& op : part.transaction.ops()) {
      leveldb::Status added = add_op(part.space, op);
      if (!added.ok()) return added;
    }
  }
  return leveldb::Status::OK();
}

leveldb::Status BatchBuilder::add_op(KeySpace space, const Op& op) {
  Bytes key = space_key(space, op.key);
  switch (op.type) {
    case OpType::put:
      batch_.Put(key, to_slice(op.value.view()));
      if (has_ranges_) put_keys_.insert(std::move(key));
      break;
    case OpType::erase: batch_.Delete(key); break;
    case OpType::erase_range: return erase_range(key, space_range_end(space, op.end));
  }
  return leveldb::Status::OK();
}

leveldb::Status BatchBuilder::erase_range(const Bytes& begin, const Bytes& end) {
  const std::unique_ptr<leveldb::Iterator> scan = new_scan_();
  for (scan->Seek(begin); scan->Valid() && to_view(scan->key()) < end; scan->Next()) batch_.Delete(scan->key());
  const auto first = put_keys_.lower_bound(begin);
  const auto last = put_keys_.lower_bound(end);
  for (auto key = first; key != last; ++key) batch_.Delete(*key);
  put_keys_.erase(first, last);
  return scan->status();
}

}  // namespace synod
