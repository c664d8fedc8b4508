/* SPDX-License-Identifier: Apache-2.0 */
/* 7z archives: their headers, however often they are compressed, then every file of every folder. */
#include "guest/scan/archive/sevenzip.h"

#include "guest/scan/archive/codec.h"
#include "guest/scan/formats.h"
#include "guest/scan/path_text.h"
#include "guest/scan/text.h"

#include <errno.h>
#include <string.h>

#define SIGNATURE_SIZE 32u         /* signature, version, checksum; then the header's place, size and checksum */
#define HEADER_MAX     (16u << 20) /* bytes of a header; more is a gap */
#define LAYERS_MAX     4u          /* headers that are compressed within each other */
#define ID_HEADER      0x01u
#define ID_ENCODED     0x17u
#define ATTRIBUTE_UNIX 0x8000u /* the upper half is a mode of Unix */
#define MODE_TYPE      0xf000u
#define MODE_LINK      0xa000u

enum { RULE_PATH, RULE_LINK_OUT, RULE_TRAILING, RULE_COUNT };

static const struct scan_rule rules[RULE_COUNT] = {
    [RULE_PATH] = {"7z-path", SCAN_HIGH, "Unpacking the archive writes outside of the folder it is unpacked to."},
    [RULE_LINK_OUT] = {"7z-link-out", SCAN_HIGH,
                       "Unpacking the archive makes a symbolic link out of its folder: what is read or written there "
                       "is another file."},
    [RULE_TRAILING] = {"7z-trailing", SCAN_MEDIUM, "Bytes behind the archive's header: other content beside its own."},
};

struct sevenzip {
    struct scan *scan;
    const struct scan_object *object;
    struct sevenzip_streams streams;
    struct sevenzip_files files;
    struct source *header; /* over `memory` */
    void *memory;
    /* Cursors into the header's parts, each at what comes next. */
    struct reader folders, unpack_sizes, pack_sizes, file_counts, file_sizes, names, attributes, empty;
    uint64_t file; /* next file's number */
    uint8_t empty_bits;
    char name[SCAN_NAME_MAX];
    uint32_t attribute;
};

/* A gap for what a part of the archive failed with. */
static void skip_part(const struct sevenzip *archive, int code, uint64_t offset, uint64_t size,
                      const struct error *cause)
{
    enum scan_skip reason = code == -EACCES    ? SCAN_GAP_ENCRYPTED
                            : code == -ENOTSUP ? SCAN_GAP_UNSUPPORTED
                            : code == -ENOMEM  ? SCAN_GAP_MEMORY
                            : code == -EFBIG   ? SCAN_GAP_BUDGET
                                               : SCAN_GAP_DAMAGED;

    scan_skipped(archive->scan, archive->object, reason, offset, size, "%s",
                 cause->text[0] != '\0' ? cause->text : "a 7z archive's header is malformed");
}

/* --- the header ----------------------------------------------------------------------------------------- */

static int load(struct sevenzip *archive, struct source *source, uint64_t offset, uint64_t size, struct error *cause)
{
    void *memory;
    int r;

    if (size > HEADER_MAX)
        return error_set(cause, ERROR_BAD_INPUT, -ENOMEM, "a 7z archive's header of %llu bytes",
                         (unsigned long long)size);
    memory = codec_allocate(archive->scan, 1, (size_t)size);
    if (memory == NULL)
        return error_set(cause, ERROR_BAD_INPUT, -ENOMEM, "no memory is left for a 7z archive's header");
    r = source_copy(source, offset, memory, (size_t)size, cause);
    source_free(archive->header);
    archive->header = NULL;
    codec_release(archive->scan, archive->memory);
    archive->memory = memory;
    if (r == 0)
        archive->header = source_of_memory(memory, size);
    return r < 0 || archive->header != NULL ? r : -ENOMEM;
}

/* Replaces a header that says how the header is compressed by what that yields. */
static int decode_header(struct sevenzip *archive, struct error *cause)
{
    struct reader reader = reader_over(archive->header, 1, NULL), folders, sizes;
    struct sevenzip_streams streams;
    struct sevenzip_folder folder;
    struct sevenzip_content content = {0};
    uint64_t packed;
    int r = sevenzip_read_streams(&reader, &streams);

    if (r < 0 || streams.folder_count == 0 || streams.pack_sizes == 0)
        return r < 0 ? r : -EBADMSG;
    folders = reader_over(archive->header, streams.folders, NULL);
    sizes = reader_over(archive->header, streams.unpack_sizes, NULL);
    reader = reader_over(archive->header, streams.pack_sizes, NULL);
    r = sevenzip_read_folder(&folders, &folder);
    r = r < 0 ? r : sevenzip_read_sizes(&sizes, &folder);
    r = r < 0 ? r : sevenzip_read_number(&reader, &packed);
    r = r < 0 ? r
              : sevenzip_open(archive->scan, archive->object->source, &folder, SIGNATURE_SIZE + streams.pack_position,
                              packed, &content, cause);
    if (r == 0)
        r = load(archive, content.sources[content.count - 1], 0, folder.coders[folder.coder_count - 1].size, cause);
    sevenzip_close(&content);
    return r;
}

static int read_header(struct sevenzip *archive, uint64_t *ret_end, struct error *cause)
{
    struct reader reader = reader_over(archive->object->source, 12, cause);
    uint64_t offset, size;
    uint8_t id = 0;
    int r = reader_u64le(&reader, &offset);

    r = r < 0 ? r : reader_u64le(&reader, &size);
    if (r < 0 || offset > UINT64_MAX / 2 || size > UINT64_MAX / 2)
        return r < 0 ? r : -EBADMSG;
    *ret_end = SIGNATURE_SIZE + offset + size;
    if (size == 0)
        return 0; /* an empty archive */
    r = load(archive, archive->object->source, SIGNATURE_SIZE + offset, size, cause);
    for (unsigned i = 0; r == 0 && i < LAYERS_MAX; i++) {
        r = source_copy(archive->header, 0, &id, 1, cause);
        if (r < 0 || id != ID_ENCODED)
            break;
        r = decode_header(archive, cause);
    }
    if (r < 0 || id != ID_HEADER)
        return r < 0 ? r : -EBADMSG;
    reader = reader_over(archive->header, 0, NULL);
    return sevenzip_read_header(&reader, &archive->streams, &archive->files);
}

/* --- files ---------------------------------------------------------------------------------------------- */

/* UTF-16 as UTF-8, cut to what is shown. */
static void read_name(struct sevenzip *archive)
{
    size_t used = 0;
    uint16_t unit;

    while (archive->files.names != 0 && reader_u16le(&archive->names, &unit) == 0 && unit != 0) {
        uint8_t bytes[3];
        size_t size = unit < 0x80 ? 1 : unit < 0x800 ? 2 : 3;

        bytes[0] = (uint8_t)(size == 1 ? unit : size == 2 ? 0xc0 | unit >> 6 : 0xe0 | unit >> 12);
        bytes[1] = (uint8_t)(0x80 | ((size == 2 ? unit : unit >> 6) & 0x3f));
        bytes[2] = (uint8_t)(0x80 | (unit & 0x3f));
        if (used + size < sizeof archive->name) {
            memcpy(archive->name + used, bytes, size);
            used += size;
        }
    }
    archive->name[used] = '\0';
}

/* On to the next file that has content, which is what the folders hold; names of the others are checked as well. */
static int next_file(struct sevenzip *archive, struct error *err)
{
    bool empty = true;
    int r = 0;

    archive->name[0] = '\0';
    while (r == 0 && empty && archive->file < archive->files.count) {
        empty = false;
        if (archive->files.empty != 0) {
            if (archive->file % 8 == 0 && reader_u8(&archive->empty, &archive->empty_bits) < 0)
                archive->empty_bits = 0;
            empty = (archive->empty_bits >> (7 - archive->file % 8) & 1) != 0;
        }
        read_name(archive);
        if (archive->files.attributes == 0 || reader_u32le(&archive->attributes, &archive->attribute) < 0)
            archive->attribute = 0;
        archive->file++;
        if (path_text_escapes(archive->name))
            r = scan_find(archive->scan, archive->object, &rules[RULE_PATH], 0, err, "%s",
                          TEXT(archive->name, strlen(archive->name)));
    }
    return r;
}

static int check_link(struct sevenzip *archive, struct source *content, struct error *err)
{
    char target[SCAN_NAME_MAX] = "";
    const uint8_t *bytes;
    size_t size;

    if ((archive->attribute & ATTRIBUTE_UNIX) == 0 || (archive->attribute >> 16 & MODE_TYPE) != MODE_LINK ||
        source_view(content, 0, sizeof target - 1, &bytes, &size, NULL) < 0)
        return 0;
    memcpy(target, bytes, size < sizeof target - 1 ? size : sizeof target - 1);
    if (!path_text_escapes_from(archive->name, target))
        return 0;
    return scan_find(archive->scan, archive->object, &rules[RULE_LINK_OUT], 0, err, "%s -> %s",
                     TEXT(archive->name, strlen(archive->name)), TEXT(target, strlen(target)));
}

static int scan_file(struct sevenzip *archive, struct source *folder, uint64_t offset, uint64_t size, struct error *err)
{
    CLEANUP_SOURCE struct source *content = source_of_range(folder, offset, size);
    struct scan_object inner = {.source = content, .role = SCAN_ROLE_FILE, .parent = archive->object};
    struct error cause = {0};
    int r = next_file(archive, err);

    if (r < 0)
        return r;
    if (content == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a scan");
    inner.name = archive->name;
    r = scan_count_member(archive->scan, &cause);
    if (r < 0) {
        skip_part(archive, r, 0, size, &cause);
        return 0;
    }
    r = check_link(archive, content, err);
    return r < 0 ? r : scan_object(archive->scan, &inner, err);
}

/* The files of one folder, one behind the other. */
static int scan_files(struct sevenzip *archive, struct source *content, uint64_t files, uint64_t whole,
                      struct error *err)
{
    uint64_t offset = 0;
    int r = 0;

    for (uint64_t i = 0; r == 0 && i < files; i++) {
        uint64_t size = whole - offset;

        if (i + 1 < files && (sevenzip_read_number(&archive->file_sizes, &size) < 0 || size > whole - offset))
            size = whole - offset;
        r = scan_file(archive, content, offset, size, err);
        offset += size;
    }
    return r;
}

/* The bytes of a folder's packed streams; more than one where its coders are no row, which is a gap. */
static int read_packed(struct sevenzip *archive, const struct sevenzip_folder *folder, uint64_t *ret_size)
{
    uint64_t size, sum = 0;
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < folder->pack_count; i++) {
        r = sevenzip_read_number(&archive->pack_sizes, &size);
        sum += r == 0 ? size : 0;
    }
    *ret_size = sum;
    return r;
}

/* The folder at the cursors; *offset: of its packed bytes in the file, moves behind them. */
static int scan_folder(struct sevenzip *archive, uint64_t *offset, bool *ret_more, struct error *err)
{
    struct sevenzip_folder folder;
    struct sevenzip_content content = {0};
    struct error cause = {0};
    uint64_t packed = 0, files = 1, size;
    int r = sevenzip_read_folder(&archive->folders, &folder);

    r = r < 0 ? r : sevenzip_read_sizes(&archive->unpack_sizes, &folder);
    r = r < 0 ? r : read_packed(archive, &folder, &packed);
    if (r == 0 && archive->streams.file_counts != 0)
        r = sevenzip_read_number(&archive->file_counts, &files);
    if (r == 0 && packed > UINT64_MAX - *offset)
        r = -EBADMSG;
    *ret_more = r == 0;
    r = r < 0 ? r : sevenzip_open(archive->scan, archive->object->source, &folder, *offset, packed, &content, &cause);
    if (r < 0) {
        skip_part(archive, r, *offset, packed, &cause);
        for (uint64_t i = 0; *ret_more && i < files && archive->file < archive->files.count; i++)
            if (next_file(archive, err) < 0 || (i + 1 < files && sevenzip_read_number(&archive->file_sizes, &size) < 0))
                break;
        *offset += packed;
        return 0;
    }
    r = scan_files(archive, content.sources[content.count - 1], files, folder.coders[folder.coder_count - 1].size, err);
    if (r == 0 && source_size(content.sources[content.count - 1], &size, &cause) < 0)
        skip_part(archive, cause.code, *offset, packed, &cause);
    sevenzip_close(&content);
    *offset += packed;
    return r;
}

static int scan_folders(struct sevenzip *archive, struct error *err)
{
    const struct sevenzip_streams *streams = &archive->streams;
    uint64_t offset = SIGNATURE_SIZE + streams->pack_position;
    bool more = true;
    int r = 0;

    archive->folders = reader_over(archive->header, streams->folders, NULL);
    archive->unpack_sizes = reader_over(archive->header, streams->unpack_sizes, NULL);
    archive->pack_sizes = reader_over(archive->header, streams->pack_sizes, NULL);
    archive->file_counts = reader_over(archive->header, streams->file_counts, NULL);
    archive->file_sizes = reader_over(archive->header, streams->file_sizes, NULL);
    archive->names = reader_over(archive->header, archive->files.names, NULL);
    archive->attributes = reader_over(archive->header, archive->files.attributes, NULL);
    archive->empty = reader_over(archive->header, archive->files.empty, NULL);
    for (uint64_t i = 0; r == 0 && more && i < streams->folder_count; i++)
        r = scan_folder(archive, &offset, &more, err);
    while (r == 0 && archive->file < archive->files.count) /* files without content at the end */
        r = next_file(archive, err);
    return r;
}

/* --- the archive ---------------------------------------------------------------------------------------- */

static int scan_trailing(struct sevenzip *archive, uint64_t end, struct error *err)
{
    CLEANUP_SOURCE struct source *rest = NULL;
    struct scan_object inner = {.name = "trailing", .role = SCAN_ROLE_GUESS, .parent = archive->object};
    uint64_t size;
    int r;

    if (source_size(archive->object->source, &size, NULL) < 0 || end >= size)
        return 0;
    rest = source_of_range(archive->object->source, end, size - end);
    if (rest == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a scan");
    inner.source = rest;
    r = scan_find(archive->scan, archive->object, &rules[RULE_TRAILING], end, err, "%llu bytes",
                  (unsigned long long)(size - end));
    return r < 0 ? r : scan_object(archive->scan, &inner, err);
}

static enum scan_match match_sevenzip(struct scan *scan, const struct scan_object *object)
{
    (void)scan;
    return source_has(object->source, 0, "7z\xbc\xaf\x27\x1c", 6) ? SCAN_MATCH_YES : SCAN_MATCH_NO;
}

static int scan_sevenzip(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    struct sevenzip *archive = codec_allocate(scan, 1, sizeof *archive);
    struct error cause = {0};
    uint64_t end = UINT64_MAX;
    int r;

    (void)ret_recognised;
    if (archive == NULL) {
        scan_skipped_for(scan, object, -ENOMEM, 0, NULL);
        return 0;
    }
    *archive = (struct sevenzip){.scan = scan, .object = object};
    r = read_header(archive, &end, &cause);
    if (r < 0) {
        skip_part(archive, r, 0, 0, &cause);
        r = 0;
    } else if (archive->header != NULL) {
        r = scan_folders(archive, err);
    }
    r = r < 0 ? r : scan_trailing(archive, end, err);
    source_free(archive->header);
    codec_release(scan, archive->memory);
    codec_release(scan, archive);
    return r;
}

static enum scan_match match_rar(struct scan *scan, const struct scan_object *object)
{
    (void)scan;
    return source_has(object->source, 0, "Rar!\x1a\x07", 6) ? SCAN_MATCH_YES : SCAN_MATCH_NO;
}

static int scan_rar(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    struct error cause = {0};

    (void)ret_recognised;
    (void)err;
    (void)error_set(&cause, ERROR_BAD_INPUT, -ENOTSUP, "RAR archives are not read");
    scan_skipped_for(scan, object, -ENOTSUP, 0, &cause);
    return 0;
}

const struct scan_format scan_format_sevenzip = {
    .name = "7z", .rules = rules, .rule_count = RULE_COUNT, .match = match_sevenzip, .scan = scan_sevenzip};
const struct scan_format scan_format_rar = {.name = "rar", .match = match_rar, .scan = scan_rar};
