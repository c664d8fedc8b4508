/* SPDX-License-Identifier: Apache-2.0 */
/* The checksums of a guest's disk: file names are its own. Whatever they are, what is listed is bounded, printable and
 * of the right form, and JSON can hold it. */
#include "digest/sha256.h"
#include "fuzz/stream_file.h"
#include "host/attest/text.h"
#include "host/forensics/disk_listing.h"
#include "host/forensics/disk_sums.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int64_t size_of(void *context, const char *path)
{
    (void)context;
    if (path[0] != '/')
        abort();
    return (int64_t)strlen(path);
}

static void check_file(const json_t *file)
{
    const char *name = json_string_value(json_object_get(file, "name"));
    const char *sha256 = json_string_value(json_object_get(file, "sha256"));
    uint8_t digest[SHA256_SIZE];

    if (name == NULL || strlen(name) > DISK_LISTING_NAME_MAX || !text_is_printable(name) || sha256 == NULL ||
        sha256_from_hex(sha256, digest) < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FILE *sums = fdopen(dup(stream_of(data, size)), "re");
    json_t *listing = json_object(), *file;
    size_t i;

    if (sums == NULL || listing == NULL || disk_sums_read(sums, size_of, NULL, listing) < 0)
        abort();
    (void)fclose(sums);
    if (json_array_size(json_object_get(listing, "files")) > DISK_LISTING_FILES_MAX)
        abort();
    json_array_foreach (json_object_get(listing, "files"), i, file)
        check_file(file);
    json_decref(listing);
    return 0;
}
