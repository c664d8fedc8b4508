/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A convolution's two directions on a device, by either method. Which one is the processor's choice (kernels.h), as it
 * belongs to the result.
 */
#ifndef LAZARET_GUEST_ENGINE_OPENCL_CONV_SIDE_H
#define LAZARET_GUEST_ENGINE_OPENCL_CONV_SIDE_H

#include "guest/engine/kernels/winograd.h"
#include "guest/engine/op_states.h"
#include "guest/engine/opencl/session.h"

#include <errno.h>

#define CONV_GROUPS_MAX 32768u /* along an axis of a launch, as some devices count 16 bits */

struct conv_pass;

/* One direction of a convolution. */
struct conv_side {
    bool winograd;
    struct winograd_pass minimal; /* Winograd's: */
    uint32_t padded;              /* outputs of its weights */
    struct conv_pass *passes;     /* the direct method's: one a window */
    size_t pass_count;
    cl_mem weights;
};

static inline int conv_no_memory(struct error *err)
{
    return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to prepare a device's convolution");
}

static inline size_t conv_round_up(size_t count, size_t unit)
{
    return (count + unit - 1) / unit * unit;
}

/* Weights, OIHW, as the method wants them, on the device. */
MUST_USE int conv_direct_prepare(struct device_session *session, const struct kernel_conv *conv, bool backward,
                                 const float *weights, struct conv_side *side, struct error *err);
MUST_USE int conv_winograd_prepare(struct device_session *session, bool backward, const float *weights,
                                   struct conv_side *side, struct error *err);
void conv_direct_release(struct conv_side *side);

/* So many images, from source to result. */
MUST_USE int conv_direct_run(struct device_session *session, const struct conv_side *side, size_t images,
                             const float *source, const struct kernel_finish *finish, float *result, struct error *err);
MUST_USE int conv_winograd_run(struct device_session *session, const struct conv_side *side, size_t images,
                               const float *source, const struct kernel_finish *finish, float *result,
                               struct error *err);

#endif
