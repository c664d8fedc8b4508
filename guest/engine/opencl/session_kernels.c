/* SPDX-License-Identifier: Apache-2.0 */
/* Small kernels and arguments that several operators have. */
#include "guest/engine/opencl/session_internal.h"

int session_add(struct device_session *session, const float *term, float *sum, size_t count, struct error *err)
{
    struct launch launch = launch_begin(session->device, KERNEL_ADD);

    launch_place(&launch, session_place(session, term));
    launch_place(&launch, session_place(session, sum));
    launch_number(&launch, count);
    return launch_run(&launch, count, 1, 1, err);
}

int session_fill(struct device_session *session, float *y, float value, size_t count, struct error *err)
{
    struct launch launch = launch_begin(session->device, KERNEL_FILL);

    launch_place(&launch, session_place(session, y));
    launch_float(&launch, value);
    launch_number(&launch, count);
    return launch_run(&launch, count, 1, 1, err);
}

int session_unary(struct device_session *session, enum unary_function function, float alpha, float beta, const float *x,
                  float *y, size_t count, struct error *err)
{
    struct launch launch = launch_begin(session->device, KERNEL_UNARY);

    launch_place(&launch, session_place(session, x));
    launch_place(&launch, session_place(session, y));
    launch_number(&launch, function);
    launch_float(&launch, alpha);
    launch_float(&launch, beta);
    launch_number(&launch, count);
    return launch_run(&launch, count, 1, 1, err);
}

struct walk_shape session_walk(const struct walk *walk, size_t outermost)
{
    struct walk_shape shape = {.rank = walk->rank};

    for (uint32_t axis = 0; axis < walk->rank; axis++) {
        shape.dims[axis] = (uint32_t)(axis == 0 ? outermost : walk->dims[axis]);
        for (uint32_t t = 0; t < 3; t++)
            shape.stride[t][axis] = (uint32_t)walk->stride[t][axis];
    }
    return shape;
}

uint32_t session_finish_flags(const struct kernel_finish *finish)
{
    return (finish->bias != NULL ? SHAPE_HAS_BIAS : 0) | (finish->addend != NULL ? SHAPE_HAS_ADDEND : 0) |
           (finish->mask != NULL ? SHAPE_HAS_MASK : 0) | (finish->relu ? SHAPE_HAS_RELU : 0);
}
