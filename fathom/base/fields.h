// One declaration per configuration: a struct visits its own fields, and command-line flags, JSON,
// Python keywords and documentation are visitors.
//
//   struct FitConfig {
//     int epochs = 20;
//     static void fields(auto& self, auto&& f) { f("epochs", self.epochs, "passes over the data");
//     }
//   };
#pragma once

#include <string_view>

namespace fathom {

namespace detail {
struct IgnoreField {
  void operator()(std::string_view, const auto&, std::string_view) const {}
};
}  // namespace detail

template <class T>
concept HasFields = requires(const T& t) {
  T::fields(t, detail::IgnoreField{});
};

}  // namespace fathom
