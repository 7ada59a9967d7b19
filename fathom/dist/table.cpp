#include "fathom/dist/all_dists.h"

namespace fathom {

namespace {

template <class F>
FamilyInfo entry() {
  FamilyInfo e;
  e.doc = F::doc;
  e.parameters = F::parameters;
  e.expected_log_prob = F::expected_log_prob;
  e.face = F::face;
  if constexpr (requires { &F::sample; }) e.sample = F::sample;
  if constexpr (requires { &F::entropy; }) e.entropy = F::entropy;
  if constexpr (requires { &F::leaves; }) {
    e.leaves = F::leaves;
    e.natural_from_gradient = F::natural_from_gradient;
    if constexpr (requires { &F::face_of_leaves; }) {
      e.face_of_leaves = F::face_of_leaves;
      e.expected_stats = F::expected_stats;
    }
  }
  if constexpr (requires { &F::rows_meet; }) e.rows_meet = F::rows_meet;
  if constexpr (requires { &F::warm_log_prob; }) {
    e.warm_log_prob = F::warm_log_prob;
    e.warm_size = F::warm_size;
    e.warm_marks = F::warm_marks;
  }
  if constexpr (requires { &F::completed; }) e.completed = F::completed;
  if constexpr (requires { &F::best; }) {
    e.best_norm = F::best_norm;
    e.best = F::best;
  }
  if constexpr (requires { F::stat_axes; }) e.stat_axes = F::stat_axes;
  if constexpr (requires { &F::natural; }) e.natural = F::natural;
  if constexpr (requires { &F::log_norm; }) {
    if constexpr (requires { &F::stats; }) e.stats = F::stats;
    e.from_natural = F::from_natural;
    e.log_norm = F::log_norm;
    if constexpr (requires { &F::log_base; }) e.log_base = F::log_base;
    if constexpr (requires { &F::mode; }) e.mode = F::mode;
    if constexpr (requires { &F::inside; }) e.inside = F::inside;
  }
  return e;
}

template <class... F>
std::vector<FamilyInfo> entries(FamilyList<F...>) {
  return {entry<F>()...};
}

template <class Wanted, class... F>
constexpr std::size_t place_of(FamilyList<F...>) {
  std::size_t at = 0, found = sizeof...(F);
  ((std::is_same_v<Wanted, F> ? void(found = at++) : void(at++)), ...);
  return found;
}

template <class... F>
std::array<const FamilyInfo& (*)(), sizeof...(F)> instantiate(FamilyList<F...>) {
  return {&family<F>...};
}

}  // namespace

std::span<const FamilyInfo> all_families() {
  static const std::vector<FamilyInfo> table = entries(AllFamilies{});
  return table;
}

template <class F>
const FamilyInfo& family() {
  return all_families()[place_of<F>(AllFamilies{})];
}

namespace detail {
extern const decltype(instantiate(AllFamilies{})) family_lookup;
const decltype(instantiate(AllFamilies{})) family_lookup = instantiate(AllFamilies{});
}  // namespace detail

}  // namespace fathom
