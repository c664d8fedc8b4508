/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HDF5 files: Keras's models of old, the weights of today's, and PyTables' objects.
 *
 * Theory of operation. From the superblock on, object headers are read off a list, each once; what a header's messages
 * lead to (links, symbol tables, dense storage) puts further ones on it. Nothing recurses, every address is visited
 * once, and every part counts as a step. Texts and bytes in attributes and datasets are judged (hdf5_value.c), numbers
 * are passed over, and whatever would make the library open another file is told. Damage is a gap where it stands.
 */
#include "guest/scan/formats.h"
#include "guest/scan/hdf5_internal.h"

#include <errno.h>
#include <string.h>

#define SIGNATURE      "\x89HDF\r\n\x1a\n"
#define SIGNATURE_SIZE 8u
#define MEMBER_MAX     65536u /* where a superblock is still looked for in what is no file of its own */

const struct scan_rule hdf5_rules[HDF5_RULE_COUNT] = {
    [HDF5_RULE_EXTERNAL_LINK] = {"hdf5-external-link", SCAN_HIGH, "A group or dataset of another file is opened."},
    [HDF5_RULE_EXTERNAL_DATA] = {"hdf5-external-data", SCAN_HIGH,
                                 "Bytes of any file that the reader may open become the model's."},
    [HDF5_RULE_VIRTUAL] = {"hdf5-virtual", SCAN_HIGH, "A dataset is put together from other files."},
    [HDF5_RULE_USER_LINK] = {"hdf5-user-link", SCAN_MEDIUM, "A link of a class that a plugin would have to follow."},
    [HDF5_RULE_CODE] = {"hdf5-code", SCAN_HIGH, "A text in an attribute or dataset is code that acts."},
    [HDF5_RULE_FILTER] = {"hdf5-filter", SCAN_LOW, "Values are filtered by a plugin of the machine that reads."},
    [HDF5_RULE_BOMB] = {"hdf5-bomb", SCAN_HIGH, "To load a dataset takes more memory than any machine has for it."},
};

/* II.A: at 0, 512, 1024, 2048, ... */
static bool find_superblock(const struct scan_object *object, uint64_t *ret_offset)
{
    uint64_t most = object->parent == NULL ? HDF5_USERBLOCK_MAX : MEMBER_MAX;

    for (uint64_t offset = 0; offset <= most; offset = offset == 0 ? 512 : 2 * offset) {
        const uint8_t *bytes;
        size_t got;

        if (source_view(object->source, offset, SIGNATURE_SIZE, &bytes, &got, NULL) < 0 || got < SIGNATURE_SIZE)
            return false;
        if (memcmp(bytes, SIGNATURE, SIGNATURE_SIZE) == 0) {
            *ret_offset = offset;
            return true;
        }
    }
    return false;
}

static enum scan_match match_hdf5(struct scan *scan, const struct scan_object *object)
{
    uint64_t offset = 0;

    (void)scan;
    return find_superblock(object, &offset) ? SCAN_MATCH_YES : SCAN_MATCH_NO;
}

static MUST_USE int read_sizes(struct hdf5 *hdf5, struct hdf5_span *span)
{
    uint64_t offset = span->at, offsets = 0, lengths = 0;
    int r = hdf5_integer(hdf5, span, 1, &offsets);

    if (r == 0)
        r = hdf5_integer(hdf5, span, 1, &lengths);
    if (r < 0)
        return r;
    if ((offsets != 2 && offsets != 4 && offsets != 8) || (lengths != 2 && lengths != 4 && lengths != 8))
        return hdf5_bad(hdf5, offset, "offsets and lengths have sizes that are not read");
    hdf5->offset_size = (unsigned)offsets;
    hdf5->length_size = (unsigned)lengths;
    return 0;
}

/* A driver information block: the file is one of several. */
static void note_driver(struct hdf5 *hdf5, uint64_t address)
{
    if (address != HDF5_UNDEFINED)
        scan_skipped(hdf5->scan, hdf5->object, SCAN_GAP_UNSUPPORTED, address, 0, "%s",
                     "HDF5: a file of a driver that spreads it over several");
}

/* II.A, versions 0 and 1: the root is a symbol table entry. */
static MUST_USE int read_superblock_0(struct hdf5 *hdf5, struct hdf5_span span, uint64_t version)
{
    uint64_t driver = 0, root = 0, cache = 0;
    int r = hdf5_skip(hdf5, &span, 4); /* versions, reserved */

    if (r == 0)
        r = read_sizes(hdf5, &span);
    if (r == 0)
        r = hdf5_skip(hdf5, &span, 9u + (version == 1 ? 4u : 0u)); /* reserved, tree ranks, flags */
    if (r == 0)
        r = hdf5_skip(hdf5, &span, 3u * hdf5->offset_size); /* base, free space, end */
    if (r == 0)
        r = hdf5_address(hdf5, &span, &driver);
    if (r == 0)
        r = hdf5_skip(hdf5, &span, hdf5->offset_size); /* the root's name */
    if (r == 0)
        r = hdf5_address(hdf5, &span, &root);
    if (r == 0)
        r = hdf5_integer(hdf5, &span, 4, &cache);
    if (r == 0)
        r = hdf5_skip(hdf5, &span, 4);
    if (r < 0)
        return r;
    note_driver(hdf5, driver);
    if (cache == 1) { /* the scratch has the root's tree and heap, which a reader may take instead of the header's */
        r = hdf5_read_symbols(hdf5, span);
        if (r < 0 && (r = hdf5_gap(hdf5, r, span.at)) < 0)
            return r;
    }
    return hdf5_later(hdf5, root);
}

/* Versions 2 and 3. */
static MUST_USE int read_superblock_2(struct hdf5 *hdf5, struct hdf5_span span)
{
    uint64_t extension = 0, root = 0;
    int r = read_sizes(hdf5, &span);

    if (r == 0)
        r = hdf5_skip(hdf5, &span, 1u + hdf5->offset_size); /* flags, base */
    if (r == 0)
        r = hdf5_address(hdf5, &span, &extension);
    if (r == 0)
        r = hdf5_skip(hdf5, &span, hdf5->offset_size); /* end */
    if (r == 0)
        r = hdf5_address(hdf5, &span, &root);
    if (r == 0)
        r = hdf5_later(hdf5, extension);
    return r == 0 ? hdf5_later(hdf5, root) : r;
}

static MUST_USE int read_superblock(struct hdf5 *hdf5)
{
    struct hdf5_span span = {hdf5->base + SIGNATURE_SIZE, UINT64_MAX};
    uint64_t version = 0;
    int r = hdf5_integer(hdf5, &span, 1, &version);

    if (r < 0)
        return r;
    if (version > 3)
        return error_set(&hdf5->cause, ERROR_BAD_INPUT, -ENOTSUP, "HDF5: a superblock of version %llu",
                         (unsigned long long)version);
    return version < 2 ? read_superblock_0(hdf5, span, version) : read_superblock_2(hdf5, span);
}

static MUST_USE int read_all(struct hdf5 *hdf5)
{
    int r = read_superblock(hdf5);

    while (r == 0 && hdf5->todo_count > 0)
        r = hdf5_read_header(hdf5, hdf5->todo[--hdf5->todo_count]);
    scan_looked(hdf5->scan, 16 * hdf5->steps); /* about as much as a part takes */
    return r < 0 ? hdf5_gap(hdf5, r, hdf5->base) : 0;
}

static int scan_hdf5(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    const uint64_t size = 3 * sizeof(uint64_t) * HDF5_OBJECTS_MAX;
    struct hdf5 hdf5 = {.scan = scan, .object = object, .source = object->source, .err = err};
    int r;

    if (!find_superblock(object, &hdf5.base))
        return 0;
    *ret_recognised = true;
    r = scan_reserve(scan, size, &hdf5.cause);
    if (r < 0)
        return hdf5_gap(&hdf5, r, 0);
    hdf5.visited = calloc(3 * (size_t)HDF5_OBJECTS_MAX, sizeof *hdf5.visited);
    if (hdf5.visited == NULL) {
        r = error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to read HDF5");
    } else {
        hdf5.todo = hdf5.visited + 2 * (size_t)HDF5_OBJECTS_MAX;
        r = read_all(&hdf5);
        free(hdf5.visited);
    }
    scan_release(scan, size);
    return r;
}

const struct scan_format scan_format_hdf5 = {
    .name = "hdf5", .rules = hdf5_rules, .rule_count = HDF5_RULE_COUNT, .match = match_hdf5, .scan = scan_hdf5};
