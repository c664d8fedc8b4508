/* SPDX-License-Identifier: Apache-2.0 */
/* How the direct method's weights lie, for whom packs and whom reads them. */
#ifndef LAZARET_GUEST_ENGINE_KERNELS_CONV_PACK_H
#define LAZARET_GUEST_ENGINE_KERNELS_CONV_PACK_H

#include "sweep.h"
#include "window.h"

#define LANES_WIDEST 16u

/* Groups of few outputs would leave most lanes empty: their lanes are positions. */
static inline bool conv_is_narrow(unsigned lanes, size_t outputs)
{
    return outputs <= ROW_OUTPUTS_MAX && outputs * 2 <= lanes;
}

/* Floats of one group's weights. */
static inline size_t conv_packed_group_size(unsigned lanes, size_t outputs, size_t terms)
{
    return conv_is_narrow(lanes, outputs) ? outputs * terms : sweep_packed_size(lanes, outputs, terms);
}

#endif
