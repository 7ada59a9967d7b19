// Driven gaussian states in square-root form; included by gaussian_chain_impl.h. What rows say of a
// state x is carried as weights, a unit triangle and where it points,
//
//   -(U x - z)' D (U x - z) / 2,
//
// an information filter by factors (Bierman 1977, chapters V and VI). A step puts rows one below
// the other, each with its weight, and makes their columns orthogonal one after another by modified
// Gram-Schmidt with weights (Thornton & Bierman 1980). That takes no roots, and nothing is
// subtracted from what is known: no weight becomes negative, however precise some rows are.
//
//                             e_t    x_{t-1}
//   of e_t itself           [ U_w            | z_w   ]
//   of x_t, by rows from t  [ U R    U A     | z     ]      x_t = A x_{t-1} + R e_t
//   of x_{t-1}, its row     [        U_own   | z_own ]
//
// Columns of e_t come first: their triangle says what e_t is given x_{t-1}, and what is left of the
// rows is what they say of x_{t-1}. What a natural vector has that its precision does not reach, as
// h where J = 0, is carried beside them: `left`.
//
// Forwards, covariances are P' S P, and P and S follow in the same way, as rows
//
//   by x_{t-1}  [ P (A + R F)' ]      e_t = F x_{t-1} + m + noise of covariance X V X'
//   by e_t      [ X' R'        ]
//
// All of it in doubles, whatever T the arrays hold.
#include "fathom/kernels/gaussian_chain.h"
#include "fathom/kernels/weighted_triangles_impl.h"

namespace fathom::wide::FATHOM_ISA {

// Both recursions of one sequence.
template <int kSize, int kDrives, class T>
struct DrivenStates {
  static constexpr bool kFixed = kSize > 0 && kDrives > 0;
  static constexpr int kRows = kFixed ? kSize + kDrives : 0, kAll = kFixed ? kRows + kSize : 0,
                       kBehind = kFixed ? kSize + 1 : 0, kWidth = kFixed ? kRows + 1 : 0;
  const kernels::DrivenGaussians<T>& c;
  const std::int64_t first, last;
  const std::int64_t n, r, behind, width;
  const std::int64_t wide, high;  // numbers from row to row of a, and of u
  const double *motion, *reach;
  double *mean, *p, *s;  // of the first state: P' S P is its covariance
  double *kept, *spare;  // F, m and X, with V on its diagonal, of e_t: [rows, drives, width]

  double* given(std::int64_t t) const { return kept + (t - first) * r * width; }
  bool backwards() const;
  void forwards() const;

 private:
  void put_rows(const double* told, const double* told_weight, const double* u, const double* d,
                double* a, double* w) const;
  void pass_left(const double* ue, const double* pull, double* left, double* moved) const;
  void keep(std::int64_t t, const double* ue, const double* de, double* on, double* x) const;
};

// Rows of e_t and of x_t one below the other.
template <int kSize, int kDrives, class T>
void DrivenStates<kSize, kDrives, T>::put_rows(const double* told, const double* told_weight,
                                               const double* u, const double* d, double* a,
                                               double* w) const {
  each<kDrives>(0, r, [&](std::int64_t i) {
    double* row = a + i * wide;
    each<kDrives>(0, r, [&](std::int64_t j) { row[j] = told[i * (r + 1) + j]; });
    each<kSize>(0, n, [&](std::int64_t j) { row[r + j] = 0; });
    row[r + n] = told[i * (r + 1) + r];
    w[i] = told_weight[i];
  });
  each<kSize>(0, n, [&](std::int64_t i) {
    double* row = a + (r + i) * wide;
    each<kDrives>(0, r, [&](std::int64_t j) { row[j] = reach[i * r + j]; });
    each<kSize>(0, n, [&](std::int64_t j) { row[r + j] = motion[i * n + j]; });
    each<kSize>(i + 1, n, [&](std::int64_t k) {
      add_scaled<kDrives>(0, r, u[i * high + k], reach + k * r, row);
      add_scaled<kSize>(0, n, u[i * high + k], motion + k * n, row + r);
    });
    row[r + n] = u[i * high + n];
    w[r + i] = d[i];
  });
}

// What is left of x_t becomes what is left of x_{t-1}, by all that e_t is pulled.
template <int kSize, int kDrives, class T>
void DrivenStates<kSize, kDrives, T>::pass_left(const double* ue, const double* pull, double* left,
                                                double* moved) const {
  each<kSize>(0, n, [&](std::int64_t j) { moved[j] = 0; });
  each<kSize>(0, n,
              [&](std::int64_t i) { add_scaled<kSize>(0, n, left[i], motion + i * n, moved); });
  each<kDrives>(
      0, r, [&](std::int64_t i) { add_scaled<kSize>(0, n, -pull[i], ue + i * wide + r, moved); });
  each<kSize>(0, n, [&](std::int64_t j) { left[j] = moved[j]; });
}

template <int kSize, int kDrives, class T>
void DrivenStates<kSize, kDrives, T>::keep(std::int64_t t, const double* ue, const double* de,
                                           double* on, double* x) const {
  each<kDrives>(0, r, [&](std::int64_t i) {
    each<kSize>(0, n, [&](std::int64_t j) { on[i * behind + j] = -ue[i * wide + r + j]; });
    on[i * behind + n] = ue[i * wide + r + n];
  });
  solve<kDrives, kBehind>(r, behind, wide, ue, on);
  inverse_of<kDrives>(r, wide, ue, x);
  each<kDrives>(0, r, [&](std::int64_t i) {
    double* to = given(t) + i * width;
    each<kBehind>(0, behind, [&](std::int64_t j) { to[j] = on[i * behind + j]; });
    each<kDrives>(0, r, [&](std::int64_t j) { to[behind + j] = i == j ? de[i] : x[i * r + j]; });
  });
}

// What later rows say is passed on from the last row to the first.
template <int kSize, int kDrives, class T>
bool DrivenStates<kSize, kDrives, T>::backwards() const {
  double *a = spare, *w = a + (r + 2 * n) * wide, *u = w + r + 2 * n, *d = u + n * high,
         *ue = d + n, *de = ue + r * wide, *left = de + r, *moved = left + n, *own = moved + n,
         *own_weight = own + r * (r + 1), *own_left = own_weight + r, *pull = own_left + r,
         *on = pull + r, *x = on + r * behind;
  bool any = false, drive_any = false;
  const bool shared = c.linear_drive.step == 0 && c.half_drive.step == 0;
  const auto of_drive = [&](std::int64_t t) {
    drive_any = false;
    each<kDrives>(0, r, [&](std::int64_t i) { own_left[i] = 0; });
    return rows_of<kDrives>(r, c.linear_drive.of(t), c.half_drive.of(t), r + 1, r, own_weight, own,
                            own_left, &drive_any);
  };
  each<kSize>(0, n, [&](std::int64_t i) { left[i] = 0; });
  for (double* o = own; o != pull; ++o) *o = 0;
  if (shared && !of_drive(first)) return false;
  if (!rows_of<kSize>(n, c.linear.of(last - 1), c.half.of(last - 1), high, n, d, u, left, &any))
    return false;
  double adds = 0;
  for (std::int64_t t = last - 1; t > first; --t) {
    if (!shared && !of_drive(t)) return false;
    put_rows(own, own_weight, u, d, a, w);
    orthogonal<kRows, kDrives, kWidth>(r + n, r, width, wide, wide, w, a, de, ue);
    const bool more = any || drive_any;
    if (more)
      each<kDrives>(0, r, [&](std::int64_t j) {
        pull[j] = own_left[j];
        each<kSize>(0, n, [&](std::int64_t i) { pull[j] += reach[i * r + j] * left[i]; });
      });
    if (!integral<kDrives>(r, wide, r + n, de, ue, pull, more, &adds)) return false;
    if (c.log_norm) c.log_norm[t] = T(adds);
    any = more;
    if (more) pass_left(ue, pull, left, moved);
    keep(t, ue, de, on, x);
    if (!rows_of<kSize>(n, c.linear.of(t - 1), c.half.of(t - 1), wide, n, w + r + n,
                        a + (r + n) * wide + r, left, &any))
      return false;
    orthogonal<kAll, kSize, kBehind>(r + 2 * n, n, behind, wide, high, w, a + r, d, u);
  }
  if (!integral<kSize>(n, high, n, d, u, left, any, &adds)) return false;
  if (c.log_norm) c.log_norm[first] = T(adds);
  each<kSize>(0, n, [&](std::int64_t i) { mean[i] = u[i * high + n]; });
  solve<kSize, 1>(n, 1, high, u, mean);
  inverse_of<kSize>(n, high, u, x);
  each<kSize>(0, n, [&](std::int64_t i) {
    each<kSize>(0, n, [&](std::int64_t j) { a[j * high + i] = x[i * n + j]; });
  });
  orthogonal<kSize, kSize, kSize>(n, n, n, high, high, d, a, s, p);
  return true;
}

// P' S P of each state.
template <int kSize, int kDrives, class T>
void DrivenStates<kSize, kDrives, T>::forwards() const {
  double *b = spare, *by_drive = b + (n + r) * high, *w = by_drive + (n + r) * r,
         *turned = w + n + r, *scratch = turned + n * n, *next = scratch + n * n, *drive = next + n;
  const auto put = [&](std::int64_t t) {
    if (c.mean) each<kSize>(0, n, [&](std::int64_t i) { c.mean[t * n + i] = T(mean[i]); });
    if (c.covariance)
      square_of<kSize, kSize, true>(n, n, high, s, p, scratch, c.covariance + t * n * n);
  };
  each<kSize>(0, n, [&](std::int64_t i) {
    each<kSize>(0, n, [&](std::int64_t j) { turned[j * n + i] = motion[i * n + j]; });
  });
  put(first);
  for (std::int64_t i = 0; i < r && c.drive; ++i) c.drive[first * r + i] = 0;
  for (std::int64_t i = 0; i < r * r && c.drive_covariance; ++i)
    c.drive_covariance[first * r * r + i] = 0;
  for (std::int64_t t = first + 1; t < last; ++t) {
    const double* on = given(t);
    each<kSize>(0, n, [&](std::int64_t i) { next[i] = 0; });
    each<kSize>(0, n,
                [&](std::int64_t k) { add_scaled<kSize>(0, n, mean[k], turned + k * n, next); });
    each<kDrives>(0, r, [&](std::int64_t l) {
      drive[l] = on[l * width + n];
      each<kSize>(0, n, [&](std::int64_t k) { drive[l] += on[l * width + k] * mean[k]; });
      each<kSize>(0, n, [&](std::int64_t j) { next[j] += reach[j * r + l] * drive[l]; });
      if (c.drive) c.drive[t * r + l] = T(drive[l]);
    });
    each<kSize>(0, n, [&](std::int64_t i) { mean[i] = next[i]; });
    each<kSize>(0, n, [&](std::int64_t i) {
      double *row = b + i * high, *e = by_drive + i * r;
      each<kSize>(0, n, [&](std::int64_t j) { row[j] = turned[i * n + j]; });
      each<kDrives>(0, r, [&](std::int64_t l) { e[l] = on[l * width + i]; });
      each<kSize>(i + 1, n, [&](std::int64_t k) {
        add_scaled<kSize>(0, n, p[i * high + k], turned + k * n, row);
        each<kDrives>(0, r, [&](std::int64_t l) { e[l] += on[l * width + k] * p[i * high + k]; });
      });
      each<kDrives>(0, r, [&](std::int64_t l) {
        each<kSize>(0, n, [&](std::int64_t j) { row[j] += reach[j * r + l] * e[l]; });
      });
      w[i] = s[i];
    });
    each<kDrives>(0, r, [&](std::int64_t i) {
      double *row = b + (n + i) * high, *e = by_drive + (n + i) * r;
      each<kSize>(0, n, [&](std::int64_t j) { row[j] = 0; });
      each<kDrives>(0, r, [&](std::int64_t l) {
        e[l] = l == i ? 1 : l < i ? on[l * width + behind + i] : 0;
        each<kSize>(0, n, [&](std::int64_t j) { row[j] += reach[j * r + l] * e[l]; });
      });
      w[n + i] = on[i * width + behind + i];
    });
    if (c.drive_covariance)
      square_of<kRows, kDrives, false>(n + r, r, r, w, by_drive, scratch,
                                       c.drive_covariance + t * r * r);
    orthogonal<kRows, kSize, kSize>(n + r, n, n, high, high, w, b, s, p);
    put(t);
  }
}

template <int kSize, int kDrives, class T>
[[gnu::flatten]] static bool driven_of(const kernels::DrivenGaussians<T>& c, std::int64_t first,
                                       std::int64_t last, double* room) {
  constexpr bool kFixed = kSize > 0 && kDrives > 0;
  const std::int64_t n = kFixed ? kSize : c.size, r = kFixed ? kDrives : c.drives,
                     width = r + n + 1, lanes = kFixed ? 1 : kLanes,
                     high = (n + lanes) / lanes * lanes,
                     wide = kFixed ? width : (width / lanes + 2) * lanes;
  double local[kFixed ? kernels::driven_room(kSize, kDrives) : 1];
  double* motion = kFixed ? local : room;
  double *reach = motion + n * n, *mean = reach + n * r, *p = mean + n, *s = p + n * high,
         *kept = room + kernels::driven_room(n, r);
  for (std::int64_t i = 0; i < n * n; ++i) motion[i] = double(c.motion[i]);
  for (std::int64_t i = 0; i < n * r; ++i) reach[i] = double(c.reach[i]);
  const DrivenStates<kSize, kDrives, T> states{c,    first,  last,  n,    r, n + 1, width, wide,
                                               high, motion, reach, mean, p, s,     kept,  s + n};
  if (!states.backwards()) return false;
  if (c.mean || c.covariance || c.drive || c.drive_covariance) states.forwards();
  return true;
}

template <class T>
static bool driven_sequence(const kernels::DrivenGaussians<T>& c, std::int64_t first,
                            std::int64_t last, double* room) {
  if (c.size == 1 && c.drives == 1) return driven_of<1, 1>(c, first, last, room);
  if (c.size == 2 && c.drives == 2) return driven_of<2, 2>(c, first, last, room);
  if constexpr (sizeof(T) == sizeof(double)) {
    if (c.size == 4 && c.drives == 2) return driven_of<4, 2>(c, first, last, room);
  }
  return driven_of<0, 0>(c, first, last, room);
}

}  // namespace fathom::wide::FATHOM_ISA
