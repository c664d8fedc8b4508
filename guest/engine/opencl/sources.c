/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels' text in the program, as it lies in kernels/ and in guest/engine/kernels/shared/. */
#include "guest/engine/opencl/sources.h"

#define TEXT(name, path)                                                                                               \
    __asm__(".section .rodata\n.global opencl_source_" #name "\nopencl_source_" #name ":\n.incbin \"" path             \
            "\"\n.byte 0\n.previous\n");                                                                               \
    extern const char opencl_source_##name[];
#define SOURCE(name) TEXT(name, "opencl/kernels/" #name ".cl")
#define SHARED(name) TEXT(name, "kernels/shared/" #name ".h")

SOURCE(common)
SHARED(functions)
SHARED(winograd_lines)
SOURCE(tiles)
SOURCE(conv)
SOURCE(conv_begin)
SOURCE(product)
SOURCE(conv_end)
SOURCE(dense)
SOURCE(dense_begin)
SOURCE(dense_end)
SOURCE(half_begin)
SOURCE(half_end)
SOURCE(winograd)
SOURCE(elements)
SOURCE(pool)
SOURCE(lines)
SOURCE(move)

/* Two kernels, of which product.cl is the middle. */
#define TILED                                                                                                          \
    opencl_source_conv_begin, opencl_source_product, opencl_source_conv_end, opencl_source_dense_begin,                \
        opencl_source_product, opencl_source_dense_end

/* What is shared needs common.cl's words. */
const char *const opencl_sources[OPENCL_SOURCE_COUNT] = {
    opencl_source_common,
    opencl_source_functions,
    opencl_source_winograd_lines,
    opencl_source_tiles,
    opencl_source_conv,
    opencl_source_dense,
    TILED,
    opencl_source_half_begin,
    TILED,
    opencl_source_half_end,
    opencl_source_winograd,
    opencl_source_elements,
    opencl_source_pool,
    opencl_source_lines,
    opencl_source_move,
};
