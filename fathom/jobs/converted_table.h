// A CSV that is larger than memory, as an NPY of the same numbers that is mapped instead.
//
// It is made once and lies in the run folder (PLACE.npy, and what it was made of in PLACE.json), so
// that other verbs on the run find it. Deleting it costs no more than making it anew.
#pragma once

#include "fathom/io/dataset.h"
#include "fathom/jobs/table_data.h"

namespace fathom {

// The table at `path`, its values mapped read-only: from PLACE where that was made of this file
// and these columns, else converted piece by piece, and kept at PLACE unless something else is
// there. What was done goes to `note`. Columns of text are refused.
Dataset converted_table(const std::string& path, const DatasetOptions& options,
                        const std::string& place, Workers& workers, const Note& note);

}  // namespace fathom
