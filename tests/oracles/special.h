// Special functions by Boost.Math. Its headers take long: they are read once, in the source.
#pragma once

namespace fathom::oracle {

double digamma(double x);

}  // namespace fathom::oracle
