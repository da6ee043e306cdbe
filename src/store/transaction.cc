#include "store/transaction.h"

#include <fmt/format.h>

#include <iterator>
#include <optional>
#include <utility>

#include "base/codec.h"

namespace synod {
namespace {

constexpr uint8_t format_version = 1;

size_t encoded_size_of(const Op& op) {
  const size_t type_and_key = 1 + 4 + op.key.size();
  switch (op.type) {
    case OpType::put: return type_and_key + 4 + op.value.size();
    case OpType::erase: return type_and_key;
    case OpType::erase_range: return type_and_key + 4 + op.end.size();
  }
  return 0;
}

void encode_op(Bytes& out, const Op& op) {
  out += static_cast<char>(op.type);
  put_field(out, op.key);
  if (op.type == OpType::put) put_field(out, op.value.view());
  if (op.type == OpType::erase_range) put_field(out, op.end);
}

// Reads one operation; nothing if its type is unknown or it is cut short.
std::optional<Op> decode_op(Decoder& decoder, const SharedBytes& encoded) {
  Op op;
  const uint8_t type = decoder.fixed8();
  op.key = Bytes(decoder.field());
  switch (type) {
    case static_cast<uint8_t>(OpType::put): {
      op.type = OpType::put;
      const ByteView value = decoder.field();
      if (!decoder.has_failed())
        op.value = encoded.slice(encoded.size() - decoder.remaining() - value.size(), value.size());
      break;
    }
    case static_cast<uint8_t>(OpType::erase): op.type = OpType::erase; break;
    case static_cast<uint8_t>(OpType::erase_range):
      op.type = OpType::erase_range;
      op.end = Bytes(decoder.field());
      break;
    default: return std::nullopt;
  }
  if (decoder.has_failed()) return std::nullopt;
  return op;
}

}  // namespace

void Transaction::put(Bytes key, SharedBytes value) {
  ops_.push_back({OpType::put, std::move(key), {}, std::move(value)});
  encoded_size_ += encoded_size_of(ops_.back());
}

void Transaction::erase(Bytes key) {
  ops_.push_back({OpType::erase, std::move(key), {}, {}});
  encoded_size_ += encoded_size_of(ops_.back());
}

void Transaction::erase_range(Bytes begin, Bytes end) {
  if (!end.empty() && begin >= end) return;
  ops_.push_back({OpType::erase_range, std::move(begin), std::move(end), {}});
  encoded_size_ += encoded_size_of(ops_.back());
}

void Transaction::append(Transaction other) {
  encoded_size_ += other.encoded_size_ - 1;
  if (ops_.empty()) {
    ops_ = std::move(other.ops_);
  } else {
    ops_.insert(ops_.end(), std::make_move_iterator(other.ops_.begin()), std::make_move_iterator(other.ops_.end()));
  }
}

Bytes Transaction::encode() const {
  Bytes out;
  out.reserve(encoded_size_);
  out += static_cast<char>(format_version);
  for (const Op& op : ops_) encode_op(out, op);
  return out;
}

Result<Transaction> Transaction::decode(const SharedBytes& encoded) {
  Decoder decoder(encoded.view());
  const uint8_t version = decoder.fixed8();
  if (decoder.has_failed()) return Status(Code::corruption, "an encoded transaction is empty");
  if (version != format_version) {
    return Status(Code::corruption, fmt::format("an encoded transaction has the unknown format version {}", version));
  }
  Transaction transaction;
  while (decoder.remaining() > 0) {
    const size_t offset = encoded.size() - decoder.remaining();
    std::optional<Op> op = decode_op(decoder, encoded);
    if (!op) {
      return Status(Code::corruption,
                    fmt::format("an encoded transaction of {} bytes is malformed in the operation at byte {}",
                                encoded.size(), offset));
    }
    if (op->type == OpType::erase_range && !op->end.empty() && op->key >= op->end) {
      return Status(Code::corruption, fmt::format("an encoded transaction erases an empty range at byte {}", offset));
    }
    transaction.encoded_size_ += encoded_size_of(*op);
    transaction.ops_.push_back(*std::move(op));
  }
  return transaction;
}

}  // namespace synod
