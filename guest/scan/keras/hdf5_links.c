/* SPDX-License-Identifier: Apache-2.0 */
/* HDF5's groups: link messages (IV.A.2.g), and symbol tables in a B-tree of version 1 (III.A.1, III.B, III.C). */
#include "guest/scan/keras/hdf5_internal.h"
#include "guest/scan/text.h"

#include <errno.h>
#include <string.h>

#define LINK_HARD     0u
#define LINK_SOFT     1u
#define LINK_EXTERNAL 64u

#define LINK_HAS_TYPE    0x08u
#define LINK_HAS_ORDER   0x04u
#define LINK_HAS_CHARSET 0x10u

/* --- link messages -------------------------------------------------------------------------------------------- */

/* To a group or dataset of another file. */
static MUST_USE int read_external(struct hdf5 *hdf5, struct hdf5_span span, uint64_t offset, const char *name)
{
    char file[HDF5_NAME_MAX + 1], path[HDF5_NAME_MAX + 1];
    int r = hdf5_skip(hdf5, &span, 3); /* size, version and flags */

    if (r < 0 || hdf5_text(hdf5, &span, file) < 0)
        (void)memcpy(file, "?", 2);
    if (r < 0 || hdf5_text(hdf5, &span, path) < 0)
        (void)memcpy(path, "?", 2);
    return hdf5->failed = scan_find(hdf5->scan, hdf5->object, &hdf5_rules[HDF5_RULE_EXTERNAL_LINK], offset, hdf5->err,
                                    "'%s' is '%s' of the file '%s'", TEXT(name, strlen(name)), TEXT(path, strlen(path)),
                                    TEXT(file, strlen(file)));
}

static MUST_USE int read_target(struct hdf5 *hdf5, struct hdf5_span span, uint64_t offset, uint64_t type,
                                const char *name)
{
    uint64_t address = 0;
    int r;

    switch (type) {
    case LINK_HARD:
        r = hdf5_address(hdf5, &span, &address);
        return r == 0 ? hdf5_later(hdf5, address) : r;
    case LINK_SOFT:
        return 0; /* a path in this file, whose object has a hard link too */
    case LINK_EXTERNAL:
        return read_external(hdf5, span, offset, name);
    default:
        return hdf5->failed =
                   scan_find(hdf5->scan, hdf5->object, &hdf5_rules[HDF5_RULE_USER_LINK], offset, hdf5->err,
                             "'%s' is a link of class %llu", TEXT(name, strlen(name)), (unsigned long long)type);
    }
}

int hdf5_read_link(struct hdf5 *hdf5, struct hdf5_span span)
{
    char name[HDF5_NAME_MAX + 1];
    uint64_t offset = span.at, version = 0, flags = 0, type = LINK_HARD, size = 0;
    int r = hdf5_integer(hdf5, &span, 1, &version);

    if (r == 0)
        r = hdf5_integer(hdf5, &span, 1, &flags);
    if (r == 0 && (flags & LINK_HAS_TYPE) != 0)
        r = hdf5_integer(hdf5, &span, 1, &type);
    if (r == 0)
        r = hdf5_skip(hdf5, &span, ((flags & LINK_HAS_ORDER) != 0 ? 8 : 0) + ((flags & LINK_HAS_CHARSET) != 0 ? 1 : 0));
    if (r == 0)
        r = hdf5_integer(hdf5, &span, 1u << (flags & 3), &size);
    if (r == 0)
        r = hdf5_name(hdf5, &span, size, name);
    return r == 0 ? read_target(hdf5, span, offset, type, name) : r;
}

/* --- symbol tables -------------------------------------------------------------------------------------------- */

/* III.B: a node of entries, each a name and an object header. */
static MUST_USE int read_node(struct hdf5 *hdf5, uint64_t address)
{
    struct hdf5_span span = {address, UINT64_MAX};
    uint64_t count = 0, header = 0;
    int r = hdf5_signature(hdf5, &span, "SNOD");

    if (r == 0)
        r = hdf5_skip(hdf5, &span, 2); /* version, reserved */
    if (r == 0)
        r = hdf5_integer(hdf5, &span, 2, &count);
    for (uint64_t i = 0; r == 0 && i < count; i++) {
        r = hdf5_step(hdf5);
        if (r == 0)
            r = hdf5_skip(hdf5, &span, hdf5->offset_size); /* the name's offset */
        if (r == 0)
            r = hdf5_address(hdf5, &span, &header); /* undefined: a soft link */
        if (r == 0)
            r = hdf5_skip(hdf5, &span, 24); /* cache type, reserved, scratch */
        if (r == 0)
            r = hdf5_later(hdf5, header);
    }
    return r;
}

/* Nodes of the tree that wait to be read. */
struct waiting {
    uint64_t nodes[HDF5_NODES_MAX];
    uint32_t count;
};

/* III.A.1: children of a node between keys; those of level 0 are symbol table nodes. */
static MUST_USE int read_tree_node(struct hdf5 *hdf5, uint64_t address, struct waiting *waiting)
{
    struct hdf5_span span = {address, UINT64_MAX};
    uint64_t type = 0, level = 0, count = 0, child = 0;
    int r = hdf5_signature(hdf5, &span, "TREE");

    if (r == 0)
        r = hdf5_integer(hdf5, &span, 1, &type);
    if (r == 0)
        r = hdf5_integer(hdf5, &span, 1, &level);
    if (r == 0)
        r = hdf5_integer(hdf5, &span, 2, &count);
    if (r == 0)
        r = hdf5_skip(hdf5, &span, 2u * hdf5->offset_size); /* siblings */
    if (r == 0 && type != 0)
        return hdf5_bad(hdf5, address, "a group's tree is none of groups");
    for (uint64_t i = 0; r == 0 && i < count; i++) {
        r = hdf5_step(hdf5);
        if (r == 0)
            r = hdf5_skip(hdf5, &span, hdf5->length_size); /* key */
        if (r == 0)
            r = hdf5_address(hdf5, &span, &child);
        if (r < 0)
            return r;
        if (level == 0)
            r = read_node(hdf5, child);
        else if (waiting->count == HDF5_NODES_MAX)
            r = error_set(&hdf5->cause, ERROR_BAD_INPUT, -EFBIG, "HDF5: a tree's nodes are more than %u",
                          HDF5_NODES_MAX);
        else
            waiting->nodes[waiting->count++] = child;
        if (r < 0 && r != -EFBIG)
            r = hdf5_gap(hdf5, r, child);
    }
    return r;
}

int hdf5_read_symbols(struct hdf5 *hdf5, struct hdf5_span message)
{
    CLEANUP_FREE struct waiting *waiting = calloc(1, sizeof *waiting);
    int r = waiting != NULL ? hdf5_address(hdf5, &message, &waiting->nodes[0]) : -ENOMEM;

    if (r < 0)
        return r;
    waiting->count = waiting->nodes[0] != HDF5_UNDEFINED ? 1 : 0;
    while (r == 0 && waiting->count > 0) {
        uint64_t address = waiting->nodes[--waiting->count];
        bool first;

        r = hdf5_visit(hdf5, address, &first);
        if (r == 0 && first) /* else it has been read: the root's is named twice, a cycle ends */
            r = read_tree_node(hdf5, address, waiting);
        if (r < 0 && r != -EFBIG)
            r = hdf5_gap(hdf5, r, address);
    }
    return r;
}
