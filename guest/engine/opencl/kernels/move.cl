/* SPDX-License-Identifier: Apache-2.0 */
/* Elements moved: transposes, slices, gathers and pads by tables, joined tensors by blocks. */
#define FILL_ENTRY 0xffffffffu

struct view_shape {
    uint rank, dims[RANK_MAX], table[RANK_MAX]; /* table: where an axis' entries start */
    float fill;
};

/* Where output element i comes from, or FILL_ENTRY. */
static uint view_source(const struct view_shape *s, __global const uint *tables, uint i)
{
    uint from = 0;

    for (uint axis = s->rank; axis-- > 0; i /= s->dims[axis]) {
        const uint entry = tables[s->table[axis] + i % s->dims[axis]];

        if (entry == FILL_ENTRY)
            return FILL_ENTRY;
        from += entry;
    }
    return from;
}

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void view(PLACE(x), PLACE(y), __global const uint *tables,
                                                                   struct view_shape s, uint count)
{
    OPEN(x);
    OPEN(y);
    const uint i = get_global_id(0);
    uint from;

    if (i >= count)
        return;
    from = view_source(&s, tables, i);
    y[i] = from == FILL_ENTRY ? s.fill : x[from];
}

/* Where no two outputs read one element; dx is 0 before. */
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
view_gradient(PLACE(dy), PLACE(dx), __global const uint *tables, struct view_shape s, uint count)
{
    OPEN(dy);
    OPEN(dx);
    const uint i = get_global_id(0);
    uint to;

    if (i >= count)
        return;
    to = view_source(&s, tables, i);
    if (to != FILL_ENTRY)
        dx[to] = 0.0f + dy[i];
}

/* Blocks of `size` from and to places that lie `from_pitch` and `to_pitch` apart. */
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void blocks(PLACE(x), PLACE(y), uint size, uint from_pitch,
                                                                     uint to_pitch, uint count)
{
    OPEN(x);
    OPEN(y);
    const uint i = get_global_id(0);

    if (i < count)
        y[(ulong)(i / size) * to_pitch + i % size] = x[(ulong)(i / size) * from_pitch + i % size];
}

/* --- the probe: each operation by itself, whose bits are then compared ------------------------------------ */

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void probe(PLACE(x), PLACE(y), uint count)
{
    OPEN(x);
    OPEN(y);
    const uint i = get_global_id(0);
    float a, b, c;

    if (i >= count)
        return;
    a = x[i * 3];
    b = x[i * 3 + 1];
    c = x[i * 3 + 2];
    y[i * 8] = fma(a, b, c);
    y[i * 8 + 1] = a * b + c;
    y[i * 8 + 2] = a / b;
    y[i * 8 + 3] = sqrt(a);
    y[i * 8 + 4] = a - b;
    y[i * 8 + 5] = fixed_exp(a);
    y[i * 8 + 6] = fixed_log(a);
    y[i * 8 + 7] = fixed_erf(a);
}
