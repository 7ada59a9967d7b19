#include "fathom/ops/index.h"

namespace fathom {

namespace {

void check_index(std::string_view op, const TypeOf& index) {
  if (index.dtype != DType::i64)
    raise<ShapeError>("[{}] the index must be i64, got {}", op, name_of(index.dtype));
}

Shape join(const Shape& index, const Shape& table) {
  Shape s = index;
  for (int i = 1; i < table.rank(); ++i) s = s.with_back(table.extent(i));
  return s;
}

}  // namespace

void Gather::shape(ShapeCall& c) {
  check_index("gather", c.in[1]);
  const Shape& table = c.in[0].shape;
  if (table.rank() == 0 || table.labelled() > 1)
    raise<ShapeError>("[gather] a table needs a first axis and no plate beside it: {}",
                      table.text());
  c.out[0] = {join(c.in[1].shape, table), c.in[0].dtype};
}

void ScatterAdd::shape(ShapeCall& c) {
  check_index("scatter_add", c.in[1]);
  if (!is_real(c.in[0].dtype) || join(c.in[1].shape, c.out[0].shape) != c.in[0].shape)
    raise<ShapeError>("[scatter_add] rows {} at index {} do not fit a table {}",
                      c.in[0].shape.text(), c.in[1].shape.text(), c.out[0].shape.text());
  c.out[0].dtype = c.in[0].dtype;
}

void Pick::shape(ShapeCall& c) {
  check_index("pick", c.in[1]);
  const Shape& s = c.in[0].shape;
  if (s.rank() == 0 || s.without(s.rank() - 1) != c.in[1].shape)
    raise<ShapeError>("[pick] index {} does not match {} without its last axis",
                      c.in[1].shape.text(), s.text());
  c.out[0] = {c.in[1].shape, c.in[0].dtype};
}

void Place::shape(ShapeCall& c) {
  check_index("place", c.in[1]);
  if (c.in[0].shape != c.in[1].shape)
    raise<ShapeError>("[place] values {} and index {} differ", c.in[0].shape.text(),
                      c.in[1].shape.text());
  c.out[0] = {c.in[0].shape.with_back(c.attrs.as<Attrs>().extent), c.in[0].dtype};
}

Value gather(Value table, Value index) { return apply<Gather>({table, index}); }

Value scatter_add(Value rows, Value index, const Shape& table) {
  const TypeOf told{table, rows.dtype()};
  return apply<ScatterAdd>({rows, index}, {}, &told);
}

Value pick(Value x, Value index) { return apply<Pick>({x, index}); }

Value place(Value x, Value index, std::int64_t extent) {
  return apply<Place>({x, index}, AttrBlob::of(Place::Attrs{extent}));
}

}  // namespace fathom
