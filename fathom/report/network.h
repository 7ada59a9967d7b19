// A network of variables as a picture: boxes with the probabilities of their states, arrows from
// parents to children.
#pragma once

#include <string>
#include <vector>

namespace fathom {

struct NetworkNode {
  std::string name;
  std::vector<std::string> states;
  std::vector<double> probabilities;  // of the states
  std::vector<int> parents;           // places of other nodes
};

// Parents above their children (Sugiyama, Tagawa & Toda 1981): in layers by the longest way from a
// variable without parents, ordered so that arrows cross little. Without cycles.
std::string svg_network(const std::vector<NetworkNode>& nodes, double width = 940);

}  // namespace fathom
