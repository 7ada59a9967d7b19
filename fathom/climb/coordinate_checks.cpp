// What a coordinate climb says of itself: starts that cannot move, blocks that lower the bound.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "fathom/climb/coordinate.h"

namespace fathom {

namespace {

// Latents of the plate that `e` is made of.
void latents_on(const Model& m, Expr e, int plate, std::set<int>* found) {
  const ExprInfo& i = m.info(e);
  const bool on = std::find(i.plates.begin(), i.plates.end(), plate) != i.plates.end();
  if (i.kind == ExprKind::latent && on) found->insert(e.index());
  for (const Expr& in : i.inputs) latents_on(m, in, plate, found);
}

// The number of the sequence that begins at a row, 0: none does; 1 beyond the last row.
double number_at(const Array& numbers, std::int64_t row) {
  return row >= numbers.size() ? 1 : numbers.data<double>()[row];
}

}  // namespace

// Sequences of terms whose latents inside may be warm, by the terms' names; they are numbered 1, 2,
// ... where they begin.
std::map<std::string, std::int64_t> CoordinateClimb::number_sequences(const Model& model) {
  std::map<std::string, std::int64_t> sequences;
  for (const ObservedInfo& o : model.observed()) {
    if (!o.likelihood.family->warm_log_prob) continue;
    const auto marks = o.likelihood.args[std::size_t(o.likelihood.family->warm_marks)].expr();
    const std::string& name = model.info(marks).name;
    const Array given = rows_.all().columns.at(name).made();
    Array numbers = given.cast(DType::f64).copy();
    std::int64_t count = 0;
    bool same = true;
    for (std::int64_t r = 0; r < rows_.all().rows; ++r) {
      double& first = numbers.data<double>()[r];
      if (r > 0 && first == 0) continue;
      ++count;
      same = same && first == double(count);
      first = double(count);
    }
    const bool wide =
        given.dtype() == DType::f64 || given.dtype() == DType::i64 || given.dtype() == DType::i32;
    if (!same && !wide && (given.dtype() != DType::f32 || count > std::int64_t{1} << 24))
      raise<ConfigError>("[coordinate] \"{}\" is {}, which does not number {} sequences: take f64",
                         name, name_of(given.dtype()), count);
    if (!same) rows_.replace(name, numbers.cast(given.dtype()));
    numbers_.push_back(numbers);
    sequences[o.name] = count;
  }
  if (sequences.empty())
    raise<ConfigError>("[coordinate] warm: no likelihood has latents that it iterates inside");
  return sequences;
}

// Sequences that are warm are shown whole.
void CoordinateClimb::check_shown(std::int64_t first, std::int64_t count) const {
  if (first < 0 || count < 1 || first + count > rows_.all().rows)
    return;  // which is said elsewhere
  for (const Array& numbers : numbers_)
    for (const std::int64_t row : {first, first + count})
      if (number_at(numbers, row) == 0)
        raise<ConfigError>("[coordinate] rows from {} on are cut off a sequence that is warm", row);
}

// Of a pass over the rows that are shown.
void CoordinateClimb::begin_inside() {
  check_shown(shown_, shown_rows_);
  if (!anew_) return;
  for (std::size_t k = 0; k < inside_.size(); ++k) {
    const std::size_t from = std::size_t(number_at(numbers_[k], shown_)) - 1,
                      row = inside_[k]->bytes() / std::size_t(inside_[k]->shape().extent(0));
    const std::int64_t next = shown_ + shown_rows_;
    const std::size_t to = next < numbers_[k].size() ? std::size_t(number_at(numbers_[k], next)) - 1
                                                     : std::size_t(inside_[k]->shape().extent(0));
    std::memset(inside_[k]->raw() + from * row, 0, (to - from) * row);
  }
}

void CoordinateClimb::forget() {
  for (Array* a : inside_) std::memset(a->raw(), 0, a->bytes());
}

void CoordinateClimb::find_choices(const Model& model, const std::vector<Factor>& factors,
                                   State& state) {
  std::map<Gate, std::set<int>> chosen;
  for (std::size_t e = 0; e < model.size(); ++e) {
    const ExprInfo& i = model.info(int(e));
    if (i.kind != ExprKind::gate || !model.streamed(model.info(i.inputs[0]))) continue;
    for (const Gate& g : i.gates)
      if (g.which == i.inputs[0].index()) latents_on(model, i.inputs[1], g.plate, &chosen[g]);
  }
  for (const auto& [gate, latents] : chosen) {
    const PlateInfo& plate = model.plates()[std::size_t(gate.plate)];
    Choices c{fmt::format("{} ({})", model.info(gate.which).name, plate.name), plate.size, {}};
    for (const Factor& f : factors) {
      if (!latents.count(model.latents()[f.latent].expr)) continue;
      for (std::size_t k = 0; k < f.slots.size(); ++k) {
        const Shape& s = f.slots[k].shape();
        std::int64_t after = 1;
        for (int a = s.rank(); a-- > 0; after *= s.extent(a))
          if (s[a].label != kNoLabel && graph_->label_info(s[a].label).name == plate.name) break;
        c.naturals.emplace_back(
            &state.slot(fmt::format("{}.natural.{}", f.name, k), model.dtype(), s), after);
      }
    }
    if (c.size > 1 && !c.naturals.empty()) choices_.push_back(std::move(c));
  }
}

std::string CoordinateClimb::alike() const {
  for (const Choices& c : choices_) {
    const bool same = std::all_of(c.naturals.begin(), c.naturals.end(), [&](const auto& n) {
      const auto& [array, after] = n;
      const std::size_t one = std::size_t(after) * size_of(array->dtype()),
                        all = one * std::size_t(c.size);
      for (std::size_t at = 0; at < array->bytes(); at += all)
        for (std::int64_t k = 1; k < c.size; ++k)
          if (std::memcmp(array->raw() + at, array->raw() + at + std::size_t(k) * one, one) != 0)
            return false;
      return true;
    });
    if (same) return c.name;
  }
  return {};
}

std::string CoordinateClimb::lowest_block(const std::vector<Array>& from, Workers& workers) {
  for (std::size_t k = 0; k < from.size(); ++k)
    std::memcpy(naturals_[k]->raw(), from[k].raw(), from[k].bytes());
  auto before = terms(workers);
  if (collect_) collect(workers);
  double least = INFINITY;
  std::string text;
  for (Step& step : steps_) {
    update(step, workers);
    const auto after = terms(workers);
    double change = 0, fall = INFINITY;
    std::string term;
    for (std::size_t i = 0; i < after.size(); ++i) {
      const double d = after[i].second - before[i].second;
      change += d;
      if (d < fall) term = after[i].first;
      fall = std::min(fall, d);
    }
    if (change < least) {
      least = change;
      text = fmt::format("the update of {} moves it by {:.3g}, term \"{}\" by {:.3g}",
                         fmt::join(step.latents, ", "), change, term, fall);
    }
    before = after;
  }
  return text;
}

void CoordinateClimb::blend(double rho, double scale) {
  if (!rho_) raise<ConfigError>("[coordinate] blend() needs CoordinateOptions::blended");
  if (!(rho > 0 && rho <= 1))
    raise<ConfigError>("[coordinate] a step of {}: above 0, at most 1", rho);
  if (is_warm() && rho < 1)
    raise<ConfigError>("[coordinate] where latents are warm, factors do not go part of the way");
  for (const auto& [slot, v] : {std::pair(rho_, rho), std::pair(scale_, scale)}) {
    const Array value = Array::scalar(v).cast(slot->dtype());
    std::memcpy(slot->raw(), value.raw(), value.bytes());
  }
}

void CoordinateClimb::temperature(double t) {
  if (!temperature_)
    raise<ConfigError>("[coordinate] a temperature needs CoordinateOptions::tempered");
  if (!(t > 0) || !std::isfinite(t)) raise<ConfigError>("[coordinate] a temperature of {}", t);
  const Array value = Array::scalar(t).cast(temperature_->dtype());
  std::memcpy(temperature_->raw(), value.raw(), value.bytes());
}

}  // namespace fathom
