// The one list of ops. Tables, documentation, bindings and law tests are loops over it.
#pragma once

#include "fathom/ops/chain.h"
#include "fathom/ops/documents.h"
#include "fathom/ops/gaussian_chain.h"
#include "fathom/ops/network.h"
#include "fathom/ops/polygamma.h"
#include "fathom/ops/random.h"
#include "fathom/ops/shape_peak.h"
#include "fathom/ops/symmetric.h"
#include "fathom/ops/tilt.h"
#include "fathom/ops/transcendental.h"
#include "fathom/ops/updates.h"

namespace fathom {

template <class... Ops>
struct OpList {};

// Elementwise ops in the order of the wide kernels.
using ElementwiseOps = OpList<Add, Sub, Mul, Div, MulAdd, MulSub, Neg, Square, Reciprocal, Sqrt,
                              Abs, Sign, Min, Max, Clamp, Less, LessEqual, Equal, Where, Exp, Log,
                              Log1p, Expm1, Tanh, Sigmoid, Softplus, LogSigmoid, Relu, Gelu, Logit,
                              Xlogy, Erf, Erfc, LogErfc, Lgamma, Digamma, Trigamma, NormalQuantile>;

using StructuredOps =
    OpList<Broadcast, Reshape, StopGradient, Keep, Transpose, Slice, Embed, Concat, Cast, Sum,
           ReduceMax, LogSumExp, Argmax, Gather, ScatterAdd, Pick, Place, MatMul, Cholesky,
           TriangularSolve, Tril, Diagonal, DiagonalMatrix, Uniform, StandardNormal, FoldKey,
           Polygamma, AdamStep, Vech, Unvech, QuadraticFeatures, ShapePeak, Tilt, ChainNorm,
           LinkedChainNorm, DrivenChainNorm, NetworkNorm, TopicTable, TopicCounts, DocumentNorm,
           WarmDocumentNorm>;

// The table of all ops: leaves first, then the lists above.
OpTable op_table();
// Entry by name; nullptr when there is none.
const OpInfo* find_op(std::string_view name);

}  // namespace fathom
