// The graph: nodes of 64 bytes, referred to by index, in the order in which they were made, which
// is a topological order. Users hold `Value`s: a handle (graph, index), immutable, cheap to copy.
//
// A node is looked up before it is made (value numbering), so that equal expressions are one node,
// and simple identities are folded on the way. Shapes and dtypes are known when a node is made;
// every check happens there, and running has none.
//
//   Graph g(op_table());
//   Value x = g.data("x", DType::f64, Shape{3});
//   Value y = sum(square(x) * 0.5);
#pragma once

#include <deque>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "fathom/graph/op_info.h"
#include "fathom/tensor/buffer.h"

namespace fathom {

using NodeId = std::uint32_t;
inline constexpr NodeId kNoNode = 0xffffffffu;

// One operation. Rarely needed data live in pools beside the nodes.
struct Node {
  static constexpr int kInline = 4;

  // what it does
  std::uint16_t op = 0;
  DType dtype = DType::f64;
  std::uint8_t output = 0;  // which output of inputs()[0], for OpKind::output
  std::uint32_t shape = 0;  // in the pool of shapes
  // what it reads
  std::uint32_t arity = 0;
  NodeId in[kInline] = {kNoNode, kNoNode, kNoNode, kNoNode};  // an index of a pool if arity > 4
  // how
  std::uint32_t pad = 0;
  AttrBlob attrs;

  friend bool operator==(const Node&, const Node&) = default;
};
static_assert(sizeof(Node) == 64);

// What an input of a graph is for.
enum class InputKind : std::uint8_t {
  data,  // bound at run time, read only
  slot,  // state: parameters, moments of an optimiser, factors; may be rewritten by a plan
  key,   // randomness, set at run time
};

struct InputInfo {
  std::string name;
  InputKind kind;
  NodeId node;
};

// A labelled axis: a plate, an enumerated latent, a draw.
struct LabelInfo {
  std::string name;
  bool streamed = false;  // its extent is a capacity; rows are bound at run time
};

class Graph;

class Value {
 public:
  Value() = default;
  Value(Graph& graph, NodeId id) : graph_(&graph), id_(id) {}

  explicit operator bool() const { return graph_ != nullptr; }
  Graph& graph() const { return *graph_; }
  NodeId id() const { return id_; }
  const Shape& shape() const;
  DType dtype() const;
  friend bool operator==(const Value&, const Value&) = default;

 private:
  Graph* graph_ = nullptr;
  NodeId id_ = kNoNode;
};

class Graph {
 public:
  explicit Graph(OpTable table) : table_(table) {}
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // Leaves. Names are unique within a graph; equal constants are one node.
  Value constant(double value, DType dtype = DType::f64);  // a scalar
  Value constant(const Array& array);
  Value data(std::string name, DType dtype, const Shape& shape);
  Value slot(std::string name, DType dtype, const Shape& shape);
  Value key(std::string name);

  // A new labelled axis. Streamed labels must be made before others: outermost axes come first.
  Label label(std::string name, bool streamed = false);

  // A node for `op` on `inputs`; `told` gives the result type to ops that are told it. Throws
  // ShapeError where the shape rule refuses.
  Value apply(std::uint16_t op, std::span<const Value> inputs, AttrBlob attrs = {},
              const TypeOf* told = nullptr);
  // Output `k` of a node of an op with several outputs.
  Value output(NodeId node, int k);

  std::size_t size() const { return nodes_.size(); }
  const Node& node(NodeId id) const { return nodes_[id]; }
  const OpInfo& op(NodeId id) const { return table_[nodes_[id].op]; }
  std::span<const NodeId> inputs(NodeId id) const;
  const Shape& shape(NodeId id) const { return shapes_[nodes_[id].shape]; }
  Value value(NodeId id) { return {*this, id}; }
  OpTable table() const { return table_; }
  const std::vector<InputInfo>& graph_inputs() const { return inputs_; }
  const InputInfo* find_input(std::string_view name) const;
  const InputInfo& input_of(NodeId id) const;  // of a node that is an input
  const LabelInfo& label_info(Label l) const { return labels_[std::size_t(l) - 1]; }
  const std::vector<LabelInfo>& labels() const { return labels_; }

  // The value of a constant node: nullptr for other nodes.
  const Array* constant_value(NodeId id) const;
  // The number that all elements of a constant (or a broadcast of one) share.
  bool uniform_value(NodeId id, double* value) const;

  // "[matmul] f32 [128, 500]": for messages and pictures.
  std::string text(NodeId id) const;

 private:
  friend struct GraphBuilder;  // for passes that rewrite nodes; what they make is verified
  NodeId intern(const Node& node);
  std::uint32_t intern(const Shape& shape);
  Array small_constant(NodeId id) const;
  Value fold_constants(const OpInfo& info, std::span<const Value> inputs, const TypeOf& out,
                       AttrBlob attrs);
  Value fold_uniform(const OpInfo& info, std::span<const Value> inputs, const TypeOf& out,
                     AttrBlob attrs);
  void check_streamed(const OpInfo& info, std::span<const TypeOf> in, const TypeOf& out) const;
  Value leaf(InputKind kind, std::string name, DType dtype, const Shape& shape);

  OpTable table_;
  // Growing moves none of these: nodes, shapes, inputs and constants that were handed out stay.
  std::deque<Node> nodes_;
  std::deque<Shape> shapes_;
  std::deque<std::vector<NodeId>> more_inputs_;
  std::map<std::vector<NodeId>, std::uint32_t> lists_;  // their places there
  std::deque<Array> constants_;
  std::vector<InputInfo> inputs_;
  std::vector<LabelInfo> labels_;
  std::unordered_multimap<std::size_t, NodeId> numbers_;
  std::unordered_multimap<std::size_t, std::uint32_t> shape_numbers_;
};

inline const Shape& Value::shape() const { return graph_->shape(id_); }
inline DType Value::dtype() const { return graph_->node(id_).dtype; }

// The positions that ops/all_ops.h gives to the leaves; asserted in ops/table.cpp.
inline constexpr std::uint16_t kConstantOp = 0, kInputOp = 1, kOutputOp = 2;

// Nodes that `roots` need, in topological order.
std::vector<NodeId> reachable(const Graph& graph, std::span<const NodeId> roots);

}  // namespace fathom
