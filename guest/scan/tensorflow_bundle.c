/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands beside the graph in every SavedModel's folder: the index of the checkpoint (variables.index, a table as
 * LevelDB's with the names and places of tensors) and the fingerprint (fingerprint.pb, five hashes). Neither holds
 * anything that is run; recognised, so that an ordinary folder has no gap.
 */
#include "guest/scan/formats.h"

#include "guest/scan/proto.h"

#include <string.h>

#define FOOTER_SIZE     48u /* of the table: two handles, padded, and the magic number */
#define MAGIC_SIZE      8u
#define FINGERPRINT_MAX 256u /* bytes */
#define HASHES_MIN      3u   /* of the five; the last came later */
#define HASHES          5u
#define VERSION         6u

/* The first entry has the empty key, whole: nothing shared, no bytes of a key, and a BundleHeaderProto. */
static bool is_index(struct source *source)
{
    static const uint8_t magic[MAGIC_SIZE] = {0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb};
    const uint8_t *bytes;
    uint64_t size;
    size_t got;

    if (source_view(source, 0, 4, &bytes, &got, NULL) < 0 || got < 4 || bytes[0] != 0 || bytes[1] != 0 ||
        bytes[3] != 0x08)
        return false;
    return source_size(source, &size, NULL) == 0 && size >= FOOTER_SIZE &&
           source_has(source, size - MAGIC_SIZE, magic, MAGIC_SIZE);
}

/* FingerprintDef: hashes, a version, and nothing else. */
static bool is_fingerprint(struct source *source)
{
    struct proto proto;
    struct proto_field field;
    const uint8_t *bytes;
    uint64_t size;
    size_t got;
    uint32_t hashes = 0;
    int r;

    if (source_view(source, 0, 1, &bytes, &got, NULL) < 0 || got == 0 || bytes[0] != (1 << 3 | PROTO_VARINT) ||
        source_size(source, &size, NULL) < 0 || size > FINGERPRINT_MAX)
        return false;
    proto = proto_over(source, 0, size, NULL);
    while ((r = proto_next(&proto, &field)) > 0) {
        if (field.number <= HASHES && field.type == PROTO_VARINT)
            hashes += field.value > UINT32_MAX; /* a hash; a small number is something else's */
        else if (field.number != VERSION || field.type != PROTO_BYTES)
            return false;
    }
    return r == 0 && hashes >= HASHES_MIN;
}

static enum scan_match match_bundle(struct scan *scan, const struct scan_object *object)
{
    (void)scan;
    return is_index(object->source) || is_fingerprint(object->source) ? SCAN_MATCH_YES : SCAN_MATCH_NO;
}

static int scan_bundle(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    uint64_t size;

    (void)ret_recognised;
    (void)err;
    if (source_size(object->source, &size, NULL) == 0)
        scan_skipped(scan, object, SCAN_SKIP_WEIGHTS, 0, size, "%s", "the index or fingerprint of a checkpoint");
    return 0;
}

const struct scan_format scan_format_tensorflow_bundle = {
    .name = "tensorflow-bundle",
    .match = match_bundle,
    .scan = scan_bundle,
};
