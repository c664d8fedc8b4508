/* SPDX-License-Identifier: Apache-2.0 */
/* The table of a zip's members, from every central directory; what the directories alone say that is wrong. */
#include "guest/scan/archive/codec.h"
#include "guest/scan/archive/torch_zip.h"
#include "guest/scan/archive/zip.h"

#include "guest/scan/text.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define FNV_OFFSET UINT64_C(14695981039346656037) /* FNV-1a, 64 bits */
#define FNV_PRIME  UINT64_C(1099511628211)

const struct scan_rule zip_rules[ZIP_RULE_COUNT] = {
    [ZIP_RULE_NAME] = {"zip-name-mismatch", SCAN_HIGH,
                       "A member's two headers name different files: a scanner sees one, the loader another."},
    [ZIP_RULE_METHOD] = {"zip-method-mismatch", SCAN_HIGH,
                         "A member's two headers name different compression methods, so that loaders see other bytes."},
    [ZIP_RULE_SIZE] = {"zip-size-mismatch", SCAN_HIGH,
                       "A member's sizes do not agree, so that loaders see more or less of it."},
    [ZIP_RULE_CRC] = {"zip-crc", SCAN_MEDIUM,
                      "A wrong checksum stops scanners that check it; torch does not check it."},
    [ZIP_RULE_FLAGS] = {"zip-flags", SCAN_MEDIUM, "Flags that stop some readers and are ignored by others."},
    [ZIP_RULE_NOT_ENCRYPTED] = {"zip-not-encrypted", SCAN_HIGH,
                                "A member is marked as encrypted and is not: scanners give up, loaders read it."},
    [ZIP_RULE_VERSION] = {"zip-version", SCAN_MEDIUM,
                          "A version of the format that does not exist stops strict readers; others ignore it."},
    [ZIP_RULE_DUPLICATE] = {"zip-duplicate", SCAN_MEDIUM,
                            "Two members of one name, apart from case, with other content: loaders differ in which "
                            "they take."},
    [ZIP_RULE_DUPLICATE_PICKLE] = {"zip-duplicate-pickle", SCAN_HIGH,
                                   "Two different pickles of one name: torch loads the first, scanners see the last."},
    [ZIP_RULE_PATH] = {"zip-path", SCAN_HIGH, "Unpacking the archive writes outside of the folder it is unpacked to."},
    [ZIP_RULE_ODD_NAME] = {"zip-odd-name", SCAN_MEDIUM, "A NUL in a member's name: readers differ in where it ends."},
    [ZIP_RULE_LINK] = {"zip-link", SCAN_MEDIUM, "Unpacking the archive makes a symbolic link."},
    [ZIP_RULE_LINK_OUT] = {"zip-link-out", SCAN_HIGH,
                           "Unpacking the archive makes a symbolic link out of its folder: what is read or written "
                           "there is another file."},
    [ZIP_RULE_OVERLAP] = {"zip-overlap", SCAN_HIGH,
                          "Members share bytes of the archive, as in a decompression bomb, or as two views of one "
                          "content."},
    [ZIP_RULE_HIDDEN] = {"zip-hidden-member", SCAN_MEDIUM,
                         "A member that the central directory does not name is seen by streaming readers only."},
    [ZIP_RULE_DIRECTORIES] = {"zip-directories", SCAN_HIGH,
                              "More than one central directory: which members there are depends on the reader."},
    [ZIP_RULE_MEMBERS] = {"zip-count", SCAN_MEDIUM,
                          "The end record gives another number of members than there are: readers see some of them."},
    [ZIP_RULE_NO_LOCAL] = {"zip-no-member", SCAN_MEDIUM, "The central directory names a member that is not there."},
    [ZIP_RULE_GAP] = {"zip-gap", SCAN_MEDIUM, "Bytes that belong to no member: other content behind the archive's."},
};

/* --- sorting -------------------------------------------------------------------------------------------- */

/* In place, without memory: qsort asks the system how much there is, which the sandbox does not allow. */
typedef bool less_function(const struct zip_entry *a, const struct zip_entry *b);

static bool less_by_place(const struct zip_entry *a, const struct zip_entry *b)
{
    return a->local != b->local ? a->local < b->local : a->central < b->central;
}

static bool less_by_name(const struct zip_entry *a, const struct zip_entry *b)
{
    return a->hash != b->hash ? a->hash < b->hash : a->central < b->central;
}

static void swap(struct zip_entry *a, struct zip_entry *b)
{
    struct zip_entry kept = *a;

    *a = *b;
    *b = kept;
}

static void sift_down(struct zip_entry *entries, size_t root, size_t count, less_function *less)
{
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && less(&entries[child], &entries[child + 1]))
            child++;
        if (!less(&entries[root], &entries[child]))
            return;
        swap(&entries[root], &entries[child]);
    }
}

/* Heapsort; nothing to do for archives in order, as most are. */
static void sort_entries(struct zip_entry *entries, size_t count, less_function *less)
{
    size_t ordered = 1;

    while (ordered < count && !less(&entries[ordered], &entries[ordered - 1]))
        ordered++;
    if (ordered >= count)
        return;
    for (size_t i = count / 2; i-- > 0;)
        sift_down(entries, i, count, less);
    for (size_t i = count; i-- > 1;) {
        swap(&entries[0], &entries[i]);
        sift_down(entries, 0, i, less);
    }
}

/* --- reading -------------------------------------------------------------------------------------------- */

static uint64_t hash_of(const char *name, size_t size)
{
    uint64_t hash = FNV_OFFSET;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (uint8_t)tolower((uint8_t)name[i])) * FNV_PRIME;
    return hash;
}

/* Records from the view's start on, as long as there are any; counts them. */
static uint64_t count_view(struct zip *zip, struct zip_view *view)
{
    struct zip_header header;
    uint64_t offset = view->first;

    for (view->found = 0; offset < view->end && view->found < SCAN_MEMBERS_MAX; view->found++) {
        if (zip_read_central(zip->source, offset, view->base, &header) < 0)
            break;
        offset = header.end;
    }
    return view->found;
}

static void fill_view(struct zip *zip, struct zip_view *view)
{
    uint64_t offset = view->first;

    for (uint64_t i = 0; i < view->found; i++) {
        struct zip_header header;

        if (zip_read_central(zip->source, offset, view->base, &header) < 0 ||
            zip_read_name(zip->source, &header, zip->name) < 0)
            break;
        zip->torch |= torch_zip_is_pickle(zip->name);
        zip->entries[zip->count++] =
            (struct zip_entry){.local = header.local, .central = offset, .hash = hash_of(zip->name, header.name_size)};
        offset = header.end;
    }
    view->end = offset;
}

static int check_views(struct zip *zip, struct error *err)
{
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < zip->view_count; i++) {
        const struct zip_view *view = &zip->views[i];

        if (i > 0)
            r = scan_find(zip->scan, zip->object, &zip_rules[ZIP_RULE_DIRECTORIES], view->first, err,
                          "beside the one at %llu", (unsigned long long)zip->views[0].first);
        /* The number is kept modulo 65536 by writers that know no zip64. */
        if (r == 0 && (view->found & 0xffff) != (view->declared & 0xffff))
            r = scan_find(zip->scan, zip->object, &zip_rules[ZIP_RULE_MEMBERS], view->end_record, err,
                          "%llu members, the end record says %llu", (unsigned long long)view->found,
                          (unsigned long long)view->declared);
    }
    return r;
}

/* --- duplicates ----------------------------------------------------------------------------------------- */

static bool is_same_but_case(const char *a, const char *b, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (tolower((uint8_t)a[i]) != tolower((uint8_t)b[i]))
            return false;
    return true;
}

/* The base does not matter where only names and contents are compared. */
static int check_pair(struct zip *zip, const struct zip_entry *first, const struct zip_entry *second, struct error *err)
{
    struct zip_header a, b;
    enum zip_rule rule = ZIP_RULE_DUPLICATE;

    if (first->local == second->local || zip_read_central(zip->source, first->central, 0, &a) < 0 ||
        zip_read_central(zip->source, second->central, 0, &b) < 0 || a.name_size != b.name_size ||
        zip_read_name(zip->source, &a, zip->name) < 0 || zip_read_name(zip->source, &b, zip->other) < 0 ||
        !is_same_but_case(zip->name, zip->other, a.name_size))
        return 0;
    if (a.crc == b.crc && a.unpacked == b.unpacked && a.packed == b.packed)
        return 0;
    if (torch_zip_is_pickle(zip->name))
        rule = ZIP_RULE_DUPLICATE_PICKLE;
    return scan_find(zip->scan, zip->object, &zip_rules[rule], second->local, err, "%s, also at %llu",
                     TEXT(zip->other, b.name_size), (unsigned long long)first->local);
}

static int check_duplicates(struct zip *zip, struct error *err)
{
    int r = 0;

    sort_entries(zip->entries, zip->count, less_by_name);
    for (size_t i = 1; r == 0 && i < zip->count; i++)
        if (zip->entries[i].hash == zip->entries[i - 1].hash)
            r = check_pair(zip, &zip->entries[i - 1], &zip->entries[i], err);
    return r;
}

int zip_read_directory(struct zip *zip, struct error *err)
{
    uint64_t count = 0;
    int r;

    zip_find_views(zip->source, zip->size, zip->views, &zip->view_count);
    for (uint32_t i = 0; i < zip->view_count; i++)
        count += count_view(zip, &zip->views[i]);
    r = check_views(zip, err);
    if (r < 0 || count == 0)
        return r;
    zip->entries = codec_allocate(zip->scan, count, sizeof *zip->entries);
    if (zip->entries == NULL) {
        scan_skipped(zip->scan, zip->object, SCAN_GAP_MEMORY, zip->views[0].first, 0, "%llu members of a zip",
                     (unsigned long long)count);
        return 0;
    }
    for (uint32_t i = 0; i < zip->view_count; i++)
        fill_view(zip, &zip->views[i]);
    r = check_duplicates(zip, err);
    sort_entries(zip->entries, zip->count, less_by_place);
    return r;
}
