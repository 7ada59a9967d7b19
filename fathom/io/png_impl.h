// The PNG reader, behind parse_image.
#pragma once

#include <span>
#include <string>

#include "fathom/tensor/buffer.h"

namespace fathom::detail {

Array parse_png(std::span<const std::byte> bytes, const std::string& path);

}  // namespace fathom::detail
