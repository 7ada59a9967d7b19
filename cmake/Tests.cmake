# The tests. Each folder below tests/ is one executable and one ctest test of the same name
# ("ctest -R ops"); folders that take long are cut into shards that run side by side. tests/oracles
# and tests/support are what they share; the headers of Eigen and Boost.Math are read once, there.

find_package(GTest REQUIRED)
find_package(Eigen3 REQUIRED NO_MODULE)  # oracles of linear algebra; headers only
find_package(Boost REQUIRED)  # oracles for special functions; headers only
find_package(Python3 REQUIRED COMPONENTS Interpreter)

set(shards_laws 4)
set(not_googletest install oracles support tools)

file(GLOB test_folders RELATIVE ${PROJECT_SOURCE_DIR}/tests CONFIGURE_DEPENDS tests/*)
list(REMOVE_ITEM test_folders ${not_googletest})
fathom_sources(oracle_sources tests/oracles/*.cpp)
add_library(test_oracles STATIC ${oracle_sources})
target_compile_options(test_oracles PRIVATE ${FATHOM_WARNINGS})
target_include_directories(test_oracles PRIVATE ${PROJECT_SOURCE_DIR})
target_link_libraries(test_oracles PRIVATE Boost::headers Eigen3::Eigen)

# Products of Eigen do not compile without optimisation (g++ 12: prefetches want constants).
foreach(source zoo/covariances_test models/points climb/matrix_regression_test)
  set_source_files_properties(tests/${source}.cpp PROPERTIES
    SKIP_PRECOMPILE_HEADERS ON COMPILE_OPTIONS -O1)
endforeach()

# It replaces operator new and delete, which must not be inlined elsewhere.
set_source_files_properties(tests/exec/allocations.cpp PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)

foreach(folder IN LISTS test_folders)
  fathom_sources(test_sources tests/${folder}/*.cpp)
  if(NOT test_sources)
    continue()
  endif()
  add_executable(test_${folder} ${test_sources})
  set_target_properties(test_${folder} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  target_compile_options(test_${folder} PRIVATE ${FATHOM_WARNINGS})
  # The time goes into the library; what calls it is compiled for a short build. Not packs: g++ 12
  # fails on them.
  if(NOT folder STREQUAL "kernels")
    target_compile_options(test_${folder} PRIVATE $<$<CONFIG:Release>:-O0>)
  endif()
  fathom_batches(test_${folder} 8)
  # The same for all test executables, because they share one precompiled header.
  target_compile_definitions(test_${folder} PRIVATE
    FATHOM_SOURCE_DIR="${PROJECT_SOURCE_DIR}" FATHOM_PROGRAM="${PROJECT_BINARY_DIR}/fathom")
  target_include_directories(test_${folder} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(test_${folder} PRIVATE fathom test_oracles GTest::gtest_main ZLIB::ZLIB
    Boost::headers Eigen3::Eigen)
  if(NOT FATHOM_PCH OR folder STREQUAL "kernels")
    # Each file then shows what it forgot to include.
  elseif(NOT first_test)
    set(first_test test_${folder})
    target_precompile_headers(${first_test} PRIVATE
      <gtest/gtest.h> <algorithm> <cmath> <string> <vector> <fmt/format.h>)
  else()
    target_precompile_headers(test_${folder} REUSE_FROM ${first_test})
  endif()
  if(TARGET fathom_cli)
    add_dependencies(test_${folder} fathom_cli)
  endif()

  set(shards 1)
  if(DEFINED shards_${folder})
    set(shards ${shards_${folder}})
  endif()
  foreach(shard RANGE 1 ${shards})
    set(name ${folder})
    if(shards GREATER 1)
      string(APPEND name "_${shard}of${shards}")
    endif()
    math(EXPR index "${shard} - 1")
    add_test(NAME ${name} COMMAND test_${folder} --gtest_brief=1
      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES TIMEOUT 900
      ENVIRONMENT "GTEST_TOTAL_SHARDS=${shards};GTEST_SHARD_INDEX=${index}")
    if(FATHOM_DATA)
      set_property(TEST ${name} APPEND PROPERTY ENVIRONMENT "FATHOM_DATA=${FATHOM_DATA}")
    endif()
  endforeach()
endforeach()

add_test(NAME layers COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tools/check_layers.py)
add_test(NAME tools COMMAND Python3::Interpreter -B -m unittest discover -q
  -s ${PROJECT_SOURCE_DIR}/tests/tools)
add_test(NAME install COMMAND ${CMAKE_COMMAND} -DBUILD=${PROJECT_BINARY_DIR}
  -DCONSUMER=${PROJECT_SOURCE_DIR}/tests/install/consumer
  -DCOMPILER=${CMAKE_CXX_COMPILER} "-DFLAGS=${CMAKE_CXX_FLAGS}" -DGENERATOR=${CMAKE_GENERATOR}
  -P ${PROJECT_SOURCE_DIR}/tests/install/run.cmake)
