#include "fathom/exec/flat.h"

#include <algorithm>
#include <cstring>

#include "fathom/exec/instr.h"
#include "fathom/ops/all_ops.h"

namespace fathom {

namespace {

// Steps have the signature of a wide op; counts travel as pointers.
const void* as_pointer(std::int64_t n) { return reinterpret_cast<const void*>(n); }
std::int64_t as_count(const void* p) { return reinterpret_cast<std::int64_t>(p); }

void run_instr(std::int64_t, void*, const void* instr, const void* frame, const void*, unsigned) {
  static_cast<const Instr*>(instr)->run(*static_cast<const Frame*>(frame));
}

void copy_bytes(std::int64_t n, void* out, const void* a, const void*, const void*, unsigned) {
  std::memcpy(out, a, std::size_t(n));
}

template <class T>
void fill_pack(std::int64_t, void* out, const void* a, const void*, const void*, unsigned) {
  std::fill_n(static_cast<T*>(out), 64 / sizeof(T), *static_cast<const T*>(a));
}

// out[i] = a[i / b]
template <class T>
void repeat_each(std::int64_t n, void* out, const void* a, const void* b, const void*, unsigned) {
  const std::int64_t period = as_count(b);
  T* q = static_cast<T*>(out);
  const T* p = static_cast<const T*>(a);
  if (period == 8 && n % 8 == 0) {  // a known length is a few stores
    for (T* end = q + n; q < end; q += 8, ++p) std::fill_n(q, 8, *p);
    return;
  }
  for (std::int64_t i = 0; i < n; i += period, ++p) std::fill_n(q + i, std::min(period, n - i), *p);
}

// out[i] = a[i % b]
template <class T>
void repeat_all(std::int64_t n, void* out, const void* a, const void* b, const void*, unsigned) {
  const std::int64_t period = as_count(b);
  for (std::int64_t i = 0; i < n; i += period)
    std::memcpy(static_cast<T*>(out) + i, a, std::size_t(std::min(period, n - i)) * sizeof(T));
}

template <class T>
T sum_of(std::int64_t n, const void* x) {
  if constexpr (std::is_same_v<T, float>) {
    return wide_table().sum_f32(n, static_cast<const T*>(x));
  } else {
    return wide_table().sum_f64(n, static_cast<const T*>(x));
  }
}

template <class T>
void sum_all(std::int64_t n, void* out, const void* a, const void*, const void*, unsigned) {
  std::fill_n(static_cast<T*>(out), 64 / sizeof(T), sum_of<T>(n, a));
}

// out[r] = sum of the b elements of row r
template <class T>
void sum_each(std::int64_t n, void* out, const void* a, const void* b, const void*, unsigned) {
  const std::int64_t inner = as_count(b);
  if constexpr (std::is_same_v<T, float>) {
    wide_table().sum_rows_f32(n / inner, inner, static_cast<const T*>(a), static_cast<T*>(out));
  } else {
    wide_table().sum_rows_f64(n / inner, inner, static_cast<const T*>(a), static_cast<T*>(out));
  }
}

template <class T>
bool flatten_block(const FusedBlock& b, const Frame& f, FlatList& list) {
  std::vector<FlatStep>& steps = list.steps;
  constexpr std::int64_t room = FusedBlock::kChunkBytes / std::int64_t(sizeof(T));
  const std::int64_t n = b.scalar ? std::int64_t(64 / sizeof(T)) : b.rows.value * b.inner;
  if (b.rows.kind != Extent::fixed || n > room || n == 0) return false;
  const std::size_t start = steps.size();
  void* reg[FusedBlock::kMaxRegisters];
  bool moves[FusedBlock::kMaxRegisters];
  for (int r = 0; r < b.registers; ++r) {
    const int at = b.buffer[std::size_t(r)];
    reg[r] = at >= 0 ? f.chunk + std::int64_t(at) * FusedBlock::kChunkBytes : nullptr;
    moves[r] = true;
  }
  for (std::size_t k = 0; k < b.operands.size(); ++k) {
    const FusedOperand& o = b.operands[k];
    void* at = resolve(o.at, f);
    if (o.dtype != dtype_of<T>) return steps.resize(start), false;
    switch (o.kind) {
      case FusedOperand::direct: reg[k] = at; break;
      case FusedOperand::scalar:
        moves[k] = false;
        if (o.splat) {
          reg[k] = at;
        } else {
          steps.push_back({fill_pack<T>, 1, reg[k], at, nullptr, nullptr, 0});
        }
        break;
      case FusedOperand::head:
        steps.push_back({repeat_each<T>, n, reg[k], at, as_pointer(o.period), nullptr, 0});
        break;
      case FusedOperand::tail:
        if (o.constant) {  // repeated once, now
          if (list.repeats == list.repeated.size()) {
            list.repeated.emplace_back(o.dtype, Shape{n});
            repeat_all<T>(n, list.repeated.back().raw(), at, as_pointer(o.period), nullptr, 0);
          }
          reg[k] = list.repeated[list.repeats++].raw();
        } else {
          steps.push_back({repeat_all<T>, n, reg[k], at, as_pointer(o.period), nullptr, 0});
        }
        break;
    }
  }
  for (const FusedStore& s : b.stores)
    if (!s.late) reg[s.reg] = resolve(s.at, f);
  for (const FusedOp& op : b.ops) {
    const unsigned step =
        unsigned(moves[op.in[0]]) | unsigned(moves[op.in[1]]) << 1 | unsigned(moves[op.in[2]]) << 2;
    steps.push_back({op.run, n, reg[op.out], reg[op.in[0]], reg[op.in[1]], reg[op.in[2]], step});
  }
  for (const FusedSum& s : b.sums) {
    void* to = resolve(s.at, f);
    if (s.lane || (!moves[s.reg] && !b.scalar)) return steps.resize(start), false;
    if (b.scalar) {
      steps.push_back({copy_bytes, 64, to, reg[s.reg], nullptr, nullptr, 0});
    } else if (s.inner > 0) {
      steps.push_back({sum_each<T>, n, to, reg[s.reg], as_pointer(s.inner), nullptr, 0});
    } else {
      steps.push_back({sum_all<T>, n, to, reg[s.reg], nullptr, nullptr, 0});
    }
  }
  for (const FusedStore& s : b.stores)
    if (s.late)
      steps.push_back({copy_bytes, n * std::int64_t(sizeof(T)), resolve(s.at, f), reg[s.reg],
                       nullptr, nullptr, 0});
  return true;
}

// A strided copy: n rows of `width` elements, `from` and `to` elements apart, packed in a pointer.
struct Strides {
  static constexpr int kBits = 21;
  std::int64_t width, from, to;

  bool fits() const { return std::max({width, from, to}) < std::int64_t(1) << kBits; }
  const void* packed() const { return as_pointer(width | from << kBits | to << 2 * kBits); }
  static Strides of(const void* p) {
    constexpr std::int64_t mask = (std::int64_t(1) << kBits) - 1;
    const std::int64_t all = as_count(p);
    return {all & mask, all >> kBits & mask, all >> 2 * kBits & mask};
  }
};

template <class T>
void copy_rows(std::int64_t n, void* out, const void* a, const void* b, const void*, unsigned) {
  const Strides s = Strides::of(b);
  T* q = static_cast<T*>(out);
  const T* p = static_cast<const T*>(a);
  if (s.width == 1) {
    for (std::int64_t i = 0; i < n; ++i) q[i * s.to] = p[i * s.from];
    return;
  }
  if (s.width == 8) {  // a known length is a few moves
    for (std::int64_t i = 0; i < n; ++i, p += s.from, q += s.to) std::memcpy(q, p, 8 * sizeof(T));
    return;
  }
  for (std::int64_t i = 0; i < n; ++i, p += s.from, q += s.to)
    std::memcpy(q, p, std::size_t(s.width) * sizeof(T));
}

bool fixed(const OperandView& v) {
  return std::all_of(v.extent.begin(), v.extent.begin() + v.rank,
                     [](const Extent& e) { return e.kind == Extent::fixed; });
}

std::int64_t product(const OperandView& v, std::int64_t first, std::int64_t last) {
  std::int64_t n = 1;
  for (std::int64_t i = first; i < last; ++i) n *= v.extent[std::size_t(i)].value;
  return n;
}

bool push_copy(const Frame& f, const OperandView& from, const OperandView& to, std::int64_t rows,
               Strides s, std::int64_t skip_from, std::int64_t skip_to,
               std::vector<FlatStep>& steps) {
  const std::int64_t size = std::int64_t(size_of(from.dtype));
  if (!s.fits() || (size != 4 && size != 8)) return false;
  steps.push_back({size == 4 ? copy_rows<std::uint32_t> : copy_rows<std::uint64_t>, rows,
                   resolve(to.at, f) + skip_to * size, resolve(from.at, f) + skip_from * size,
                   s.packed(), nullptr, 0});
  return true;
}

// Slices and concatenations are copies of rows, one step for each part.
bool flatten_copies(const KernelInstr& k, const Frame& f, std::vector<FlatStep>& steps) {
  const bool slice = k.op->id == op_id<Slice>, concat = k.op->id == op_id<Concat>;
  if ((!slice && !concat) || k.fills || !fixed(k.out[0]) ||
      !std::all_of(k.in.begin(), k.in.end(), [](const OperandView& v) { return fixed(v); }))
    return false;
  const std::size_t start = steps.size();
  const std::int64_t axis = k.attrs.words[0];
  const OperandView& to = k.out[0];
  const std::int64_t rows = product(to, 0, axis), wide = product(to, axis, to.rank);
  if (slice) {
    const OperandView& from = k.in[0];
    const std::int64_t inner = product(from, axis + 1, from.rank), first = k.attrs.words[1];
    return push_copy(f, from, to, rows, {wide, product(from, axis, from.rank), wide}, first * inner,
                     0, steps);
  }
  std::int64_t at = 0;
  for (const OperandView& from : k.in) {
    const std::int64_t width = product(from, axis, from.rank);
    if (!push_copy(f, from, to, rows, {width, width, wide}, 0, at, steps))
      return steps.resize(start), false;
    at += width;
  }
  return true;
}

}  // namespace

void flatten(const Instr& instr, const Frame& frame, FlatList& list) {
  std::vector<FlatStep>& steps = list.steps;
  if (const auto* block = dynamic_cast<const FusedBlock*>(&instr)) {
    const bool done = block->dtype == DType::f32 ? flatten_block<float>(*block, frame, list)
                                                 : flatten_block<double>(*block, frame, list);
    if (done) return;
  }
  if (const auto* kernel = dynamic_cast<const KernelInstr*>(&instr))
    if (flatten_copies(*kernel, frame, steps)) return;
  steps.push_back({run_instr, 0, nullptr, &instr, &frame, nullptr, 0});
}

}  // namespace fathom
