/* SPDX-License-Identifier: Apache-2.0 */
/* A data set's file, of whatever format, as named arrays. */
#include "host/data/source.h"

#include "base/io.h"
#include "host/data/idx.h"
#include "host/data/inflate.h"
#include "host/data/npz.h"
#include "host/data/safetensors.h"

#include <errno.h>
#include <string.h>

#define SOURCE_MAGIC_SIZE 9u
#define SOURCE_NAMES_MAX  200u /* bytes of the list of arrays in a message */

enum source_format { SOURCE_NPZ, SOURCE_IDX, SOURCE_SAFETENSORS };

struct source {
    struct source_files files;
    enum source_format format;
    struct npz_contents contents;    /* SOURCE_NPZ */
    struct safetensors *safetensors; /* SOURCE_SAFETENSORS */
};

struct source_array {
    enum source_format format;
    struct npz_array *npz;
    struct idx *idx;
    bool labels; /* SOURCE_IDX: of the file of labels */
    int fd;      /* SOURCE_SAFETENSORS, with the next three */
    struct npy_header header;
    uint64_t offset, end;
};

void source_prepare(void)
{
    npz_prepare();
    safetensors_prepare();
}

/* --- the file ---------------------------------------------------------------------------------- */

/* The first bytes of the content, gzip taken off. */
static int read_magic(const struct source_files *files, uint8_t ret_magic[SOURCE_MAGIC_SIZE], struct error *err)
{
    struct inflate *stream;
    size_t count = 0;
    int r = inflate_open(files->fd, files->size, &stream, err);

    if (r < 0)
        return r;
    r = inflate_read(stream, ret_magic, SOURCE_MAGIC_SIZE, &count, err);
    inflate_close(stream);
    return r;
}

static int open_safetensors(struct source *source, struct error *err)
{
    char names[SOURCE_NAMES_MAX];
    int r = safetensors_open(source->files.fd, source->files.size, &source->safetensors, err);

    if (r < 0 || safetensors_has(source->safetensors, "x"))
        return r;
    safetensors_list(source->safetensors, names, sizeof names);
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                     "there is no tensor x; it has %s; save the inputs as x and the labels as y",
                     names[0] != '\0' ? names : "none");
}

static int open_format(struct source *source, struct error *err)
{
    uint8_t magic[SOURCE_MAGIC_SIZE] = {0};
    int r = read_magic(&source->files, magic, err);

    if (r < 0)
        return r;
    if (idx_is(magic))
        source->format = SOURCE_IDX;
    else if (safetensors_is(magic, source->files.size))
        source->format = SOURCE_SAFETENSORS;
    if (source->format != SOURCE_IDX && source->files.labels_fd >= 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "a file of labels was given for it, which IDX images alone have; a .npz or .safetensors "
                         "holds its labels as y");
    if (source->format == SOURCE_NPZ)
        return npz_inspect(source->files.fd, source->files.size, &source->contents, err);
    return source->format == SOURCE_SAFETENSORS ? open_safetensors(source, err) : 0;
}

int source_open(const struct source_files *files, struct source **ret_source, struct error *err)
{
    struct source *source = calloc(1, sizeof *source);
    int r;

    if (source == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to read a data set");
    source->files = *files;
    r = open_format(source, err);
    if (r < 0) {
        source_close(source);
        return r;
    }
    *ret_source = source;
    return 0;
}

void source_close(struct source *source)
{
    if (source == NULL)
        return;
    safetensors_close(source->safetensors);
    free(source);
}

bool source_has(const struct source *source, const char *name)
{
    if (source->format == SOURCE_SAFETENSORS)
        return safetensors_has(source->safetensors, name);
    if (strcmp(name, "x") == 0)
        return true;
    if (strcmp(name, "y") == 0)
        return source->format == SOURCE_IDX ? source->files.labels_fd >= 0 : source->contents.has_y;
    return source->format == SOURCE_NPZ && strcmp(name, "mask") == 0 && source->contents.has_mask;
}

/* --- one array --------------------------------------------------------------------------------- */

/* Says which of the two files an error of IDX is about. */
static int blame(const struct source_array *array, int code, struct error *err)
{
    if (code < 0)
        (void)error_prefix(err, array->labels ? "its file of labels" : "array x");
    return code;
}

static int open_idx(const struct source *source, const char *name, struct source_array *array, struct error *err)
{
    const struct source_files *files = &source->files;

    if (!source_has(source, name))
        return error_set(err, ERROR_BAD_INPUT, -ENOENT, "there is no array %s", name);
    array->labels = strcmp(name, "y") == 0;
    return blame(array,
                 idx_open(array->labels ? files->labels_fd : files->fd,
                          array->labels ? files->labels_size : files->size, &array->idx, err),
                 err);
}

static int open_tensor(const struct source *source, const char *name, struct source_array *array, struct error *err)
{
    int r = safetensors_find(source->safetensors, name, &array->header, &array->offset, err);

    array->fd = source->files.fd;
    if (r == 0)
        array->end = array->offset + array->header.elements * array->header.item_size;
    return r;
}

int source_array_open(const struct source *source, const char *name, struct source_array **ret_array, struct error *err)
{
    CLEANUP_SOURCE_ARRAY struct source_array *array = calloc(1, sizeof *array);
    int r;

    if (array == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to read array %s", name);
    array->format = source->format;
    if (source->format == SOURCE_NPZ)
        r = npz_open(source->files.fd, source->files.size, name, &array->npz, err);
    else
        r = source->format == SOURCE_IDX ? open_idx(source, name, array, err) : open_tensor(source, name, array, err);
    if (r < 0)
        return r;
    *ret_array = TAKE_POINTER(array);
    return 0;
}

void source_array_close(struct source_array *array)
{
    if (array == NULL)
        return;
    npz_close(array->npz);
    idx_close(array->idx);
    free(array);
}

const struct npy_header *source_array_header(const struct source_array *array)
{
    if (array->format == SOURCE_NPZ)
        return npz_header(array->npz);
    return array->format == SOURCE_IDX ? idx_header(array->idx) : &array->header;
}

static int read_tensor(struct source_array *array, void *ret_bytes, size_t count, struct error *err)
{
    uint64_t size = (uint64_t)count * array->header.item_size;
    ssize_t got;

    if (size > array->end - array->offset)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "more elements asked for than a tensor has");
    got = io_pread_full(array->fd, ret_bytes, (size_t)size, array->offset);
    if (got < 0)
        return error_set(err, ERROR_NO_INPUT, -EIO, "the file can't be read: %s", strerror((int)-got));
    if ((uint64_t)got != size)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "the file was changed while it was read; run again");
    array->offset += size;
    return 0;
}

int source_array_read(struct source_array *array, void *ret_bytes, size_t count, struct error *err)
{
    if (array->format == SOURCE_NPZ)
        return npz_read(array->npz, ret_bytes, count, err);
    return array->format == SOURCE_IDX ? blame(array, idx_read(array->idx, ret_bytes, count, err), err)
                                       : read_tensor(array, ret_bytes, count, err);
}

int source_array_finish(struct source_array *array, struct error *err)
{
    if (array->format == SOURCE_NPZ)
        return npz_finish(array->npz, err);
    return array->format == SOURCE_IDX ? blame(array, idx_finish(array->idx, err), err) : 0;
}
