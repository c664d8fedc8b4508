/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums over a grid of positions for many outputs: what convolution and matrix product have in
 * common, cut into tiles.
 *
 * Theory of operation. The packed weights hold blocks of one or two vectors of outputs ("lanes");
 * within a block, term by term. The grid is cut into tiles of positions (tables.h). A unit of work
 * is a block of lanes over a piece of the grid; units are split among threads. Long sums are cut
 * into stretches of terms, so that a stretch's weights stay in the cache while the piece passes
 * over them: the unfinished sums wait in memory, which changes no bit. A finished tile is turned
 * from position-major to the tensor's channel-major order.
 */
#ifndef LAZARET_GUEST_ENGINE_KERNELS_SWEEP_H
#define LAZARET_GUEST_ENGINE_KERNELS_SWEEP_H

#include "internal.h"

struct sweep {
    /* read: position (image, line, column) of a group starts here */
    const float *source;
    size_t source_image, source_group, source_line;
    const uint32_t *offsets; /* [terms] */
    size_t terms;
    /* the grid */
    size_t groups, images, lines, columns;
    /* outputs of one group, and their weights where sweep_slot_of puts them */
    size_t outputs;
    const float *packed;
    const float *bias; /* [groups × outputs] or NULL */
    /* written: output o of position (image, line, column); addend, mask and relu as in kernel_finish */
    float *result;
    const float *addend, *mask; /* laid out as the result, or NULL */
    bool relu;
    size_t result_image, result_output, result_line, result_column;
};

/* Floats of the packed weights of one group, for vectors of so many lanes. */
size_t sweep_packed_size(unsigned lanes, size_t outputs, size_t terms);

/* Of one worker, in floats. */
size_t sweep_scratch_size(void);

/* Where the weights of one output lie in its group's packed weights. */
struct sweep_slot {
    size_t first; /* place of the output's first term */
    size_t step;  /* from a term to the next */
};
struct sweep_slot sweep_slot_of(unsigned lanes, size_t outputs, size_t terms, size_t output);

/* scratch: sweep_scratch_size() floats for each thread, 64-byte aligned. */
void sweep_run(struct kernels *kernels, const struct sweep *sweep, float *scratch);

#endif
