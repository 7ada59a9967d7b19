// Factors of climbs on states of their own.
#pragma once

#include <cstring>

#include "fathom/exec/program.h"

namespace fathom {

// The natural parameters of all factors, which both have.
inline void assign_naturals(const State& from, State& to) {
  for (const auto& [name, array] : from.slots())
    if (name.find(".natural.") != std::string::npos)
      std::memcpy(to.find(name)->raw(), array.raw(), array.bytes());
}

}  // namespace fathom
