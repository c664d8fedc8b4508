/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays of an .npz file, streamed out of a zip archive. */
#include "host/data/npz.h"

#include "base/io.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <iconv.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NPZ_READ_SIZE  ((size_t)64 * 1024)
#define NPZ_NAME_MAX   64u  /* of a member, as far as messages show it */
#define NPZ_LISTED_MAX 200u /* bytes of the list of members in a message */

/* What libarchive's callbacks read from: the file by position, so that streams don't disturb each other. */
struct npz_source {
    int fd;
    uint64_t size, offset;
    uint8_t block[NPZ_READ_SIZE];
};

struct npz_array {
    struct archive *archive;
    struct npz_source source;
    struct npy_header header;
    char name[NPZ_NAME_MAX];
    uint64_t left; /* bytes of elements not read yet */
};

void npz_prepare(void)
{
    iconv_t conversion;

    (void)setlocale(LC_ALL, "C");
    (void)setenv("TZ", "UTC0", 1);
    tzset();
    conversion = iconv_open("ANSI_X3.4-1968", "UTF-8");
    if (conversion != (iconv_t)-1) /* NOLINT(performance-no-int-to-ptr): as POSIX has it */
        (void)iconv_close(conversion);
}

/* --- libarchive's view of the file ------------------------------------------------------------- */

static la_ssize_t source_read(struct archive *archive, void *context, const void **ret_block)
{
    struct npz_source *source = context;
    ssize_t count = io_pread_full(source->fd, source->block, sizeof source->block, source->offset);

    if (count < 0) {
        archive_set_error(archive, (int)-count, "the file can't be read");
        return ARCHIVE_FATAL;
    }
    source->offset += (uint64_t)count;
    *ret_block = source->block;
    return count;
}

static la_int64_t source_seek(struct archive *archive, void *context, la_int64_t offset, int whence)
{
    struct npz_source *source = context;
    int64_t base = whence == SEEK_SET ? 0 : (int64_t)(whence == SEEK_CUR ? source->offset : source->size);
    int64_t target;

    if (__builtin_add_overflow(base, offset, &target) || target < 0 || (uint64_t)target > source->size) {
        archive_set_error(archive, EINVAL, "a place beyond the file's end");
        return ARCHIVE_FATAL;
    }
    source->offset = (uint64_t)target;
    return target;
}

static void close_archive(struct archive **archive)
{
    if (*archive != NULL)
        (void)archive_read_free(*archive);
}

static int archive_failure(struct archive *archive, struct error *err, const char *what)
{
    const char *reason = archive_error_string(archive);
    int code = archive_errno(archive);

    if (code == ENOMEM)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "%s: it needs more memory than the data reader may use",
                         what);
    if (code == EIO)
        return error_set(err, ERROR_NO_INPUT, -EIO, "%s: the file can't be read", what);
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                     "%s: the zip archive is damaged (%s); make the file again with numpy.savez", what,
                     reason != NULL ? reason : "no reason given");
}

static int open_archive(struct npz_source *source, int fd, uint64_t file_size, struct archive **ret_archive,
                        struct error *err)
{
    CLEANUP(close_archive) struct archive *archive = archive_read_new();

    source->fd = fd;
    source->size = file_size;
    source->offset = 0;
    if (archive == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to read the archive");
    if (archive_read_support_format_zip_seekable(archive) != ARCHIVE_OK ||
        archive_read_set_read_callback(archive, source_read) != ARCHIVE_OK ||
        archive_read_set_seek_callback(archive, source_seek) != ARCHIVE_OK ||
        archive_read_set_callback_data(archive, source) != ARCHIVE_OK)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "libarchive can't be set up: %s", archive_error_string(archive));
    if (archive_read_open1(archive) != ARCHIVE_OK) {
        int code = archive_errno(archive);

        if (code == ENOMEM || code == EIO)
            return archive_failure(archive, err, "opening it");
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "not an .npz file (a zip archive of arrays), nor IDX or .safetensors; make one with "
                         "numpy.savez(path, x=..., y=...)");
    }
    *ret_archive = TAKE_POINTER(archive);
    return 0;
}

/* --- members ----------------------------------------------------------------------------------- */

/* The member's name without ".npy", or "" for one that no array of numpy's would have. */
static void member_name(struct archive_entry *entry, char ret_name[NPZ_NAME_MAX])
{
    const char *path = archive_entry_pathname(entry);
    size_t size = path != NULL ? strlen(path) : 0;

    ret_name[0] = '\0';
    if (size <= 4 || size - 4 >= NPZ_NAME_MAX || strcmp(path + size - 4, ".npy") != 0)
        return;
    memcpy(ret_name, path, size - 4);
    ret_name[size - 4] = '\0';
}

/* The next member. 1 with its name, 0 at the end, -errno. */
static int next_member(struct archive *archive, struct archive_entry **ret_entry, char ret_name[NPZ_NAME_MAX],
                       struct error *err)
{
    int r = archive_read_next_header(archive, ret_entry);

    if (r == ARCHIVE_EOF)
        return 0;
    /* A warning is a name that is not plain ASCII: some other array's, to be passed over. */
    if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
        return archive_failure(archive, err, "reading its directory");
    member_name(*ret_entry, ret_name);
    return 1;
}

/* Stored or deflated, not encrypted, and a plain file with a known size. */
static int check_member(struct archive *archive, struct archive_entry *entry, const char *name, struct error *err)
{
    const char *format = archive_format_name(archive);

    if (archive_entry_is_encrypted(entry))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "array %s: it is encrypted; save it without a password", name);
    if (format == NULL || (strstr(format, "(uncompressed)") == NULL && strstr(format, "(deflation)") == NULL))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "array %s: compressed by another method than deflate; save it with numpy.savez_compressed",
                         name);
    if (archive_entry_filetype(entry) != AE_IFREG || !archive_entry_size_is_set(entry) || archive_entry_size(entry) < 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "array %s: not a plain file of known size in the archive",
                         name);
    return 0;
}

static int refuse_without_x(const char *listed, struct error *err)
{
    return error_set(
        err, ERROR_BAD_INPUT, -EBADMSG,
        "there is no array x; it has %s; save the inputs as x and the labels as y: numpy.savez(path, x=..., y=...)",
        listed[0] != '\0' ? listed : "no arrays");
}

int npz_inspect(int fd, uint64_t file_size, struct npz_contents *ret_contents, struct error *err)
{
    CLEANUP_FREE struct npz_source *source = malloc(sizeof *source);
    CLEANUP(close_archive) struct archive *archive = NULL;
    struct npz_contents contents = {0};
    char listed[NPZ_LISTED_MAX] = "";
    uint32_t count = 0;
    int r;

    if (source == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to read the archive");
    r = open_archive(source, fd, file_size, &archive, err);
    if (r < 0)
        return r;
    for (;;) {
        struct archive_entry *entry;
        char name[NPZ_NAME_MAX];
        bool is_x, is_y, is_mask;

        r = next_member(archive, &entry, name, err);
        if (r <= 0)
            break;
        if (++count > NPZ_MEMBERS_MAX)
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "more than %u members in the archive", NPZ_MEMBERS_MAX);
        is_x = strcmp(name, "x") == 0;
        is_y = strcmp(name, "y") == 0;
        is_mask = strcmp(name, "mask") == 0;
        if ((is_x && contents.has_x) || (is_y && contents.has_y) || (is_mask && contents.has_mask))
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "array %s: it stands in the archive twice", name);
        contents.has_x |= is_x;
        contents.has_y |= is_y;
        contents.has_mask |= is_mask;
        if (name[0] != '\0' && strlen(listed) + strlen(name) + 3 < sizeof listed)
            (void)snprintf(listed + strlen(listed), sizeof listed - strlen(listed), "%s%s",
                           listed[0] != '\0' ? ", " : "", name);
    }
    if (r < 0)
        return r;
    if (!contents.has_x)
        return refuse_without_x(listed, err);
    *ret_contents = contents;
    return 0;
}

/* --- one array --------------------------------------------------------------------------------- */

/* Reads exactly `size` bytes of the member. */
static int read_bytes(struct npz_array *array, void *ret_bytes, size_t size, struct error *err)
{
    uint8_t *bytes = ret_bytes;

    for (size_t done = 0; done < size;) {
        la_ssize_t count = archive_read_data(array->archive, bytes + done, size - done);

        if (count == ARCHIVE_RETRY)
            continue;
        if (count < 0) {
            char what[NPZ_NAME_MAX + 16];

            (void)snprintf(what, sizeof what, "array %s", array->name);
            return archive_failure(array->archive, err, what);
        }
        if (count == 0)
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                             "array %s: it ends before the %" PRIu64 " elements that its shape promises", array->name,
                             array->header.elements);
        done += (size_t)count;
    }
    return 0;
}

/* Reads and parses the array's header, and compares its size with the archive's word. */
static int read_header(struct npz_array *array, uint64_t member_size, struct error *err)
{
    uint8_t preamble[NPY_PREAMBLE_MAX];
    uint64_t expected;
    size_t size;
    int r;

    if (member_size < NPY_PREFIX_SIZE)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "array %s: %" PRIu64 " bytes are no .npy array", array->name,
                         member_size);
    r = read_bytes(array, preamble, NPY_PREFIX_SIZE, err);
    if (r < 0)
        return r;
    r = npy_preamble_size(preamble, &size, err);
    if (r == 0 && size > member_size)
        r = error_set(err, ERROR_BAD_INPUT, -EBADMSG, "its header is cut short");
    if (r < 0) {
        (void)error_prefix(err, "array %s", array->name);
        return r;
    }
    r = read_bytes(array, preamble + NPY_PREFIX_SIZE, size - NPY_PREFIX_SIZE, err);
    if (r < 0)
        return r;
    r = npy_parse(preamble, size, &array->header, err);
    if (r < 0) {
        (void)error_prefix(err, "array %s", array->name);
        return r;
    }
    expected = array->header.elements * array->header.item_size;
    if (member_size - size != expected)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "array %s: its shape and type take %" PRIu64 " bytes, but %" PRIu64
                         " follow the header; it is "
                         "truncated or damaged",
                         array->name, expected, member_size - size);
    array->left = expected;
    return 0;
}

static void close_array(struct npz_array **array)
{
    npz_close(*array);
}

int npz_open(int fd, uint64_t file_size, const char *name, struct npz_array **ret_array, struct error *err)
{
    CLEANUP(close_array) struct npz_array *array = calloc(1, sizeof *array);
    struct archive_entry *entry;
    char found[NPZ_NAME_MAX];
    int r;

    if (array == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to read array %s", name);
    (void)snprintf(array->name, sizeof array->name, "%s", name);
    r = open_archive(&array->source, fd, file_size, &array->archive, err);
    if (r < 0)
        return r;
    do {
        r = next_member(array->archive, &entry, found, err);
        if (r < 0)
            return r;
        if (r == 0)
            return error_set(err, ERROR_BAD_INPUT, -ENOENT, "there is no array %s", name);
    } while (strcmp(found, name) != 0);
    r = check_member(array->archive, entry, name, err);
    if (r == 0)
        r = read_header(array, (uint64_t)archive_entry_size(entry), err);
    if (r < 0)
        return r;
    *ret_array = TAKE_POINTER(array);
    return 0;
}

void npz_close(struct npz_array *array)
{
    if (array == NULL)
        return;
    close_archive(&array->archive);
    free(array);
}

const struct npy_header *npz_header(const struct npz_array *array)
{
    return &array->header;
}

int npz_read(struct npz_array *array, void *ret_bytes, size_t count, struct error *err)
{
    uint64_t size;
    int r;

    if (__builtin_mul_overflow((uint64_t)count, array->header.item_size, &size) || size > array->left)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "array %s: more elements asked for than it has", array->name);
    r = read_bytes(array, ret_bytes, (size_t)size, err);
    if (r == 0)
        array->left -= size;
    return r;
}

int npz_finish(struct npz_array *array, struct error *err)
{
    la_ssize_t count;
    uint8_t byte;

    if (array->left > 0)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "array %s: not read to its end", array->name);
    do
        count = archive_read_data(array->archive, &byte, 1);
    while (count == ARCHIVE_RETRY);
    if (count > 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "array %s: bytes follow its last element", array->name);
    if (count < 0) {
        char what[NPZ_NAME_MAX + 16];

        (void)snprintf(what, sizeof what, "array %s", array->name);
        return archive_failure(array->archive, err, what);
    }
    return 0;
}
