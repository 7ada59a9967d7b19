// Memory that holds elements, and arrays over it. A buffer owns its bytes or keeps alive what owns
// them (a mapped file); arrays share buffers by value.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "fathom/base/error.h"
#include "fathom/tensor/dtype.h"
#include "fathom/tensor/recipe.h"
#include "fathom/tensor/shape.h"

namespace fathom {

// 64-byte aligned bytes, zeroed.
std::shared_ptr<std::byte> allocate_bytes(std::size_t bytes);

// Dense, row-major elements with a dtype and a shape. Copies share the memory.
//
// Rows of f64 may also be made when they are read (tensor/recipe.h): the elements are then not
// there to be pointed at, and `made` or `part` gives those that are wanted.
class Array {
 public:
  Array() = default;
  Array(DType dtype, Shape shape);                                     // zeroed
  Array(DType dtype, Shape shape, std::shared_ptr<std::byte> memory);  // mapped or shared
  // Rows [n, recipe->width()] made from those that are stored at `memory`.
  Array(std::int64_t rows, std::shared_ptr<std::byte> memory,
        std::shared_ptr<const RowRecipe> recipe);

  // A copy of `values`; their number must be the shape's size.
  template <class T>
  static Array of(Shape shape, std::span<const T> values) {
    Array a(dtype_of<T>, shape);
    if (std::int64_t(values.size()) != shape.size())
      raise<ShapeError>("[array] {} values given for shape {}", values.size(), shape.text());
    std::copy(values.begin(), values.end(), a.data<T>());
    return a;
  }
  template <class T>
  static Array scalar(T value) {
    return of<T>({}, std::span<const T>(&value, 1));
  }

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  std::int64_t size() const { return shape_.size(); }
  std::size_t bytes() const { return std::size_t(size()) * size_of(dtype_); }
  bool empty() const { return !memory_; }

  // Throw ShapeError where rows are made when they are read.
  std::byte* raw() {
    if (recipe_) refuse();
    return memory_.get();
  }
  const std::byte* raw() const {
    if (recipe_) refuse();
    return memory_.get();
  }
  const RowRecipe* recipe() const { return recipe_.get(); }  // null: elements are there
  const std::byte* stored() const { return memory_.get(); }  // what a recipe reads

  // The elements; throws ShapeError when T is not the dtype.
  template <class T>
  T* data() {
    check(dtype_of<T>);
    return reinterpret_cast<T*>(raw());
  }
  template <class T>
  const T* data() const {
    check(dtype_of<T>);
    return reinterpret_cast<const T*>(raw());
  }
  template <class T>
  std::span<const T> values() const {
    return {data<T>(), std::size_t(size())};
  }

  Array reshaped(Shape shape) const;  // same memory; throws when sizes differ
  Array copy() const;                 // own memory; rows are made
  Array made() const { return recipe_ ? copy() : *this; }
  // `count` of the first axis from `first` on: the same memory, made or not as these are.
  Array part(std::int64_t first, std::int64_t count) const;
  // Of rows [n, d] of a number type, without a copy: rows of f64 that are made when they are read.
  // Columns, of which RowRecipe::kMissing and kOne are two that are not there; (x - shift) / scale
  // column by column, a second time where that is exact; of columns of categories, the levels that
  // stored numbers stand for (none: the column stays); indicators [n, count] of the levels of one
  // column, which are 0, 1, ..., with their values for yes, no and NaN.
  Array columns(const std::vector<int>& places) const;
  Array scaled(const std::vector<double>& shift, const std::vector<double>& scale) const;
  Array with_levels(std::vector<StoredLevels> levels) const;
  Array indicators(int column, std::int64_t count, double yes = 1, double no = 0,
                   double unknown = 0) const;
  Array cast(DType to) const;  // own memory; between number types

 private:
  void check(DType wanted) const;
  [[noreturn]] void refuse() const;

  DType dtype_ = DType::f64;
  Shape shape_{0};
  std::shared_ptr<std::byte> memory_;
  std::shared_ptr<const RowRecipe> recipe_;
};

}  // namespace fathom
