/* SPDX-License-Identifier: Apache-2.0 */
/* One member of a zip: what its two headers disagree on, its name, and its body. */
#include "guest/scan/decoder.h"
#include "guest/scan/torch_zip.h"
#include "guest/scan/zip.h"

#include "guest/scan/path_text.h"
#include "guest/scan/text.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <zlib.h>

#define VERSION_MAX    63u           /* 4.4.3.2: 6.3 */
#define CRC_STORED_MAX (64ull << 20) /* bytes: checked where what is stored is interpreted, up to here */
#define ENCRYPTED_HEAD 12u           /* 6.1.5: bytes before an encrypted body */
#define MADE_BY_UNIX   3u            /* 4.4.2.2 */
#define MADE_BY_MACOS  19u
#define FLAGS_ODD      (uint16_t) ~(ZIP_FLAG_ENCRYPTED | 0x0006u | ZIP_FLAG_DESCRIPTOR | 0x0800u)

/* What is known of a member while it is looked at. */
struct member {
    struct zip *zip;
    const char *name; /* the central one, or the local one where there is none */
    size_t name_size;
    enum scan_role role;
    const struct zip_header *local, *central; /* `central` NULL: not in a directory */
    uint64_t at;                              /* offset of the local header */
    uint64_t limit;
    bool marked; /* as encrypted, by either header */
};

/* A body as a loader reads it. */
struct body {
    uint16_t method;
    uint64_t packed, unpacked; /* UINT64_MAX: not known */
    uint32_t crc;
    bool has_crc;
};

static int find(const struct member *member, enum zip_rule rule, struct error *err, const char *what,
                unsigned long long a, unsigned long long b)
{
    return scan_find(member->zip->scan, member->zip->object, &zip_rules[rule], member->at, err, "%s: %s 0x%llx, 0x%llx",
                     TEXT(member->name, member->name_size), what, a, b);
}

/* --- the headers ---------------------------------------------------------------------------------------- */

/* Whether two names differ only in what tools rewrite: case, the slash, characters beyond ASCII. */
static bool is_rewritten(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t size = a_size < b_size ? a_size : b_size;

    for (size_t i = 0; i < size; i++) {
        uint8_t x = (uint8_t)tolower((uint8_t)a[i]), y = (uint8_t)tolower((uint8_t)b[i]);

        if (x >= 0x80 || y >= 0x80)
            return true;
        if ((x == '\\' ? '/' : x) != (y == '\\' ? '/' : y))
            return false;
    }
    return a_size == b_size;
}

static int compare_names(const struct member *member, struct error *err)
{
    const struct zip *zip = member->zip;
    size_t size = member->local->name_size;

    if (zip_read_name(zip->source, member->local, zip->other) < 0)
        return 0; /* the body's source tells */
    if (size == member->name_size && memcmp(zip->other, member->name, size) == 0)
        return 0;
    return scan_find(
        zip->scan, zip->object,
        &zip_rules[is_rewritten(zip->other, size, member->name, member->name_size) ? ZIP_RULE_ODD_NAME : ZIP_RULE_NAME],
        member->at, err, "%s in the directory, %s at the member", TEXT(member->name, member->name_size),
        TEXT(zip->other, size));
}

/* What a local header leaves to the descriptor behind the body, or to zip64 fields that are not there. */
static bool is_unset(const struct zip_header *local, uint64_t value)
{
    return value == UINT32_MAX || (value == 0 && (local->flags & ZIP_FLAG_DESCRIPTOR) != 0);
}

static int compare(const struct member *member, struct error *err)
{
    const struct zip_header *local = member->local, *central = member->central;
    int r = compare_names(member, err);

    if (r == 0 && local->method != central->method)
        r = find(member, ZIP_RULE_METHOD, err, "methods", central->method, local->method);
    if (r == 0 && ((local->packed != central->packed && !is_unset(local, local->packed)) ||
                   (local->unpacked != central->unpacked && !is_unset(local, local->unpacked))))
        r = find(member, ZIP_RULE_SIZE, err, "sizes in the two headers", central->unpacked, local->unpacked);
    if (r == 0 && local->crc != central->crc && !(local->crc == 0 && (local->flags & ZIP_FLAG_DESCRIPTOR) != 0))
        r = find(member, ZIP_RULE_CRC, err, "checksums in the two headers", central->crc, local->crc);
    if (r == 0 && ((local->flags ^ central->flags) & ZIP_FLAG_ENCRYPTED) != 0)
        r = find(member, ZIP_RULE_FLAGS, err, "flags", central->flags, local->flags);
    return r;
}

/* What is odd in a header by itself. */
static int check_header(const struct member *member, const struct zip_header *header, struct error *err)
{
    int r = 0;

    if ((header->version & 0xff) > VERSION_MAX)
        r = find(member, ZIP_RULE_VERSION, err, "version", header->version, header->version);
    if (r == 0 && (header->flags & FLAGS_ODD) != 0 && (header->flags & ZIP_FLAG_ENCRYPTED) == 0)
        r = find(member, ZIP_RULE_FLAGS, err, "flags", header->flags, header->flags);
    return r;
}

static bool is_link(const struct zip_header *central)
{
    unsigned host = central->made_by >> 8;

    return (host == MADE_BY_UNIX || host == MADE_BY_MACOS) && (central->external >> 28) == 0xa; /* S_IFLNK */
}

static int check_name(const struct member *member, struct error *err)
{
    struct zip *zip = member->zip;
    int r = 0;

    if (memchr(member->name, 0, member->name_size) != NULL)
        r = scan_find(zip->scan, zip->object, &zip_rules[ZIP_RULE_ODD_NAME], member->at, err, "%s",
                      TEXT(member->name, member->name_size));
    if (r == 0 && path_text_escapes(member->name))
        r = scan_find(zip->scan, zip->object, &zip_rules[ZIP_RULE_PATH], member->at, err, "%s",
                      TEXT(member->name, member->name_size));
    return r;
}

/* A link's body is its target. */
static int check_link(const struct member *member, struct source *body, struct error *err)
{
    char target[SCAN_NAME_MAX] = "";
    const uint8_t *bytes;
    size_t size;
    bool out;

    if (member->central == NULL || !is_link(member->central))
        return 0;
    if (source_view(body, 0, sizeof target - 1, &bytes, &size, NULL) == 0)
        memcpy(target, bytes, size < sizeof target - 1 ? size : sizeof target - 1);
    out = path_text_escapes_from(member->name, target);
    return scan_find(member->zip->scan, member->zip->object, &zip_rules[out ? ZIP_RULE_LINK_OUT : ZIP_RULE_LINK],
                     member->at, err, "%s -> %s", TEXT(member->name, member->name_size), TEXT(target, strlen(target)));
}

/* --- bodies --------------------------------------------------------------------------------------------- */

/* 0 with a source over `packed`, which may be `packed` itself; -ENOTSUP for a method that is not decoded. */
static int open_body(const struct member *member, const struct body *body, struct source *packed,
                     struct source **ret_decoder, struct error *err)
{
    static const struct {
        uint16_t method;
        enum decoder_kind kind;
    } kinds[] = {
        {ZIP_DEFLATE, DECODER_DEFLATE}, {ZIP_BZIP2, DECODER_BZIP2},   {ZIP_LZMA, DECODER_LZMA_ZIP},
        {ZIP_XZ, DECODER_XZ},           {ZIP_ZSTD_OLD, DECODER_ZSTD}, {ZIP_ZSTD, DECODER_ZSTD},
    };
    const struct decoder_options options = {.size = body->unpacked};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i].method == body->method)
            return decoder_open(member->zip->scan, packed, kinds[i].kind, &options, ret_decoder, err);
    return error_set(err, ERROR_BAD_INPUT, -ENOTSUP, "compression method %u of a zip", body->method);
}

/* CRC-32 of what a source holds; false where it can't be had, or is too long to be worth it. */
static bool crc_of(struct source *source, uint64_t size, uint32_t *ret_crc)
{
    uint32_t crc = (uint32_t)crc32(0, NULL, 0);

    if (size > CRC_STORED_MAX)
        return false;
    for (uint64_t offset = 0; offset < size;) {
        const uint8_t *bytes;
        size_t got;

        if (source_view(source, offset, SCAN_VIEW_MAX, &bytes, &got, NULL) < 0 || got == 0)
            return false;
        if (got > size - offset)
            got = (size_t)(size - offset);
        if (got > SCAN_VIEW_MAX)
            got = SCAN_VIEW_MAX;
        crc = (uint32_t)crc32(crc, bytes, (uInt)got);
        offset += got;
    }
    *ret_crc = crc;
    return true;
}

static int scan_inner(const struct member *member, struct source *source, enum scan_role role, struct error *err)
{
    const struct scan_object inner = {
        .source = source, .name = member->name, .role = role, .parent = member->zip->object};

    return scan_object(member->zip->scan, &inner, err);
}

/* The sizes and the checksum, against what there is; `marked` ones are in fact not encrypted where those agree. */
static int check_content(const struct member *member, const struct body *body, uint64_t size, const uint32_t *crc,
                         struct error *err)
{
    int r = 0;

    if (body->unpacked != UINT64_MAX && body->unpacked != size)
        r = find(member, ZIP_RULE_SIZE, err, "size as declared and as found", body->unpacked, size);
    if (r == 0 && crc != NULL && body->has_crc && *crc != body->crc)
        r = find(member, ZIP_RULE_CRC, err, "checksum as declared and as found", body->crc, *crc);
    return r;
}

/* A prefix that a reader would stop at, by a size that is too small. */
static int scan_prefix(const struct member *member, const struct body *body, struct source *whole, uint64_t size,
                       struct error *err)
{
    CLEANUP_SOURCE struct source *prefix = NULL;

    if (body->unpacked >= size || body->unpacked == 0 || zip_charge(member->zip, member->at, body->unpacked) < 0)
        return 0;
    prefix = source_of_range(whole, 0, body->unpacked);
    if (prefix == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a scan");
    return scan_inner(member, prefix, SCAN_ROLE_GUESS, err);
}

static int scan_stored(const struct member *member, const struct body *body, struct source *packed, struct error *err)
{
    struct scan *scan = member->zip->scan;
    uint64_t size;
    uint32_t crc;
    bool has_crc;
    int r;

    if (source_size(packed, &size, NULL) < 0)
        size = 0;
    has_crc = member->role != SCAN_ROLE_WEIGHTS && crc_of(packed, size, &crc);
    if (member->marked && !(has_crc && body->has_crc && crc == body->crc)) {
        scan_skipped(scan, member->zip->object, SCAN_GAP_ENCRYPTED, member->at, size, "%s",
                     TEXT(member->name, member->name_size));
        return scan_inner(member, packed, SCAN_ROLE_GUESS, err); /* a flag and a wrong checksum hide nothing */
    }
    r = member->marked ? find(member, ZIP_RULE_NOT_ENCRYPTED, err, "method", body->method, body->method) : 0;
    r = r < 0 ? r : check_link(member, packed, err);
    r = r < 0 ? r : scan_inner(member, packed, member->role, err);
    r = r < 0 ? r : check_content(member, body, size, has_crc ? &crc : NULL, err);
    return r < 0 ? r : scan_prefix(member, body, packed, size, err);
}

/* Whether a marked body decodes all the same: nothing that is encrypted does for long. */
static bool is_in_clear(struct source *decoder)
{
    struct decoder_facts facts;

    return decoder_learn(decoder, &facts, NULL) == 0;
}

static int scan_packed(const struct member *member, const struct body *body, struct source *packed, uint64_t *used,
                       struct error *err)
{
    struct zip *zip = member->zip;
    CLEANUP_SOURCE struct source *decoder = NULL;
    struct decoder_facts facts = {0};
    struct error cause = {0};
    uint64_t size = 0;
    int r = open_body(member, body, packed, &decoder, &cause);

    if (r < 0) {
        scan_skipped(zip->scan, zip->object, r == -ENOTSUP ? SCAN_GAP_UNSUPPORTED : SCAN_GAP_MEMORY, member->at, *used,
                     "%s", cause.text);
        return scan_inner(member, packed, SCAN_ROLE_GUESS, err);
    }
    if (member->marked && !is_in_clear(decoder)) {
        scan_skipped(zip->scan, zip->object, SCAN_GAP_ENCRYPTED, member->at, *used, "%s",
                     TEXT(member->name, member->name_size));
        return 0;
    }
    r = member->marked ? find(member, ZIP_RULE_NOT_ENCRYPTED, err, "method", body->method, body->method) : 0;
    r = r < 0 ? r : check_link(member, decoder, err);
    r = r < 0 ? r : scan_inner(member, decoder, member->role, err);
    if (r < 0)
        return r;
    r = decoder_learn(decoder, &facts, &cause);
    if (r < 0) { /* what follows is looked at from where the headers say, or from where the damage is */
        scan_skipped_for(zip->scan, zip->object, r, member->at, &cause);
        *used = body->packed < *used ? body->packed : facts.consumed;
        return 0;
    }
    if (source_size(decoder, &size, NULL) < 0)
        size = 0;
    if (body->packed != UINT64_MAX && body->packed != facts.consumed)
        r = find(member, ZIP_RULE_SIZE, err, "compressed size as declared and as found", body->packed, facts.consumed);
    *used = facts.consumed;
    r = r < 0 ? r : check_content(member, body, size, &facts.crc, err);
    return r < 0 ? r : scan_prefix(member, body, decoder, size, err);
}

/* One body from the local header's end on. *ret_end: where it ends. */
static int scan_body(const struct member *member, const struct body *body, uint64_t *ret_end, struct error *err)
{
    struct zip *zip = member->zip;
    uint64_t first = member->local->end, used = body->packed, room = member->limit > first ? member->limit - first : 0;
    CLEANUP_SOURCE struct source *packed = NULL;
    int r;

    if (used > zip->size - (first < zip->size ? first : zip->size))
        used = first < zip->size ? zip->size - first : 0;
    if (body->method == ZIP_DEFLATE && (used < room || body->packed == UINT64_MAX))
        used = room; /* the stream says where it ends, whatever the headers do */
    packed = source_of_range(zip->source, first, used);
    if (packed == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a scan");
    if (body->method == ZIP_AES) {
        scan_skipped(zip->scan, zip->object, SCAN_GAP_ENCRYPTED, member->at, used, "%s",
                     TEXT(member->name, member->name_size));
        r = 0;
    } else if (body->method != ZIP_STORED && member->role == SCAN_ROLE_WEIGHTS) {
        scan_skipped(zip->scan, zip->object, SCAN_SKIP_WEIGHTS, member->at, used, "%s", "compressed weights");
        used = body->packed <= used ? body->packed : used;
        r = 0;
    } else if (body->method == ZIP_STORED) {
        r = scan_stored(member, body, packed, err);
    } else {
        r = scan_packed(member, body, packed, &used, err);
    }
    if (first + used > *ret_end)
        *ret_end = first + used;
    return r;
}

/* --- the member ----------------------------------------------------------------------------------------- */

static enum scan_role role_of(const struct zip *zip, const char *name, const char *other)
{
    if (torch_zip_is_pickle(name) || torch_zip_is_pickle(other))
        return SCAN_ROLE_PICKLE;
    return zip->torch && torch_zip_is_weights(name) ? SCAN_ROLE_WEIGHTS : SCAN_ROLE_FILE;
}

/* As a header describes it; a descriptor's sizes stand behind the body and are not known before. */
static struct body body_of(const struct zip_header *header, bool is_local)
{
    bool later = is_local && (header->flags & ZIP_FLAG_DESCRIPTOR) != 0 && header->packed == 0;

    return (struct body){.method = header->method,
                         .packed = later ? UINT64_MAX : header->packed,
                         .unpacked = later ? UINT64_MAX : header->unpacked,
                         .crc = header->crc,
                         .has_crc = !later};
}

/* The bodies that the two headers make of it: one, where they agree. */
static int scan_bodies(const struct member *member, uint64_t *ret_end, struct error *err)
{
    const struct body local = body_of(member->local, true);
    struct body body = member->central != NULL ? body_of(member->central, false) : local;
    struct member stored = *member;
    bool other;
    int r;

    if (member->central == NULL && body.packed == UINT64_MAX && body.method != ZIP_DEFLATE)
        body.packed = member->limit > member->local->end ? member->limit - member->local->end : 0;
    r = scan_body(member, &body, ret_end, err);
    other = member->central != NULL &&
            (local.method != body.method || (body.method == ZIP_STORED && local.packed != body.packed &&
                                             local.packed != UINT64_MAX && !is_unset(member->local, local.packed)));
    if (r < 0 || !other || zip_charge(member->zip, member->at, local.packed) < 0)
        return r;
    stored.central = NULL;
    return scan_body(&stored, &local, ret_end, err);
}

int zip_scan_member(struct zip *zip, uint64_t local_offset, uint64_t central_offset, uint64_t base, uint64_t limit,
                    uint64_t *ret_end, struct error *err)
{
    struct zip_header local, central;
    struct member member = {.zip = zip, .name = zip->name, .at = local_offset, .limit = limit};
    bool has_central = central_offset != UINT64_MAX;
    int r;

    *ret_end = local_offset;
    if (has_central && (zip_read_central(zip->source, central_offset, base, &central) < 0 ||
                        zip_read_name(zip->source, &central, zip->name) < 0))
        return 0; /* it was there when the table was made: the source has failed, and tells elsewhere */
    if (zip_read_local(zip->source, local_offset, &local) < 0) {
        scan_skipped(zip->scan, zip->object, SCAN_GAP_DAMAGED, local_offset, 0, "%s", "no local header of a zip's");
        return scan_find(zip->scan, zip->object, &zip_rules[ZIP_RULE_NO_LOCAL], central_offset, err, "%s",
                         TEXT(zip->name, central.name_size));
    }
    if (!has_central && zip_read_name(zip->source, &local, zip->name) < 0)
        return 0;
    zip->other[0] = '\0';
    member.local = &local;
    member.central = has_central ? &central : NULL;
    member.name_size = has_central ? central.name_size : local.name_size;
    member.marked = ((local.flags | (has_central ? central.flags : 0)) & ZIP_FLAG_ENCRYPTED) != 0;
    r = has_central ? compare(&member, err) : 0;
    member.role = role_of(zip, zip->name, zip->other);
    r = r < 0 ? r : check_header(&member, &local, err);
    if (r == 0 && has_central && (central.version != local.version || central.flags != local.flags))
        r = check_header(&member, &central, err);
    r = r < 0 ? r : check_name(&member, err);
    *ret_end = local.end;
    r = r < 0 ? r : scan_bodies(&member, ret_end, err);
    if (r == 0)
        *ret_end += zip_descriptor_size(zip->source, *ret_end, has_central ? central.crc : local.crc,
                                        has_central ? central.packed : local.packed);
    return r;
}
