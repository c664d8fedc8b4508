/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The matrix product: rows of op(A) are the positions of a sweep, columns of op(B) its outputs.
 *
 * A is read where it lies; B is packed, as many columns at once as fit the cache, or all of a constant B once.
 */
#include "sweep.h"

#include <emmintrin.h>
#include <errno.h>
#include <string.h>

#define PACKED_FLOATS ((size_t)1 << 19)
#define LANES_WIDEST  16u
#define PACK_COLUMNS  32u /* columns a thread packs at once: one block of lanes, or several */

struct pack_call {
    const struct kernel_gemm *gemm;
    const float *b;
    float *packed;
    size_t first, columns; /* of B, packed now */
    unsigned lanes;
};

/* Columns [0, count) of rows that lie ldb apart, to lanes; the lanes left over become 0. */
static void pack_rows(const struct kernel_gemm *gemm, const float *from, size_t count, size_t lanes, float *ret_packed)
{
    for (size_t k = 0; k < gemm->k; k++, from += gemm->ldb, ret_packed += lanes) {
        memcpy(ret_packed, from, count * sizeof(*from));
        memset(ret_packed + count, 0, (lanes - count) * sizeof(*from));
    }
}

/* Four columns and four terms of a transposed B, where a column's terms are neighbours. */
static inline void turn_four(const float *from, size_t ldb, size_t lanes, float *ret_packed)
{
    __m128 v[4];

    for (size_t i = 0; i < 4; i++)
        v[i] = _mm_loadu_ps(from + i * ldb);
    _MM_TRANSPOSE4_PS(v[0], v[1], v[2], v[3]);
    for (size_t i = 0; i < 4; i++)
        _mm_storeu_ps(ret_packed + i * lanes, v[i]);
}

/* The same as pack_rows of a transposed B; a cache line of each column is used up before the next. */
static void pack_columns(const struct kernel_gemm *gemm, const float *from, size_t count, size_t lanes,
                         float *ret_packed)
{
    size_t whole_k = gemm->k / 16 * 16, whole = count / 4 * 4;

    for (size_t k = 0; k < whole_k; k += 16)
        for (size_t lane = 0; lane < whole; lane += 4)
            for (size_t i = k; i < k + 16; i += 4)
                turn_four(from + lane * gemm->ldb + i, gemm->ldb, lanes, ret_packed + i * lanes + lane);
    for (size_t lane = 0; lane < lanes; lane++)
        for (size_t k = lane < whole ? whole_k : 0; k < gemm->k; k++)
            ret_packed[k * lanes + lane] = lane < count ? from[lane * gemm->ldb + k] : 0;
}

/* Groups of PACK_COLUMNS columns. */
static void pack_groups(void *argument, unsigned worker, size_t first, size_t last)
{
    const struct pack_call *call = argument;
    const struct kernel_gemm *gemm = call->gemm;
    size_t column = first * PACK_COLUMNS, end = last * PACK_COLUMNS;

    (void)worker;
    end = end < call->columns ? end : call->columns;
    while (column < end) {
        struct sweep_slot slot = sweep_slot_of(call->lanes, call->columns, gemm->k, column);
        size_t count = end - column < slot.step ? end - column : slot.step;

        if (gemm->transposed_b)
            pack_columns(gemm, call->b + (call->first + column) * gemm->ldb, count, slot.step,
                         call->packed + slot.first);
        else
            pack_rows(gemm, call->b + call->first + column, count, slot.step, call->packed + slot.first);
        column += count;
    }
}

/* 0, or -EINVAL where a leading dimension is shorter than its row, -EOVERFLOW where A can't be indexed. */
static int check_gemm(const struct kernel_gemm *gemm)
{
    size_t last, step = gemm->transposed_a ? gemm->lda : 1;

    if (gemm->lda < (gemm->transposed_a ? gemm->m : gemm->k) || gemm->ldb < (gemm->transposed_b ? gemm->k : gemm->n) ||
        gemm->ldc < gemm->n)
        return -EINVAL;
    if (__builtin_mul_overflow(gemm->k, step, &last) || last > UINT32_MAX)
        return -EOVERFLOW;
    return 0;
}

static struct sweep sweep_of(const struct kernel_gemm *gemm, const float *a, const uint32_t *offsets,
                             const float *packed)
{
    return (struct sweep){
        .source = a,
        .source_line = gemm->lda,
        .offsets = offsets,
        .terms = gemm->k,
        .groups = 1,
        .images = 1,
        .lines = gemm->transposed_a ? 1 : gemm->m,
        .columns = gemm->transposed_a ? gemm->m : 1,
        .packed = packed,
        .result_output = 1,
        .result_line = gemm->ldc,
        .result_column = gemm->ldc,
    };
}

/* Columns of B that are packed at once, and the floats that a call takes: workers, packed columns, offsets. */
struct gemm_room {
    size_t columns, packed, workers, total;
};

static struct gemm_room measure(const struct kernels *kernels, const struct kernel_gemm *gemm)
{
    size_t columns = PACKED_FLOATS / (gemm->k + 1) / PACK_COLUMNS * PACK_COLUMNS;
    struct gemm_room room = {.workers = sweep_scratch_size() * pool_threads(kernels->pool)};

    columns = columns < PACK_COLUMNS ? PACK_COLUMNS : columns;
    room.columns = columns < gemm->n ? columns : gemm->n;
    room.packed = kernels_round_floats(sweep_packed_size(kernels->product->lanes, room.columns, gemm->k));
    room.total = room.workers + room.packed + gemm->k; /* k is below 2^32, and so is each block of 32 columns of it */
    return room;
}

static void set_offsets(const struct kernel_gemm *gemm, uint32_t *ret_offsets)
{
    for (size_t k = 0; k < gemm->k; k++)
        ret_offsets[k] = (uint32_t)(gemm->transposed_a ? k * gemm->lda : k);
}

size_t kernel_gemm_scratch(const struct kernels *kernels, const struct kernel_gemm *gemm)
{
    return check_gemm(gemm) < 0 ? 0 : measure(kernels, gemm).total;
}

int kernel_gemm(struct kernels *kernels, const struct kernel_gemm *gemm, const float *a, const float *b, float *ret_c)
{
    struct gemm_room room;
    struct sweep sweep;
    struct pack_call call;
    uint32_t *offsets;
    float *scratch;
    int r;

    if (gemm->m == 0 || gemm->n == 0)
        return 0;
    r = check_gemm(gemm);
    if (r < 0)
        return r;
    room = measure(kernels, gemm);
    scratch = kernels_scratch(kernels, room.total);
    if (scratch == NULL)
        return -ENOMEM;
    offsets = (uint32_t *)(void *)(scratch + room.workers + room.packed);
    set_offsets(gemm, offsets);
    call = (struct pack_call){.gemm = gemm, .b = b, .packed = scratch + room.workers, .lanes = kernels->product->lanes};
    sweep = sweep_of(gemm, a, offsets, call.packed);
    for (call.first = 0; call.first < gemm->n; call.first += room.columns) {
        call.columns = gemm->n - call.first < room.columns ? gemm->n - call.first : room.columns;
        kernels_share(kernels, (double)(call.columns * gemm->k), (call.columns + PACK_COLUMNS - 1) / PACK_COLUMNS,
                      pack_groups, &call);
        sweep.outputs = call.columns;
        sweep.result = ret_c + call.first;
        sweep_run(kernels, &sweep, scratch);
    }
    return 0;
}

size_t kernel_gemm_packed_size(const struct kernel_gemm *gemm)
{
    size_t lanes, size;

    /* For the widest vectors, which need most. */
    if (check_gemm(gemm) < 0 || gemm->n == 0 || __builtin_add_overflow(gemm->n, (size_t)LANES_WIDEST, &lanes) ||
        __builtin_mul_overflow(lanes, gemm->k + 1, &size) || size > PTRDIFF_MAX / sizeof(float))
        return 0;
    size = sweep_packed_size(LANES_WIDEST, gemm->n, gemm->k);
    return size == 0 ? 1 : size;
}

void kernel_gemm_pack(const struct kernels *kernels, const struct kernel_gemm *gemm, const float *b, float *ret_packed)
{
    struct pack_call call = {
        .gemm = gemm, .b = b, .packed = ret_packed, .columns = gemm->n, .lanes = kernels->product->lanes};

    if (kernel_gemm_packed_size(gemm) != 0)
        pack_groups(&call, 0, 0, (gemm->n + PACK_COLUMNS - 1) / PACK_COLUMNS);
}

size_t kernel_gemm_packed_scratch(const struct kernels *kernels, const struct kernel_gemm *gemm)
{
    return check_gemm(gemm) < 0 ? 0 : sweep_scratch_size() * pool_threads(kernels->pool) + gemm->k;
}

int kernel_gemm_packed(struct kernels *kernels, const struct kernel_gemm *gemm, const float *a, const float *packed,
                       float *ret_c)
{
    size_t workers = sweep_scratch_size() * pool_threads(kernels->pool);
    struct sweep sweep;
    uint32_t *offsets;
    float *scratch;
    int r;

    if (gemm->m == 0 || gemm->n == 0)
        return 0;
    r = check_gemm(gemm);
    if (r < 0)
        return r;
    scratch = kernels_scratch(kernels, workers + gemm->k);
    if (scratch == NULL)
        return -ENOMEM;
    offsets = (uint32_t *)(void *)(scratch + workers);
    set_offsets(gemm, offsets);
    sweep = sweep_of(gemm, a, offsets, packed);
    sweep.outputs = gemm->n;
    sweep.result = ret_c;
    sweep_run(kernels, &sweep, scratch);
    return 0;
}
