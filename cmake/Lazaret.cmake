# SPDX-License-Identifier: Apache-2.0
# How Lazaret's parts are compiled, and the three kinds of target that its folders define.

# Flags of everything. Contraction is off everywhere: a fused multiply-add must be written, never chosen.
# So is the vectorizer of straight-line code: GCC 12.2's drops the rounding of neighbouring (double)(float)x at
# -O2, which C does not allow and our bits can't bear. Loops are vectorized as before.
macro(lazaret_configure_compiler)
    set(CMAKE_C_STANDARD 17)
    set(CMAKE_C_STANDARD_REQUIRED ON)
    set(CMAKE_C_EXTENSIONS ON)
    set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
    if(NOT CMAKE_BUILD_TYPE)
        set(CMAKE_BUILD_TYPE Release)
    endif()
    set(CMAKE_C_FLAGS_RELEASE "-O2")
    add_compile_options(-Wall -Wextra -Wconversion -Wvla -Wshadow -Wstrict-prototypes -Werror
        $<$<C_COMPILER_ID:GNU>:-Wno-format-truncation>
        $<$<C_COMPILER_ID:Clang>:-Wno-missing-field-initializers> # libseccomp's macros leave some out
        -ffp-contract=off -fno-tree-slp-vectorize -fno-strict-aliasing -fstack-protector-strong -fno-common
        "-ffile-prefix-map=${PROJECT_SOURCE_DIR}=.")
    add_compile_definitions(_GNU_SOURCE "LAZARET_VERSION=\"${PROJECT_VERSION}\"")
    if(LAZARET_FUZZ)
        add_compile_options(-fsanitize=fuzzer-no-link)
    endif()
    if(LAZARET_SANITIZE)
        # The sanitizers' own checks for NULL make GCC believe in paths that are not there.
        add_compile_options("-fsanitize=${LAZARET_SANITIZE}" -fno-omit-frame-pointer -g -Wno-nonnull)
        add_link_options("-fsanitize=${LAZARET_SANITIZE}")
    else()
        add_compile_definitions($<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
    endif()
endmacro()

# libarchive for the host, of which zip and tar are used: linked statically with the codecs of these, as the shared
# library brings 14 others along (an XML parser, Unicode tables, a C++ runtime), whose relocation takes every start of
# `lazaret` longer than all of its own.
function(lazaret_find_archive)
    find_package(ZLIB REQUIRED)
    add_library(lazaret-archive INTERFACE)
    target_link_libraries(lazaret-archive INTERFACE -l:libarchive.a ZLIB::ZLIB -l:libbz2.a -l:liblzma.a -l:libzstd.a
        -l:libnettle.a)
    target_link_options(lazaret-archive INTERFACE -Wl,--gc-sections)
endfunction()

# lazaret_library(NAME SOURCES a.c b.c [DEPENDS targets...] [PRIVATE targets...])
# A static library of one folder. DEPENDS reach those who link it, PRIVATE do not.
function(lazaret_library name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS;PRIVATE")
    add_library(${name} STATIC ${arg_SOURCES})
    target_include_directories(${name} PUBLIC "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/vsock-proto")
    target_link_libraries(${name} PUBLIC ${arg_DEPENDS} PRIVATE ${arg_PRIVATE})
endfunction()

# lazaret_unit_test(NAME SOURCES a.c [DEPENDS targets...] [FIXTURES folder])
# A CUnit program run by ctest in the source tree's root, so that fixtures have stable paths.
# A hang ends by ctest's own limit of 25 minutes: a machine that is slow, or its disk, is no failure.
function(lazaret_unit_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS")
    if(NOT LAZARET_TESTS)
        return()
    endif()
    add_executable(test-${name} ${arg_SOURCES})
    set_target_properties(test-${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
    target_include_directories(test-${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
    target_link_libraries(test-${name} PRIVATE ${arg_DEPENDS} cunit m)
    add_test(NAME ${name} COMMAND test-${name} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
    set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77)
endfunction()

# lazaret_fuzz_target(NAME SOURCES a.c DEPENDS targets...)
# With LAZARET_FUZZ (clang): a libFuzzer program build/fuzz/NAME. Its seeds lie in tests/fuzz/corpus/NAME.
# With LAZARET_TESTS only: the same source with a plain main that replays the seeds, as an ordinary test.
function(lazaret_fuzz_target name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS")
    add_executable(fuzz-${name} ${arg_SOURCES})
    set_target_properties(fuzz-${name} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/fuzz" OUTPUT_NAME ${name})
    target_include_directories(fuzz-${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
    target_link_libraries(fuzz-${name} PRIVATE ${arg_DEPENDS})
    if(LAZARET_FUZZ)
        target_link_options(fuzz-${name} PRIVATE -fsanitize=fuzzer)
        if(NOT TARGET fuzz-targets)
            add_custom_target(fuzz-targets)
        endif()
        add_dependencies(fuzz-targets fuzz-${name})
    else()
        target_sources(fuzz-${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.c")
        add_test(NAME fuzz-seeds-${name} COMMAND fuzz-${name} "tests/fuzz/corpus/${name}"
            WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
    endif()
endfunction()

# lazaret_vm_test(NAME SCRIPT COST)
# Whole evaluations by the program itself, in namespaces of their own. COST, in seconds, lets the long ones begin first.
function(lazaret_vm_test name script cost)
    add_test(NAME ${name}
        COMMAND "${PROJECT_SOURCE_DIR}/tests/vm/alone" /usr/bin/python3 "${CMAKE_CURRENT_SOURCE_DIR}/${script}")
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "LAZARET_BUILD=${PROJECT_BINARY_DIR}"
        SKIP_RETURN_CODE 77 TIMEOUT 1800 COST ${cost} LABELS vm)
endfunction()
