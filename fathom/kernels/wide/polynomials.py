#!/usr/bin/env python3
"""Makes polynomials.h: the minimax polynomials of the vectorised functions.

    polynomials.py > polynomials.h        (needs mpmath; takes a minute)

Each polynomial is the best one in the weighted maximum norm (Remez's exchange on a dense grid),
computed with 60 digits; the comment beside it gives its weighted error, before rounding.
"""

import mpmath as mp

mp.mp.dps = 60


def remez(f, degree, a, b, weight=lambda x: mp.mpf(1)):
    """Coefficients, lowest first, of the p that minimises max |weight (f - p)| on [a, b]."""
    a, b = mp.mpf(a), mp.mpf(b)
    count, n = 24 * (degree + 2), degree + 2  # even: no point at the centre
    x = [(a + b) / 2 - (b - a) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * count))
         for i in range(count)]
    x = [v for v in x if weight(v) != 0]
    y, w = [f(v) for v in x], [weight(v) for v in x]
    picks = [round((len(x) - 1) * (1 - mp.cos(mp.pi * i / (n - 1))) / 2) for i in range(n)]
    for _ in range(60):
        m, rhs = mp.matrix(n, n), mp.matrix(n, 1)
        for i, k in enumerate(picks):
            for j in range(degree + 1):
                m[i, j] = x[k] ** j
            m[i, degree + 1] = (-1) ** i / w[k]
            rhs[i] = y[k]
        c = mp.lu_solve(m, rhs)
        coef = [c[j] for j in range(degree + 1)]
        error = [wk * (yk - mp.polyval(coef[::-1], xk)) for xk, yk, wk in zip(x, y, w)]
        top = max(abs(e) for e in error)
        if top <= abs(c[degree + 1]) * mp.mpf("1.001"):
            break
        picks = exchange(error, n)
    return coef, top


def exchange(error, n):
    """Indices of n extremes of alternating sign that include the greatest."""
    runs = []  # the extreme of each run of one sign
    for i, e in enumerate(error):
        if runs and (error[runs[-1]] > 0) == (e > 0):
            if abs(e) > abs(error[runs[-1]]):
                runs[-1] = i
        else:
            runs.append(i)
    while len(runs) > n:
        if len(runs) == n + 1:
            runs.pop(0 if abs(error[runs[0]]) < abs(error[runs[-1]]) else -1)
        else:  # drop the weakest with the weaker of its neighbours, so that signs still alternate
            k = min(range(len(runs)), key=lambda i: abs(error[runs[i]]))
            if k in (0, len(runs) - 1):
                runs.pop(k)
            else:
                low = k if abs(error[runs[k + 1]]) < abs(error[runs[k - 1]]) else k - 1
                del runs[low:low + 2]
    return runs


def rational(f, top, bottom, a, b):
    """Coefficients of p and q, q(0) = 1, with p / q = f at Chebyshev's points of [a, b]; the
    greatest relative error of a dense grid."""
    a, b = mp.mpf(a), mp.mpf(b)
    n = top + bottom + 1

    def points(count):
        return [(a + b) / 2 - (b - a) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * count))
                for i in range(count)]

    m, rhs = mp.matrix(n, n), mp.matrix(n, 1)
    for i, x in enumerate(points(n)):
        rhs[i] = y = f(x)
        for j in range(top + 1):
            m[i, j] = x ** j
        for j in range(1, bottom + 1):
            m[i, top + j] = -y * x ** j
    c = mp.lu_solve(m, rhs)
    p, q = list(c[:top + 1]), [mp.mpf(1)] + list(c[top + 1:])
    error = max(abs(mp.polyval(p[::-1], x) / mp.polyval(q[::-1], x) / f(x) - 1)
                for x in points(16 * n))
    return p, q, error


# ---- the functions approximated ------------------------------------------------------------------

def scaled_erfc(x):
    """e^(x^2) erfc(x), x >= 0."""
    if x < 30:
        return mp.exp(x * x) * mp.erfc(x)
    return sum((-1) ** k * mp.fac2(2 * k - 1) / (2 * x * x) ** k for k in range(25)) / (
        x * mp.sqrt(mp.pi))


def tail_quantile(p):
    """The z > 0 with P(Z > z) = p < 1/2, by Newton's method on the logarithm."""
    wanted, t = mp.log(p), mp.sqrt(-2 * mp.log(2 * p))
    z = t
    for _ in range(100):
        q = mp.erfc(z / mp.sqrt(2)) / 2
        step = (mp.log(q) - wanted) * q * mp.sqrt(2 * mp.pi) * mp.exp(z * z / 2)
        z += step
        if abs(step) < mp.mpf(10) ** -50 * (1 + abs(z)):
            break
    return z


def quantile_centre(w):
    """Phi^-1 over 1 - 2p at the p < 1/2 with w = -log(4 p (1 - p))."""
    e = mp.exp(-w) / 4
    p = 2 * e / (1 + mp.sqrt(1 - 4 * e))
    return tail_quantile(p) / (1 - 2 * p)


def remembered(f):
    seen = {}
    return lambda x: seen[x] if x in seen else seen.setdefault(x, f(x))


# ---- printing ------------------------------------------------------------------------------------

def round_to(bits, x):
    with mp.workprec(bits):
        return +mp.mpf(x)


def literal(x, single):
    digits, power = float(round_to(24 if single else 53, x)).hex().split("p")
    digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return f"{digits}p{power}" + ("f" if single else "")


def array(name, coef, single, note):
    kind = "float" if single else "double"
    print(f"  // {note}\n  static constexpr {kind} {name}[] = {{")
    line = "     "
    for i, c in enumerate(coef):
        word = " " + literal(c, single) + ("," if i + 1 < len(coef) else "};")
        if len(line) + len(word) > 100:
            print(line)
            line = "     "
        line += word
    print(line)


def poly(name, single, what, f, degree, a, b, weight=lambda x: mp.mpf(1)):
    coef, error = remez(f, degree, a, b, weight)
    array(name, coef, single, f"{what}: error 2^{float(mp.log(error, 2)):.1f}")


def ratio(name, single, what, f, top, bottom, a, b):
    p, q, error = rational(f, top, bottom, a, b)
    array(name + "_top", p, single, f"{what}: error 2^{float(mp.log(error, 2)):.1f}")
    array(name + "_bottom", q, single, "its denominator")


def split(name, x, single, bits, what):
    """x as a sum of parts, all but the last with few bits, so that small multiples are exact."""
    parts, rest = [], mp.mpf(x)
    for b in bits:
        # Cut towards zero, that each remainder has the sign of x.
        scale = mp.mpf(2) ** (b - 1 - int(mp.floor(mp.log(abs(rest), 2))))
        parts.append(mp.floor(rest * scale) / scale)
        rest -= parts[-1]
    array(name, parts + [rest], single, what)


# Name, ends of the interval, degrees. Floats need one interval, doubles two.
TAILS = {True: [("quantile_far", 2.5, 10.25, 4, 4)],
         False: [("quantile_mid", 2.75, 7, 8, 8), ("quantile_far", 7, 27.5, 9, 8)]}


def common(single):
    half = mp.log(2) / 2
    root2 = mp.sqrt(2)
    eps = mp.mpf(10) ** -18
    poly("exp", single, "(e^r - 1 - r) / r^2 on |r| <= log(2) / 2",
         lambda r: (mp.expm1(r) - r) / r ** 2, 4 if single else 9, -half, half,
         lambda r: r * r / abs(mp.expm1(r)))
    split("log2", mp.log(2), single, [15] if single else [42], "log 2")
    if single:
        poly("log", True, "(log(1 + f) - f + f^2 / 2) / f^3 on 1/sqrt(2) - 1 .. sqrt(2) - 1",
             lambda f: (mp.log1p(f) - f + f * f / 2) / f ** 3, 7, 1 / root2 - 1, root2 - 1,
             lambda f: f ** 3 / mp.log1p(f))
    else:
        poly("log", False, "(log((1 + s) / (1 - s)) / s - 2) / s^2 in s^2, s <= 0.1716",
             lambda z: (2 * mp.atanh(mp.sqrt(z)) / mp.sqrt(z) - 2) / z, 6, eps,
             ((root2 - 1) / (root2 + 1)) ** 2, lambda z: z / 2)
    poly("erf", single, "erf(x) / x - 1 in x^2, x <= 1",
         lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1, 6 if single else 11, eps, 1)
    k = mp.mpf("2.75" if single else "3.75")
    array("erfcx_shift", [k], single, "the k of erfcx")
    poly("erfcx", single, "(1 + 2x) e^(x^2) erfc(x) in (x - k) / (x + k), x >= 0",
         lambda t: (1 + 2 * k * (1 + t) / (1 - t)) * scaled_erfc(k * (1 + t) / (1 - t)),
         12 if single else 24, -1, 1)
    centre = remembered(quantile_centre)
    poly("quantile", single, "Phi^-1 over 1 - 2p in w = -log(4 p (1 - p)), w <= "
         + ("5" if single else "6.25"), centre, 9 if single else 24, 0,
         "5" if single else "6.25", lambda w: 1 / centre(w))
    for name, start, end, top, bottom in TAILS[single]:
        tail = remembered(lambda u: tail_quantile(mp.exp(-(u + start) ** 2)))
        ratio(name, single, f"Phi^-1 in u = sqrt(-log p) - {start}, up to {end} - {start}", tail,
              top, bottom, 0, mp.mpf(end) - start)


def double_only():
    eps = mp.mpf(10) ** -18
    quarter = mp.pi / 4
    split("half_pi", mp.pi / 2, False, [33, 33, 33], "pi / 2")
    poly("sin", False, "(sin r - r) / r^3 in r^2, |r| <= pi / 4",
         lambda z: (mp.sin(mp.sqrt(z)) - mp.sqrt(z)) / mp.sqrt(z) ** 3, 5, eps, quarter ** 2,
         lambda z: z)
    poly("cos", False, "(cos r - 1 + r^2 / 2) / r^4 in r^2, |r| <= pi / 4",
         lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z ** 2, 5, eps, quarter ** 2,
         lambda z: z * z)
    poly("lgamma", False, "lgamma(2 + z) / z on -3/4 .. 1/2",
         lambda z: mp.loggamma(2 + z) / z, 22, "-0.75", "0.5")
    poly("stirling", False,
         "x (lgamma(x) - (x - 1/2) log x + x - log(2 pi) / 2) in 1 / x^2, x >= 8",
         lambda w: (mp.loggamma(1 / mp.sqrt(w)) - (1 / mp.sqrt(w) - mp.mpf(1) / 2)
                    * -mp.log(w) / 2 + 1 / mp.sqrt(w) - mp.log(2 * mp.pi) / 2) / mp.sqrt(w),
         6, "1e-12", mp.mpf(1) / 64)
    poly("digamma", False, "x^2 (log x - 1 / (2x) - digamma(x)) in 1 / x^2, x >= 8",
         lambda w: -(mp.psi(0, 1 / mp.sqrt(w)) + mp.log(w) / 2 + mp.sqrt(w) / 2) / w, 7, "1e-12",
         mp.mpf(1) / 64)
    poly("trigamma", False, "x^3 (trigamma(x) - 1 / x - 1 / (2 x^2)) in 1 / x^2, x >= 8",
         lambda w: (mp.psi(1, 1 / mp.sqrt(w)) - mp.sqrt(w) - w / 2) / mp.sqrt(w) ** 3, 8,
         "1e-12", mp.mpf(1) / 64)
    root = mp.findroot(lambda x: mp.psi(0, x), mp.mpf("1.4616321449683623"))
    split("digamma_root", root, False, [50], "the zero of digamma")
    poly("digamma_near", False, "digamma(x) / (x - its zero) in x - its zero, 1 <= x <= 2",
         lambda u: mp.psi(0, root + u) / u, 24, 1 - root, 2 - root)


if __name__ == "__main__":
    print("// The polynomials of the vectorised functions, lowest coefficient first, and their\n"
          "// errors relative to the function. Made by polynomials.py: change that, not this.\n"
          "#pragma once\n\nnamespace fathom::wide {\nnamespace FATHOM_ISA {\n\n"
          "template <class T>\nstruct Poly;\n\ntemplate <>\nstruct Poly<float> {")
    common(True)
    print("};\n\ntemplate <>\nstruct Poly<double> {")
    common(False)
    double_only()
    print("};\n\n}  // namespace FATHOM_ISA\n}  // namespace fathom::wide")
