/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tar archives: every member by its header, those too that stand behind the end's zeros or behind damage, where
 * lenient readers go on.
 */
#include "guest/scan/archive/tar.h"

#include "guest/scan/archive/codec.h"
#include "guest/scan/formats.h"
#include "guest/scan/path_text.h"
#include "guest/scan/text.h"

#include <errno.h>
#include <string.h>

#define SEEN_SLOTS 65536u /* hashes of names, for duplicates: half of them are used */
#define FNV_OFFSET UINT64_C(14695981039346656037)
#define FNV_PRIME  UINT64_C(1099511628211)

enum {
    RULE_PATH,
    RULE_LINK_OUT,
    RULE_LINK,
    RULE_DEVICE,
    RULE_DUPLICATE,
    RULE_HIDDEN,
    RULE_TRAILING,
    RULE_SIZE,
    RULE_COUNT
};

static const struct scan_rule rules[RULE_COUNT] = {
    [RULE_PATH] = {"tar-path", SCAN_HIGH, "Unpacking the archive writes outside of the folder it is unpacked to."},
    [RULE_LINK_OUT] = {"tar-link-out", SCAN_HIGH,
                       "Unpacking the archive makes a link out of its folder: what is read or written there is another "
                       "file."},
    [RULE_LINK] = {"tar-link", SCAN_LOW, "Unpacking the archive makes a link within its folder."},
    [RULE_DEVICE] = {"tar-device", SCAN_HIGH, "Unpacking the archive makes a device or a named pipe."},
    [RULE_DUPLICATE] = {"tar-duplicate", SCAN_LOW, "Two members of one name: readers differ in which they take."},
    [RULE_HIDDEN] = {"tar-hidden-member", SCAN_MEDIUM,
                     "A member behind the archive's end or behind damage is seen by lenient readers only."},
    [RULE_TRAILING] = {"tar-trailing", SCAN_MEDIUM, "Bytes behind the archive's end: other content beside its own."},
    [RULE_SIZE] = {"tar-size", SCAN_MEDIUM,
                   "A link or a folder with a size: readers differ in where the next member begins."},
};

struct tar {
    struct scan *scan;
    const struct scan_object *object;
    struct tar_header *header;     /* of the member at hand */
    struct tar_header *extensions; /* what the pax and GNU headers before it said */
    bool has_name, has_target, has_size, is_sparse;
    bool ended;     /* the zeros of the end were seen, or damage */
    uint64_t *seen; /* SEEN_SLOTS; NULL: no memory for it */
    uint32_t seen_count;
};

static int find(const struct tar *tar, unsigned rule, uint64_t offset, struct error *err)
{
    const struct tar_header *header = tar->header;

    return scan_find(tar->scan, tar->object, &rules[rule], offset, err, "%s%s%s",
                     TEXT(header->name, strlen(header->name)), header->target[0] != '\0' ? " -> " : "",
                     TEXT(header->target, strlen(header->target)));
}

/* --- names ---------------------------------------------------------------------------------------------- */

static bool is_duplicate(struct tar *tar, const char *name)
{
    uint64_t hash = FNV_OFFSET;

    if (tar->seen == NULL || tar->seen_count >= SEEN_SLOTS / 2)
        return false;
    while (*name != '\0')
        hash = (hash ^ (uint8_t)*name++) * FNV_PRIME;
    hash |= 1; /* 0 is an empty slot */
    for (size_t slot = (size_t)(hash >> 32) % SEEN_SLOTS;; slot = (slot + 1) % SEEN_SLOTS) {
        if (tar->seen[slot] == hash)
            return true;
        if (tar->seen[slot] == 0) {
            tar->seen[slot] = hash;
            tar->seen_count++;
            return false;
        }
    }
}

static bool is_link(char type)
{
    return type == '1' || type == '2';
}

/* A member without content, whatever its size says. */
static bool is_bodiless(char type)
{
    return type >= '1' && type <= '6';
}

static int check_header(struct tar *tar, uint64_t offset, struct error *err)
{
    const struct tar_header *header = tar->header;
    bool out =
        header->type == '1' ? path_text_escapes(header->target) : path_text_escapes_from(header->name, header->target);
    int r = 0;

    if (tar->ended)
        r = find(tar, RULE_HIDDEN, offset, err);
    if (r == 0 && path_text_escapes(header->name))
        r = find(tar, RULE_PATH, offset, err);
    if (r == 0 && is_link(header->type))
        r = find(tar, out ? RULE_LINK_OUT : RULE_LINK, offset, err);
    if (r == 0 && (header->type == '3' || header->type == '4' || header->type == '6'))
        r = find(tar, RULE_DEVICE, offset, err);
    if (r == 0 && is_bodiless(header->type) && header->size != 0)
        r = find(tar, RULE_SIZE, offset, err);
    if (r == 0 && header->type != '5' && is_duplicate(tar, header->name))
        r = find(tar, RULE_DUPLICATE, offset, err);
    return r;
}

/* --- members -------------------------------------------------------------------------------------------- */

static uint64_t padded(uint64_t size)
{
    return size < UINT64_MAX - TAR_BLOCK ? (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK : UINT64_MAX - TAR_BLOCK;
}

static int scan_content(struct tar *tar, uint64_t offset, struct error *err)
{
    CLEANUP_SOURCE struct source *content = source_of_range(tar->object->source, offset, tar->header->size);
    struct scan_object inner = {
        .source = content, .name = tar->header->name, .role = SCAN_ROLE_FILE, .parent = tar->object};
    uint64_t size;
    bool done = false;
    int r;

    if (content == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a scan");
    if (source_size(content, &size, NULL) == 0 && size < tar->header->size)
        scan_skipped(tar->scan, tar->object, SCAN_GAP_DAMAGED, offset + size, tar->header->size - size, "%s",
                     "a tar member is cut short");
    if (tar->is_sparse || tar->header->type == 'S') {
        scan_skipped(tar->scan, tar->object, SCAN_GAP_UNSUPPORTED, offset, tar->header->size, "%s",
                     "a sparse file's holes are not filled in");
        inner.role = SCAN_ROLE_GUESS;
    }
    r = torch_tar_scan_member(tar->scan, &inner, &done, err);
    return r < 0 || done ? r : scan_object(tar->scan, &inner, err);
}

/* A pax header or GNU's long names: kept for the member that follows. */
static void extend(struct tar *tar, uint64_t offset)
{
    struct tar_header *header = tar->header, *extensions = tar->extensions;
    size_t size = header->size < TAR_NAME_MAX - 1 ? (size_t)header->size : TAR_NAME_MAX - 1;
    char *field = header->type == 'K' ? extensions->target : extensions->name;

    if (header->type == 'x' || header->type == 'g' || header->type == 'X') {
        tar_apply_pax(tar->object->source, offset, header->size, extensions, &tar->has_size, &tar->is_sparse);
        tar->has_name |= extensions->name[0] != '\0';
        tar->has_target |= extensions->target[0] != '\0';
        return;
    }
    if (source_copy(tar->object->source, offset, field, size, NULL) < 0)
        size = 0;
    field[size] = '\0';
    tar->has_name |= header->type == 'L';
    tar->has_target |= header->type == 'K';
}

static void apply_extensions(struct tar *tar)
{
    if (tar->has_name)
        memcpy(tar->header->name, tar->extensions->name, TAR_NAME_MAX);
    if (tar->has_target)
        memcpy(tar->header->target, tar->extensions->target, TAR_NAME_MAX);
    if (tar->has_size)
        tar->header->size = tar->extensions->size;
}

static void forget_extensions(struct tar *tar)
{
    tar->has_name = tar->has_target = tar->has_size = tar->is_sparse = false;
    tar->extensions->name[0] = tar->extensions->target[0] = '\0';
}

/* GNU's old sparse files have more of their map in blocks before the content. */
static uint64_t past_sparse_map(struct tar *tar, uint64_t offset)
{
    uint8_t more = tar->header->type == 'S' && tar->header->is_gnu_sparse_extended;

    while (more != 0) {
        if (source_copy(tar->object->source, offset + 504, &more, 1, NULL) < 0)
            more = 0;
        offset += TAR_BLOCK;
    }
    return offset;
}

/* The member at an offset; *offset moves behind it. */
static int scan_member(struct tar *tar, uint64_t *offset, struct error *err)
{
    uint64_t content = *offset + TAR_BLOCK;
    int r;

    if (tar->header->type != '\0' && strchr("xgXLK", tar->header->type) != NULL) {
        extend(tar, content);
        *offset = content + padded(tar->header->size);
        return 0;
    }
    apply_extensions(tar);
    r = check_header(tar, *offset, err);
    content = past_sparse_map(tar, content);
    if (r == 0 && !is_bodiless(tar->header->type) && tar->header->size > 0)
        r = scan_content(tar, content, err);
    *offset = content + (is_bodiless(tar->header->type) ? 0 : padded(tar->header->size));
    if (*offset < content)
        *offset = UINT64_MAX;
    forget_extensions(tar);
    return r;
}

/* --- the archive ---------------------------------------------------------------------------------------- */

static bool is_zero(const uint8_t *block)
{
    return block[0] == 0 && memcmp(block, block + 1, TAR_BLOCK - 1) == 0;
}

/* What no header begins: from `first` to `end`. */
static int scan_junk(struct tar *tar, uint64_t first, uint64_t end, struct error *err)
{
    CLEANUP_SOURCE struct source *junk = NULL;
    struct scan_object inner = {.name = "behind the end", .role = SCAN_ROLE_GUESS, .parent = tar->object};
    int r;

    if (first >= end)
        return 0;
    junk = source_of_range(tar->object->source, first, end - first);
    if (junk == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a scan");
    inner.source = junk;
    r = scan_find(tar->scan, tar->object, &rules[RULE_TRAILING], first, err, "%llu bytes",
                  (unsigned long long)(end - first));
    return r < 0 ? r : scan_object(tar->scan, &inner, err);
}

/* Block after block; what is no header, from the first of them on, is kept for scan_junk. */
static int scan_blocks(struct tar *tar, struct error *err)
{
    struct source *source = tar->object->source;
    uint64_t offset = 0, junk = UINT64_MAX;
    struct error cause = {0};
    const uint8_t *block;
    size_t size;
    int r;

    while ((r = source_view(source, offset, TAR_BLOCK, &block, &size, &cause)) == 0 && size >= TAR_BLOCK) {
        if (!is_zero(block) && tar_is_header(block)) {
            tar_parse_header(block, tar->header);
            r = junk < offset ? scan_junk(tar, junk, offset, err) : 0;
            junk = UINT64_MAX;
            if (r == 0 && scan_count_member(tar->scan, &cause) < 0)
                break;
            r = r < 0 ? r : scan_member(tar, &offset, err);
            if (r < 0)
                return r;
            continue;
        }
        if (!is_zero(block) && !tar->ended)
            scan_skipped(tar->scan, tar->object, SCAN_GAP_DAMAGED, offset, TAR_BLOCK, "%s", "no header of a tar's");
        if (!is_zero(block) && junk == UINT64_MAX)
            junk = offset;
        tar->ended = true;
        offset += TAR_BLOCK;
    }
    if (cause.text[0] != '\0')
        scan_skipped_for(tar->scan, tar->object, cause.code, offset, &cause);
    else if (junk == UINT64_MAX && size > 0 && memcmp(block, "\0\0\0\0", size < 4 ? size : 4) != 0)
        junk = offset;
    return junk != UINT64_MAX ? scan_junk(tar, junk, offset + size, err) : 0;
}

static enum scan_match match_tar(struct scan *scan, const struct scan_object *object)
{
    uint8_t block[TAR_BLOCK];

    (void)scan;
    return source_copy(object->source, 0, block, sizeof block, NULL) == 0 && tar_is_header(block) ? SCAN_MATCH_YES
                                                                                                  : SCAN_MATCH_NO;
}

static int scan_tar(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    struct tar tar = {.scan = scan, .object = object};
    int r;

    (void)ret_recognised;
    tar.header = codec_allocate(scan, 2, sizeof *tar.header);
    tar.seen = codec_allocate(scan, SEEN_SLOTS, sizeof *tar.seen);
    if (tar.header == NULL || tar.seen == NULL) {
        scan_skipped_for(scan, object, -ENOMEM, 0, NULL);
        r = 0;
    } else {
        memset(tar.seen, 0, SEEN_SLOTS * sizeof *tar.seen);
        tar.extensions = tar.header + 1;
        forget_extensions(&tar);
        r = scan_blocks(&tar, err);
    }
    codec_release(scan, tar.seen);
    codec_release(scan, tar.header);
    return r;
}

const struct scan_format scan_format_tar = {
    .name = "tar", .rules = rules, .rule_count = RULE_COUNT, .match = match_tar, .scan = scan_tar};
