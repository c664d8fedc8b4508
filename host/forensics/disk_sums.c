/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of checksums, whose names a guest chose, as a listing. */
#include "host/forensics/disk_sums.h"

#include "base/buffer.h"
#include "digest/sha256.h"
#include "host/attest/text.h"
#include "host/forensics/disk_listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A digest, two characters, and a path of PATH_MAX each byte of which may be written as two. */
#define LINE_SIZE_MAX 16384u
#define LINE_PREFIX   (SHA256_HEX_SIZE - 1 + 2)

/*
 * "DIGEST  ./PATH"; a first "\" says that "\\" and "\n" stand in the path for themselves (coreutils, sha256sum), which
 * leaves them as they are shown. Anything else is passed over, as an entry that is no file of ours.
 */
static int add_line(char *line, disk_sums_size *file_size, void *context, json_t *files)
{
    CLEANUP_BUFFER struct buffer name = buffer_with_limit(DISK_LISTING_NAME_MAX + 1);
    uint8_t sha256[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    bool escaped = line[0] == '\\';
    const char *path;
    int64_t size;

    line += escaped;
    line[strcspn(line, "\n")] = '\0';
    if (strlen(line) <= LINE_PREFIX + 2 || strncmp(line + LINE_PREFIX, "./", 2) != 0)
        return 0;
    path = line + LINE_PREFIX + 1;
    memcpy(hex, line, SHA256_HEX_SIZE - 1);
    hex[SHA256_HEX_SIZE - 1] = '\0';
    if (sha256_from_hex(hex, sha256) < 0 || text_escape(path + 1, DISK_LISTING_NAME_MAX, &name) < 0)
        return 0;
    size = escaped ? -1 : file_size(context, path);
    return json_array_append_new(files, json_pack("{s:s%, s:I, s:s}", "name", (const char *)name.data, name.size,
                                                  "size", (json_int_t)size, "sha256", hex));
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a + LINE_PREFIX, *(char *const *)b + LINE_PREFIX);
}

int disk_sums_read(FILE *sums, disk_sums_size *file_size, void *context, json_t *listing)
{
    char *lines[DISK_LISTING_FILES_MAX], line[LINE_SIZE_MAX];
    json_t *files = json_array();
    size_t count = 0, omitted = 0;
    int r = json_object_set_new(listing, "files", files);

    while (fgets(line, sizeof line, sums) != NULL) {
        if (strlen(line) <= LINE_PREFIX + 1)
            continue;
        if (count >= DISK_LISTING_FILES_MAX || (lines[count] = strdup(line)) == NULL)
            omitted++;
        else
            count++;
    }
    qsort(lines, count, sizeof lines[0], compare_lines);
    for (size_t i = 0; i < count; i++) {
        if (r == 0)
            r = add_line(lines[i], file_size, context, files);
        free(lines[i]);
    }
    if (r == 0 && omitted > 0)
        r = json_object_set_new(listing, "omitted", json_integer((json_int_t)omitted));
    return r;
}
