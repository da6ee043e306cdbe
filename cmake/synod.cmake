# One library target per folder: synod_library(NAME) makes synod_NAME of the folder's .cc files (subfolders included).
# What a folder may use is what it links; include paths start at src/, so a forbidden include still compiles but does not
# link, and scripts/check_layers names it.
add_library(synod_options INTERFACE)
target_compile_options(synod_options INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor
  -Woverloaded-virtual -Werror)
target_include_directories(synod_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
# Never for a program that is to be used: see src/base/mutant.h.
option(SYNOD_MUTANTS "hold the planted bugs that synod-sim --mutant chooses from" OFF)
if(SYNOD_MUTANTS)
  target_compile_definitions(synod_options INTERFACE SYNOD_MUTANTS)
endif()

function(synod_library name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  add_library(synod_${name} STATIC ${sources})
  target_link_libraries(synod_${name} PUBLIC synod_options)
endfunction()

function(synod_executable name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE synod_options)
endfunction()

# What `make test-asan` builds.
add_custom_target(tests_of_one_process)

# What only a test that hangs takes, also on a slow machine that has other things to do. A sanitizer makes a test several
# times slower, and its compilation too: the tests' own files are not optimised.
if(SYNOD_SANITIZE)
  set(test_timeout_seconds 7200)
  set(test_options -O0)
else()
  set(test_timeout_seconds 3600)
endif()

# synod_test(NAME SOURCES... LINK LIBRARIES...): one GoogleTest program, one ctest entry, labelled with the folder of
# test/ that it is in.
function(synod_test name)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE synod_options ${arg_LINK} GTest::gtest GTest::gtest_main)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_options(${name} PRIVATE ${test_options})
  add_dependencies(tests_of_one_process ${name})
  add_test(NAME ${name} COMMAND ${name})
  file(RELATIVE_PATH label ${PROJECT_SOURCE_DIR}/test ${CMAKE_CURRENT_SOURCE_DIR})
  string(REGEX REPLACE "/.*" "" label ${label})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${test_timeout_seconds} LABELS ${label})
endfunction()
