// NPY, IDX and safetensors. Known bytes are laid out by hand from the formats' descriptions: NumPy
// Enhancement Proposal 1; LeCun, Cortes, Burges, "The MNIST database"; the safetensors README.
#include "fathom/io/idx.h"
#include "fathom/io/npy.h"
#include "fathom/io/safetensors.h"
#include "tests/io/support.h"

namespace fathom::io_test {
namespace {

std::string npy(int version, const std::string& descr, const std::string& order,
                const std::string& shape, const std::string& body) {
  std::string header =
      "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': (" + shape + "), }\n";
  const std::string size =
      version == 1 ? little(std::uint16_t(header.size())) : little(std::uint32_t(header.size()));
  return std::string("\x93NUMPY") + char(version) + '\0' + size + header + body;
}

std::string doubles(std::initializer_list<double> v) {
  std::string s;
  for (double x : v) s += little(x);
  return s;
}

TEST(Npy, KnownBytes) {
  for (int version : {1, 2, 3}) {
    const Array a =
        parse_npy(bytes_of(npy(version, "<f8", "False", "2, 3", doubles({1, 2, 3, 4, 5, 6}))), "a");
    EXPECT_EQ(a.shape(), (Shape{2, 3}));
    EXPECT_EQ(list<double>(a), (std::vector<double>{1, 2, 3, 4, 5, 6}));
  }
  EXPECT_EQ(list<std::uint8_t>(parse_npy(bytes_of(npy(1, "|u1", "False", "3,", "\1\2\3")), "a")),
            (std::vector<std::uint8_t>{1, 2, 3}));
  EXPECT_EQ(parse_npy(bytes_of(npy(1, "<i8", "False", "", little(std::int64_t(-5)))), "a")
                .data<std::int64_t>()[0],
            -5);
  EXPECT_EQ(parse_npy(bytes_of(npy(1, "<f4", "False", "0, 4", "")), "a").shape(), (Shape{0, 4}));
}

TEST(Npy, FortranOrderIsTurned) {
  const Array a =
      parse_npy(bytes_of(npy(1, "<f8", "True", "2, 3", doubles({1, 4, 2, 5, 3, 6}))), "a");
  EXPECT_EQ(list<double>(a), (std::vector<double>{1, 2, 3, 4, 5, 6}));
  std::string body;
  for (int k = 0; k < 4; ++k)
    for (int j = 0; j < 3; ++j)
      for (int i = 0; i < 2; ++i) body += char(i * 12 + j * 4 + k);
  const Array b = parse_npy(bytes_of(npy(1, "|u1", "True", "2, 3, 4", body)), "b");
  for (int i = 0; i < 24; ++i) EXPECT_EQ(b.data<std::uint8_t>()[i], i);
}

TEST(Npy, CIsMappedAndFilesRoundTrip) {
  TempFolder t;
  const Array a = Array::of<float>({2, 2}, std::vector<float>{1, 2, 3, 4});
  write_npy(t / "a.npy", a);
  EXPECT_EQ(get(t / "a.npy").size() % 64, 16u);  // elements begin at a multiple of 64
  EXPECT_EQ(list<float>(read_npy(t / "a.npy")), list<float>(a));
  const Bytes b = bytes_of(get(t / "a.npy"));
  EXPECT_EQ(parse_npy(b, "a").raw(), b.data.get() + b.size - a.bytes());  // the same memory
  for (const DType d : {DType::f64, DType::u8, DType::i32, DType::i64, DType::boolean}) {
    write_npy(t / "d.npy", a.cast(d));
    const Array back = read_npy(t / "d.npy");
    EXPECT_EQ(back.dtype(), d);
    EXPECT_EQ(std::memcmp(back.raw(), a.cast(d).raw(), back.bytes()), 0);
  }
}

TEST(Npy, Refusals) {
  const auto fails = [](const std::string& bytes, std::initializer_list<const char*> parts) {
    expect_error([&] { parse_npy(bytes_of(bytes), "a.npy"); }, parts);
  };
  fails(npy(1, "<f8", "False", "3", doubles({1, 2})),
        {"a.npy", "promises f64 [3]", "16 bytes follow"});
  fails(npy(1, "<f8", "False", "1", doubles({1, 2})), {"a.npy", "16 bytes follow"});
  fails(npy(1, ">f8", "False", "1", doubles({1})), {"\">f8\"", "little-endian"});
  fails(npy(1, "<f2", "False", "1", "ab"), {"\"<f2\"", "float32"});
  fails(npy(4, "<f8", "False", "1", doubles({1})), {"version 4"});
  fails(npy(1, "<f8", "Maybe", "1", doubles({1})), {"order"});
  fails(npy(1, "<f8", "False", "-1", doubles({1})), {"shape"});
  fails(npy(1, "<f8", "False", "4294967296, 4294967296, 0, 4294967296", ""), {"promises"});
  fails(npy(1, "<f8", "False", "1,1,1,1,1,1,1,1,1", doubles({1})), {"promises"});
  fails(npy(1, "<f8", "False", "1", doubles({1})).substr(0, 30), {"header is cut"});
  fails("\x93NUMPY", {"not an NPY file"});
  Array key(DType::key, {1});
  expect_error([&] { write_npy("/nowhere/k.npy", key); }, {"keys"});
}

std::string idx(int type, std::initializer_list<std::uint32_t> extents, const std::string& body) {
  std::string s = {0, 0, char(type), char(extents.size())};
  for (std::uint32_t e : extents) s += big(e);
  return s + body;
}

TEST(Idx, KnownBytes) {
  const Array a = parse_idx(bytes_of(idx(8, {2, 1, 2}, "\1\2\3\4")), "a");
  EXPECT_EQ(a.shape(), (Shape{2, 1, 2}));
  EXPECT_EQ(list<std::uint8_t>(a), (std::vector<std::uint8_t>{1, 2, 3, 4}));
  EXPECT_EQ(list<std::int32_t>(parse_idx(bytes_of(idx(0xc, {2}, big(-7) + big(1 << 20))), "a")),
            (std::vector<std::int32_t>{-7, 1 << 20}));
  EXPECT_EQ(list<float>(parse_idx(bytes_of(idx(0xd, {1}, big(1.5f))), "a")),
            std::vector<float>{1.5f});
  EXPECT_EQ(list<double>(parse_idx(bytes_of(idx(0xe, {1}, big(-0.1))), "a")),
            std::vector<double>{-0.1});
}

TEST(Idx, Refusals) {
  const auto fails = [](const std::string& bytes, std::initializer_list<const char*> parts) {
    expect_error([&] { parse_idx(bytes_of(bytes), "a.idx"); }, parts);
  };
  fails(idx(8, {5}, "abc"), {"a.idx", "[5]", "3 bytes"});
  fails(idx(8, {2}, "abc"), {"a.idx", "[2]", "3 bytes"});
  fails(idx(8, {0}, ""), {"no elements"});
  fails(idx(0xb, {1}, "ab"), {"0xb"});
  fails(idx(8, {0xffffffff, 0xffffffff, 0xffffffff}, "abc"), {"a.idx", "3 bytes"});
  fails(idx(8, {1, 1}, "").substr(0, 9), {"header is cut"});
  fails("plain text", {"not an IDX file"});
}

std::string tensors(const std::string& header, const std::string& body) {
  return little(std::uint64_t(header.size())) + header + body;
}

TEST(Safetensors, KnownBytes) {
  TempFolder t;
  const std::string header =
      R"({"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]},)"
      R"("b":{"dtype":"I32","shape":[],"data_offsets":[0,4]}})";
  put(t / "m", tensors(header, little(7) + little(1.5f) + little(-2.f)));
  const Tensors m = read_safetensors(t / "m");
  EXPECT_EQ(m.metadata.at("k"), "v");
  EXPECT_EQ(list<float>(m.arrays.at("a")), (std::vector<float>{1.5f, -2.f}));
  EXPECT_EQ(m.arrays.at("b").shape().rank(), 0);
  EXPECT_EQ(m.arrays.at("b").data<std::int32_t>()[0], 7);
}

TEST(Safetensors, RoundTripWithEveryType) {
  TempFolder t;
  const Array x = Array::of<double>({3}, std::vector<double>{0, 1, 2.5});
  Tensors out;
  for (const DType d : {DType::f32, DType::f64, DType::u8, DType::i32, DType::i64, DType::boolean})
    out.arrays.emplace(std::string(name_of(d)) + " \"x\"/y", x.cast(d));
  out.arrays.emplace("none", Array(DType::f64, {0, 3}));
  out.metadata = {{"format", "1"}, {"bad utf-8", "\xff"}};
  write_safetensors(t / "m", out);
  const Tensors in = read_safetensors(t / "m");
  ASSERT_EQ(in.arrays.size(), out.arrays.size());
  for (const auto& [name, a] : out.arrays) {
    const Array& b = in.arrays.at(name);
    EXPECT_EQ(b.dtype(), a.dtype());
    EXPECT_EQ(b.shape(), a.shape());
    EXPECT_EQ(std::memcmp(a.raw(), b.raw(), a.bytes()), 0);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b.raw()) % size_of(b.dtype()), 0u);
  }
  EXPECT_EQ(in.metadata.at("format"), "1");
  write_safetensors(t / "empty", {});
  EXPECT_TRUE(read_safetensors(t / "empty").arrays.empty());
}

TEST(Safetensors, Refusals) {
  TempFolder t;
  const auto fails = [&](const std::string& bytes, std::initializer_list<const char*> parts) {
    expect_error([&] { read_safetensors(put(t / "m", bytes)); }, parts);
  };
  const auto one = [](const char* type, const char* shape, const char* place) {
    return std::string("{\"a\":{\"dtype\":\"") + type + "\",\"shape\":" + shape +
           ",\"data_offsets\":" + place + "}}";
  };
  fails("abc", {"/m", "8 bytes"});
  fails(little(std::uint64_t(1) << 60) + "{}", {"header is cut"});
  fails(tensors("[1]", ""), {"JSON object"});
  fails(tensors("{\"a\":3}", ""), {"damaged"});
  fails(tensors(one("F16", "[1]", "[0,2]"), "ab"), {"\"a\"", "F16"});
  fails(tensors(one("U8", "[3]", "[0,2]"), "ab"), {"\"a\"", "does not fit"});
  fails(tensors(one("U8", "[2]", "[0,2]"), "a"), {"does not fit"});
  fails(tensors(one("U8", "[2]", "[2,0]"), "ab"), {"does not fit"});
  fails(tensors(one("U8", "[-2]", "[0,2]"), "ab"), {"damaged"});
  fails(tensors(one("U8", "[2.0]", "[0,2]"), "ab"), {"damaged"});
  fails(tensors(one("U8", "[2]", "[0,2]"), "abc"), {"end at byte"});
  fails(tensors(one("U8", "[2]", "[1,3]"), "abc"), {"hole"});
  fails(tensors(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                R"("b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
                "abc"),
        {"overlap"});
  Tensors keys;
  keys.arrays.emplace("k", Array(DType::key, {1}));
  expect_error([&] { write_safetensors(t / "k", keys); }, {"\"k\"", "key"});
  EXPECT_FALSE(std::filesystem::exists(t / "k"));
}

}  // namespace
}  // namespace fathom::io_test
