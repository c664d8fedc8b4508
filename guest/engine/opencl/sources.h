/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels' text, in the order in which it is compiled. */
#ifndef LAZARET_GUEST_ENGINE_OPENCL_SOURCES_H
#define LAZARET_GUEST_ENGINE_OPENCL_SOURCES_H

#define OPENCL_SOURCE_COUNT 25u

extern const char *const opencl_sources[OPENCL_SOURCE_COUNT];

#endif
