/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HDF5's structures, shared by the files that read them. Source: The HDF Group, "HDF5 File Format Specification
 * Version 3.0"; the sections' numbers stand beside the functions.
 *
 * Functions return 0, -EBADMSG for what is malformed, the source's errors, or the scan's own, which then stand in
 * `failed` too: all but those are turned into a gap at the structure they befall, and the walk goes on.
 */
#ifndef LAZARET_GUEST_SCAN_HDF5_INTERNAL_H
#define LAZARET_GUEST_SCAN_HDF5_INTERNAL_H

#include "guest/scan/scan.h"

#define HDF5_UNDEFINED     UINT64_MAX
#define HDF5_OBJECTS_MAX   131072u             /* addresses visited: objects, nodes, blocks */
#define HDF5_STEPS_MAX     (UINT64_C(1) << 23) /* messages, entries, records */
#define HDF5_CHUNKS_MAX    1024u               /* continuation blocks of an object header */
#define HDF5_BOMB_SIZE     (UINT64_C(4) << 30) /* bytes of a dataset's values that are too many ... */
#define HDF5_BOMB_RATIO    1100u               /* ... where they are the file's size times this: no filter shrinks so */
#define HDF5_NODES_MAX     4096u               /* nodes of a B-tree that wait */
#define HDF5_LEVELS_MAX    64u                 /* indirect blocks of a fractal heap within each other */
#define HDF5_NAME_MAX      128u                /* bytes of a name that are kept */
#define HDF5_ELEMENTS_MAX  65536u              /* strings of one value that are looked at */
#define HDF5_VALUES_MAX    (UINT64_C(64) << 20) /* bytes of texts that are judged, of all values together */
#define HDF5_LARGE_MIN     4096u                /* bytes of a global heap's object that is judged once only */
#define HDF5_USERBLOCK_MAX (UINT64_C(1) << 32)  /* where a superblock is still looked for in a file */

enum hdf5_rule {
    HDF5_RULE_EXTERNAL_LINK,
    HDF5_RULE_EXTERNAL_DATA,
    HDF5_RULE_VIRTUAL,
    HDF5_RULE_USER_LINK,
    HDF5_RULE_CODE,
    HDF5_RULE_FILTER,
    HDF5_RULE_BOMB,
    HDF5_RULE_COUNT
};

extern const struct scan_rule hdf5_rules[HDF5_RULE_COUNT];

struct hdf5 {
    struct scan *scan;
    const struct scan_object *object;
    struct source *source;
    uint64_t base; /* of the superblock: what addresses count from */
    unsigned offset_size, length_size;
    uint64_t *visited; /* a hash table of addresses + 1 */
    uint32_t visited_count;
    uint64_t *todo; /* object headers to read */
    uint32_t todo_count;
    uint64_t steps;
    uint64_t judged;    /* bytes of texts */
    bool swept;         /* all global heaps have been looked through */
    int failed;         /* the scan's own error */
    struct error *err;  /* for that */
    struct error cause; /* of the last damage */
};

/* A run of the source's bytes that is read from its front. */
struct hdf5_span {
    uint64_t at, end;
};

/* -EBADMSG with what is wrong at an offset. */
int hdf5_bad(struct hdf5 *hdf5, uint64_t offset, const char *what);
/* Counts a step; -EFBIG once there are too many. */
MUST_USE int hdf5_step(struct hdf5 *hdf5);
/* Leaves a gap for damage, unless the scan itself failed: then returns that. */
int hdf5_gap(struct hdf5 *hdf5, int code, uint64_t offset);

struct hdf5_span hdf5_span_of(uint64_t at, uint64_t size);
/* A little-endian integer of 1 to 8 bytes; an address, with the base added; a length. */
MUST_USE int hdf5_integer(struct hdf5 *hdf5, struct hdf5_span *span, unsigned size, uint64_t *ret_value);
MUST_USE int hdf5_address(struct hdf5 *hdf5, struct hdf5_span *span, uint64_t *ret_address);
MUST_USE int hdf5_length(struct hdf5 *hdf5, struct hdf5_span *span, uint64_t *ret_length);
MUST_USE int hdf5_skip(struct hdf5 *hdf5, struct hdf5_span *span, uint64_t size);
/* A signature of four letters. */
MUST_USE int hdf5_signature(struct hdf5 *hdf5, struct hdf5_span *span, const char *letters);
/* A name of `size` bytes, or one that a NUL ends; what is beyond HDF5_NAME_MAX is passed over. */
MUST_USE int hdf5_name(struct hdf5 *hdf5, struct hdf5_span *span, uint64_t size, char ret_name[HDF5_NAME_MAX + 1]);
MUST_USE int hdf5_text(struct hdf5 *hdf5, struct hdf5_span *span, char ret_name[HDF5_NAME_MAX + 1]);

/* Whether an address is visited for the first time; -EFBIG once there are too many. */
MUST_USE int hdf5_visit(struct hdf5 *hdf5, uint64_t address, bool *ret_first);
/* An object header to be read later, once. */
MUST_USE int hdf5_later(struct hdf5 *hdf5, uint64_t address);

/* The text at an offset of a local heap (III.D), whose data segment is at `heap`. */
MUST_USE int hdf5_heap_text(struct hdf5 *hdf5, uint64_t heap, uint64_t offset, char ret_name[HDF5_NAME_MAX + 1]);
/* The bytes of a global heap's object (III.E). */
MUST_USE int hdf5_global(struct hdf5 *hdf5, uint64_t collection, uint64_t index, struct hdf5_span *ret_bytes);
/* Hands each object of every global heap in the file to hdf5_value, once a file. */
MUST_USE int hdf5_sweep(struct hdf5 *hdf5);

/* What is read of an object header. */
struct hdf5_header {
    uint64_t address;
    struct hdf5_span type, space, layout; /* end 0: there is none */
    bool filtered, external;
};

/* Reads an object header (IV.A) and what its messages lead to. */
MUST_USE int hdf5_read_header(struct hdf5 *hdf5, uint64_t address);
/* The datatype message of a committed type's object header. */
MUST_USE int hdf5_committed_type(struct hdf5 *hdf5, uint64_t address, struct hdf5_span *ret_type);

/* A link message (IV.A.2.g). */
MUST_USE int hdf5_read_link(struct hdf5 *hdf5, struct hdf5_span span);
/* A symbol table's B-tree and local heap (III.A.1, III.B). */
MUST_USE int hdf5_read_symbols(struct hdf5 *hdf5, struct hdf5_span message);
/* Links or attributes of a fractal heap, by their B-tree (III.A.2, III.G); `read` gets each one's message. */
MUST_USE int hdf5_read_dense(struct hdf5 *hdf5, uint64_t heap, uint64_t tree,
                             int (*read)(struct hdf5 *hdf5, struct hdf5_span message));

/* IV.A.2.d: classes of datatypes. */
enum hdf5_class {
    HDF5_STRING = 3,
    HDF5_OPAQUE = 5,
    HDF5_COMPOUND = 6,
    HDF5_VARIABLE = 9,
};

struct hdf5_type {
    uint64_t class, size; /* of one element */
    bool of_bytes;        /* variable: of characters or of bytes */
};

MUST_USE int hdf5_read_type(struct hdf5 *hdf5, struct hdf5_span span, struct hdf5_type *ret_type);
/* How many elements a dataspace message has; no more than fit 2^63. */
MUST_USE int hdf5_read_space(struct hdf5 *hdf5, struct hdf5_span span, uint64_t *ret_count);
/* Whether a type's values are texts or bytes, to be looked at. */
bool hdf5_is_text(const struct hdf5_type *type);
/* Such values, one behind the other. */
MUST_USE int hdf5_read_elements(struct hdf5 *hdf5, const char *name, const struct hdf5_type *type, uint64_t count,
                                struct hdf5_span data);

/* An attribute message (IV.A.2.m). */
MUST_USE int hdf5_read_attribute(struct hdf5 *hdf5, struct hdf5_span span);
/* A dataset's values, where they are texts or bytes; else its numbers are passed over. */
MUST_USE int hdf5_read_dataset(struct hdf5 *hdf5, const struct hdf5_header *header);
/* The bytes of a global heap's object as a value; a large one that many refer to counts once. */
MUST_USE int hdf5_global_value(struct hdf5 *hdf5, const char *name, struct hdf5_span bytes);
/* One text or run of bytes, under a name. */
MUST_USE int hdf5_value(struct hdf5 *hdf5, const char *name, struct hdf5_span bytes);

#endif
