/* SPDX-License-Identifier: Apache-2.0 */
/* Zip archives: through the members in the order of their offsets, and through what lies between them. */
#include "guest/scan/zip.h"

#include "guest/scan/codec.h"
#include "guest/scan/formats.h"
#include "guest/scan/text.h"
#include "guest/scan/torch_zip.h"

#include <errno.h>
#include <string.h>

#define MAGIC_SIZE    4u
#define METHOD_LIMIT  100u /* for telling a local header from chance in bytes that should not hold one */
#define VERSION_LIMIT 100u
#define NAME_LIMIT    4096u
#define TFLITE_HEAD   4u /* bytes of a TFLite model in front of its identifier, some of them zero */

/* --- matching ------------------------------------------------------------------------------------------- */

/* A local header that is not there by chance. */
static bool is_local(struct source *source, uint64_t offset)
{
    struct zip_header header;

    return zip_read_local(source, offset, &header) == 0 && (header.version & 0xff) < VERSION_LIMIT &&
           header.method < METHOD_LIMIT && header.name_size > 0 && header.name_size < NAME_LIMIT;
}

static enum scan_match match_zip(struct scan *scan, const struct scan_object *object)
{
    struct zip_view views[ZIP_VIEWS_MAX];
    uint64_t size;
    uint32_t count;

    (void)scan;
    if (is_local(object->source, 0))
        return SCAN_MATCH_YES;
    if (source_size(object->source, &size, NULL) < 0)
        return SCAN_MATCH_NO;
    zip_find_views(object->source, size, views, &count);
    for (uint32_t i = 0; i < count; i++)
        if (views[i].first < views[i].end || size == 22)
            return SCAN_MATCH_YES;
    return SCAN_MATCH_NO;
}

/* --- between members ------------------------------------------------------------------------------------ */

/* Bytes that belong to nothing: zeros are passed over, the rest may be anything. */
static int scan_junk(struct zip *zip, uint64_t first, uint64_t end, struct error *err)
{
    CLEANUP_SOURCE struct source *junk = NULL;
    struct scan_object inner = {.name = "between members", .role = SCAN_ROLE_GUESS, .parent = zip->object};
    int r;

    for (bool zero = true; zero && first < end;) {
        const uint8_t *bytes;
        size_t size, zeros = 0;

        if (source_view(zip->source, first, 1, &bytes, &size, NULL) < 0 || size == 0)
            return 0;
        if (size > end - first)
            size = (size_t)(end - first);
        while (zeros < size && bytes[zeros] == 0)
            zeros++;
        zero = zeros == size;
        first += zeros;
    }
    if (first >= end || (first == 0 && end == zip->size)) /* all of it: nothing of a zip's was found */
        return 0;
    /* A TFLite model has its labels in a zip behind it: the model is looked at as one. */
    if (first < TFLITE_HEAD && scan_format_tflite.match(zip->scan, zip->object) == SCAN_MATCH_YES)
        return 0;
    if (scan_count_member(zip->scan, NULL) < 0) {
        scan_skipped(zip->scan, zip->object, SCAN_GAP_BUDGET, first, end - first, "%s", "too many members");
        return 0;
    }
    junk = source_of_range(zip->source, first, end - first);
    if (junk == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a scan");
    inner.source = junk;
    r = scan_find(zip->scan, zip->object, &zip_rules[ZIP_RULE_GAP], first, err, "%llu bytes",
                  (unsigned long long)(end - first));
    return r < 0 ? r : scan_object(zip->scan, &inner, err);
}

/* The next "PK" from an offset on, or `end`. */
static uint64_t next_magic(struct zip *zip, uint64_t offset, uint64_t end)
{
    while (offset < end) {
        const uint8_t *bytes, *found;
        size_t size;

        if (source_view(zip->source, offset, 2, &bytes, &size, NULL) < 0 || size < 2)
            return end;
        if (size > end - offset)
            size = (size_t)(end - offset);
        found = memmem(bytes, size, "PK", 2);
        if (found != NULL)
            return offset + (uint64_t)(found - bytes);
        offset += size > 1 ? size - 1 : 1;
    }
    return end;
}

/* Bytes of a directory's record or of an end record at an offset, 0 for none. */
static uint64_t record_size(struct zip *zip, uint64_t offset)
{
    struct zip_header header;

    for (uint32_t i = 0; i < zip->view_count; i++)
        if (zip->views[i].first == offset && zip->views[i].end > offset)
            return zip->views[i].end - offset;
    if (zip_read_central(zip->source, offset, 0, &header) == 0)
        return header.end - offset;
    return zip_end_size(zip->source, offset);
}

/* An end record of none of the directories that were read: of an archive that stands before this one. */
static bool is_other_end(struct zip *zip, uint64_t offset)
{
    for (uint32_t i = 0; i < zip->view_count; i++)
        if (zip->views[i].end_record == offset)
            return false;
    return zip->view_count > 0 && source_has(zip->source, offset, "PK\5\6", MAGIC_SIZE);
}

/* A member that no directory names. */
static int scan_hidden(struct zip *zip, uint64_t offset, uint64_t limit, uint64_t *ret_end, struct error *err)
{
    struct zip_header header;
    uint64_t next;
    int r = 0;

    if (zip_read_local(zip->source, offset, &header) < 0 || zip_read_name(zip->source, &header, zip->name) < 0) {
        *ret_end = limit;
        return 0;
    }
    zip->torch |= torch_zip_is_pickle(zip->name);
    if (zip->count > 0)
        r = scan_find(zip->scan, zip->object, &zip_rules[ZIP_RULE_HIDDEN], offset, err, "%s",
                      TEXT(zip->name, header.name_size));
    /* Where its sizes stand behind it, it ends at the next record. */
    next = header.end;
    if (header.packed == 0 && (header.flags & ZIP_FLAG_DESCRIPTOR) != 0 && header.method != ZIP_DEFLATE)
        while ((next = next_magic(zip, next, limit)) < limit && record_size(zip, next) == 0 &&
               !is_local(zip->source, next) && !source_has(zip->source, next, "PK\7\10", MAGIC_SIZE))
            next++;
    else
        next = limit;
    return r < 0 ? r : zip_scan_member(zip, offset, UINT64_MAX, 0, next, ret_end, err);
}

/* Everything from where we are up to `end`, where the next member begins. */
static int scan_between(struct zip *zip, uint64_t end, struct error *err)
{
    uint64_t junk = zip->position, at = junk;
    int r = 0;

    while (r == 0 && (at = next_magic(zip, at, end)) < end) {
        uint64_t record = record_size(zip, at), after = at + record;
        bool local = record == 0 && is_local(zip->source, at);

        if (record == 0 && !local) {
            at++;
            continue;
        }
        r = junk < at ? scan_junk(zip, junk, at, err) : 0;
        if (r == 0 && !local && is_other_end(zip, at))
            r = scan_find(zip->scan, zip->object, &zip_rules[ZIP_RULE_DIRECTORIES], at, err,
                          "the end record of another archive");
        if (r == 0 && local) {
            if (scan_count_member(zip->scan, NULL) < 0)
                break;
            r = scan_hidden(zip, at, end, &after, err);
            if (after <= at)
                after = at + MAGIC_SIZE;
        }
        junk = at = after;
    }
    if (r == 0 && junk < end)
        r = scan_junk(zip, junk, end, err);
    if (zip->position < end)
        zip->position = end;
    return r;
}

/* --- members -------------------------------------------------------------------------------------------- */

static uint64_t base_of(const struct zip *zip, const struct zip_entry *entry)
{
    for (uint32_t i = 0; i < zip->view_count; i++)
        if (entry->central >= zip->views[i].first && entry->central < zip->views[i].end)
            return zip->views[i].base;
    return 0;
}

/* Where what follows a member begins: the next one, or a directory. */
static uint64_t limit_of(struct zip *zip, size_t index)
{
    uint64_t local = zip->entries[index].local, limit = zip->size;

    if (zip->next_index <= index)
        zip->next_index = index + 1;
    while (zip->next_index < zip->count && zip->entries[zip->next_index].local <= local)
        zip->next_index++;
    if (zip->next_index < zip->count)
        limit = zip->entries[zip->next_index].local;
    for (uint32_t i = 0; i < zip->view_count; i++)
        if (zip->views[i].first > local && zip->views[i].first < limit)
            limit = zip->views[i].first;
    return limit;
}

int zip_charge(struct zip *zip, uint64_t offset, uint64_t bytes)
{
    struct error cause = {0};
    int r = scan_charge(zip->scan, bytes < zip->size ? bytes : zip->size, &cause);

    if (r < 0)
        scan_skipped_for(zip->scan, zip->object, r, offset, &cause);
    return r;
}

/* Whether the table's entry before describes the same body at the same place. */
static bool is_repeated(const struct zip *zip, size_t index)
{
    struct zip_header a, b;

    if (index == 0 || zip->entries[index - 1].local != zip->entries[index].local ||
        zip_read_central(zip->source, zip->entries[index - 1].central, 0, &a) < 0 ||
        zip_read_central(zip->source, zip->entries[index].central, 0, &b) < 0)
        return false;
    return a.method == b.method && a.packed == b.packed && a.unpacked == b.unpacked && a.flags == b.flags &&
           a.crc == b.crc;
}

/* An entry that begins before the end of another: looked at all the same, but paid for. */
static int scan_overlap(struct zip *zip, size_t index, bool *ret_look, struct error *err)
{
    const struct zip_entry *entry = &zip->entries[index];
    struct zip_header central;

    *ret_look = !is_repeated(zip, index) && zip_read_central(zip->source, entry->central, 0, &central) == 0 &&
                zip_charge(zip, entry->local, central.packed) == 0;
    return scan_find(zip->scan, zip->object, &zip_rules[ZIP_RULE_OVERLAP], entry->local, err, "up to %llu",
                     (unsigned long long)zip->position);
}

static int scan_entry(struct zip *zip, size_t index, struct error *err)
{
    const struct zip_entry *entry = &zip->entries[index];
    uint64_t end = zip->position;
    bool look = true;
    int r = 0;

    if (entry->local > zip->position && entry->local <= zip->size)
        r = scan_between(zip, entry->local, err);
    else if (entry->local < zip->position)
        r = scan_overlap(zip, index, &look, err);
    if (r < 0 || !look)
        return r;
    r = zip_scan_member(zip, entry->local, entry->central, base_of(zip, entry), limit_of(zip, index), &end, err);
    if (end > zip->position)
        zip->position = end;
    return r;
}

static int scan_members(struct zip *zip, struct error *err)
{
    for (size_t i = 0; i < zip->count; i++) {
        struct error cause = {0};
        int r = scan_count_member(zip->scan, &cause);

        if (r < 0) {
            scan_skipped_for(zip->scan, zip->object, r, zip->entries[i].local, &cause);
            return 0;
        }
        r = scan_entry(zip, i, err);
        if (r < 0)
            return r;
    }
    return scan_between(zip, zip->size, err);
}

static int scan_zip(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    struct zip zip = {.scan = scan, .object = object, .source = object->source};
    struct error cause = {0};
    int r;

    (void)ret_recognised;
    r = source_size(object->source, &zip.size, &cause);
    if (r < 0) { /* damaged at its end: from local header to local header as far as it goes */
        scan_skipped_for(scan, object, r, 0, &cause);
        zip.size = UINT64_MAX;
    }
    zip.name = codec_allocate(scan, 2, ZIP_NAME_MAX);
    if (zip.name == NULL) {
        scan_skipped_for(scan, object, -ENOMEM, 0, NULL);
        return 0;
    }
    zip.other = zip.name + ZIP_NAME_MAX;
    r = zip.size != UINT64_MAX ? zip_read_directory(&zip, err) : 0;
    if (r == 0 && zip.view_count == 0)
        scan_skipped(scan, object, SCAN_GAP_DAMAGED, 0, 0, "%s", "a zip without a central directory");
    r = r < 0 ? r : scan_members(&zip, err);
    codec_release(scan, zip.entries);
    codec_release(scan, zip.name);
    return r;
}

const struct scan_format scan_format_zip = {
    .name = "zip", .rules = zip_rules, .rule_count = ZIP_RULE_COUNT, .match = match_zip, .scan = scan_zip};
