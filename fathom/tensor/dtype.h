// Element types. Only f32 and f64 carry gradients.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fathom/base/key.h"

namespace fathom {

enum class DType : std::uint8_t { f32, f64, u8, i32, i64, boolean, key };

constexpr std::size_t size_of(DType t) {
  constexpr std::size_t bytes[] = {4, 8, 1, 4, 8, 1, 16};
  return bytes[std::size_t(t)];
}

constexpr std::string_view name_of(DType t) {
  constexpr std::string_view names[] = {"f32", "f64", "u8", "i32", "i64", "bool", "key"};
  return names[std::size_t(t)];
}

constexpr bool is_real(DType t) { return t == DType::f32 || t == DType::f64; }

template <class T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::f64;
};
template <>
struct DTypeOf<std::uint8_t> {
  static constexpr DType value = DType::u8;
};
template <>
struct DTypeOf<std::int32_t> {
  static constexpr DType value = DType::i32;
};
template <>
struct DTypeOf<std::int64_t> {
  static constexpr DType value = DType::i64;
};
template <>
struct DTypeOf<bool> {
  static constexpr DType value = DType::boolean;
};
template <>
struct DTypeOf<Key> {
  static constexpr DType value = DType::key;
};

// The dtype of a C++ element type.
template <class T>
inline constexpr DType dtype_of = DTypeOf<T>::value;

}  // namespace fathom
