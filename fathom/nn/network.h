// Networks: functions of values with named parameters. A network owns no numbers: it says which
// parameters it needs and what it does with them; a model gives them slots.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "fathom/ops/all_ops.h"

namespace fathom::nn {

// How a parameter starts. Glorot & Bengio 2010 (uniform, eq. 16); He et al. 2015 (normal, eq. 10).
enum class Init : std::uint8_t { zeros, glorot, he, constant };

struct Parameter {
  std::string name;
  Shape shape;
  Init init = Init::zeros;
  double value = 0;  // of Init::constant
};

// Fills `array` (f32 or f64) by the rule of `p`; a function of the key alone.
void initialise(const Parameter& p, Key key, Array& array);

// An activation, by name; the one list of them.
struct Activation {
  std::string_view name;
  Value (*apply)(Value);
  Init init;  // of the layer before it
};
std::span<const Activation> activations();
// Throws ConfigError that lists the names.
const Activation& activation(std::string_view name);

class Network {
 public:
  std::vector<Parameter> parameters;
  std::function<Value(std::span<const Value> parameters, Value x)> apply;
};

// x [..., in] -> [..., out]: x W + b.
Network linear(std::int64_t in, std::int64_t out);

// Linear layers of the given widths with `between` after each but the last:
// mlp({784, 500, 40}, activation("tanh")).
Network mlp(std::span<const std::int64_t> widths, const Activation& between);

}  // namespace fathom::nn
