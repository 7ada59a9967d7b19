// A CSV that is larger than memory, as files of the same rows that are mapped instead.
//
// They are made once and lie in the run folder, so that other verbs on the run find them; deleting
// them costs no more than making them anew. Of PLACE:
//   PLACE.npy       numbers, and codes of categories
//   PLACE.text.npy  cells of columns of text (ids, labels), one after another, and
//   PLACE.ends.npy  where each of them ends (jobs/row_texts.h); both only where there are such
//   PLACE.json      what they were made of, and the cells that codes stand for
#pragma once

#include "fathom/jobs/text_rows.h"

namespace fathom {

// The columns of the table at `path`, mapped read-only: from PLACE where that was made of this file
// and has them, else converted piece by piece, and kept at PLACE unless something else is there.
// What was done goes to `note`.
TextRows converted_table(const std::string& path, const TextColumns& columns,
                         const std::string& place, Workers& workers, const Note& note);

}  // namespace fathom
