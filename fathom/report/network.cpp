#include "fathom/report/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "fathom/report/svg_impl.h"

namespace fathom {

using namespace svg;

namespace {

constexpr std::size_t kMostShown = 5;  // states of a box
constexpr double kBoxWidth = 148, kBoxGap = 26, kLine = 17, kHead = 26, kBetween = 62, kLane = 24;

// A box, or a bend of an arrow that passes a layer.
struct Vertex {
  int node = -1;
  int layer = 0;
  std::vector<int> above, below;
  double x = 0;
  double width() const { return node >= 0 ? kBoxWidth : kLane; }
};

struct Layout {
  std::vector<Vertex> vertices;          // nodes first
  std::vector<std::vector<int>> layers;  // vertices from left to right
  std::vector<std::vector<int>> arrows;  // from parent to child, bends between
};

std::vector<int> layers_of(const std::vector<NetworkNode>& nodes) {
  std::vector<int> layer(nodes.size(), 0);
  for (std::size_t pass = 0; pass < nodes.size(); ++pass)
    for (std::size_t v = 0; v < nodes.size(); ++v)
      for (const int p : nodes[v].parents) layer[v] = std::max(layer[v], layer[std::size_t(p)] + 1);
  // One without parents stands just above the first of its children.
  for (std::size_t v = 0; v < nodes.size(); ++v) {
    if (!nodes[v].parents.empty()) continue;
    int first = -1;
    for (std::size_t c = 0; c < nodes.size(); ++c)
      if (std::count(nodes[c].parents.begin(), nodes[c].parents.end(), int(v)) > 0)
        first = first < 0 ? layer[c] : std::min(first, layer[c]);
    if (first > 0) layer[v] = first - 1;
  }
  return layer;
}

Layout bent(const std::vector<NetworkNode>& nodes) {
  Layout out;
  const std::vector<int> layer = layers_of(nodes);
  for (std::size_t v = 0; v < nodes.size(); ++v) out.vertices.push_back({int(v), layer[v], {}, {}});
  for (std::size_t v = 0; v < nodes.size(); ++v)
    for (const int p : nodes[v].parents) {
      std::vector<int> way = {p};
      for (int l = layer[std::size_t(p)] + 1; l < layer[v]; ++l) {
        way.push_back(int(out.vertices.size()));
        out.vertices.push_back({-1, l, {}, {}});
      }
      way.push_back(int(v));
      for (std::size_t k = 0; k + 1 < way.size(); ++k) {
        out.vertices[std::size_t(way[k])].below.push_back(way[k + 1]);
        out.vertices[std::size_t(way[k + 1])].above.push_back(way[k]);
      }
      out.arrows.push_back(std::move(way));
    }
  for (std::size_t v = 0; v < out.vertices.size(); ++v) {
    const auto l = std::size_t(out.vertices[v].layer);
    if (out.layers.size() <= l) out.layers.resize(l + 1);
    out.layers[l].push_back(int(v));
  }
  return out;
}

// Side by side about the middle 0, in their order.
void spread(Layout& out, const std::vector<int>& layer) {
  double total = -kBoxGap;
  for (const int v : layer) total += out.vertices[std::size_t(v)].width() + kBoxGap;
  double x = -total / 2;
  for (const int v : layer) {
    Vertex& at = out.vertices[std::size_t(v)];
    at.x = x + at.width() / 2;
    x += at.width() + kBoxGap;
  }
}

// Each where its neighbours' mean is, as far as those beside it leave room.
void settle(Layout& out, const std::vector<int>& layer) {
  std::vector<double> wanted;
  for (const int v : layer) {
    const Vertex& at = out.vertices[std::size_t(v)];
    double sum = 0;
    std::size_t count = at.above.size() + at.below.size();
    for (const auto* side : {&at.above, &at.below})
      for (const int u : *side) sum += out.vertices[std::size_t(u)].x;
    wanted.push_back(count > 0 ? sum / double(count) : at.x);
  }
  const auto apart = [&](std::size_t k) {
    return (out.vertices[std::size_t(layer[k - 1])].width() +
            out.vertices[std::size_t(layer[k])].width()) /
               2 +
           kBoxGap;
  };
  std::vector<double> left = wanted, right = wanted;
  for (std::size_t k = 1; k < layer.size(); ++k)
    left[k] = std::max(left[k], left[k - 1] + apart(k));
  for (std::size_t k = layer.size(); k-- > 1;)
    right[k - 1] = std::min(right[k - 1], right[k] - apart(k));
  for (std::size_t k = 0; k < layer.size(); ++k)
    out.vertices[std::size_t(layer[k])].x = (left[k] + right[k]) / 2;
}

Layout laid_out(const std::vector<NetworkNode>& nodes) {
  Layout out = bent(nodes);
  for (const auto& layer : out.layers) spread(out, layer);
  for (int pass = 0; pass < 12; ++pass)
    for (std::size_t k = 0; k < out.layers.size(); ++k) {
      const bool down = pass % 2 == 0;
      auto& layer = out.layers[down ? k : out.layers.size() - 1 - k];
      std::vector<std::pair<double, int>> order;
      for (const int v : layer) {
        const Vertex& at = out.vertices[std::size_t(v)];
        const auto& near = down ? at.above : at.below;
        double sum = 0;
        for (const int u : near) sum += out.vertices[std::size_t(u)].x;
        order.emplace_back(near.empty() ? at.x : sum / double(near.size()), v);
      }
      std::stable_sort(order.begin(), order.end(),
                       [](const auto& a, const auto& b) { return a.first < b.first; });
      for (std::size_t i = 0; i < order.size(); ++i) layer[i] = order[i].second;
      spread(out, layer);
    }
  for (int pass = 0; pass < 24; ++pass)
    for (std::size_t k = 0; k < out.layers.size(); ++k)
      settle(out, out.layers[pass % 2 == 0 ? k : out.layers.size() - 1 - k]);
  return out;
}

double height_of(const NetworkNode& n) {
  const std::size_t shown = std::min(n.states.size(), kMostShown);
  return kHead + kLine * double(shown + (n.states.size() > shown ? 1 : 0)) + 6;
}

// At most `most` letters.
std::string cut(const std::string& text, std::size_t most) {
  return text.size() <= most ? text : text.substr(0, most - 2) + "..";
}

std::string box(const NetworkNode& n, double x, double y) {
  const double left = x - kBoxWidth / 2, name = left + 10, bar = left + 68, wide = 40;
  std::string s = fmt::format(
      "<g><title>{}</title><rect class=\"box\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:g}\" "
      "height=\"{:.1f}\" rx=\"7\"/>\n",
      escape_html(n.name), left, y, kBoxWidth, height_of(n));
  s += fmt::format(
      "<text class=\"mark\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n", x,
      y + 18, escape_html(cut(n.name, 20)));
  std::vector<std::size_t> order(n.states.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  if (order.size() > kMostShown)  // the most probable
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return n.probabilities[a] > n.probabilities[b];
    });
  for (std::size_t i = 0; i < std::min(order.size(), kMostShown); ++i) {
    const double p = n.probabilities[order[i]], at = y + kHead + kLine * double(i);
    s += text_at(name, at + 12, "start", cut(n.states[order[i]], 8));
    s += fmt::format(
        "<rect class=\"bar pale\" x=\"{0:.1f}\" y=\"{1:.1f}\" width=\"{2:g}\" height=\"8\" "
        "rx=\"2\"/><rect class=\"bar\" x=\"{0:.1f}\" y=\"{1:.1f}\" width=\"{3:.1f}\" height=\"8\" "
        "rx=\"2\"/>",
        bar, at + 4, wide, wide * p);
    s += text_at(left + kBoxWidth - 6, at + 12, "end",
                 p > 0 && p < 0.001 ? "<0.1" : fmt::format("{:.1f}", 100 * p));
  }
  if (order.size() > kMostShown)
    s += text_at(name, y + kHead + kLine * double(kMostShown) + 12, "start",
                 fmt::format("and {} more", order.size() - kMostShown));
  return s + "</g>\n";
}

}  // namespace

std::string svg_network(const std::vector<NetworkNode>& nodes, double width) {
  if (nodes.empty()) return {};
  const Layout l = laid_out(nodes);
  double low = 0, high = 0;
  for (const Vertex& v : l.vertices) {
    low = std::min(low, v.x - v.width() / 2);
    high = std::max(high, v.x + v.width() / 2);
  }
  const double wide = std::max(width, high - low + 20), middle = (wide - high - low) / 2;
  std::vector<double> top, tall;
  double y = 8;
  for (const auto& layer : l.layers) {
    double most = 0;
    for (const int v : layer)
      if (l.vertices[std::size_t(v)].node >= 0)
        most = std::max(most, height_of(nodes[std::size_t(v)]));
    top.push_back(y);
    tall.push_back(most);
    y += most + kBetween;
  }
  std::string s = open_svg(wide, y - kBetween + 8, "a network of variables");
  s += "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" "
       "markerHeight=\"8\" orient=\"auto\"><path class=\"tip\" d=\"M0,0 L8,4 L0,8 "
       "z\"/></marker></defs>\n";
  for (const std::vector<int>& way : l.arrows) {
    std::string path;
    for (std::size_t k = 0; k < way.size(); ++k) {
      const Vertex& v = l.vertices[std::size_t(way[k])];
      const auto layer = std::size_t(v.layer);
      const double x = v.x + middle, above = top[layer];
      const double below =
          above + (v.node >= 0 ? height_of(nodes[std::size_t(v.node)]) : tall[layer]);
      if (k > 0)
        path += fmt::format(" {:.1f},{:.1f} {:.1f},{:.1f}", x, above - kBetween / 2, x,
                            above - (k + 1 == way.size() ? 2 : 0));
      if (v.node < 0) path += fmt::format(" L{:.1f},{:.1f}", x, below);
      if (k == 0) path = fmt::format("M{:.1f},{:.1f}", x, below);
      if (k + 1 < way.size()) path += fmt::format(" C{:.1f},{:.1f}", x, below + kBetween / 2);
    }
    s += fmt::format("<path class=\"arrow\" d=\"{}\" marker-end=\"url(#tip)\"/>\n", path);
  }
  for (const Vertex& v : l.vertices)
    if (v.node >= 0) s += box(nodes[std::size_t(v.node)], v.x + middle, top[std::size_t(v.layer)]);
  return s + "</svg>\n";
}

}  // namespace fathom
