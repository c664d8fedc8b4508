/* SPDX-License-Identifier: Apache-2.0 */
/* GGUF's table of tensors: where each one lies, whether that is possible, and what lies behind the last. */
#include "guest/scan/weights/gguf.h"

#include "guest/scan/text.h"
#include "guest/scan/weights/extents.h"

#include <errno.h>

/* Elements and bytes of a block of each type, by ggml's type_traits; 0: a type that is gone, or not known. */
static const struct {
    uint16_t elements, bytes;
} blocks[] = {
    {1, 4},     /* F32 */
    {1, 2},     /* F16 */
    {32, 18},   /* Q4_0 */
    {32, 20},   /* Q4_1 */
    {0, 0},     /* Q4_2, gone */
    {0, 0},     /* Q4_3, gone */
    {32, 22},   /* Q5_0 */
    {32, 24},   /* Q5_1 */
    {32, 34},   /* Q8_0 */
    {32, 36},   /* Q8_1 */
    {256, 84},  /* Q2_K */
    {256, 110}, /* Q3_K */
    {256, 144}, /* Q4_K */
    {256, 176}, /* Q5_K */
    {256, 210}, /* Q6_K */
    {256, 292}, /* Q8_K */
    {256, 66},  /* IQ2_XXS */
    {256, 74},  /* IQ2_XS */
    {256, 98},  /* IQ3_XXS */
    {256, 50},  /* IQ1_S */
    {32, 18},   /* IQ4_NL */
    {256, 110}, /* IQ3_S */
    {256, 82},  /* IQ2_S */
    {256, 136}, /* IQ4_XS */
    {1, 1},     /* I8 */
    {1, 2},     /* I16 */
    {1, 4},     /* I32 */
    {1, 8},     /* I64 */
    {1, 8},     /* F64 */
    {256, 56},  /* IQ1_M */
    {1, 2},     /* BF16 */
    {0, 0},     /* Q4_0_4_4, gone */
    {0, 0},     /* Q4_0_4_8, gone */
    {0, 0},     /* Q4_0_8_8, gone */
    {256, 54},  /* TQ1_0 */
    {256, 66},  /* TQ2_0 */
    {0, 0},     /* IQ4_NL_4_4, gone */
    {0, 0},     /* IQ4_NL_4_8, gone */
    {0, 0},     /* IQ4_NL_8_8, gone */
    {32, 17},   /* MXFP4 */
};

struct table {
    struct name_set names;
    struct extents extents;
    bool strange; /* a finding says that the extents are not what they seem */
};

static int find(struct gguf *gguf, enum gguf_rule rule, const char *name, size_t size, const char *what)
{
    return scan_find(gguf->scan, gguf->object, &gguf_rules[rule], reader_offset(&gguf->reader), gguf->err, "%s: %s",
                     TEXT(name, size), what);
}

/* The bytes of a tensor; false where they overflow. */
static bool size_of(uint32_t type, const uint64_t *dims, uint32_t dim_count, uint64_t *ret_size)
{
    uint64_t elements = 1;

    for (uint32_t i = 0; i < dim_count; i++)
        if (__builtin_mul_overflow(elements, dims[i], &elements) || elements > INT64_MAX)
            return false;
    if (elements % blocks[type].elements != 0)
        elements += blocks[type].elements - elements % blocks[type].elements;
    return !__builtin_mul_overflow(elements / blocks[type].elements, (uint64_t)blocks[type].bytes, ret_size);
}

/* What one entry says; then it is part of the table. */
static int judge_tensor(struct gguf *gguf, struct table *table, const char *name, size_t size, uint32_t type,
                        const uint64_t *dims, uint32_t dim_count, uint64_t first)
{
    uint64_t bytes;
    int r;

    if (type >= sizeof blocks / sizeof blocks[0] || blocks[type].elements == 0) {
        table->strange = true;
        return find(gguf, GGUF_RULE_TYPE, name, size, "a tensor of a type that is not known");
    }
    if (!size_of(type, dims, dim_count, &bytes)) {
        table->strange = true;
        return find(gguf, GGUF_RULE_DIMS, name, size, "a tensor whose size overflows");
    }
    if (first % gguf->alignment != 0) {
        table->strange = true;
        return find(gguf, GGUF_RULE_BOUNDS, name, size, "a tensor that is not aligned");
    }
    r = extents_add(&table->extents, first, bytes, &gguf->cause);
    return r < 0 ? gguf_damaged(gguf, r) : 1;
}

/* One entry; 1, 0 or an error. */
static int read_tensor(struct gguf *gguf, struct table *table)
{
    uint64_t dims[GGUF_DIMS_MAX] = {0}, size, first = 0;
    char name[GGUF_NAME_MAX];
    uint32_t dim_count, type = 0;
    int r = gguf_read_name(gguf, name, sizeof name, &size);
    size_t kept;

    if (r <= 0)
        return r;
    kept = size < sizeof name ? (size_t)size : sizeof name;
    r = name_set_add(&table->names, name, kept, &gguf->cause);
    if (r == 0)
        r = gguf_u32(gguf, &dim_count);
    if (r < 0)
        return gguf_damaged(gguf, r);
    if (dim_count > GGUF_DIMS_MAX)
        return find(gguf, GGUF_RULE_DIMS, name, kept, "more than four dimensions");
    for (uint32_t i = 0; i < dim_count && r == 0; i++)
        r = gguf_count(gguf, &dims[i]);
    if (r == 0)
        r = gguf_u32(gguf, &type);
    if (r == 0)
        r = gguf_u64(gguf, &first);
    if (r < 0)
        return gguf_damaged(gguf, r);
    r = judge_tensor(gguf, table, name, kept, type, dims, dim_count, first);
    return r < 0 ? r : 1;
}

/* What lies behind the tensors is nothing that a loader of GGUF reads; others may. */
static int hand_on_rest(struct gguf *gguf, uint64_t end)
{
    CLEANUP_SOURCE struct source *range = source_of_range(gguf->object->source, end, gguf->file_size - end);
    const struct scan_object rest = {
        .source = range, .name = "behind the tensors", .role = SCAN_ROLE_GUESS, .parent = gguf->object};

    if (range == NULL)
        return error_set(gguf->err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a range");
    return scan_object(gguf->scan, &rest, gguf->err);
}

static int judge_extents(struct gguf *gguf, struct table *table, uint64_t data)
{
    uint64_t room = gguf->file_size > data ? gguf->file_size - data : 0, at, end;

    switch (extents_judge(&table->extents, room, gguf->alignment, &at, &end)) {
    case EXTENTS_OVERLAP:
        return scan_find(gguf->scan, gguf->object, &gguf_rules[GGUF_RULE_OVERLAP], data + at, gguf->err, "%s",
                         "a tensor begins before another one ends");
    case EXTENTS_OUTSIDE:
        return scan_find(gguf->scan, gguf->object, &gguf_rules[GGUF_RULE_BOUNDS], data, gguf->err,
                         "a tensor at %llu of %llu bytes of tensors", (unsigned long long)at, (unsigned long long)room);
    case EXTENTS_CUT:
        scan_skipped(gguf->scan, gguf->object, SCAN_GAP_DAMAGED, data + at, room - end, "%s",
                     "the file ends within its tensors");
        return 0;
    case EXTENTS_FINE:
        break;
    }
    scan_skipped(gguf->scan, gguf->object, SCAN_SKIP_WEIGHTS, data, end, "%s", "");
    end = extents_align(end, gguf->alignment);
    return end < room && !table->strange ? hand_on_rest(gguf, data + end) : 0;
}

static int read_table(struct gguf *gguf, struct table *table)
{
    int r = 1;

    for (uint64_t i = 0; i < gguf->tensors && r == 1; i++)
        r = read_tensor(gguf, table);
    if (r < 0)
        return r;
    if (name_set_repeats(&table->names)) {
        int found = find(gguf, GGUF_RULE_DUPLICATE, "", 0, "a tensor's name comes twice");

        if (found < 0)
            return found;
    }
    return r == 1 ? judge_extents(gguf, table, extents_align(reader_offset(&gguf->reader), gguf->alignment)) : 0;
}

int gguf_read_tensors(struct gguf *gguf)
{
    struct table table = {.names = {.scan = gguf->scan}, .extents = {.scan = gguf->scan}};
    int r;

    if (gguf->tensors > GGUF_TENSORS_MAX) {
        scan_skipped(gguf->scan, gguf->object, SCAN_GAP_BUDGET, 0, gguf->file_size, "more than %u tensors",
                     GGUF_TENSORS_MAX);
        return 0;
    }
    r = read_table(gguf, &table);
    extents_close(&table.extents);
    name_set_close(&table.names);
    return r;
}
