// Chains of gaussian states: log-normalisers of
//
//   exp( sum_t h_t'x_t - x_t'J_t x_t / 2  +  sum_{t > 1} what links x_t to x_{t-1} )
//
// and the means and covariances of its states, by one recursion that integrates them out one after
// another, and one back (Rauch, Tung & Striebel 1965). Two kinds of links:
//
// - linked: g_t'x_{t-1} - x_{t-1}'I_t x_{t-1} / 2 + x_t'G_t x_{t-1}, any that has an integral; the
//   recursion is that of a block tridiagonal precision (Rue & Held 2005, section 2.4).
// - driven: x_t = A x_{t-1} + R e_t with g'e_t - e_t'W e_t / 2. States that no e reaches follow the
//   motion exactly, which no precision says. The recursion is that of an information filter from
//   the last row on: A may be singular, and nothing need be known of the first state. It is in
//   square-root form, for J and W that are positive semidefinite: rows may be as precise beside
//   the noise of the motion as they like, and covariances are sums of squares
//   (driven_gaussian_impl.h).
//
// Recursions are in f64, whatever the arrays hold. A matrix on the way that is not positive
// definite makes the outputs of its sequence NaN; where rounding hides that nothing is known in
// some direction, variances there are beyond all others.
#pragma once

#include <cstdint>

namespace fathom::kernels {

// One array for each row, `step` numbers apart; 0: one for all.
template <class T>
struct EachRow {
  const T* at = nullptr;
  std::int64_t step = 0;
  const T* of(std::int64_t row) const { return at + row * step; }
};

// Sequences of rows, one after another. Precisions are given as natural parameters: their halves,
// negative. What nobody reads may be null.
struct LinkedGaussians {
  std::int64_t rows = 0, size = 0;
  EachRow<double> linear, half;                // h [size], -J / 2 [size, size]
  EachRow<double> linear_before, half_before;  // of the row before: g, -I / 2
  EachRow<double> link;                        // G [size, size]
  const double* begins = nullptr;  // [rows]: not 0 where a sequence begins; row 0 is taken to
  // Of each row: what it adds to log Z [rows], its mean, its covariance; 0 where one begins: those
  // of the row before, and the covariance of this row (first axis) with it.
  double *log_norm = nullptr, *mean = nullptr, *covariance = nullptr;
  double *mean_before = nullptr, *covariance_before = nullptr, *cross = nullptr;
};
void linked_gaussians(const LinkedGaussians& c);

template <class T>
struct DrivenGaussians {
  std::int64_t rows = 0, size = 0, drives = 0;
  EachRow<T> linear, half;              // h [size], -J / 2 [size, size]
  EachRow<T> linear_drive, half_drive;  // g [drives], -W / 2 [drives, drives]
  const T* motion = nullptr;            // A [size, size]
  const T* reach = nullptr;             // R [size, drives]
  const T* begins = nullptr;
  // Of each row: what it adds to log Z; mean and covariance of its state; 0 where one begins: of e.
  T *log_norm = nullptr, *mean = nullptr, *covariance = nullptr;
  T *drive = nullptr, *drive_covariance = nullptr;
};
void driven_gaussians(const DrivenGaussians<float>& c);
void driven_gaussians(const DrivenGaussians<double>& c);

// One sequence, one table per instruction set. `room`: linked_room(size) numbers, or
// driven_room(...) and then driven_kept(...) for each row of the sequence. False: not positive
// definite.
struct GaussianChainTable {
  bool (*linked)(const LinkedGaussians&, std::int64_t first, std::int64_t last, double* room);
  bool (*driven)(const DrivenGaussians<double>&, std::int64_t first, std::int64_t last,
                 double* room);
  bool (*driven_f32)(const DrivenGaussians<float>&, std::int64_t first, std::int64_t last,
                     double* room);
};
extern const GaussianChainTable gaussian_chain_base, gaussian_chain_avx2, gaussian_chain_avx512;
constexpr std::int64_t linked_room(std::int64_t size) { return 8 * (size + 1) * (size + 1); }
constexpr std::int64_t driven_room(std::int64_t size, std::int64_t drives) {
  const std::int64_t width = drives + size + 24;
  return 6 * (drives + size) * (width + 1) + 8 * width;
}
constexpr std::int64_t driven_kept(std::int64_t size, std::int64_t drives) {
  return drives * (drives + size + 1);
}

}  // namespace fathom::kernels
