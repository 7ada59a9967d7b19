// Latent Dirichlet allocation: a stochastic step, or the documents alone.
//   lda --documents 16384 --words 8000 --topics 100 --length 90 --batch 256 --steps 40 --threads 2
//       [--f32 1] [--part documents]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

#include "bench/bench_util.h"
#include "fathom/climb/batches.h"
#include "fathom/kernels/documents.h"
#include "fathom/kernels/rng.h"
#include "fathom/kernels/special.h"
#include "fathom/zoo/topics.h"

using namespace fathom;

namespace {

// Documents of `length` different words each, drawn from about three topics of a document, whose
// words follow Zipf's law in an order of their own, as bench/peers/lda.py makes them.
struct Drawn {
  std::vector<double> word, count, begins;
};

Drawn drawn(std::int64_t documents, std::int64_t words, std::int64_t topics, std::int64_t length) {
  Drawn out;
  std::vector<double> table(std::size_t(words), 0.0);  // of Zipf's law, cumulated
  double total = 0;
  for (std::size_t w = 0; w < table.size(); ++w) table[w] = total += 1 / double(w + 10);
  std::vector<std::pair<std::int64_t, double>> entries;
  for (std::int64_t d = 0; d < documents; ++d) {
    const Key key = fold(Key{1, 7}, std::uint64_t(d));
    entries.clear();
    for (std::uint64_t i = 0; std::int64_t(entries.size()) < length; ++i) {
      const Random4 r = philox(key, i, 0);
      const std::uint64_t topic =
          philox(key, r.word[0] % 4 == 0 ? 1 : r.word[0] % 3 + 1, 1).word[0] %
          std::uint64_t(topics);
      const double u = (double(r.word[1]) + 0.5) / 4294967296.0 * total;
      const auto rank = std::lower_bound(table.begin(), table.end(), u) - table.begin();
      const auto w =
          std::int64_t((std::uint64_t(rank) * 7919 + topic * 104729) % std::uint64_t(words));
      const auto same =
          std::find_if(entries.begin(), entries.end(), [&](const auto& e) { return e.first == w; });
      if (same != entries.end()) {
        same->second += 1;
      } else {
        entries.emplace_back(w, 1);
      }
    }
    std::sort(entries.begin(), entries.end());
    for (std::size_t i = 0; i < entries.size(); ++i) {
      out.word.push_back(double(entries[i].first));
      out.count.push_back(entries[i].second);
      out.begins.push_back(i == 0);
    }
  }
  return out;
}

// Megabytes of this process: "VmRSS:" in use, "VmHWM:" the most so far.
double resident(const std::string& what) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (double kilobytes = 0; word == what && status >> kilobytes) return kilobytes / 1024;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t n = number(argc, argv, "--documents", 16384),
                     v = number(argc, argv, "--words", 8000),
                     k = number(argc, argv, "--topics", 100),
                     length = number(argc, argv, "--length", 90),
                     batch = number(argc, argv, "--batch", 256);
  const long steps = number(argc, argv, "--steps", 40);
  const DType t = number(argc, argv, "--f32", 0) ? DType::f32 : DType::f64;
  const std::string part = flag(argc, argv, "--part", "step");
  Workers workers(int(number(argc, argv, "--threads", 2)));
  const Drawn d = drawn(n, v, k, length);
  DataSet data;
  data.rows = std::int64_t(d.word.size());
  for (const auto& [name, column] :
       {std::pair("word", &d.word), std::pair("count", &d.count), std::pair("begins", &d.begins)})
    data.columns[name] =
        Array::of<double>(Shape{data.rows}, std::span<const double>(*column)).cast(t);
  std::vector<RowBatch> batches;
  for (std::int64_t first = 0; first + batch <= n; first += batch)
    batches.push_back({first * length, batch * length, double(batch) / double(n)});
  const double data_mb = resident("VmRSS:");
  TopicModel model({v, k, 0.1, 0.05, {}}, t);
  State state;
  BatchClimb climb(model.model, data, state, {}, batches);
  Array start(DType::f64, Shape{k, v});
  kernels::fill_uniform(Key{1, 8}, nullptr, 0, 1, start.size(), start.data<double>());
  // As scikit-learn starts: mean 1 and standard deviation 0.1, which decide how many updates the
  // documents of the first steps take. Natural parameters are concentrations less 1.
  for (std::int64_t i = 0; i < start.size(); ++i)
    start.data<double>()[i] = std::sqrt(12.0) * 0.1 * (start.data<double>()[i] - 0.5);
  start = start.cast(t);
  std::copy_n(start.raw(), start.bytes(), climb.climb().naturals()[0]->raw());
  std::int64_t step = 0;
  const auto one = [&] {
    climb.stochastic(step % climb.batches(), std::pow(double(step) + 64, -0.7), workers, false);
    ++step;
  };
  Timing time{};
  double updates = 0;
  if (part == "documents") {  // of one batch, after steps that made topics, on one thread
    for (int i = 0; i < 64; ++i) one();
    const Array natural = climb.climb().naturals()[0]->cast(DType::f64);
    Array logs(DType::f64, Shape{k, v});
    for (std::int64_t j = 0; j < k; ++j) {
      const double* row = natural.data<double>() + j * v;
      long double total = 0;
      for (std::int64_t w = 0; w < v; ++w) total += row[w] + 1;
      total = kernels::digamma(total);
      for (std::int64_t w = 0; w < v; ++w)
        logs.data<double>()[j * v + w] =
            double(kernels::digamma(static_cast<long double>(row[w] + 1)) - total);
    }
    const std::vector<double> alpha(std::size_t(k), 0.1);
    const std::int64_t stride = kernels::topic_stride<double>(k);
    std::vector<double> counts(std::size_t(v * stride), 0.0), table(std::size_t(v * stride)),
        bound(std::size_t(batch * length), 0.0);
    std::int64_t all = 0;
    kernels::Documents<double> c;
    c.rows = batch * length;
    c.topics = {v, k, stride, table.data()};
    kernels::fill_topics(logs.data<double>(), v, c.topics);
    c.word = d.word.data();
    c.count = d.count.data();
    c.begins = d.begins.data();
    c.alpha = alpha.data();
    c.bound = bound.data();
    c.counts = counts.data();
    c.updates = &all;
    time = timed(2, steps, [&] { kernels::documents(c); });
    updates = double(all) / double(batch) / double(steps + 2);
  } else {
    time = timed(8, steps, one);
  }
  const double own_mb = resident("VmHWM:") - data_mb;
  std::printf(
      "{\"work\":\"lda %s V=%lld K=%lld length=%lld batch=%lld\",\"setting\":\"fathom %s\","
      "\"median_ms\":%.4f,\"p10_ms\":%.4f,\"documents_per_second\":%.0f,\"updates\":%.1f,"
      "\"elbo\":%.4f,\"own_mb\":%.1f,\"threads\":%d}\n",
      part.c_str(), static_cast<long long>(v), static_cast<long long>(k),
      static_cast<long long>(length), static_cast<long long>(batch),
      std::string(name_of(t)).c_str(), time.median_ms, time.p10_ms,
      double(batch) / time.median_ms * 1e3, updates, climb.elbo(workers) / double(n), own_mb,
      workers.size());
}
