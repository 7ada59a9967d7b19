// The one list of families. Tables, help, bindings and law tests are loops over it.
#pragma once

#include "fathom/dist/families/bernoulli.h"
#include "fathom/dist/families/beta.h"
#include "fathom/dist/families/binomial.h"
#include "fathom/dist/families/categorical.h"
#include "fathom/dist/families/chain.h"
#include "fathom/dist/families/concentration.h"
#include "fathom/dist/families/dirichlet.h"
#include "fathom/dist/families/discrete_network.h"
#include "fathom/dist/families/documents.h"
#include "fathom/dist/families/driven_chain.h"
#include "fathom/dist/families/exponential.h"
#include "fathom/dist/families/gamma.h"
#include "fathom/dist/families/gamma_shape.h"
#include "fathom/dist/families/inverse_gamma.h"
#include "fathom/dist/families/linked_chain.h"
#include "fathom/dist/families/matrix_normal_wishart.h"
#include "fathom/dist/families/multinomial.h"
#include "fathom/dist/families/mvnormal.h"
#include "fathom/dist/families/normal.h"
#include "fathom/dist/families/normal_gamma.h"
#include "fathom/dist/families/normal_wishart.h"
#include "fathom/dist/families/poisson.h"
#include "fathom/dist/families/polya_gamma.h"
#include "fathom/dist/families/spherical_normal_gamma.h"
#include "fathom/dist/families/stick_breaking.h"
#include "fathom/dist/families/tied_normal_wishart.h"
#include "fathom/dist/families/uniform.h"
#include "fathom/dist/families/wishart.h"

namespace fathom {

template <class... F>
struct FamilyList {};

using AllFamilies =
    FamilyList<Normal, MvNormal, NormalWishart, NormalGamma, TiedNormalWishart, MatrixNormalWishart,
               SphericalNormalGamma, StickBreaking, Bernoulli, Categorical, Chain, LinkedChain,
               DrivenChain, UniformFamily, Gamma, Dirichlet, Beta, InverseGamma, Wishart, Poisson,
               Exponential, Binomial, Multinomial, PolyaGamma, GammaShape, Concentration,
               DiscreteNetwork, Documents>;

std::span<const FamilyInfo> all_families();

template <class F>
const FamilyInfo& family();  // defined, for the families of the list, in dist/table.cpp

}  // namespace fathom
