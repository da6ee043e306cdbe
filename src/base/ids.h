// Strong ids: numbers that must not be mistaken for one another.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace synod {

template <class Tag>
class StrongId {
 public:
  constexpr StrongId() = default;
  constexpr explicit StrongId(uint64_t value) : value_(value) {}
  constexpr uint64_t value() const { return value_; }
  constexpr explicit operator bool() const { return value_ != 0; }
  friend constexpr auto operator<=>(const StrongId&, const StrongId&) = default;

 private:
  uint64_t value_ = 0;
};

// One data directory of one member: random, minted with the directory, never reused. Zero is nobody.
using MemberId = StrongId<struct MemberIdTag>;

// A position in the Paxos log. Zero is the genesis, which every member is formed with; the first value decides 1.
class Version {
 public:
  constexpr Version() = default;
  constexpr explicit Version(uint64_t value) : value_(value) {}
  constexpr uint64_t value() const { return value_; }
  constexpr Version next() const { return Version(value_ + 1); }
  // REQUIRES: value() > 0.
  constexpr Version previous() const { return Version(value_ - 1); }
  friend constexpr auto operator<=>(const Version&, const Version&) = default;

 private:
  uint64_t value_ = 0;
};

// A proposal number (pn). Ordered by round, then by member; used by one leadership of one process life.
struct ProposalNumber {
  uint64_t round = 0;
  MemberId member;

  explicit operator bool() const { return round != 0; }
  friend auto operator<=>(const ProposalNumber&, const ProposalNumber&) = default;
};

// Cluster id: random, minted at formation. All zero means "not formed".
struct Fsid {
  std::array<uint8_t, 16> bytes{};

  explicit operator bool() const { return *this != Fsid{}; }
  friend auto operator<=>(const Fsid&, const Fsid&) = default;
};

std::string to_string(MemberId id);               // 16 hexadecimal digits
std::string to_string(const ProposalNumber& pn);  // round.member
std::string to_string(const Fsid& fsid);          // 8-4-4-4-12 hexadecimal digits

}  // namespace synod

template <class Tag>
struct std::hash<synod::StrongId<Tag>> {
  size_t operator()(const synod::StrongId<Tag>& id) const noexcept { return std::hash<uint64_t>{}(id.value()); }
};
