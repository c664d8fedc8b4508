/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 7z archives (7zFormat.txt of the LZMA SDK). Internal to the files sevenzip*.c.
 *
 * Theory of operation. The header at the end of the file is read into memory, and through decoders where it is
 * compressed itself. A first walk notes where its parts begin; a second goes through the folders (runs of bytes that
 * are compressed as one) with a cursor in each part, so that nothing is kept for each folder or file.
 */
#ifndef LAZARET_GUEST_SCAN_SEVENZIP_H
#define LAZARET_GUEST_SCAN_SEVENZIP_H

#include "guest/scan/archive/decoder.h"
#include "guest/scan/reader.h"

#define SEVENZIP_CODERS_MAX 4u

/* How the streams of an archive, or of its header, are laid out. Offsets are the header's; 0: not there. */
struct sevenzip_streams {
    uint64_t pack_position; /* of the first packed byte, behind the signature header */
    uint64_t pack_count, pack_sizes;
    uint64_t folder_count, folders;
    uint64_t unpack_sizes;
    uint64_t folder_digests; /* which folders have a checksum */
    uint64_t file_counts;    /* of each folder; 0: one file in each */
    uint64_t file_sizes;     /* but for the last one of each folder */
};

struct sevenzip_files {
    uint64_t count;
    uint64_t names;      /* UTF-16, each with its NUL */
    uint64_t empty;      /* a bit a file, from the highest on: has no content; 0: none */
    uint64_t attributes; /* 4 bytes a file, where all have some */
};

struct sevenzip_coder {
    uint64_t id; /* bytes of the method's number, big-endian */
    uint8_t properties[DECODER_PROPERTIES_MAX];
    size_t properties_size;
    uint32_t output; /* its place among the folder's outputs */
    uint64_t size;   /* of its output; set by who reads the sizes */
};

/* In the order in which the packed bytes go through them; -ENOTSUP where that is no single row. */
struct sevenzip_folder {
    uint32_t coder_count;
    struct sevenzip_coder coders[SEVENZIP_CODERS_MAX];
    uint32_t output_count; /* unpack sizes that belong to the folder */
    uint32_t pack_count;   /* packed streams that belong to it */
    bool is_row;
};

/* --- sevenzip_header.c: -EBADMSG where the header is malformed ---------------------------------------- */

MUST_USE int sevenzip_read_number(struct reader *reader, uint64_t *ret_value);
/* From behind the id of StreamsInfo on. */
MUST_USE int sevenzip_read_streams(struct reader *reader, struct sevenzip_streams *ret_streams);
/* From the id of Header on. */
MUST_USE int sevenzip_read_header(struct reader *reader, struct sevenzip_streams *ret_streams,
                                  struct sevenzip_files *ret_files);
MUST_USE int sevenzip_read_folder(struct reader *reader, struct sevenzip_folder *ret_folder);
/* The sizes of the folder's outputs, from the cursor in those of all folders. */
MUST_USE int sevenzip_read_sizes(struct reader *sizes, struct sevenzip_folder *folder);

/* --- sevenzip_folder.c --------------------------------------------------------------------------------- */

#define SEVENZIP_SOURCES_MAX (SEVENZIP_CODERS_MAX + 1u)

/* A folder's content: `sources[count - 1]`, each made of the one before. */
struct sevenzip_content {
    struct source *sources[SEVENZIP_SOURCES_MAX];
    uint32_t count;
};

/* -ENOTSUP for methods that are not known, -EACCES for encryption. */
MUST_USE int sevenzip_open(struct scan *scan, struct source *file, const struct sevenzip_folder *folder,
                           uint64_t offset, uint64_t packed, struct sevenzip_content *ret_content, struct error *err);
void sevenzip_close(struct sevenzip_content *content);

#endif
