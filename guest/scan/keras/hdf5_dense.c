/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HDF5's dense storage: messages in a fractal heap (III.G), found by the records of a B-tree of version 2 (III.A.2).
 *
 * Theory of operation. A heap's addresses are those of a table of blocks, each row of which is twice as large a block
 * as the row before, but for the second; rows beyond the largest direct block's hold indirect blocks, tables of the
 * same form. To find an object is to go down from the root: the row by the offset's size, the column by division. A
 * record holds the object's heap ID: offset and length, or the address of one that was too large, or a small one's
 * bytes themselves.
 */
#include "guest/scan/keras/hdf5_internal.h"

#include <errno.h>
#include <string.h>

struct heap {
    uint64_t id_size, filter_size, flags, huge_tree, managed_max;
    uint64_t width, start_size, direct_max, bits, root, rows;
    unsigned offset_size, length_size; /* of an offset and a length in a heap ID */
};

struct tree {
    uint64_t type, node_size, record_size, depth, root, root_records;
};

/* --- the heap ------------------------------------------------------------------------------------------------- */

static unsigned bytes_for(uint64_t value)
{
    unsigned size = 1;

    while (value > 255) {
        value >>= 8;
        size++;
    }
    return size;
}

static unsigned log2_of(uint64_t value)
{
    return 63u - (unsigned)__builtin_clzll(value | 1);
}

/* III.G, "Fractal Heap Header" */
static MUST_USE int read_heap(struct hdf5 *hdf5, uint64_t address, struct heap *ret_heap)
{
    struct hdf5_span span = {address, UINT64_MAX};
    const unsigned o = hdf5->offset_size, l = hdf5->length_size;
    struct heap heap = {0};
    int r = hdf5_signature(hdf5, &span, "FRHP");

    if (r == 0)
        r = hdf5_skip(hdf5, &span, 1);
    if (r == 0)
        r = hdf5_integer(hdf5, &span, 2, &heap.id_size);
    if (r == 0)
        r = hdf5_integer(hdf5, &span, 2, &heap.filter_size);
    if (r == 0)
        r = hdf5_integer(hdf5, &span, 1, &heap.flags);
    if (r == 0)
        r = hdf5_integer(hdf5, &span, 4, &heap.managed_max);
    if (r == 0)
        r = hdf5_skip(hdf5, &span, l); /* next huge ID */
    if (r == 0)
        r = hdf5_address(hdf5, &span, &heap.huge_tree);
    if (r == 0)
        r = hdf5_skip(hdf5, &span, (uint64_t)l + o + 8ull * l); /* free space, its manager, counts and sizes */
    if (r == 0)
        r = hdf5_integer(hdf5, &span, 2, &heap.width);
    if (r == 0)
        r = hdf5_length(hdf5, &span, &heap.start_size);
    if (r == 0)
        r = hdf5_length(hdf5, &span, &heap.direct_max);
    if (r == 0)
        r = hdf5_integer(hdf5, &span, 2, &heap.bits);
    if (r == 0)
        r = hdf5_skip(hdf5, &span, 2); /* rows at first */
    if (r == 0)
        r = hdf5_address(hdf5, &span, &heap.root);
    if (r == 0)
        r = hdf5_integer(hdf5, &span, 2, &heap.rows);
    if (r < 0)
        return r;
    if (heap.width == 0 || heap.width > 4096 || heap.start_size == 0 || heap.start_size > UINT32_MAX ||
        heap.direct_max < heap.start_size || heap.direct_max > UINT32_MAX || heap.bits == 0 || heap.bits > 64 ||
        heap.rows > 64)
        return hdf5_bad(hdf5, address, "a fractal heap's sizes are none");
    if (heap.filter_size != 0)
        return error_set(&hdf5->cause, ERROR_BAD_INPUT, -ENOTSUP, "HDF5: at offset %llu a fractal heap is filtered",
                         (unsigned long long)address);
    heap.offset_size = (unsigned)((heap.bits + 7) / 8);
    heap.length_size = (log2_of(heap.direct_max) + 7) / 8;
    if (heap.length_size > bytes_for(heap.managed_max))
        heap.length_size = bytes_for(heap.managed_max);
    *ret_heap = heap;
    return 0;
}

/* Of one block of a row; sizes beyond any file stay at a bound that no product overflows. */
static uint64_t row_size(const struct heap *heap, uint64_t row)
{
    uint64_t size = heap->start_size;

    for (uint64_t i = 1; i < row && size < UINT64_C(1) << 48; i++)
        size <<= 1;
    return size;
}

/* Rows of an indirect block that covers `size` bytes. */
static uint64_t rows_of(const struct heap *heap, uint64_t size)
{
    uint64_t rows = 0, covered = 0;

    while (covered < size && rows < 64)
        covered += row_size(heap, rows++) * heap->width;
    return rows;
}

/* The direct block's address in the file that holds a heap offset, and where the block begins in the heap. */
static MUST_USE int find_block(struct hdf5 *hdf5, const struct heap *heap, uint64_t offset, uint64_t *ret_address,
                               uint64_t *ret_start)
{
    uint64_t block = heap->root, start = 0, rows = heap->rows;

    for (unsigned level = 0; rows > 0; level++) {
        uint64_t row = 0, before = 0, inside = offset - start, column = 0, size = 0;
        struct hdf5_span span = {block, UINT64_MAX};
        int r;

        while (row < rows && inside - before >= row_size(heap, row) * heap->width)
            before += row_size(heap, row++) * heap->width;
        if (row >= rows || level == HDF5_LEVELS_MAX)
            return hdf5_bad(hdf5, block, "a heap ID is beyond its heap");
        size = row_size(heap, row);
        column = (inside - before) / size;
        r = hdf5_signature(hdf5, &span, "FHIB");
        if (r == 0) /* version, the heap's address, the block's offset, the entries before */
            r = hdf5_skip(hdf5, &span,
                          1 + hdf5->offset_size + heap->offset_size + (row * heap->width + column) * hdf5->offset_size);
        if (r == 0)
            r = hdf5_address(hdf5, &span, &block);
        if (r < 0)
            return r;
        if (block == HDF5_UNDEFINED)
            return hdf5_bad(hdf5, span.at, "a heap's block is missing");
        start += before + column * size;
        rows = size > heap->direct_max ? rows_of(heap, size) : 0;
    }
    *ret_address = block;
    *ret_start = start;
    return 0;
}

static MUST_USE int managed_object(struct hdf5 *hdf5, const struct heap *heap, struct hdf5_span id,
                                   struct hdf5_span *ret_object)
{
    uint64_t offset = 0, length = 0, block = 0, start = 0;
    struct hdf5_span span = {0};
    int r = hdf5_integer(hdf5, &id, heap->offset_size, &offset);

    if (r == 0)
        r = hdf5_integer(hdf5, &id, heap->length_size, &length);
    if (r == 0)
        r = find_block(hdf5, heap, offset, &block, &start);
    if (r < 0)
        return r;
    span = (struct hdf5_span){block, UINT64_MAX};
    r = hdf5_signature(hdf5, &span, "FHDB");
    if (r == 0)
        *ret_object = hdf5_span_of(block + (offset - start), length);
    return r;
}

static MUST_USE int walk_tree(struct hdf5 *hdf5, uint64_t address,
                              int (*use)(struct hdf5 *hdf5, void *argument, struct hdf5_span record, uint64_t type),
                              void *argument);

/* III.A.2, record types 1 and 3: an object that is too large for a block. */
struct huge {
    uint64_t wanted;
    struct hdf5_span object;
};

static int match_huge(struct hdf5 *hdf5, void *argument, struct hdf5_span record, uint64_t type)
{
    struct huge *huge = argument;
    uint64_t address = 0, length = 0, id = 0;
    int r = hdf5_address(hdf5, &record, &address);

    if (r == 0)
        r = hdf5_length(hdf5, &record, &length);
    if (r == 0 && type == 1)
        r = hdf5_length(hdf5, &record, &id);
    if (r == 0 && type == 1 && id == huge->wanted && address != HDF5_UNDEFINED)
        huge->object = hdf5_span_of(address, length);
    return r;
}

static MUST_USE int huge_object(struct hdf5 *hdf5, const struct heap *heap, struct hdf5_span id,
                                struct hdf5_span *ret_object)
{
    unsigned direct = hdf5->offset_size + hdf5->length_size;
    uint64_t address = 0, length = 0, left = heap->id_size - 1;
    struct huge huge = {0};
    int r;

    if (left >= direct) {
        r = hdf5_address(hdf5, &id, &address);
        if (r == 0)
            r = hdf5_length(hdf5, &id, &length);
        if (r == 0)
            *ret_object = hdf5_span_of(address, length);
        return r;
    }
    r = hdf5_integer(hdf5, &id, (unsigned)(left < 8 ? left : 8), &huge.wanted);
    if (r == 0 && heap->huge_tree != HDF5_UNDEFINED)
        r = walk_tree(hdf5, heap->huge_tree, match_huge, &huge);
    if (r == 0 && huge.object.end == 0)
        r = hdf5_bad(hdf5, id.at, "a heap's large object is missing");
    if (r == 0)
        *ret_object = huge.object;
    return r;
}

/* A heap ID: 0 managed, 1 huge, 2 tiny, by bits 4 and 5. */
static MUST_USE int heap_object(struct hdf5 *hdf5, const struct heap *heap, struct hdf5_span id,
                                struct hdf5_span *ret_object)
{
    uint64_t kind = 0;
    int r;

    if (heap->id_size < 2)
        return hdf5_bad(hdf5, id.at, "a heap ID is too short");
    r = hdf5_integer(hdf5, &id, 1, &kind);
    if (r < 0)
        return r;
    switch (kind >> 4 & 3) {
    case 0:
        return managed_object(hdf5, heap, id, ret_object);
    case 1:
        return huge_object(hdf5, heap, id, ret_object);
    case 2:
        *ret_object = hdf5_span_of(id.at, (kind & 15) + 1);
        return 0;
    default:
        return hdf5_bad(hdf5, id.at, "a heap ID is of no kind");
    }
}

/* --- the tree ------------------------------------------------------------------------------------------------- */

static MUST_USE int read_tree(struct hdf5 *hdf5, uint64_t address, struct tree *ret_tree)
{
    struct hdf5_span span = {address, UINT64_MAX};
    struct tree tree = {0};
    int r = hdf5_signature(hdf5, &span, "BTHD");

    if (r == 0)
        r = hdf5_skip(hdf5, &span, 1);
    if (r == 0)
        r = hdf5_integer(hdf5, &span, 1, &tree.type);
    if (r == 0)
        r = hdf5_integer(hdf5, &span, 4, &tree.node_size);
    if (r == 0)
        r = hdf5_integer(hdf5, &span, 2, &tree.record_size);
    if (r == 0)
        r = hdf5_integer(hdf5, &span, 2, &tree.depth);
    if (r == 0)
        r = hdf5_skip(hdf5, &span, 2); /* split and merge */
    if (r == 0)
        r = hdf5_address(hdf5, &span, &tree.root);
    if (r == 0)
        r = hdf5_integer(hdf5, &span, 2, &tree.root_records);
    if (r < 0)
        return r;
    if (tree.record_size == 0 || tree.node_size < 10 || tree.depth > 32)
        return hdf5_bad(hdf5, address, "a tree's sizes are none");
    *ret_tree = tree;
    return 0;
}

/* What a child's count of records, and of all below it, take in its parent (III.A.2, "Internal Node"). */
struct counts {
    unsigned records, below;
};

static struct counts counts_at(const struct hdf5 *hdf5, const struct tree *tree, uint64_t depth)
{
    uint64_t leaf_max = (tree->node_size - 10) / tree->record_size, max = leaf_max, below = leaf_max;
    struct counts counts = {bytes_for(leaf_max), 0};

    for (uint64_t level = 1; level < depth; level++) {
        uint64_t pointer = hdf5->offset_size + counts.records + (level > 1 ? bytes_for(below) : 0);

        max = tree->node_size > 10 + pointer ? (tree->node_size - 10 - pointer) / (tree->record_size + pointer) : 0;
        below = (max + 1) * below + max;
    }
    counts.below = depth > 1 ? bytes_for(below) : 0;
    return counts;
}

struct node {
    uint64_t address, records, depth;
};

struct nodes {
    struct node waiting[HDF5_NODES_MAX];
    uint32_t count;
};

static MUST_USE int add_children(struct hdf5 *hdf5, const struct tree *tree, const struct node *node,
                                 struct hdf5_span span, struct nodes *nodes)
{
    struct counts counts = counts_at(hdf5, tree, node->depth);
    int r = 0;

    for (uint64_t i = 0; r == 0 && i <= node->records; i++) {
        struct node child = {.depth = node->depth - 1};

        r = hdf5_step(hdf5);
        if (r == 0)
            r = hdf5_address(hdf5, &span, &child.address);
        if (r == 0)
            r = hdf5_integer(hdf5, &span, counts.records, &child.records);
        if (r == 0)
            r = hdf5_skip(hdf5, &span, counts.below);
        if (r == 0 && nodes->count == HDF5_NODES_MAX)
            r = error_set(&hdf5->cause, ERROR_BAD_INPUT, -EFBIG, "HDF5: a tree's nodes are more than %u",
                          HDF5_NODES_MAX);
        if (r == 0)
            nodes->waiting[nodes->count++] = child;
    }
    return r;
}

static MUST_USE int walk_node(struct hdf5 *hdf5, const struct tree *tree, struct node node, struct nodes *nodes,
                              int (*use)(struct hdf5 *hdf5, void *argument, struct hdf5_span record, uint64_t type),
                              void *argument)
{
    struct hdf5_span span = {node.address, UINT64_MAX};
    int r = hdf5_signature(hdf5, &span, node.depth > 0 ? "BTIN" : "BTLF");

    if (r == 0)
        r = hdf5_skip(hdf5, &span, 2); /* version, type */
    for (uint64_t i = 0; r == 0 && i < node.records; i++) {
        struct hdf5_span record = hdf5_span_of(span.at, tree->record_size);

        r = hdf5_step(hdf5);
        if (r == 0)
            r = hdf5_skip(hdf5, &span, tree->record_size);
        if (r < 0)
            return r;
        r = use(hdf5, argument, record, tree->type);
        if (r < 0 && r != -EFBIG)
            r = hdf5_gap(hdf5, r, record.at);
    }
    return r == 0 && node.depth > 0 ? add_children(hdf5, tree, &node, span, nodes) : r;
}

static int walk_tree(struct hdf5 *hdf5, uint64_t address,
                     int (*use)(struct hdf5 *hdf5, void *argument, struct hdf5_span record, uint64_t type),
                     void *argument)
{
    CLEANUP_FREE struct nodes *nodes = calloc(1, sizeof *nodes);
    struct tree tree = {0};
    int r = nodes != NULL ? read_tree(hdf5, address, &tree) : -ENOMEM;

    if (r < 0)
        return r;
    if (tree.root != HDF5_UNDEFINED)
        nodes->waiting[nodes->count++] = (struct node){tree.root, tree.root_records, tree.depth};
    while (r == 0 && nodes->count > 0) {
        struct node node = nodes->waiting[--nodes->count];

        r = walk_node(hdf5, &tree, node, nodes, use, argument);
        if (r < 0 && r != -EFBIG)
            r = hdf5_gap(hdf5, r, node.address);
    }
    return r;
}

/* --- both ----------------------------------------------------------------------------------------------------- */

struct dense {
    struct heap heap;
    int (*read)(struct hdf5 *hdf5, struct hdf5_span message);
};

/* Record types 5 and 6: links by name and by order; 8 and 9: attributes, likewise. */
static int use_record(struct hdf5 *hdf5, void *argument, struct hdf5_span record, uint64_t type)
{
    const struct dense *dense = argument;
    struct hdf5_span object = {0};
    int r = hdf5_skip(hdf5, &record, type == 5 ? 4 : type == 6 ? 8 : 0);

    if (r == 0)
        r = heap_object(hdf5, &dense->heap, record, &object);
    return r == 0 ? dense->read(hdf5, object) : r;
}

int hdf5_read_dense(struct hdf5 *hdf5, uint64_t heap, uint64_t tree,
                    int (*read)(struct hdf5 *hdf5, struct hdf5_span message))
{
    struct dense dense = {.read = read};
    int r = read_heap(hdf5, heap, &dense.heap);

    return r == 0 ? walk_tree(hdf5, tree, use_record, &dense) : r;
}
