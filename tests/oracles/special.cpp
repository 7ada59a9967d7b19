#include "tests/oracles/special.h"

#include <boost/math/special_functions/digamma.hpp>

namespace fathom::oracle {

double digamma(double x) { return boost::math::digamma(x); }

}  // namespace fathom::oracle
