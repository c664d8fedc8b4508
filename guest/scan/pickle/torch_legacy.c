/* SPDX-License-Identifier: Apache-2.0 */
/* The span of the storages of PyTorch's older files. */
#include "guest/scan/pickle/torch_legacy.h"

#include "guest/scan/pickle/machine.h"
#include "guest/scan/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX      64u /* bytes of a storage's key */
#define BUCKETS      (2 * TORCH_LEGACY_STORAGES_MAX)
#define HEADER_PROBE 32u /* bytes within which the first pickle ends */

struct storages {
    uint64_t keys[BUCKETS];                     /* hashes of the keys in the object's persistent ids; 0: none */
    uint8_t sizes[BUCKETS];                     /* bytes of an item of them */
    uint64_t listed[TORCH_LEGACY_STORAGES_MAX]; /* hashes in the order in which the storages stand */
    uint32_t known, count;
    bool unclear; /* a key or class is not understood, or there are too many */
};

/* --- keys and classes --------------------------------------------------------------------------------------- */

static bool hash_key(struct pickle_machine *machine, pickle_value key, uint64_t *ret_hash)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    uint8_t text[KEY_MAX];
    size_t size;
    bool whole;

    if (pickle_text_of(machine, key, text, sizeof text, &size, &whole, NULL) < 0 || !whole)
        return false;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ text[i]) * UINT64_C(0x100000001b3);
    *ret_hash = hash | 1;
    return true;
}

/* Bytes of an item of torch.<name>; 0 for a class that is not known. */
static uint8_t item_size(const char *name, size_t size)
{
    static const struct {
        const char *name;
        uint8_t size;
    } classes[] = {
        {"DoubleStorage", 8},       {"FloatStorage", 4},    {"HalfStorage", 2},           {"BFloat16Storage", 2},
        {"LongStorage", 8},         {"IntStorage", 4},      {"ShortStorage", 2},          {"CharStorage", 1},
        {"ByteStorage", 1},         {"BoolStorage", 1},     {"QInt8Storage", 1},          {"QUInt8Storage", 1},
        {"QInt32Storage", 4},       {"QUInt4x2Storage", 1}, {"QUInt2x4Storage", 1},       {"UntypedStorage", 1},
        {"ComplexFloatStorage", 8}, {"_UntypedStorage", 1}, {"ComplexDoubleStorage", 16},
    };

    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (size == strlen(classes[i].name) && memcmp(name, classes[i].name, size) == 0)
            return classes[i].size;
    return 0;
}

static uint32_t bucket_of(const struct storages *storages, uint64_t hash)
{
    uint32_t bucket = (uint32_t)(hash >> 32) % BUCKETS;

    while (storages->keys[bucket] != 0 && storages->keys[bucket] != hash)
        bucket = (bucket + 1) % BUCKETS;
    return bucket;
}

/* ("storage", class, key, ...) or ("module", class, file, source) of the object's pickle. */
static int note_storage(void *argument, struct pickle_machine *machine, pickle_value id, uint64_t offset,
                        unsigned *ret_mark, struct error *err)
{
    struct storages *storages = argument;
    struct pickle_global class;
    char kind[8];
    uint32_t bucket;
    uint64_t hash;
    uint8_t size;
    size_t kind_size;

    (void)offset;
    (void)ret_mark;
    (void)err;
    if (pickle_text_of(machine, pickle_item_of(machine, id, 0), kind, sizeof kind, &kind_size, NULL, NULL) == 0 &&
        kind_size == 6 && memcmp(kind, "module", 6) == 0)
        return 0; /* a class with its source, which the loader compares at most */
    if (!pickle_global_of(machine, pickle_item_of(machine, id, 1), &class) ||
        (size = item_size(class.name, class.name_size)) == 0 ||
        !hash_key(machine, pickle_item_of(machine, id, 2), &hash) || storages->known == TORCH_LEGACY_STORAGES_MAX) {
        storages->unclear = true;
        return 0;
    }
    bucket = bucket_of(storages, hash);
    storages->known += storages->keys[bucket] == 0;
    storages->keys[bucket] = hash;
    storages->sizes[bucket] = size;
    return 0;
}

/* A key of the list. */
static int note_key(void *argument, struct pickle_machine *machine, pickle_value text, uint64_t size, uint64_t offset,
                    struct error *err)
{
    struct storages *storages = argument;

    (void)size;
    (void)offset;
    (void)err;
    if (storages->count == TORCH_LEGACY_STORAGES_MAX || !hash_key(machine, text, &storages->listed[storages->count]))
        storages->unclear = true;
    else
        storages->count++;
    return 0;
}

/* --- the file ------------------------------------------------------------------------------------------------- */

/* PROTO, LONG1 of ten bytes, the magic number 0x1950a86a20f9469cfc6c, STOP. */
bool torch_legacy_is(struct source *source)
{
    static const uint8_t number[] = {0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};
    const uint8_t *bytes;
    size_t size;

    return source_view(source, 0, HEADER_PROBE, &bytes, &size, NULL) == 0 && size > sizeof number + 2 &&
           bytes[0] == 0x80 && memmem(bytes, size < HEADER_PROBE ? size : HEADER_PROBE, number, sizeof number) != NULL;
}

/* Walks over the storages; *ret_end stays as it is where they don't fit. */
static void walk(const struct storages *storages, struct source *source, uint64_t begin, uint64_t *ret_end)
{
    struct reader reader = reader_over(source, begin, NULL);

    for (uint32_t i = 0; i < storages->count; i++) {
        uint32_t bucket = bucket_of(storages, storages->listed[i]);
        uint64_t items, size;

        if (storages->keys[bucket] == 0 || reader_u64le(&reader, &items) < 0 ||
            __builtin_mul_overflow(items, storages->sizes[bucket], &size) || reader_skip(&reader, size) < 0)
            return;
    }
    *ret_end = reader_offset(&reader);
}

static int find_storages(struct scan *scan, struct storages *storages, struct source *source, uint64_t *ret_begin,
                         uint64_t *ret_end, struct error *err)
{
    enum { PICKLES = 5, OBJECT = 3, KEYS = 4 };
    uint64_t offset = 0, end = 0;

    for (unsigned i = 0; i < PICKLES; i++) {
        struct pickle_options options = {.scan = scan, .text_min = i == KEYS ? 1 : 0};
        struct pickle_events events = {.argument = storages};
        struct pickle_result result;
        int r;

        if (i == OBJECT)
            events.persistent = note_storage;
        if (i == KEYS)
            events.text = note_key;
        r = pickle_run(source, offset, &options, &events, &result, err);
        if (r < 0)
            return r;
        if (result.end != PICKLE_END_STOP)
            return 0;
        offset = result.offset;
    }
    if (storages->unclear || storages->count == 0)
        return 0;
    walk(storages, source, offset, &end);
    if (end != 0) {
        *ret_begin = offset;
        *ret_end = end;
    }
    return 0;
}

int torch_legacy_storages(struct scan *scan, struct source *source, uint64_t *ret_begin, uint64_t *ret_end,
                          struct error *err)
{
    struct storages *storages;
    int r;

    *ret_begin = *ret_end = 0;
    if (!torch_legacy_is(source) || scan_reserve(scan, sizeof *storages, NULL) < 0)
        return 0;
    storages = calloc(1, sizeof *storages);
    r = storages != NULL ? find_storages(scan, storages, source, ret_begin, ret_end, err)
                         : error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a list of storages");
    free(storages);
    scan_release(scan, sizeof *storages);
    return r;
}
