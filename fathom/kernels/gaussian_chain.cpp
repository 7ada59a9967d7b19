#include "fathom/kernels/gaussian_chain.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "fathom/kernels/isa.h"
#include "fathom/kernels/sequences.h"

namespace fathom::kernels {

namespace {

const GaussianChainTable& gaussian_chain_table() { return FATHOM_BY_ISA(gaussian_chain); }

template <class T>
void spoil(T* p, std::int64_t first, std::int64_t last, std::int64_t each) {
  if (p) std::fill(p + first * each, p + last * each, std::numeric_limits<T>::quiet_NaN());
}

// Room for outputs that nobody reads but the recursions.
struct Kept {
  std::vector<double>& all;
  std::size_t used = 0;
  void want(double*& p, std::int64_t count) {
    if (p) return;
    p = all.data() + used;
    used += std::size_t(count);
  }
};

template <class T>
void driven_of(const DrivenGaussians<T>& c, auto sequence) {
  thread_local std::vector<double> room;
  const std::int64_t n = c.size, r = c.drives;
  std::int64_t longest = 0;
  each_sequence(c.begins, c.rows, [&](std::int64_t first, std::int64_t last) {
    longest = std::max(longest, last - first);
  });
  room.resize(std::size_t(driven_room(n, r) + longest * driven_kept(n, r)));
  each_sequence(c.begins, c.rows, [&](std::int64_t first, std::int64_t last) {
    if (sequence(c, first, last, room.data())) return;
    spoil(c.log_norm, first, last, 1);
    spoil(c.mean, first, last, n);
    spoil(c.covariance, first, last, n * n);
    spoil(c.drive, first, last, r);
    spoil(c.drive_covariance, first, last, r * r);
  });
}

}  // namespace

void linked_gaussians(const LinkedGaussians& given) {
  thread_local std::vector<double> kept, room;
  LinkedGaussians c = given;
  const std::int64_t n = c.size, nn = n * n;
  kept.resize(std::size_t((c.log_norm ? 0 : c.rows) + (c.mean ? 0 : c.rows * n) +
                          (c.covariance ? 0 : c.rows * nn) + (c.cross ? 0 : c.rows * nn)));
  room.resize(std::size_t(linked_room(n)));
  Kept k{kept};
  k.want(c.log_norm, c.rows);
  k.want(c.mean, c.rows * n);
  k.want(c.covariance, c.rows * nn);
  k.want(c.cross, c.rows * nn);
  each_sequence(c.begins, c.rows, [&](std::int64_t first, std::int64_t last) {
    if (gaussian_chain_table().linked(c, first, last, room.data())) return;
    for (double* p : {c.mean, c.mean_before}) spoil(p, first, last, n);
    for (double* p : {c.covariance, c.covariance_before, c.cross}) spoil(p, first, last, nn);
    spoil(c.log_norm, first, last, 1);
  });
}

void driven_gaussians(const DrivenGaussians<float>& c) {
  driven_of(c, gaussian_chain_table().driven_f32);
}
void driven_gaussians(const DrivenGaussians<double>& c) {
  driven_of(c, gaussian_chain_table().driven);
}

}  // namespace fathom::kernels
