// How often operator new was called in this program, in all threads; allocations.cpp replaces it.
#pragma once

namespace fathom::test {

long allocations();

}  // namespace fathom::test
