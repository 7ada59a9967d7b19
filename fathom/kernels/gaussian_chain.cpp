#include "fathom/kernels/gaussian_chain.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "fathom/kernels/isa.h"
#include "fathom/kernels/sequences.h"

namespace fathom::kernels {

namespace {

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

const GaussianChainTable& gaussian_chain_table() { return FATHOM_BY_ISA(gaussian_chain); }

void spoil(double* p, std::int64_t first, std::int64_t last, std::int64_t each) {
  if (p) std::fill(p + first * each, p + last * each, kNoNumber);
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

void driven_gaussians(const DrivenGaussians& given) {
  thread_local std::vector<double> kept, room;
  DrivenGaussians c = given;
  const std::int64_t n = c.size, r = c.drives, nn = n * n, rr = r * r;
  kept.resize(std::size_t((c.log_norm ? 0 : c.rows) + (c.mean ? 0 : c.rows * n) +
                          (c.covariance ? 0 : c.rows * nn) + (c.drive ? 0 : c.rows * r) +
                          (c.drive_covariance ? 0 : c.rows * rr)));
  Kept k{kept};
  k.want(c.log_norm, c.rows);
  k.want(c.mean, c.rows * n);
  k.want(c.covariance, c.rows * nn);
  k.want(c.drive, c.rows * r);
  k.want(c.drive_covariance, c.rows * rr);
  std::int64_t longest = 0;
  each_sequence(c.begins, c.rows, [&](std::int64_t first, std::int64_t last) {
    longest = std::max(longest, last - first);
  });
  room.resize(std::size_t(driven_room(n, r) + longest * n * r));
  each_sequence(c.begins, c.rows, [&](std::int64_t first, std::int64_t last) {
    if (gaussian_chain_table().driven(c, first, last, room.data())) return;
    spoil(c.log_norm, first, last, 1);
    spoil(c.mean, first, last, n);
    spoil(c.covariance, first, last, nn);
    spoil(c.drive, first, last, r);
    spoil(c.drive_covariance, first, last, rr);
  });
}

}  // namespace fathom::kernels
