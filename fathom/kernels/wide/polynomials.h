// The polynomials of the vectorised functions, lowest coefficient first, and their errors
// relative to the function. Made by polynomials.py: change that, not this.
#pragma once

namespace fathom::wide {
namespace FATHOM_ISA {

template <class T>
struct Poly;

template <>
struct Poly<float> {
  // (e^r - 1 - r) / r^2 on |r| <= log(2) / 2: error 2^-26.2
  static constexpr float exp[] = {
      0x1.fffffep-2f, 0x1.5554bp-3f, 0x1.555674p-5f, 0x1.122766p-7f, 0x1.6bec46p-10f};
  // log 2
  static constexpr float log2[] = {
      0x1.62e4p-1f, 0x1.7f7d1cp-20f};
  // (log(1 + f) - f + f^2 / 2) / f^3 on 1/sqrt(2) - 1 .. sqrt(2) - 1: error 2^-27.4
  static constexpr float log[] = {
      0x1.555554p-2f, -0x1.000226p-2f, 0x1.99a006p-3f, -0x1.54724cp-3f, 0x1.22da66p-3f,
      -0x1.0d8542p-3f, 0x1.055982p-3f, -0x1.38b0cep-4f};
  // erf(x) / x in x^2, x <= 1: error 2^-29.7
  static constexpr float erf[] = {
      0x1.20dd74p+0f, -0x1.81273ep-2f, 0x1.ce2d2p-4f, -0x1.b7fbb4p-6f, 0x1.5419f2p-8f,
      -0x1.a485dcp-11f, 0x1.4ae4b2p-14f};
  // the k of erfcx
  static constexpr float erfcx_shift[] = {
      0x1.6p+1f};
  // (1 + 2x) e^(x^2) erfc(x) in (x - k) / (x + k), x >= 0: error 2^-30.4
  static constexpr float erfcx[] = {
      0x1.4240f4p+0f, -0x1.0b2feap-3f, -0x1.2411eap-4f, 0x1.28c4ap-3f, -0x1.d4f7d2p-4f,
      0x1.ac9b4ep-5f, -0x1.57e32cp-7f, -0x1.57f98cp-9f, 0x1.f67c28p-10f, 0x1.6cd966p-15f,
      -0x1.12d888p-12f, 0x1.b210d6p-18f, 0x1.b6c8cap-16f};
  // Phi^-1 over 1 - 2p in w = -log(4 p (1 - p)), w <= 5: error 2^-27.4
  static constexpr float quantile[] = {
      0x1.40d932p+0f, 0x1.4ffdeep-2f, 0x1.0b967ap-6f, -0x1.b0b1a2p-9f, -0x1.7a1708p-13f,
      0x1.0858fap-14f, 0x1.7a0508p-18f, -0x1.7726c4p-19f, 0x1.4fa15p-22f, -0x1.ab2aa8p-27f};
  // Phi^-1 in r = sqrt(-log p), 2.5 <= r <= 10.2: error 2^-27.2
  static constexpr float quantile_far_top[] = {
      -0x1.56e36cp+1f, -0x1.28f45ap+1f, 0x1.0670a8p+2f, 0x1.6aaf5ep+1f, 0x1.286fb2p-2f};
  // its denominator
  static constexpr float quantile_far_bottom[] = {
      0x1p+0f, 0x1.af79dcp+1f, 0x1.00fb36p+1f, 0x1.a31712p-3f, 0x1.725b32p-21f};
};

template <>
struct Poly<double> {
  // (e^r - 1 - r) / r^2 on |r| <= log(2) / 2: error 2^-55.6
  static constexpr double exp[] = {
      0x1.0000000000005p-1, 0x1.5555555555539p-3, 0x1.55555555522c5p-5, 0x1.1111111118fa8p-7,
      0x1.6c16c17ed810dp-10, 0x1.a01a017511856p-13, 0x1.a019a77a783e9p-16, 0x1.71de8815b2092p-19,
      0x1.28a1d4746c4aep-22, 0x1.ae6b84881a928p-26};
  // log 2
  static constexpr double log2[] = {
      0x1.62e42fefa38p-1, 0x1.ef35793c7673p-45};
  // (log((1 + s) / (1 - s)) / s - 2) / s^2 in s^2, s <= 0.1716: error 2^-59.5
  static constexpr double log[] = {
      0x1.5555555555592p-1, 0x1.999999997fdc2p-2, 0x1.24924941f0512p-2, 0x1.c71c520a2d021p-3,
      0x1.74663eb7f7044p-3, 0x1.39a1c013f0d02p-3, 0x1.2f052989fe1c7p-3};
  // erf(x) / x in x^2, x <= 1: error 2^-57.0
  static constexpr double erf[] = {
      0x1.20dd750429b6dp+0, -0x1.812746b0379c2p-2, 0x1.ce2f21a041014p-4, -0x1.b82ce3120620bp-6,
      0x1.565bccfa9966bp-8, -0x1.c02db072d2f09p-11, 0x1.f9a2bf719251ap-14, -0x1.f4ca947dd384ap-17,
      0x1.b9827a57f5266p-20, -0x1.5c16dfffab04p-23, 0x1.d784875a77a19p-27, -0x1.acdfec9a6054bp-31};
  // the k of erfcx
  static constexpr double erfcx_shift[] = {
      0x1.ep+1};
  // (1 + 2x) e^(x^2) erfc(x) in (x - k) / (x + k), x >= 0: error 2^-58.0
  static constexpr double erfcx[] = {
      0x1.3ccda0b5d5dc2p+0, -0x1.1f367683f89a5p-3, 0x1.d5f294815a685p-9, 0x1.510169d0966c5p-4,
      -0x1.bda9309a2988p-4, 0x1.7a14188a9c303p-4, -0x1.e0d0fa6dd6722p-5, 0x1.d0b0037d38f9p-6,
      -0x1.3f603c3b06826p-7, 0x1.cc3a0e6e5b8cep-10, 0x1.33fb2a7e60a75p-12, -0x1.303fa39fba6cap-12,
      0x1.b1437838a000dp-15, 0x1.778b69fd8991cp-16, -0x1.7fff3e35912d2p-17, -0x1.0552045d5133ap-20,
      0x1.d623bdb8b32aep-20, -0x1.ec248a6590df5p-25, -0x1.157a613e92f5bp-22, 0x1.909498b627474p-26,
      0x1.4ac8aa1c5508ep-25, -0x1.02ca28b5fe2fep-28, -0x1.5f19def9f2439p-28, 0x1.5a4fa71f8055cp-32,
      0x1.c760f0fa14508p-32};
  // Phi^-1 over 1 - 2p in w = -log(4 p (1 - p)), w <= 6.25: error 2^-58.2
  static constexpr double quantile[] = {
      0x1.40d931ff62706p+0, 0x1.4ffddeaa22dd7p-2, 0x1.0b9a8ec5b40dap-6, -0x1.b0d7e36890a8p-9,
      -0x1.7bc0e3953a413p-13, 0x1.147b8044e4d28p-14, 0x1.7f699676d6c83p-19, -0x1.805c64abd9c62p-20,
      -0x1.c6a72aaa8186dp-25, 0x1.16e58d6d98e88p-25, 0x1.cd02c2722d438p-31, -0x1.362b33067ea67p-31,
      -0x1.24be3d7f16461p-33, 0x1.3f0fb928b8495p-34, -0x1.7ffbd10bb333bp-36, 0x1.e3ddde5c122e4p-38,
      -0x1.0d9613d4ec98fp-39, 0x1.c57bfe5904c11p-42, -0x1.180e6f1da2b7cp-44, 0x1.fd8eca8cac839p-48,
      -0x1.542ce608f7331p-51, 0x1.4633452a128c4p-55, -0x1.ab5c91109ee25p-60, 0x1.57af1ca71806ap-65,
      -0x1.00954e4a27dcfp-71};
  // Phi^-1 in r = sqrt(-log p), 2.7 <= r <= 7: error 2^-61.1
  static constexpr double quantile_mid_top[] = {
      -0x1.9f3581e2d11ecp+1, -0x1.d2484ce00ccc4p+3, -0x1.9b9fa2d76869bp+1, 0x1.22564d9f538c9p+3,
      0x1.b67d9d51271b1p+3, 0x1.6df90efffc79fp+3, 0x1.ae3248ce8953dp+1, 0x1.48f0c6fb9e998p-2,
      0x1.065207ee32dbfp-7};
  // its denominator
  static constexpr double quantile_mid_bottom[] = {
      0x1p+0, 0x1.1dddc2b931ccdp+3, 0x1.f036ad2bd809dp+3, 0x1.ab945585d8cdp+3, 0x1.121ddace4239dp+3,
      0x1.32506bf7944f7p+1, 0x1.d144be300e9fdp-3, 0x1.72f60e5b87ae2p-8, 0x1.5279fe8bf7a94p-30};
  // Phi^-1 in r = sqrt(-log p), 7 <= r <= 27.4: error 2^-60.2
  static constexpr double quantile_far_top[] = {
      -0x1.ade733c09d753p+1, -0x1.d8786dd1801fcp+3, 0x1.7be0829235681p+1, 0x1.0b52f79fb3a4dp+4,
      0x1.d0824a09de8d3p+2, 0x1.18a4fe9670a1cp+0, 0x1.17a7034f939b2p-4, 0x1.d33d9a9e5e62ep-10,
      0x1.2a994350d313fp-16, 0x1.ae098704921dbp-25};
  // its denominator
  static constexpr double quantile_far_bottom[] = {
      0x1p+0, 0x1.28c6ca7f1a9dp+3, 0x1.a7350ba6585e7p+3, 0x1.4f600ea37ce14p+2, 0x1.8e9f710c1ff3ep-1,
      0x1.8bd1bb77e0d85p-5, 0x1.4a6d1ecf07726p-10, 0x1.a6487e1076dfcp-17, 0x1.301504b2db383p-25};
  // pi / 2
  static constexpr double half_pi[] = {
      0x1.921fb544p+0, 0x1.0b4611a6p-34, 0x1.3198a2ep-69, 0x1.b839a252049c1p-104};
  // (sin r - r) / r^3 in r^2, |r| <= pi / 4: error 2^-58.0
  static constexpr double sin[] = {
      -0x1.5555555555549p-3, 0x1.111111110f881p-7, -0x1.a01a019c127c8p-13, 0x1.71de3578854c5p-19,
      -0x1.ae5e66e360979p-26, 0x1.5d9333cf7331fp-33};
  // (cos r - 1 + r^2 / 2) / r^4 in r^2, |r| <= pi / 4: error 2^-64.2
  static constexpr double cos[] = {
      0x1.555555555554cp-5, -0x1.6c16c16c15185p-10, 0x1.a01a019cb283ap-16, -0x1.27e4f80a827afp-22,
      0x1.1ee9ec4e43955p-29, -0x1.8faed1dcfcd8ep-37};
  // lgamma(2 + z) / z on |z| <= 1/2: error 2^-60.9
  static constexpr double lgamma[] = {
      0x1.b0ee6072093cep-2, 0x1.4a34cc4a60fa7p-2, -0x1.13e001a55760cp-4, 0x1.51322ac7d7fc5p-6,
      -0x1.e404fc218c975p-8, 0x1.7add6eae5cf6dp-9, -0x1.38ac5c2e03395p-10, 0x1.0b36af3397195p-11,
      -0x1.d3fd4aef516a5p-13, 0x1.a127dd5e4b968p-14, -0x1.78deb0700f485p-15, 0x1.5806d077a38bcp-16,
      -0x1.3cb17064b22cep-17, 0x1.26411eadd5ae4p-18, -0x1.129b61bdc05ap-19, 0x1.edea76425264fp-21,
      -0x1.cba90a7be7cc6p-22, 0x1.2b5bf05f5a1b2p-22, -0x1.245c0e775536bp-23};
  // x (lgamma(x) - (x - 1/2) log x + x - log(2 pi) / 2) in 1 / x^2, x >= 8: error 2^-60.6
  static constexpr double stirling[] = {
      0x1.5555555555555p-4, -0x1.6c16c16c14af4p-9, 0x1.a01a017e89da2p-11, -0x1.38134e15b6173p-11,
      0x1.b92c934f15b7dp-11, -0x1.ef98075347544p-10, 0x1.4c3818fc9cd8p-8};
  // x^2 (log x - 1 / (2x) - digamma(x)) in 1 / x^2, x >= 8: error 2^-62.2
  static constexpr double digamma[] = {
      0x1.5555555555555p-4, -0x1.1111111110d76p-7, 0x1.04104101a969dp-8, -0x1.11110c2d77053p-8,
      0x1.f07735a8a6b3ap-8, -0x1.58e87a16d2135p-6, 0x1.47dd0261940ffp-4, -0x1.3302feb1b52d2p-2};
  // x^3 (trigamma(x) - 1 / x - 1 / (2 x^2)) in 1 / x^2, x >= 8: error 2^-63.1
  static constexpr double trigamma[] = {
      0x1.5555555555555p-3, -0x1.1111111111077p-5, 0x1.861861859569dp-6, -0x1.11111065a0209p-5,
      0x1.364d227d41997p-4, -0x1.031b273e0219fp-2, 0x1.285425d73fc04p+0, -0x1.9df9ceef299fbp+2,
      0x1.e3b08962d7c5dp+4};
  // the zero of digamma
  static constexpr double digamma_root[] = {
      0x1.762d86356be38p+0, 0x1.db86a72219783p-50};
  // digamma(x) / (x - its zero) in x - its zero, within 0.27: error 2^-61.7
  static constexpr double digamma_near[] = {
      0x1.ef72bc8ee38acp-1, -0x1.c563b54aa1a36p-2, 0x1.08b4294d50376p-2, -0x1.4fc1317257d5p-3,
      0x1.b9a5b63712fccp-4, -0x1.27baba262646ep-4, 0x1.8fce02ae1aa7ap-5, -0x1.0fa7ec2f28576p-5,
      0x1.723d6a4af8037p-6, -0x1.f97056fe0931cp-7, 0x1.59551878b5dddp-7, -0x1.d826665ddc397p-8,
      0x1.4301cad78bb74p-8, -0x1.b9efbc3674c6bp-9, 0x1.2ac8b2f533d9bp-9, -0x1.97920fbce107bp-10,
      0x1.4a6da1cf6c4f2p-10, -0x1.cc07ed2e944bbp-11};
};

}  // namespace FATHOM_ISA
}  // namespace fathom::wide
