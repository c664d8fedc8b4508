/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GGUF, the container of llama.cpp: pairs of keys and values, a table of tensors, and the tensors.
 *
 * After ggml's docs/gguf.md, "File Structure"; versions 1 (32-bit counts) to 3, little-endian and, from version 3 on,
 * big-endian. This header is for the files of the format only.
 */
#ifndef LAZARET_GUEST_SCAN_GGUF_H
#define LAZARET_GUEST_SCAN_GGUF_H

#include "guest/scan/reader.h"
#include "guest/scan/scan.h"

#define GGUF_KEY_MAX     256u                /* bytes of a key that are compared and shown; the format allows 65535 */
#define GGUF_NAME_MAX    64u                 /* bytes of a tensor's name, by ggml's GGML_MAX_NAME */
#define GGUF_PAIRS_MAX   65536u              /* pairs that are looked at; models have some dozens */
#define GGUF_TENSORS_MAX 262144u             /* tensors; models have some thousands */
#define GGUF_DIMS_MAX    4u                  /* by ggml's GGML_MAX_DIMS */
#define GGUF_NEST_MAX    4u                  /* arrays within arrays that are read */
#define GGUF_HELD_MAX    (UINT64_C(1) << 20) /* bytes of a string that is judged in one piece */
#define GGUF_BELIEVABLE  (UINT64_C(1) << 32) /* a length beyond the file's end that a broken download may leave */
#define GGUF_ALIGNMENT   32u                 /* where no general.alignment is */

enum gguf_rule {
    GGUF_RULE_COUNT_BOMB,
    GGUF_RULE_LENGTH_BOMB,
    GGUF_RULE_NESTING,
    GGUF_RULE_ALIGNMENT,
    GGUF_RULE_DUPLICATE,
    GGUF_RULE_DIMS,
    GGUF_RULE_BOUNDS,
    GGUF_RULE_OVERLAP,
    GGUF_RULE_TYPE,
    GGUF_RULE_COUNT
};

extern const struct scan_rule gguf_rules[GGUF_RULE_COUNT];

/* A file under way. */
struct gguf {
    struct scan *scan;
    const struct scan_object *object;
    struct error cause; /* of the reader */
    struct reader reader;
    uint64_t file_size;
    bool big_endian;
    bool narrow; /* version 1 */
    uint32_t version;
    uint64_t pairs, tensors;
    uint64_t alignment;
    struct error *err; /* of the scan */
};

/* 1: go on; 0: the rest can't be read, and a finding or gap says so; an error is the sink's. */
MUST_USE int gguf_read_tensors(struct gguf *gguf);

/* What the two parts share: integers in the file's order, and what is malformed made a gap (returns 0). */
MUST_USE int gguf_u32(struct gguf *gguf, uint32_t *ret_value);
MUST_USE int gguf_count(struct gguf *gguf, uint64_t *ret_value); /* 32 bits in version 1 */
MUST_USE int gguf_u64(struct gguf *gguf, uint64_t *ret_value);
int gguf_damaged(struct gguf *gguf, int code);

/* A key or name: *ret_size of it, of which `room` bytes are copied. 1, 0 or an error as above. */
MUST_USE int gguf_read_name(struct gguf *gguf, char *ret_name, size_t room, uint64_t *ret_size);

#endif
