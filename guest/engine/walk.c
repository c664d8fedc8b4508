/* SPDX-License-Identifier: Apache-2.0 */
/* Strided walks through broadcast tensors. */
#include "guest/engine/walk.h"

#include <string.h>

struct walk walk_over(const struct graph_value *shape)
{
    struct walk walk = {.rank = shape->rank};

    memcpy(walk.dims, shape->dims, shape->rank * sizeof(walk.dims[0]));
    if (walk.rank == 0) {
        walk.rank = 1;
        walk.dims[0] = 1;
    }
    return walk;
}

bool walk_broadcast(struct walk *walk, uint32_t t, const struct graph_value *value)
{
    size_t stride = 1;

    if (value->rank > walk->rank)
        return false;
    for (uint32_t i = 0; i < value->rank; i++) {
        uint32_t own = value->rank - 1 - i;
        uint32_t axis = walk->rank - 1 - i;
        size_t dim = value->dims[own];

        if (dim != 1 && dim != walk->dims[axis])
            return false;
        walk->stride[t][axis] = dim == 1 ? 0 : stride;
        stride *= dim;
    }
    return true;
}

/* Whether axis and the next one are one longer axis of every tensor. */
static bool joins(const struct walk *walk, uint32_t axis)
{
    for (uint32_t t = 0; t < WALK_TENSORS; t++)
        if (walk->stride[t][axis] != walk->stride[t][axis + 1] * walk->dims[axis + 1])
            return false;
    return true;
}

/* Gives the axes from `axis` on the place of the one before: axis - 1 keeps dims and strides of axis. */
static void remove_axis(struct walk *walk, uint32_t axis)
{
    for (uint32_t i = axis; i + 1 < walk->rank; i++) {
        walk->dims[i] = walk->dims[i + 1];
        for (uint32_t t = 0; t < WALK_TENSORS; t++)
            walk->stride[t][i] = walk->stride[t][i + 1];
    }
    walk->rank--;
}

void walk_collapse(struct walk *walk)
{
    /* An axis of one position has no stride of its own; axis 0 stays, since a run may shorten it. */
    for (uint32_t axis = walk->rank - 1; axis > 0; axis--)
        if (walk->dims[axis] == 1)
            remove_axis(walk, axis);
    if (walk->dims[0] == 1 && walk->rank > 1)
        remove_axis(walk, 0);
    for (uint32_t axis = walk->rank - 1; axis-- > 0;) {
        if (!joins(walk, axis))
            continue;
        walk->dims[axis + 1] *= walk->dims[axis];
        remove_axis(walk, axis);
    }
}

size_t walk_rows(const struct walk *walk, size_t outermost)
{
    size_t rows = walk->rank == 1 ? 1 : outermost;

    for (uint32_t axis = 1; axis + 1 < walk->rank; axis++)
        rows *= walk->dims[axis];
    return rows;
}

void walk_start(const struct walk *walk, size_t row, struct walk_row *ret_row)
{
    memset(ret_row, 0, sizeof(*ret_row));
    for (uint32_t axis = walk->rank - 1; axis-- > 0;) {
        ret_row->index[axis] = row % walk->dims[axis];
        row /= walk->dims[axis];
        for (uint32_t t = 0; t < WALK_TENSORS; t++)
            ret_row->offset[t] += ret_row->index[axis] * walk->stride[t][axis];
    }
}

void walk_next(const struct walk *walk, struct walk_row *row)
{
    for (uint32_t axis = walk->rank - 1; axis-- > 0;) {
        for (uint32_t t = 0; t < WALK_TENSORS; t++)
            row->offset[t] += walk->stride[t][axis];
        if (++row->index[axis] < walk->dims[axis])
            return;
        for (uint32_t t = 0; t < WALK_TENSORS; t++)
            row->offset[t] -= walk->stride[t][axis] * walk->dims[axis];
        row->index[axis] = 0;
    }
}
