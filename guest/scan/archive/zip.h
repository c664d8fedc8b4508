/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zip archives, read as leniently as any of their loaders (PKWARE's APPNOTE.TXT 6.3.10; sections are cited there).
 * Internal to the files zip*.c.
 *
 * Theory of operation. A zip describes each member twice, and loaders believe one description or the other: Python's
 * zipfile and torch's miniz start at the end record and go by the central directory, streaming readers go from local
 * header to local header. We do both: all central directories that some reader would find make one table, sorted by
 * the members' offsets; going through it, whatever lies between members is searched for local headers that no
 * directory names. Every body is looked at once, at its offset, whoever names it; and every difference is a finding.
 * The table keeps offsets and hashes, not names, so that a million members fit the scan's memory.
 */
#ifndef LAZARET_GUEST_SCAN_ZIP_H
#define LAZARET_GUEST_SCAN_ZIP_H

#include "guest/scan/scan.h"

#define ZIP_NAME_MAX  65536u /* bytes of a name, with its NUL */
#define ZIP_VIEWS_MAX 4u     /* central directories that readers may find */

/* Section 4.4.5 */
enum zip_method {
    ZIP_STORED = 0,
    ZIP_DEFLATE = 8,
    ZIP_BZIP2 = 12,
    ZIP_LZMA = 14,
    ZIP_ZSTD_OLD = 20,
    ZIP_ZSTD = 93,
    ZIP_XZ = 95,
    ZIP_AES = 99,
};

/* Section 4.4.4 */
#define ZIP_FLAG_ENCRYPTED  0x0001u
#define ZIP_FLAG_DESCRIPTOR 0x0008u
#define ZIP_FLAG_PATCHED    0x0020u
#define ZIP_FLAG_STRONG     0x0040u
#define ZIP_FLAG_MASKED     0x2000u

/* A member as one of the two describes it. */
struct zip_header {
    uint16_t made_by; /* central only, as `external` and `local` */
    uint16_t version, flags, method;
    uint32_t crc, external;
    uint64_t packed, unpacked, local;
    uint64_t name; /* offset of the name in the archive */
    uint16_t name_size;
    uint64_t end; /* offset of the first byte behind it: the body, or the next central record */
};

struct zip_entry {
    uint64_t local, central; /* offsets of the two headers in the archive */
    uint64_t hash;           /* of the name in lower case */
};

/* A central directory. */
struct zip_view {
    uint64_t first, end; /* offsets: of its records; `end` may be before what the end record says */
    uint64_t base;       /* added to the offsets it names, modulo 2^64: for what stands before the archive */
    uint64_t end_record; /* offset */
    uint64_t declared;   /* entries */
    uint64_t found;
};

struct zip {
    struct scan *scan;
    const struct scan_object *object;
    struct source *source; /* the object's */
    uint64_t size;
    struct zip_view views[ZIP_VIEWS_MAX];
    uint32_t view_count;
    struct zip_entry *entries; /* scan_allocate'd, of all views */
    size_t count;
    bool torch;         /* a member is a torch archive's */
    char *name, *other; /* ZIP_NAME_MAX each: the name at hand, and the one it is compared with */
    uint64_t position;  /* everything before has been seen */
    size_t next_index;  /* place in the table of the member after the one at hand */
};

/* --- zip_records.c: what stands in the file ------------------------------------------------------------- */

/* -EBADMSG where no such record stands at the offset; or the source's error. */
MUST_USE int zip_read_local(struct source *source, uint64_t offset, struct zip_header *ret_header);
MUST_USE int zip_read_central(struct source *source, uint64_t offset, uint64_t base, struct zip_header *ret_header);
/* Copies a header's name, with a NUL behind it. */
MUST_USE int zip_read_name(struct source *source, const struct zip_header *header, char name[ZIP_NAME_MAX]);
/* Bytes of the data descriptor at an offset (section 4.3.9), 0 for none. */
uint32_t zip_descriptor_size(struct source *source, uint64_t offset, uint32_t crc, uint64_t packed);
/* All central directories that some reader would find. */
void zip_find_views(struct source *source, uint64_t size, struct zip_view views[ZIP_VIEWS_MAX], uint32_t *ret_count);
/* Bytes of the end record (with its comment), zip64 record or locator at an offset, 0 for none. */
uint64_t zip_end_size(struct source *source, uint64_t offset);

/* --- zip_directory.c: the table ------------------------------------------------------------------------ */

enum zip_rule {
    ZIP_RULE_NAME,
    ZIP_RULE_METHOD,
    ZIP_RULE_SIZE,
    ZIP_RULE_CRC,
    ZIP_RULE_FLAGS,
    ZIP_RULE_NOT_ENCRYPTED,
    ZIP_RULE_VERSION,
    ZIP_RULE_DUPLICATE,
    ZIP_RULE_DUPLICATE_PICKLE,
    ZIP_RULE_PATH,
    ZIP_RULE_ODD_NAME,
    ZIP_RULE_LINK,
    ZIP_RULE_LINK_OUT,
    ZIP_RULE_OVERLAP,
    ZIP_RULE_HIDDEN,
    ZIP_RULE_DIRECTORIES,
    ZIP_RULE_MEMBERS, /* the number of them */
    ZIP_RULE_NO_LOCAL,
    ZIP_RULE_GAP,
    ZIP_RULE_COUNT
};

extern const struct scan_rule zip_rules[ZIP_RULE_COUNT];

/* Reads all directories into the table and says what is wrong with them; the table is sorted by offset after. */
MUST_USE int zip_read_directory(struct zip *zip, struct error *err);

/* --- zip.c ---------------------------------------------------------------------------------------------- */

/* Pays for bytes that are looked at more than once, as if they were decoded; -EFBIG with a gap where they can't be. */
MUST_USE int zip_charge(struct zip *zip, uint64_t offset, uint64_t bytes);

/* --- zip_member.c -------------------------------------------------------------------------------------- */

/*
 * Looks at a member: at the local header's offset, named by a central record (its offset) or by none (UINT64_MAX).
 * `limit`: where the next member or the directory begins. *ret_end: where the member ends.
 */
MUST_USE int zip_scan_member(struct zip *zip, uint64_t local, uint64_t central, uint64_t base, uint64_t limit,
                             uint64_t *ret_end, struct error *err);

#endif
