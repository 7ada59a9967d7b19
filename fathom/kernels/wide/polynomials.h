// The polynomials of the vectorised functions, lowest coefficient first, and their
// errors relative to the function. Made by polynomials.py: change that, not this.
#pragma once

namespace fathom::wide {
namespace FATHOM_ISA {

template <class T>
struct Poly;

template <>
struct Poly<float> {
  // (e^r - 1 - r) / r^2 on |r| <= log(2) / 2: error 2^-26.2
  static constexpr float exp[] = {0x1.fffffep-2f, 0x1.5554bp-3f, 0x1.555674p-5f, 0x1.122766p-7f,
                                  0x1.6bec46p-10f};
  // log 2
  static constexpr float log2[] = {0x1.62e4p-1f, 0x1.7f7d1cp-20f};
  // (log(1 + f) - f + f^2 / 2) / f^3 on 1/sqrt(2) - 1 .. sqrt(2) - 1: error 2^-27.4
  static constexpr float log[] = {0x1.555554p-2f, -0x1.000226p-2f, 0x1.99a006p-3f, -0x1.54724cp-3f,
                                  0x1.22da66p-3f, -0x1.0d8542p-3f, 0x1.055982p-3f, -0x1.38b0cep-4f};
  // erf(x) / x - 1 in x^2, x <= 1: error 2^-29.7
  static constexpr float erf[] = {0x1.06eba8p-3f, -0x1.81273ep-2f,  0x1.ce2d2p-4f,  -0x1.b7fbb4p-6f,
                                  0x1.5419f2p-8f, -0x1.a485dcp-11f, 0x1.4ae4b2p-14f};
  // the k of erfcx
  static constexpr float erfcx_shift[] = {0x1.6p+1f};
  // (1 + 2x) e^(x^2) erfc(x) in (x - k) / (x + k), x >= 0: error 2^-30.4
  static constexpr float erfcx[] = {
      0x1.4240f4p+0f,   -0x1.0b2feap-3f, -0x1.2411eap-4f, 0x1.28c4ap-3f,   -0x1.d4f7d2p-4f,
      0x1.ac9b4ep-5f,   -0x1.57e32cp-7f, -0x1.57f98cp-9f, 0x1.f67c28p-10f, 0x1.6cd966p-15f,
      -0x1.12d888p-12f, 0x1.b210d6p-18f, 0x1.b6c8cap-16f};
  // Phi^-1 over 1 - 2p in w = -log(4 p (1 - p)), w <= 5: error 2^-27.4
  static constexpr float quantile[] = {
      0x1.40d932p+0f,  0x1.4ffdeep-2f,  0x1.0b967ap-6f,   -0x1.b0b1a2p-9f, -0x1.7a1708p-13f,
      0x1.0858fap-14f, 0x1.7a0508p-18f, -0x1.7726c4p-19f, 0x1.4fa15p-22f,  -0x1.ab2aa8p-27f};
  // Phi^-1 in u = sqrt(-log p) - 2.5, up to 10.25 - 2.5: error 2^-27.1
  static constexpr float quantile_far_top[] = {0x1.71d4d8p+1f, 0x1.c6526p+1f, 0x1.6fa40ep+0f,
                                               0x1.d0bb8cp-3f, 0x1.7721bap-7f};
  // its denominator
  static constexpr float quantile_far_bottom[] = {0x1p+0f, 0x1.5e61b8p-1f, 0x1.1f764ep-3f,
                                                  0x1.092ecap-7f, 0x1.cfbc5p-26f};
};

template <>
struct Poly<double> {
  // (e^r - 1 - r) / r^2 on |r| <= log(2) / 2: error 2^-55.6
  static constexpr double exp[] = {
      0x1.0000000000005p-1,  0x1.5555555555539p-3,  0x1.55555555522c5p-5,  0x1.1111111118fa8p-7,
      0x1.6c16c17ed810dp-10, 0x1.a01a017511856p-13, 0x1.a019a77a783e9p-16, 0x1.71de8815b2092p-19,
      0x1.28a1d4746c4aep-22, 0x1.ae6b84881a928p-26};
  // log 2
  static constexpr double log2[] = {0x1.62e42fefa38p-1, 0x1.ef35793c7673p-45};
  // (log((1 + s) / (1 - s)) / s - 2) / s^2 in s^2, s <= 0.1716: error 2^-59.5
  static constexpr double log[] = {0x1.5555555555592p-1, 0x1.999999997fdc2p-2, 0x1.24924941f0512p-2,
                                   0x1.c71c520a2d021p-3, 0x1.74663eb7f7044p-3, 0x1.39a1c013f0d02p-3,
                                   0x1.2f052989fe1c7p-3};
  // erf(x) / x - 1 in x^2, x <= 1: error 2^-57.0
  static constexpr double erf[] = {
      0x1.06eba8214db68p-3,  -0x1.812746b0379c2p-2,  0x1.ce2f21a041014p-4,  -0x1.b82ce3120620bp-6,
      0x1.565bccfa9966bp-8,  -0x1.c02db072d2f09p-11, 0x1.f9a2bf719251ap-14, -0x1.f4ca947dd384ap-17,
      0x1.b9827a57f5266p-20, -0x1.5c16dfffab04p-23,  0x1.d784875a77a19p-27, -0x1.acdfec9a6054bp-31};
  // the k of erfcx
  static constexpr double erfcx_shift[] = {0x1.ep+1};
  // (1 + 2x) e^(x^2) erfc(x) in (x - k) / (x + k), x >= 0: error 2^-58.0
  static constexpr double erfcx[] = {
      0x1.3ccda0b5d5dc2p+0,  -0x1.1f367683f89a5p-3,  0x1.d5f294815a685p-9,   0x1.510169d0966c5p-4,
      -0x1.bda9309a2988p-4,  0x1.7a14188a9c303p-4,   -0x1.e0d0fa6dd6722p-5,  0x1.d0b0037d38f9p-6,
      -0x1.3f603c3b06826p-7, 0x1.cc3a0e6e5b8cep-10,  0x1.33fb2a7e60a75p-12,  -0x1.303fa39fba6cap-12,
      0x1.b1437838a000dp-15, 0x1.778b69fd8991cp-16,  -0x1.7fff3e35912d2p-17, -0x1.0552045d5133ap-20,
      0x1.d623bdb8b32aep-20, -0x1.ec248a6590df5p-25, -0x1.157a613e92f5bp-22, 0x1.909498b627474p-26,
      0x1.4ac8aa1c5508ep-25, -0x1.02ca28b5fe2fep-28, -0x1.5f19def9f2439p-28, 0x1.5a4fa71f8055cp-32,
      0x1.c760f0fa14508p-32};
  // Phi^-1 over 1 - 2p in w = -log(4 p (1 - p)), w <= 6.25: error 2^-58.2
  static constexpr double quantile[] = {
      0x1.40d931ff62706p+0,   0x1.4ffddeaa22dd7p-2,  0x1.0b9a8ec5b40dap-6,   -0x1.b0d7e36890a8p-9,
      -0x1.7bc0e3953a413p-13, 0x1.147b8044e4d28p-14, 0x1.7f699676d6c83p-19,  -0x1.805c64abd9c62p-20,
      -0x1.c6a72aaa8186dp-25, 0x1.16e58d6d98e88p-25, 0x1.cd02c2722d438p-31,  -0x1.362b33067ea67p-31,
      -0x1.24be3d7f16461p-33, 0x1.3f0fb928b8495p-34, -0x1.7ffbd10bb333bp-36, 0x1.e3ddde5c122e4p-38,
      -0x1.0d9613d4ec98fp-39, 0x1.c57bfe5904c11p-42, -0x1.180e6f1da2b7cp-44, 0x1.fd8eca8cac839p-48,
      -0x1.542ce608f7331p-51, 0x1.4633452a128c4p-55, -0x1.ab5c91109ee25p-60, 0x1.57af1ca71806ap-65,
      -0x1.00954e4a27dcfp-71};
  // Phi^-1 in u = sqrt(-log p) - 2.75, up to 7 - 2.75: error 2^-61.6
  static constexpr double quantile_mid_top[] = {
      0x1.a3cd709af184p+1,  0x1.948caa9e6a426p+2,  0x1.46d3d89b5145p+2,
      0x1.205be6c3fa745p+1, 0x1.2d2b93fecd9ddp-1,  0x1.77148cedca006p-4,
      0x1.0937ee5dd3819p-7, 0x1.7762740b36de6p-12, 0x1.820bbec7598bep-18};
  // its denominator
  static constexpr double quantile_mid_bottom[] = {0x1p+0,
                                                   0x1.7444d98e168d7p+0,
                                                   0x1.c29acd1109154p-1,
                                                   0x1.2246a4d47199fp-2,
                                                   0x1.a4b1f0a620966p-5,
                                                   0x1.4c46e3004b5dbp-8,
                                                   0x1.fb76e7b51b55bp-13,
                                                   0x1.10f71e366dd26p-18,
                                                   0x1.eba0a81009cf2p-41};
  // Phi^-1 in u = sqrt(-log p) - 7, up to 27.5 - 7: error 2^-60.1
  static constexpr double quantile_far_top[] = {
      0x1.324dd21027573p+3,  0x1.978740d3a2069p+2,  0x1.c18e8d7f73f26p+0,  0x1.0a89d0d3b4df9p-2,
      0x1.7082c7b6cd2f6p-6,  0x1.2dbb9cb28ac4ap-10, 0x1.1cc9070c04881p-15, 0x1.202069e6c30cep-21,
      0x1.0daa2ea6b6cd7p-28, 0x1.4a35f08895e1fp-37};
  // its denominator
  static constexpr double quantile_far_bottom[] = {0x1p+0,
                                                   0x1.0731b84e9b07dp-1,
                                                   0x1.b2bc42cb95833p-4,
                                                   0x1.72543dd00961ep-7,
                                                   0x1.5c5a617cbc01p-11,
                                                   0x1.68918ddd6b681p-16,
                                                   0x1.82fea708b7fa8p-22,
                                                   0x1.76fac834c0c1ep-29,
                                                   0x1.d2fcfe344ffd8p-38};
  // pi / 2
  static constexpr double half_pi[] = {0x1.921fb544p+0, 0x1.0b4611a6p-34, 0x1.3198a2ep-69,
                                       0x1.b839a252049c1p-104};
  // (sin r - r) / r^3 in r^2, |r| <= pi / 4: error 2^-58.0
  static constexpr double sin[] = {-0x1.5555555555549p-3,  0x1.111111110f881p-7,
                                   -0x1.a01a019c127c8p-13, 0x1.71de3578854c5p-19,
                                   -0x1.ae5e66e360979p-26, 0x1.5d9333cf7331fp-33};
  // (cos r - 1 + r^2 / 2) / r^4 in r^2, |r| <= pi / 4: error 2^-64.2
  static constexpr double cos[] = {0x1.555555555554cp-5,  -0x1.6c16c16c15185p-10,
                                   0x1.a01a019cb283ap-16, -0x1.27e4f80a827afp-22,
                                   0x1.1ee9ec4e43955p-29, -0x1.8faed1dcfcd8ep-37};
  // lgamma(2 + z) / z on -3/4 .. 1/2: error 2^-63.0
  static constexpr double lgamma[] = {
      0x1.b0ee6072093cep-2,   0x1.4a34cc4a60fa6p-2,   -0x1.13e001a557601p-4,  0x1.51322ac7d844ep-6,
      -0x1.e404fc2191bf1p-8,  0x1.7add6eadbbdd6p-9,   -0x1.38ac5c2a4760bp-10, 0x1.0b36af855efe4p-11,
      -0x1.d3fd4db2f4474p-13, 0x1.a127b01f1f9b2p-14,  -0x1.78de198f0c1afp-15, 0x1.580e39a227adfp-16,
      -0x1.3cc4f70a9e237p-17, 0x1.2582fe30bb9f5p-18,  -0x1.1110918e2f37p-19,  0x1.028a2a6a9dcbbp-20,
      -0x1.efd83d3097c39p-22, 0x1.86e6b31e74676p-23,  -0x1.7c4d01fb8fca1p-24, 0x1.ce3fde42e0272p-24,
      -0x1.804469288445bp-28, -0x1.42fa4541026e4p-25, -0x1.68170c9dc76d5p-25};
  // x (lgamma(x) - (x - 1/2) log x + x - log(2 pi) / 2) in 1 / x^2, x >= 8: error 2^-60.6
  static constexpr double stirling[] = {
      0x1.5555555555555p-4,  -0x1.6c16c16c14af4p-9,  0x1.a01a017e89da2p-11, -0x1.38134e15b6173p-11,
      0x1.b92c934f15b7dp-11, -0x1.ef98075347544p-10, 0x1.4c3818fc9cd8p-8};
  // x^2 (log x - 1 / (2x) - digamma(x)) in 1 / x^2, x >= 8: error 2^-62.2
  static constexpr double digamma[] = {
      0x1.5555555555555p-4, -0x1.1111111110d76p-7, 0x1.04104101a969dp-8, -0x1.11110c2d77053p-8,
      0x1.f07735a8a6b3ap-8, -0x1.58e87a16d2135p-6, 0x1.47dd0261940ffp-4, -0x1.3302feb1b52d2p-2};
  // x^3 (trigamma(x) - 1 / x - 1 / (2 x^2)) in 1 / x^2, x >= 8: error 2^-63.1
  static constexpr double trigamma[] = {
      0x1.5555555555555p-3,  -0x1.1111111111077p-5, 0x1.861861859569dp-6,
      -0x1.11111065a0209p-5, 0x1.364d227d41997p-4,  -0x1.031b273e0219fp-2,
      0x1.285425d73fc04p+0,  -0x1.9df9ceef299fbp+2, 0x1.e3b08962d7c5dp+4};
  // the zero of digamma
  static constexpr double digamma_root[] = {0x1.762d86356be38p+0, 0x1.db86a72219783p-50};
  // digamma(x) / (x - its zero) in x - its zero, 1 <= x <= 2: error 2^-63.6
  static constexpr double digamma_near[] = {
      0x1.ef72bc8ee38acp-1,  -0x1.c563b54aa1a35p-2,  0x1.08b4294d50382p-2,  -0x1.4fc1317257da8p-3,
      0x1.b9a5b6370ee5bp-4,  -0x1.27baba261ca95p-4,  0x1.8fce02b26fcbfp-5,  -0x1.0fa7ec36c2a41p-5,
      0x1.723d67f63057ep-6,  -0x1.f9705075e236bp-7,  0x1.5955ce19e1f25p-7,  -0x1.d8280d814b5ddp-8,
      0x1.42e14163f7a63p-8,  -0x1.b9aee78b91b14p-9,  0x1.2e2bce6e0c3a9p-9,  -0x1.9d777ed0b190ap-10,
      0x1.1a5b0484298fdp-10, -0x1.81ad8ae07e0d6p-11, 0x1.0ca1f672e0336p-11, -0x1.7724fa9c26927p-12,
      0x1.c84aa2f0fed6fp-13, -0x1.03a053d3d9ebfp-13, 0x1.13f29284f2bfcp-13, -0x1.22e897f119d44p-13,
      0x1.f2552aca3dc83p-15};
};

}  // namespace FATHOM_ISA
}  // namespace fathom::wide
