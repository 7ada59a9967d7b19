#include "fathom/zoo/topics.h"

#include <cmath>

namespace fathom {

TopicModel::TopicModel(const TopicConfig& c, DType dtype) : model(dtype) {
  if (c.topics < 1) raise<ConfigError>("topics {}: at least 1", c.topics);
  if (c.words < 1) raise<ConfigError>("words {}: at least 1", c.words);
  for (const auto& [name, v] : {std::pair("alpha", c.alpha), std::pair("eta", c.eta)})
    if (!(v > 0) || !std::isfinite(v)) raise<ConfigError>("{} {:g}: above 0", name, v);
  Model& m = model;
  entry = m.plate("entry");
  topic = m.plate("topic", c.topics);
  const Expr word = m.data("word", entry, {}, dtype), count = m.data("count", entry, {}, dtype),
             begins = m.data("begins", entry, {}, dtype);
  topics = m.latent("topics", dirichlet(c.eta), topic, Shape{c.words});
  m.observe("words", documents(topics, c.alpha, begins, count, c.loop), word);
}

}  // namespace fathom
