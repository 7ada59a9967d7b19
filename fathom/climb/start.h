// Starts of mixtures: which component each row belongs to at first. A mixture whose components are
// all alike stays where it is, so that something must tell them apart.
#pragma once

#include <span>
#include <vector>

#include "fathom/base/key.h"
#include "fathom/tensor/buffer.h"

namespace fathom {

// k-means++ (Arthur & Vassilvitskii 2007) and at most `rounds` of Lloyd's iterations on `rows` [n,
// d] f64, columns brought to one variance first. Where `known` says the component of a row (-1: it
// does not), it stays there, and their means are the first centres (Basu et al. 2002, seeded
// k-means). Returns indicators [n, count]; the same for the same key. Throws DataError where fewer
// than `count` rows differ.
Array kmeans_start(const Array& rows, std::int64_t count, Key key, int rounds = 10,
                   std::span<const int> known = {});

// Rows in order of the last column, then the one before it, and so on, cut into `count` blocks of
// one size, but for those that are known: a start without chance.
Array block_start(const Array& rows, std::int64_t count, std::span<const int> known = {});

// Rows [n, d] with the means of their columns where cells are missing (NaN).
Array filled_with_means(const Array& rows);

// At most `most` of `count` places, a keyed choice in their order; rows of a table at them.
std::vector<std::int64_t> some_places(std::int64_t count, std::int64_t most, Key key);
Array some_rows(const Array& rows, std::int64_t most, Key key);

}  // namespace fathom
