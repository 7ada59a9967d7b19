#include "fathom/exec/fused.h"

#include <algorithm>
#include <cstring>

#include "fathom/ops/all_ops.h"

namespace fathom {

namespace {

template <class T, class S>
void convert(const S* in, std::int64_t n, T* out) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = static_cast<T>(in[i]);
}

// n elements at `p` of dtype `from`, as T.
template <class T>
void fetch(DType from, const std::byte* p, std::int64_t first, std::int64_t n, T* out) {
  switch (from) {
    case DType::f32: return convert(reinterpret_cast<const float*>(p) + first, n, out);
    case DType::f64: return convert(reinterpret_cast<const double*>(p) + first, n, out);
    case DType::u8:
      if constexpr (std::is_same_v<T, float>)
        return wide_table().u8_to_f32(n, reinterpret_cast<const std::uint8_t*>(p) + first, out);
      else
        return convert(reinterpret_cast<const std::uint8_t*>(p) + first, n, out);
    case DType::i32: return convert(reinterpret_cast<const std::int32_t*>(p) + first, n, out);
    case DType::i64: return convert(reinterpret_cast<const std::int64_t*>(p) + first, n, out);
    case DType::boolean: return convert(reinterpret_cast<const bool*>(p) + first, n, out);
    case DType::key: return;
  }
}

template <class T>
T one(DType from, const std::byte* p, std::int64_t at) {
  T v;
  fetch<T>(from, p, at, 1, &v);
  return v;
}

template <class T>
void splat(T value, T* out) {
  std::fill_n(out, 64 / sizeof(T), value);
}

// Pointer to the chunk [first, first + n) of an operand, through `buffer` where it is no memory as
// it stands; `moves` says whether it advances with the elements.
template <class T>
const void* load_chunk(const FusedOperand& o, const std::byte* base, std::int64_t first,
                       std::int64_t n, T* buffer, bool* moves) {
  constexpr DType own = dtype_of<T>;
  *moves = true;
  switch (o.kind) {
    case FusedOperand::direct:
      if (o.dtype == own) return reinterpret_cast<const T*>(base) + first;
      fetch<T>(o.dtype, base, first, n, buffer);
      return buffer;
    case FusedOperand::scalar:
      *moves = false;
      if (o.splat) return base;
      splat(one<T>(o.dtype, base, 0), buffer);
      return buffer;
    case FusedOperand::head: {
      const std::int64_t row = first / o.period;
      if (first + n <= (row + 1) * o.period) {
        *moves = false;
        splat(one<T>(o.dtype, base, row), buffer);
        return buffer;
      }
      for (std::int64_t i = 0, r = row; i < n; ++r) {
        const std::int64_t last = std::min(n, (r + 1) * o.period - first);
        std::fill(buffer + i, buffer + last, one<T>(o.dtype, base, r));
        i = last;
      }
      return buffer;
    }
    case FusedOperand::tail: {
      if (o.once && first > 0) return buffer;
      std::int64_t at = first % o.period;
      if (at + n <= o.period && o.dtype == own) return reinterpret_cast<const T*>(base) + at;
      for (std::int64_t i = 0; i < n;) {
        const std::int64_t count = std::min(n - i, o.period - at);
        fetch<T>(o.dtype, base, at, count, buffer + i);
        i += count;
        at = 0;
      }
      return buffer;
    }
  }
  return nullptr;
}

template <class T>
T sum_run(std::int64_t n, const void* x) {
  if constexpr (std::is_same_v<T, float>) {
    return wide_table().sum_f32(n, static_cast<const T*>(x));
  } else {
    return wide_table().sum_f64(n, static_cast<const T*>(x));
  }
}

// Adds the chunk [first, first + n) to the rows it lies in; a row's first piece sets it.
template <class T>
void add_rows(const T* x, std::int64_t first, std::int64_t n, std::int64_t inner, T* out) {
  for (std::int64_t i = 0; i < n;) {
    const std::int64_t row = (first + i) / inner;
    const std::int64_t count = std::min(n - i, (row + 1) * inner - (first + i));
    const T s = sum_run<T>(count, x + i);
    out[row] = (first + i) % inner == 0 ? s : out[row] + s;
    i += count;
  }
}

template <class T>
void run_block(const FusedBlock& b, const Frame& f) {
  const std::int64_t rows = b.rows.kind == Extent::tile   ? f.rows
                            : b.rows.kind == Extent::rows ? f.plate_rows
                                                          : b.rows.value;
  constexpr std::int64_t per_buffer = FusedBlock::kChunkBytes / std::int64_t(sizeof(T));
  const std::int64_t total = b.scalar ? std::int64_t(64 / sizeof(T)) : rows * b.inner;
  void* reg[FusedBlock::kMaxRegisters];
  bool moves[FusedBlock::kMaxRegisters];
  std::byte* base[FusedBlock::kMaxRegisters];
  for (std::size_t k = 0; k < b.operands.size(); ++k) base[k] = resolve(b.operands[k].at, f);
  const auto buffer = [&](int r) {
    return reinterpret_cast<T*>(f.chunk +
                                std::size_t(b.buffer[std::size_t(r)]) * FusedBlock::kChunkBytes);
  };
  for (int r = int(b.operands.size()); r < b.registers; ++r) {
    moves[r] = true;
    reg[r] = b.buffer[std::size_t(r)] >= 0 ? buffer(r) : nullptr;
  }
  T all[FusedBlock::kMaxSums] = {};  // whole sums of this tile
  for (std::int64_t first = 0; first < total;) {
    std::int64_t n = std::min(per_buffer, total - first);
    if (b.one_row) {
      n = std::min(n, b.natural - first % b.natural);
    } else if (b.natural > 0) {
      n = std::min(n, per_buffer / b.natural * b.natural);
    }
    for (std::size_t k = 0; k < b.operands.size(); ++k) {
      T* own = b.buffer[k] >= 0 ? buffer(int(k)) : nullptr;
      reg[k] = const_cast<void*>(load_chunk<T>(b.operands[k], base[k], first, n, own, &moves[k]));
    }
    for (const FusedStore& s : b.stores)
      if (!s.late) reg[s.reg] = reinterpret_cast<T*>(resolve(s.at, f)) + (b.scalar ? 0 : first);
    for (const FusedOp& op : b.ops) {
      const unsigned steps = unsigned(moves[op.in[0]]) | unsigned(moves[op.in[1]]) << 1 |
                             unsigned(moves[op.in[2]]) << 2;
      op.run(n, reg[op.out], reg[op.in[0]], reg[op.in[1]], reg[op.in[2]], steps);
    }
    std::size_t whole = 0;
    for (const FusedSum& s : b.sums) {
      const T* x = static_cast<const T*>(reg[s.reg]);
      if (s.inner > 0) {
        if (moves[s.reg]) {
          add_rows(x, first, n, s.inner, reinterpret_cast<T*>(resolve(s.at, f)));
        } else {
          T filled[per_buffer];
          std::fill_n(filled, n, *x);
          add_rows(filled, first, n, s.inner, reinterpret_cast<T*>(resolve(s.at, f)));
        }
      } else {
        all[whole++] += b.scalar ? *x : moves[s.reg] ? sum_run<T>(n, x) : *x * T(n);
      }
    }
    for (const FusedStore& s : b.stores)
      if (s.late)
        std::memcpy(reinterpret_cast<T*>(resolve(s.at, f)) + (b.scalar ? 0 : first), reg[s.reg],
                    std::size_t(n) * sizeof(T));
    first += n;
  }
  std::size_t whole = 0;
  for (const FusedSum& s : b.sums) {
    if (s.inner > 0) continue;
    if (s.lane) {
      *reinterpret_cast<T*>(f.bases[s.at.base] + s.at.offset + f.lane * b.lane_bytes) +=
          all[whole++];
    } else {
      splat(all[whole++], reinterpret_cast<T*>(resolve(s.at, f)));
    }
  }
}

}  // namespace

void FusedBlock::run(const Frame& frame) const {
  if (dtype == DType::f32) return run_block<float>(*this, frame);
  run_block<double>(*this, frame);
}

// a b, read once, by a sum or by what it is taken away from: one op. Results keep their registers;
// the product's is left unused.
void FusedBlock::join_products() {
  static const OpInfo &mul = *find_op("mul"), &add = *find_op("add"), &sub = *find_op("sub"),
                      &mul_add = *find_op("mul_add"), &mul_sub = *find_op("mul_sub");
  std::vector<int> readers(std::size_t(registers), 0), maker(std::size_t(registers), -1);
  for (std::size_t p = 0; p < ops.size(); ++p) {
    maker[std::size_t(ops[p].out)] = int(p);
    const int arity = ops[p].op->arity;
    for (int k = 0; k < arity; ++k) ++readers[std::size_t(ops[p].in[k])];
  }
  for (const FusedStore& s : stores) readers[std::size_t(s.reg)] += 2;
  for (const FusedSum& s : sums) readers[std::size_t(s.reg)] += 2;
  std::vector<char> gone(ops.size(), 0);
  for (FusedOp& op : ops) {
    if (op.op != &add && op.op != &sub) continue;
    for (int k = op.op == &add ? 0 : 1; k < 2; ++k) {
      const int product = maker[std::size_t(op.in[k])];
      if (product < 0 || ops[std::size_t(product)].op != &mul ||
          readers[std::size_t(op.in[k])] != 1)
        continue;
      const FusedOp m = ops[std::size_t(product)];
      const int other = op.in[1 - k];
      op.op = op.op == &add ? &mul_add : &mul_sub;
      op.run = wide_table().op[std::size_t(op.op->wide)][dtype == DType::f32 ? 0 : 1];
      op.in[0] = m.in[0];
      op.in[1] = m.in[1];
      op.in[2] = other;
      gone[std::size_t(product)] = 1;
      break;
    }
  }
  std::vector<FusedOp> kept;
  for (std::size_t p = 0; p < ops.size(); ++p)
    if (!gone[p]) kept.push_back(ops[p]);
  ops = std::move(kept);
}

void FusedBlock::finish() {
  join_products();
  // Chunks end at rows where that lets operands be used in place or keeps sums whole.
  natural = 0;
  const auto wish = [&](std::int64_t n) { natural = std::max(natural, n); };
  for (const FusedOperand& o : operands)
    if (o.kind == FusedOperand::tail || o.kind == FusedOperand::head) wish(o.period);
  for (const FusedSum& s : sums)
    if (s.inner > 0) wish(s.inner);
  // Long rows are taken one at a time, so that a bias or a number per row is used where it lies.
  const std::int64_t room = kChunkBytes / std::int64_t(size_of(dtype));
  one_row = natural > room / 8;
  for (FusedOperand& o : operands)
    o.once = o.kind == FusedOperand::tail && !one_row && natural % o.period == 0;
  assign_buffers();
}

// Which registers need a buffer, by a scan over the program: an operand from the start to its last
// reader, a result from its op on. A result may take the buffer of an operand that dies there.
void FusedBlock::assign_buffers() {
  const int n_operands = int(operands.size()), n_ops = int(ops.size());
  std::vector<int> last(std::size_t(registers), -1);
  for (int p = 0; p < n_ops; ++p)
    for (int r : ops[std::size_t(p)].in) last[std::size_t(r)] = p;
  for (const FusedSum& s : sums) last[std::size_t(s.reg)] = n_ops;
  for (FusedStore& s : stores) {
    bool made = false;
    for (const FusedOp& op : ops) {
      for (int r : op.in)
        if (made && r < n_operands && operands[std::size_t(r)].at.base == s.at.base &&
            operands[std::size_t(r)].at.offset == s.at.offset && s.at.base != kScratch)
          s.late = true;
      made = made || op.out == s.reg;
    }
    if (s.late) last[std::size_t(s.reg)] = n_ops;
  }
  buffer.assign(std::size_t(registers), -1);
  std::vector<int> free;
  const auto take = [&] {
    if (free.empty()) return buffers++;
    const int b = free.back();
    free.pop_back();
    return b;
  };
  for (int k = 0; k < n_operands; ++k) {
    const FusedOperand& o = operands[std::size_t(k)];
    const bool in_place = (o.kind == FusedOperand::direct && o.dtype == dtype) ||
                          (o.kind == FusedOperand::scalar && o.splat);
    if (!in_place) buffer[std::size_t(k)] = take();
  }
  std::vector<char> stored(std::size_t(registers), 0);
  for (const FusedStore& s : stores) stored[std::size_t(s.reg)] = !s.late;
  for (int p = 0; p < n_ops; ++p) {
    const FusedOp& op = ops[std::size_t(p)];
    for (int k = 0; k < 3; ++k) {
      const auto r = std::size_t(op.in[k]);
      const bool again = (k > 0 && op.in[0] == op.in[k]) || (k > 1 && op.in[1] == op.in[k]);
      // A number that does not move is read again for every pack: its buffer is not given away.
      const bool moves = op.in[k] >= n_operands || operands[r].kind == FusedOperand::direct ||
                         operands[r].kind == FusedOperand::tail;
      const bool kept = op.in[k] < n_operands && operands[r].once;
      if (last[r] == p && buffer[r] >= 0 && moves && !again && !kept) free.push_back(buffer[r]);
    }
    if (!stored[std::size_t(op.out)]) {
      buffer[std::size_t(op.out)] = take();
      if (last[std::size_t(op.out)] < 0) free.push_back(buffer[std::size_t(op.out)]);
    }
  }
}

std::string FusedBlock::text() const {
  std::string s = fmt::format("fused {} [{} x {}]{}:", name_of(dtype),
                              rows.kind == Extent::fixed  ? fmt::format("{}", rows.value)
                              : rows.kind == Extent::tile ? std::string("tile")
                                                          : std::string("rows"),
                              inner, scalar ? " scalar" : "");
  for (const FusedOp& op : ops) s += fmt::format(" {}", op.op->doc.name);
  for (const FusedSum& sum : sums) s += sum.inner ? " sum_rows" : sum.lane ? " sum_lane" : " sum";
  return s;
}

}  // namespace fathom
