/* SPDX-License-Identifier: Apache-2.0 */
/* The header of a .safetensors file. */
#include "host/data/safetensors.h"

#include "base/cursor.h"
#include "base/io.h"
#include "host/json/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct tensor {
    char name[SAFETENSORS_NAME_MAX]; /* "" for one with a name that no array of a data set has */
    char dtype[8];
    struct npy_header header;
    bool readable; /* its type is one that data sets may have */
    uint64_t begin, end;
};

struct safetensors {
    uint64_t data; /* where the tensors' bytes begin */
    uint32_t count;
    struct tensor tensors[];
};

static const struct {
    char name[8];
    uint32_t bits;
    bool readable;
    enum npy_type type;
} dtypes[] = {
    {"F64", 64, true, NPY_F8}, {"F32", 32, true, NPY_F4}, {"F16", 16, true, NPY_F2}, {"BF16", 16, true, NPY_BF2},
    {"I64", 64, true, NPY_I8}, {"I32", 32, true, NPY_I4}, {"I16", 16, true, NPY_I2}, {"I8", 8, true, NPY_I1},
    {"U64", 64, true, NPY_U8}, {"U32", 32, true, NPY_U4}, {"U16", 16, true, NPY_U2}, {"U8", 8, true, NPY_U1},
    {"BOOL", 8, false, 0},     {"F8_E4M3", 8, false, 0},  {"F8_E5M2", 8, false, 0},
};

bool safetensors_is(const uint8_t bytes[9], uint64_t file_size)
{
    struct cursor cursor = cursor_over(bytes, 9);
    uint64_t size;

    return file_size > 9 && bytes[8] == '{' && cursor_read_u64le(&cursor, &size) == 0 && size >= 2 &&
           size <= file_size - 8;
}

void safetensors_prepare(void)
{
    json_object_seed(0); /* jansson opens /dev/urandom for it, which confinement forbids */
}

static int bad(const struct tensor *tensor, const char *what, struct error *err)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "tensor %s: %s; save the file again with safetensors",
                     tensor->name[0] != '\0' ? tensor->name : "(another)", what);
}

/* A number of the header that is no negative one. */
static bool read_number(const json_t *value, uint64_t *ret_number)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *ret_number = (uint64_t)json_integer_value(value);
    return true;
}

static int read_shape(const json_t *shape, struct tensor *tensor, uint32_t item_size, struct error *err)
{
    struct npy_header *header = &tensor->header;
    uint64_t bytes;

    header->item_size = item_size;
    header->elements = 1;
    if (!json_is_array(shape))
        return bad(tensor, "its shape is not a list", err);
    if (json_array_size(shape) > NPY_RANK_MAX) { /* some other tensor's; its size is its offsets' */
        tensor->readable = false;
        header->elements = (tensor->end - tensor->begin) / item_size;
        return 0;
    }
    header->rank = (uint32_t)json_array_size(shape);
    for (uint32_t i = 0; i < header->rank; i++)
        if (!read_number(json_array_get(shape, i), &header->dims[i]) ||
            __builtin_mul_overflow(header->elements, header->dims[i], &header->elements) ||
            header->elements > INT64_MAX / 8)
            return bad(tensor, "its shape holds no dimension, or too large ones", err);
    if (__builtin_mul_overflow(header->elements, (uint64_t)item_size, &bytes) || bytes != tensor->end - tensor->begin)
        return bad(tensor, "its data_offsets are not as far apart as shape and dtype say", err);
    return 0;
}

static int read_tensor(const char *name, const json_t *entry, uint64_t data_size, struct tensor *tensor,
                       struct error *err)
{
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    size_t type = 0;

    if (strlen(name) < sizeof tensor->name)
        memcpy(tensor->name, name, strlen(name) + 1);
    for (size_t i = 0; tensor->name[i] != '\0'; i++)
        if (tensor->name[i] < 0x20 || tensor->name[i] > 0x7e)
            tensor->name[0] = '\0';
    if (!json_is_object(entry) || json_object_size(entry) != 3 || dtype == NULL || json_array_size(offsets) != 2 ||
        !read_number(json_array_get(offsets, 0), &tensor->begin) ||
        !read_number(json_array_get(offsets, 1), &tensor->end))
        return bad(tensor, "it has something else than dtype, shape and data_offsets", err);
    if (tensor->begin > tensor->end || tensor->end > data_size)
        return bad(tensor, "its data_offsets lie outside the file", err);
    while (type < sizeof dtypes / sizeof dtypes[0] && strcmp(dtypes[type].name, dtype) != 0)
        type++;
    if (type == sizeof dtypes / sizeof dtypes[0])
        return bad(tensor, "its dtype is unknown", err);
    memcpy(tensor->dtype, dtypes[type].name, sizeof tensor->dtype);
    tensor->readable = dtypes[type].readable;
    tensor->header.type = dtypes[type].type;
    return read_shape(json_object_get(entry, "shape"), tensor, dtypes[type].bits / 8, err);
}

static int compare_begin(const void *a, const void *b)
{
    const struct tensor *left = a, *right = b;

    if (left->begin != right->begin)
        return left->begin < right->begin ? -1 : 1;
    return left->end < right->end ? -1 : left->end > right->end;
}

/* Each byte behind the header belongs to exactly one tensor. */
static int check_coverage(struct safetensors *file, uint64_t data_size, struct error *err)
{
    uint64_t at = 0;

    qsort(file->tensors, file->count, sizeof file->tensors[0], compare_begin);
    for (uint32_t i = 0; i < file->count; i++) {
        const struct tensor *tensor = &file->tensors[i];

        if (tensor->begin != at)
            return bad(tensor, tensor->begin < at ? "it overlaps another" : "a hole lies before it", err);
        at = tensor->end;
    }
    if (at != data_size)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "%" PRIu64 " bytes behind the last tensor belong to none; it is damaged", data_size - at);
    return 0;
}

static int read_tensors(json_t *header, uint64_t data, uint64_t data_size, struct safetensors **ret_file,
                        struct error *err)
{
    CLEANUP_FREE struct safetensors *file = NULL;
    const char *name;
    json_t *entry;
    int r = 0;

    if (!json_is_object(header))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "the header: not a JSON object");
    if (json_object_size(header) > SAFETENSORS_TENSORS_MAX)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "the header: more than %u tensors", SAFETENSORS_TENSORS_MAX);
    file = calloc(1, sizeof *file + json_object_size(header) * sizeof file->tensors[0]);
    if (file == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the header");
    file->data = data;
    json_object_foreach (header, name, entry) {
        if (strcmp(name, "__metadata__") == 0)
            continue;
        r = read_tensor(name, entry, data_size, &file->tensors[file->count++], err);
        if (r < 0)
            return r;
    }
    r = check_coverage(file, data_size, err);
    if (r < 0)
        return r;
    *ret_file = TAKE_POINTER(file);
    return 0;
}

int safetensors_open(int fd, uint64_t file_size, struct safetensors **ret_file, struct error *err)
{
    CLEANUP_FREE uint8_t *text = NULL;
    CLEANUP_JSON json_t *header = NULL;
    uint8_t prefix[9] = {0};
    struct cursor cursor = cursor_over(prefix, sizeof prefix);
    uint64_t size = 0;
    ssize_t count = io_pread_full(fd, prefix, sizeof prefix, 0);
    int r;

    if (count < 0)
        return error_set(err, ERROR_NO_INPUT, -EIO, "the file can't be read: %s", strerror((int)-count));
    if (count < (ssize_t)sizeof prefix || !safetensors_is(prefix, file_size) || cursor_read_u64le(&cursor, &size) < 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "byte 0: not the header of a .safetensors file");
    if (size > SAFETENSORS_HEADER_MAX)
        return error_set(err, ERROR_BAD_INPUT, -EMSGSIZE,
                         "byte 0: a header of %" PRIu64 " bytes; at most %" PRIu64 " are read", size,
                         SAFETENSORS_HEADER_MAX);
    text = malloc((size_t)size);
    if (text == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the header");
    count = io_pread_full(fd, text, (size_t)size, 8);
    if (count < 0)
        return error_set(err, ERROR_NO_INPUT, -EIO, "the file can't be read: %s", strerror((int)-count));
    r = json_read(text, (size_t)count, (size_t)SAFETENSORS_HEADER_MAX, "the header", &header, err);
    return r < 0 ? r : read_tensors(header, 8 + size, file_size - 8 - size, ret_file, err);
}

void safetensors_close(struct safetensors *file)
{
    free(file);
}

static const struct tensor *find(const struct safetensors *file, const char *name)
{
    for (uint32_t i = 0; i < file->count; i++)
        if (strcmp(file->tensors[i].name, name) == 0)
            return &file->tensors[i];
    return NULL;
}

bool safetensors_has(const struct safetensors *file, const char *name)
{
    return find(file, name) != NULL;
}

int safetensors_find(const struct safetensors *file, const char *name, struct npy_header *ret_header,
                     uint64_t *ret_offset, struct error *err)
{
    const struct tensor *tensor = find(file, name);

    if (tensor == NULL)
        return error_set(err, ERROR_BAD_INPUT, -ENOENT, "there is no array %s", name);
    if (!tensor->readable)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "array %s: it is %s of %zu dimensions; a float or integer type of at most %u is needed", name,
                         tensor->dtype, (size_t)tensor->header.rank, NPY_RANK_MAX);
    *ret_header = tensor->header;
    *ret_offset = file->data + tensor->begin;
    return 0;
}

void safetensors_list(const struct safetensors *file, char *ret_text, size_t size)
{
    size_t used = 0;

    ret_text[0] = '\0';
    for (uint32_t i = 0; i < file->count && used < size; i++)
        if (file->tensors[i].name[0] != '\0' && used + strlen(file->tensors[i].name) + 3 < size)
            used += (size_t)snprintf(ret_text + used, size - used, "%s%s", used > 0 ? ", " : "", file->tensors[i].name);
}
