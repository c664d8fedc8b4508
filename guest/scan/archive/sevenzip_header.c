/* SPDX-License-Identifier: Apache-2.0 */
/* The header of a 7z archive: where its parts are. */
#include "guest/scan/archive/sevenzip.h"

#include <errno.h>

#define FOLDERS_MAX 1048576u
#define STREAMS_MAX 32u /* of one folder's coders */

/* Ids of properties (7zFormat.txt, "Property IDs"). */
enum id {
    ID_END,
    ID_HEADER,
    ID_ARCHIVE_PROPERTIES,
    ID_ADDITIONAL_STREAMS,
    ID_MAIN_STREAMS,
    ID_FILES,
    ID_PACK_INFO,
    ID_UNPACK_INFO,
    ID_SUBSTREAMS,
    ID_SIZE,
    ID_CRC,
    ID_FOLDER,
    ID_CODER_SIZES,
    ID_FILE_COUNTS,
    ID_EMPTY,
    ID_EMPTY_FILE,
    ID_ANTI,
    ID_NAMES,
    ID_ATTRIBUTES = 0x15,
};

/* As many bytes follow the first as it has leading ones; its other bits are the highest. */
int sevenzip_read_number(struct reader *reader, uint64_t *ret_value)
{
    uint64_t value = 0;
    uint8_t first, byte;
    int r = reader_u8(reader, &first);

    for (unsigned i = 0; r == 0 && i < 8; i++) {
        if ((first & 0x80u >> i) == 0) {
            value |= (uint64_t)(first & (0x7fu >> i)) << 8 * i;
            break;
        }
        r = reader_u8(reader, &byte);
        value |= r == 0 ? (uint64_t)byte << 8 * i : 0;
    }
    if (r == 0)
        *ret_value = value;
    return r;
}

static int read_bounded(struct reader *reader, uint64_t max, uint64_t *ret_value)
{
    int r = sevenzip_read_number(reader, ret_value);

    return r < 0 ? r : *ret_value > max ? -EBADMSG : 0;
}

static int skip_numbers(struct reader *reader, uint64_t count)
{
    uint64_t value;
    int r = 0;

    while (r == 0 && count-- > 0)
        r = sevenzip_read_number(reader, &value);
    return r;
}

/* A bit each, unless a byte says that all are set; how many are. */
static int read_bits(struct reader *reader, uint64_t count, uint64_t *ret_set)
{
    uint8_t all, byte = 0;
    uint64_t set = 0;
    int r = reader_u8(reader, &all);

    if (r < 0 || all != 0) {
        *ret_set = count;
        return r;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (i % 8 == 0 && (r = reader_u8(reader, &byte)) < 0)
            return r;
        set += byte >> (7 - i % 8) & 1;
    }
    *ret_set = set;
    return 0;
}

static int skip_digests(struct reader *reader, uint64_t count)
{
    uint64_t set;
    int r = read_bits(reader, count, &set);

    return r < 0 ? r : reader_skip(reader, 4 * set);
}

static int expect(struct reader *reader, enum id id)
{
    uint64_t value;
    int r = sevenzip_read_number(reader, &value);

    return r < 0 ? r : value == (uint64_t)id ? 0 : -EBADMSG;
}

/* --- streams -------------------------------------------------------------------------------------------- */

static int read_pack_info(struct reader *reader, struct sevenzip_streams *streams)
{
    uint64_t id;
    int r = sevenzip_read_number(reader, &streams->pack_position);

    r = r < 0 ? r : read_bounded(reader, FOLDERS_MAX, &streams->pack_count);
    while (r == 0 && (r = sevenzip_read_number(reader, &id)) == 0 && id != ID_END) {
        if (id == ID_SIZE) {
            streams->pack_sizes = reader_offset(reader);
            r = skip_numbers(reader, streams->pack_count);
        } else {
            r = id == ID_CRC ? skip_digests(reader, streams->pack_count) : -EBADMSG;
        }
    }
    return r;
}

/* One coder: its method, how many streams go in and out, its properties. */
static int read_coder(struct reader *reader, struct sevenzip_coder *coder, uint64_t *ret_in, uint64_t *ret_out)
{
    uint64_t size = 0;
    uint8_t flags, byte;
    int r = reader_u8(reader, &flags);

    *coder = (struct sevenzip_coder){0};
    *ret_in = *ret_out = 1;
    for (unsigned i = 0; r == 0 && i < (flags & 15u); i++) {
        r = reader_u8(reader, &byte);
        coder->id = r == 0 ? coder->id << 8 | byte : coder->id;
    }
    if (r == 0 && (flags & 0x10) != 0) {
        r = read_bounded(reader, STREAMS_MAX, ret_in);
        r = r < 0 ? r : read_bounded(reader, STREAMS_MAX, ret_out);
    }
    if (r < 0 || (flags & 0x20) == 0)
        return r;
    r = sevenzip_read_number(reader, &size);
    if (r < 0 || size > sizeof coder->properties)
        return r < 0 ? r : reader_skip(reader, size);
    coder->properties_size = (size_t)size;
    return reader_copy(reader, coder->properties, coder->properties_size);
}

/* Puts a row of coders, each with one stream in and one out, into order: from the packed bytes to the content. */
static void order(struct sevenzip_folder *folder, const uint64_t (*pairs)[2], uint32_t first)
{
    struct sevenzip_coder ordered[SEVENZIP_CODERS_MAX];
    uint32_t at = first;

    for (uint32_t i = 0; i < folder->coder_count; i++) {
        uint32_t next = UINT32_MAX;

        ordered[i] = folder->coders[at];
        for (uint32_t k = 0; k + 1 < folder->coder_count; k++)
            if (pairs[k][1] == at) /* its output is the input of ... */
                next = (uint32_t)pairs[k][0];
        if (i + 1 < folder->coder_count && next >= folder->coder_count) {
            folder->is_row = false;
            return;
        }
        at = next;
    }
    for (uint32_t i = 0; i < folder->coder_count; i++)
        folder->coders[i] = ordered[i];
}

int sevenzip_read_folder(struct reader *reader, struct sevenzip_folder *ret_folder)
{
    struct sevenzip_folder folder = {.is_row = true};
    uint64_t pairs[STREAMS_MAX][2], count, ins = 0, outs = 0, in, out, first = 0;
    struct sevenzip_coder spare;
    int r = read_bounded(reader, STREAMS_MAX, &count);

    if (r < 0 || count == 0)
        return r < 0 ? r : -EBADMSG;
    for (uint64_t i = 0; i < count; i++) {
        struct sevenzip_coder *coder = i < SEVENZIP_CODERS_MAX ? &folder.coders[i] : &spare;

        r = read_coder(reader, coder, &in, &out);
        if (r < 0)
            return r;
        coder->output = (uint32_t)outs;
        folder.is_row &= in == 1 && out == 1;
        ins += in;
        outs += out;
    }
    if (outs == 0 || outs > STREAMS_MAX || ins > STREAMS_MAX || ins + 1 < outs)
        return -EBADMSG;
    for (uint64_t i = 0; i + 1 < outs; i++) {
        r = sevenzip_read_number(reader, &pairs[i][0]);
        r = r < 0 ? r : sevenzip_read_number(reader, &pairs[i][1]);
        if (r < 0)
            return r;
    }
    folder.pack_count = (uint32_t)(ins - (outs - 1));
    if (folder.pack_count > 1) {
        r = skip_numbers(reader, folder.pack_count);
        if (r < 0)
            return r;
    }
    folder.output_count = (uint32_t)outs;
    folder.is_row &= count <= SEVENZIP_CODERS_MAX && folder.pack_count == 1;
    folder.coder_count = count <= SEVENZIP_CODERS_MAX ? (uint32_t)count : 0;
    for (uint64_t i = 0; folder.is_row && i + 1 < outs; i++) /* the input that is no other's output is the packed one */
        if (pairs[i][0] == first) {
            first++;
            i = UINT64_MAX; /* from the beginning again */
        }
    if (folder.is_row && first < count)
        order(&folder, (const uint64_t(*)[2])pairs, (uint32_t)first);
    *ret_folder = folder;
    return 0;
}

static int read_unpack_info(struct reader *reader, struct sevenzip_streams *streams)
{
    struct sevenzip_folder folder;
    uint64_t outputs = 0, id;
    uint8_t external;
    int r = expect(reader, ID_FOLDER);

    r = r < 0 ? r : read_bounded(reader, FOLDERS_MAX, &streams->folder_count);
    r = r < 0 ? r : reader_u8(reader, &external);
    if (r < 0 || external != 0)
        return r < 0 ? r : -EBADMSG;
    streams->folders = reader_offset(reader);
    for (uint64_t i = 0; r == 0 && i < streams->folder_count; i++) {
        r = sevenzip_read_folder(reader, &folder);
        outputs += r == 0 ? folder.output_count : 0;
    }
    r = r < 0 ? r : expect(reader, ID_CODER_SIZES);
    streams->unpack_sizes = reader_offset(reader);
    r = r < 0 ? r : skip_numbers(reader, outputs);
    while (r == 0 && (r = sevenzip_read_number(reader, &id)) == 0 && id != ID_END) {
        streams->folder_digests = reader_offset(reader);
        r = id == ID_CRC ? skip_digests(reader, streams->folder_count) : -EBADMSG;
    }
    return r;
}

int sevenzip_read_sizes(struct reader *sizes, struct sevenzip_folder *folder)
{
    uint64_t size;
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < folder->output_count; i++) {
        r = sevenzip_read_number(sizes, &size);
        for (uint32_t k = 0; r == 0 && k < folder->coder_count; k++)
            if (folder->coders[k].output == i)
                folder->coders[k].size = size;
    }
    return r;
}

/* How many sizes stand for the files: one less than there are, in each folder that has some. */
static int count_sizes(struct reader *reader, uint64_t folders, uint64_t *ret_sizes)
{
    uint64_t count, sizes = 0;
    int r = 0;

    for (uint64_t i = 0; r == 0 && i < folders; i++) {
        r = read_bounded(reader, SCAN_MEMBERS_MAX, &count);
        sizes += r == 0 && count > 1 ? count - 1 : 0;
    }
    *ret_sizes = sizes;
    return r;
}

/* How many files have a checksum here: those of one file only where their folder has none. */
static int count_digests(const struct reader *reader, const struct sevenzip_streams *streams, uint64_t *ret_count)
{
    struct reader counts = reader_over(reader->source, streams->file_counts, NULL);
    struct reader bits = reader_over(reader->source, streams->folder_digests, NULL);
    uint64_t files = 1, count = 0;
    uint8_t all = 0, byte = 0;
    int r = streams->folder_digests != 0 ? reader_u8(&bits, &all) : 0;

    for (uint64_t i = 0; r == 0 && i < streams->folder_count; i++) {
        bool has = all != 0;

        if (streams->folder_digests != 0 && all == 0) {
            if (i % 8 == 0)
                r = reader_u8(&bits, &byte);
            has = (byte >> (7 - i % 8) & 1) != 0;
        }
        if (r == 0 && streams->file_counts != 0)
            r = read_bounded(&counts, SCAN_MEMBERS_MAX, &files);
        count += files == 1 && has ? 0 : files;
    }
    *ret_count = count;
    return r;
}

static int read_substreams(struct reader *reader, struct sevenzip_streams *streams)
{
    uint64_t id, sizes = 0, digests;
    int r = 0;

    while (r == 0 && (r = sevenzip_read_number(reader, &id)) == 0 && id != ID_END) {
        if (id == ID_FILE_COUNTS) {
            streams->file_counts = reader_offset(reader);
            r = count_sizes(reader, streams->folder_count, &sizes);
        } else if (id == ID_SIZE) {
            streams->file_sizes = reader_offset(reader);
            r = skip_numbers(reader, sizes);
        } else if (id == ID_CRC) {
            r = count_digests(reader, streams, &digests);
            r = r < 0 ? r : skip_digests(reader, digests);
        } else {
            r = -EBADMSG;
        }
    }
    return r;
}

int sevenzip_read_streams(struct reader *reader, struct sevenzip_streams *ret_streams)
{
    uint64_t id;
    int r = 0;

    *ret_streams = (struct sevenzip_streams){0};
    while (r == 0 && (r = sevenzip_read_number(reader, &id)) == 0 && id != ID_END) {
        if (id == ID_PACK_INFO)
            r = read_pack_info(reader, ret_streams);
        else if (id == ID_UNPACK_INFO)
            r = read_unpack_info(reader, ret_streams);
        else if (id == ID_SUBSTREAMS)
            r = read_substreams(reader, ret_streams);
        else
            r = -EBADMSG;
    }
    return r;
}

/* --- files ---------------------------------------------------------------------------------------------- */

static int read_files(struct reader *reader, struct sevenzip_files *files)
{
    uint64_t id, size;
    int r = read_bounded(reader, SCAN_MEMBERS_MAX, &files->count);

    while (r == 0 && (r = sevenzip_read_number(reader, &id)) == 0 && id != ID_END) {
        uint64_t first;
        uint8_t byte;

        r = sevenzip_read_number(reader, &size);
        first = reader_offset(reader);
        if (r == 0 && size > UINT64_MAX - first)
            r = -EBADMSG;
        if (r == 0 && id == ID_EMPTY)
            files->empty = first;
        else if (r == 0 && id == ID_NAMES && size > 0 && reader_u8(reader, &byte) == 0 && byte == 0)
            files->names = first + 1;
        else if (r == 0 && id == ID_ATTRIBUTES && size == 2 + 4 * files->count && reader_u8(reader, &byte) == 0 &&
                 byte != 0)
            files->attributes = first + 2;
        reader_seek(reader, first + size);
    }
    return r;
}

int sevenzip_read_header(struct reader *reader, struct sevenzip_streams *ret_streams, struct sevenzip_files *ret_files)
{
    struct sevenzip_streams other;
    uint64_t id;
    int r = expect(reader, ID_HEADER);

    *ret_streams = (struct sevenzip_streams){0};
    *ret_files = (struct sevenzip_files){0};
    while (r == 0 && (r = sevenzip_read_number(reader, &id)) == 0 && id != ID_END) {
        if (id == ID_ADDITIONAL_STREAMS)
            r = sevenzip_read_streams(reader, &other);
        else if (id == ID_MAIN_STREAMS)
            r = sevenzip_read_streams(reader, ret_streams);
        else if (id == ID_FILES)
            r = read_files(reader, ret_files);
        else
            r = -EBADMSG;
    }
    return r;
}
