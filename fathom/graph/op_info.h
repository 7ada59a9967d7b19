// The interface of one entry of the op table. Graph, autodiff, planner and executor see ops only
// through it; the entries are made in ops/table.cpp from the one list in ops/all_ops.h.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "fathom/tensor/dtype.h"
#include "fathom/tensor/shape.h"
#include "fathom/tensor/view.h"

namespace fathom {

class Value;
class Graph;

// What a reader and the law tests need to know about an op.
struct OpDoc {
  std::string_view name;
  std::string_view brief;
  std::string_view domain = "all reals";
  std::string_view grad = "none";
  double ulp = 1;    // declared accuracy of an elementwise op, in units of the last place
  double least = 0;  // smaller results have the absolute error of one of this size
};

// Attributes of a node: a trivially copyable struct of at most 32 bytes, compared by bytes.
struct AttrBlob {
  std::int64_t words[4] = {};

  template <class A>
  static AttrBlob of(const A& attrs) {
    static_assert(std::is_trivially_copyable_v<A> && sizeof(A) <= sizeof(AttrBlob));
    static_assert(std::has_unique_object_representations_v<A> || std::is_empty_v<A> ||
                  sizeof(A) == sizeof(double));
    AttrBlob b;
    if constexpr (!std::is_empty_v<A>) std::memcpy(b.words, &attrs, sizeof(A));
    return b;
  }
  template <class A>
  A as() const {
    A attrs{};
    if constexpr (!std::is_empty_v<A>) std::memcpy(static_cast<void*>(&attrs), words, sizeof(A));
    return attrs;
  }
  friend bool operator==(const AttrBlob&, const AttrBlob&) = default;
};

// How an op reads and writes, which is all that the planner needs to cut it into tiles.
enum class OpKind : std::uint8_t {
  leaf,         // constant, data, slot, key
  elementwise,  // same shape everywhere; fusable, may run in place
  cast,         // elementwise between dtypes
  broadcast,    // repeats its input along axes
  reduce,       // sum or max over adjacent axes
  alias,        // same bytes, other shape: reshape, stop_gradient
  contraction,  // matrix product
  rows,         // any number of axes at the end belong together; leading axes are independent
  gather,       // rows of a whole table at the places that an index gives
  sequences,    // runs of rows that belong together, one run after another; see OpInfo::marks
  whole,        // needs all of its inputs
  output        // one output of an op with several
};

struct TypeOf {
  Shape shape;
  DType dtype = DType::f64;
};

// Question and answer of a shape rule. `out` arrives with one entry per output; for ops that are
// told their shape (reshape, broadcast) it arrives filled in.
struct ShapeCall {
  std::span<const TypeOf> in;
  std::span<TypeOf> out;
  AttrBlob attrs;
};

// A call of a kernel on views. Outputs that nobody reads have a null pointer.
struct KernelCall {
  std::span<const View> in;
  std::span<const View> out;
  AttrBlob attrs;
};

// A call of a derivative rule: given inputs `x`, outputs `y` and their adjoints `dys` (null where
// nothing flows), append one adjoint per input to `dx` (null for zero).
struct VjpCall {
  Graph& graph;
  std::span<const Value> x;
  std::span<const Value> y;
  std::span<const Value> dys;
  AttrBlob attrs;
  std::vector<Value>& dx;
};

inline constexpr int kMaxOutputs = 8;

struct OpInfo {
  OpDoc doc;
  OpKind kind = OpKind::whole;
  int arity = 0;  // -1: any number
  int outputs = 1;
  std::int16_t wide = -1;  // index of an elementwise op in the wide kernels, else -1
  bool differentiable = false;
  void (*shape)(ShapeCall&) = nullptr;
  void (*forward)(const KernelCall&) = nullptr;  // the reference; for structured ops the kernel
  // The kernel of planned runs, where it is another than `forward`.
  void (*planned)(const KernelCall&) = nullptr;
  void (*vjp)(const VjpCall&) = nullptr;
  // Which inputs (bits) are read at the same places of the first axis as the output is written;
  // the others are read whole. -1 where outputs along the first axis depend on each other's inputs.
  int (*aligned)(const ShapeCall&) = nullptr;
  // The axis of the first input that is read at those places, where it is not the first: an op that
  // is a transposition too. The input is not aligned, and must be whole before.
  int across = -1;
  bool in_place = false;  // aligned inputs are read before an output of their shape is written
  // Of `sequences`: the input, a real of each row, that is not 0 where a sequence begins; row 0 is
  // taken to. A kernel gets whole sequences. Outputs without rows have an entry for each of some
  // groups of sequences along their first axis, for its readers to add up: a kernel writes the
  // first entry that it is given and clears the others.
  int marks = -1;
  // Of `sequences`: an output that is one of the inputs, in which what belongs to the sequences of
  // a kernel's rows is replaced, which alone the kernel reads and writes. It lies in the memory of
  // that input or begins as a copy of it; rows of either are none of the streamed axis.
  struct Replaced {
    int input = -1, output = -1;
  };
  Replaced replaced = {};
  std::uint16_t (*id)() = nullptr;
  std::span<const double> points;  // nasty arguments of an elementwise op
};

using OpTable = std::span<const OpInfo>;

}  // namespace fathom
