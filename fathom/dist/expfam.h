// What every exponential family has, derived once from its face
//   log p(x) = <natural, stats(x)> - log_norm(natural) (+ log_base(x)):
// moments are the gradient of log_norm, its Hessian is the Fisher matrix, and the divergence of two
// members is the Bregman divergence of log_norm. Wainwright & Jordan 2008, sections 3 and 5.
#pragma once

#include "fathom/dist/family.h"

namespace fathom {

// Expected statistics E stats(x): the gradient of log_norm. `natural` must be graph values.
Values moments(const FamilyInfo& family, std::span<const Value> natural);

// log p(x) through the exponential-family form: equals log_prob (a law).
Value expfam_log_prob(const FamilyInfo& family, std::span<const Value> natural, Value x);

// KL(p || q) of two members, natural parameters given; per plate element, in nats.
Value kl_divergence(const FamilyInfo& family, std::span<const Value> p, std::span<const Value> q);

// Entropy of a member: log_norm - <natural, moments>. Throws ShapeError where a base measure has no
// closed expectation.
Value entropy(const FamilyInfo& family, std::span<const Value> natural);

// The conjugate update in natural coordinates, and its damped form (Hoffman et al. 2013, eq. 26):
// (1 - rate) old + rate target.
Values blend(std::span<const Value> old, std::span<const Value> target, Value rate);

}  // namespace fathom
