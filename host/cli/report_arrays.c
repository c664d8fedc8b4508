/* SPDX-License-Identifier: Apache-2.0 */
/* The arrays that a report draws. */
#include "host/cli/report_arrays.h"

#include "base/io.h"
#include "host/data/npz.h"
#include "host/report/picture.h"
#include "wire/points.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAME_SIZE      48u
#define PICTURE_VALUES ((uint64_t)PICTURE_SIDE_MAX * PICTURE_SIDE_MAX * 3)

void report_arrays_free(struct report_sources *sources)
{
    for (size_t i = 0; i < sources->point_classes; i++) {
        free((void *)(uintptr_t)sources->points[i].train);
        free((void *)(uintptr_t)sources->points[i].test);
        free((void *)(uintptr_t)sources->points[i].train_clusters);
        free((void *)(uintptr_t)sources->points[i].test_clusters);
    }
    sources->point_classes = 0;
    free((void *)(uintptr_t)sources->pictures.clean);
    free((void *)(uintptr_t)sources->pictures.triggered);
    sources->pictures = (struct page_pictures){0};
}

/* --- one array ------------------------------------------------------------------------------------------------------
 */

static void close_array(struct npz_array **array)
{
    if (*array != NULL)
        npz_close(*array);
}

/* The archive as a file, which its reader wants. */
static int open_bytes(const struct buffer *npz, int *ret_fd, struct error *err)
{
    CLEANUP_FD int fd = memfd_create("npz", MFD_CLOEXEC);
    int r = fd < 0 ? -errno : io_write_full(fd, npz->data, npz->size, IO_NO_DEADLINE);

    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "no memory for arrays: %s", strerror(-r));
    *ret_fd = take_fd(&fd);
    return 0;
}

/* All elements of an array of 4-byte values; *ret_header tells its shape. The caller frees. */
static int read_array(int fd, uint64_t size, const char *name, enum npy_type type, uint64_t elements_max,
                      struct npy_header *ret_header, void **ret_values, struct error *err)
{
    CLEANUP(close_array) struct npz_array *array = NULL;
    CLEANUP_FREE void *values = NULL;
    const struct npy_header *header;
    int r = npz_open(fd, size, name, &array, err);

    if (r < 0)
        return r;
    header = npz_header(array);
    if (header->type != type || header->elements > elements_max)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "array %s: of another type, or too large", name);
    values = calloc(header->elements + 1, header->item_size);
    if (values == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for array %s", name);
    r = npz_read(array, values, header->elements, err);
    if (r == 0)
        r = npz_finish(array, err);
    if (r < 0)
        return r;
    *ret_header = *header;
    *ret_values = TAKE_POINTER(values);
    return 0;
}

/* --- clusters
 * --------------------------------------------------------------------------------------------------------- */

static bool are_points(const float *points, const int32_t *clusters, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        if (!isfinite(points[2 * i]) || !isfinite(points[2 * i + 1]) || (clusters[i] != 0 && clusters[i] != 1))
            return false;
    return true;
}

static int read_list(int fd, uint64_t size, const char *prefix, uint32_t label, const float **ret_points,
                     const int32_t **ret_clusters, size_t *ret_count, struct error *err)
{
    CLEANUP_FREE void *points = NULL, *clusters = NULL;
    struct npy_header shape, list;
    char name[NAME_SIZE];
    int r;

    (void)snprintf(name, sizeof name, "%spoints_%u", prefix, label);
    r = read_array(fd, size, name, NPY_F4, (uint64_t)2 * POINTS_MAX, &shape, &points, err);
    if (r < 0)
        return r;
    (void)snprintf(name, sizeof name, "%scluster_%u", prefix, label);
    r = read_array(fd, size, name, NPY_I4, POINTS_MAX, &list, &clusters, err);
    if (r < 0)
        return r;
    if (shape.rank != 2 || shape.dims[1] != 2 || list.rank != 1 || list.dims[0] != shape.dims[0] ||
        !are_points(points, clusters, list.dims[0]))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "array %s: no points and their clusters", name);
    *ret_points = TAKE_POINTER(points);
    *ret_clusters = TAKE_POINTER(clusters);
    *ret_count = list.dims[0];
    return 0;
}

static int read_class(int fd, uint64_t size, const json_t *class, struct report_sources *sources, struct error *err)
{
    const json_t *test = json_object_get(class, "testSizes");
    struct page_points *points = &sources->points[sources->point_classes++];
    int r;

    *points = (struct page_points){.label = (uint32_t)json_integer_value(json_object_get(class, "label"))};
    r = read_list(fd, size, "", points->label, &points->train, &points->train_clusters, &points->train_count, err);
    if (r == 0 && json_integer_value(json_array_get(test, 0)) + json_integer_value(json_array_get(test, 1)) > 0)
        r = read_list(fd, size, "test_", points->label, &points->test, &points->test_clusters, &points->test_count,
                      err);
    return r;
}

static const json_t *find_classes(const json_t *evaluation)
{
    const json_t *check;
    size_t i;

    json_array_foreach (json_object_get(evaluation, "checks"), i, check) {
        const char *id = json_string_value(json_object_get(check, "id"));

        if (id != NULL && strcmp(id, "activation-clustering") == 0)
            return json_object_get(check, "classes");
    }
    return NULL;
}

int report_arrays_read_clusters(const struct buffer *npz, struct report_sources *sources, struct error *err)
{
    const json_t *first[PAGE_SCATTERS_MAX];
    size_t count = page_first_clusters(find_classes(sources->evaluation), first, PAGE_SCATTERS_MAX);
    CLEANUP_FD int fd = -1;
    int r;

    npz_prepare();
    r = open_bytes(npz, &fd, err);
    for (size_t i = 0; r == 0 && i < count; i++)
        if (json_object_get(first[i], "sizes") != NULL)
            r = read_class(fd, npz->size, first[i], sources, err);
    return r;
}

/* --- the trigger on an input
 * -------------------------------------------------------------------------------------------- */

static int read_picture(int fd, uint64_t size, const char *name, struct page_pictures *shape,
                        const uint8_t **ret_pixels, struct error *err)
{
    CLEANUP_FREE void *wide = NULL;
    CLEANUP_FREE uint8_t *pixels = NULL;
    struct npy_header header;
    int r = read_array(fd, size, name, NPY_I4, PICTURE_VALUES, &header, &wide, err);

    if (r < 0)
        return r;
    if (header.rank != 3 || header.elements == 0 || header.dims[0] > PICTURE_SIDE_MAX ||
        header.dims[1] > PICTURE_SIDE_MAX || (header.dims[2] != 1 && header.dims[2] != 3) ||
        (shape->height != 0 &&
         (shape->height != header.dims[0] || shape->width != header.dims[1] || shape->channels != header.dims[2])))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "array %s: no picture", name);
    pixels = malloc(header.elements);
    if (pixels == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a picture");
    for (uint64_t i = 0; i < header.elements; i++)
        pixels[i] = (uint8_t)((const int32_t *)wide)[i];
    shape->height = (uint32_t)header.dims[0];
    shape->width = (uint32_t)header.dims[1];
    shape->channels = (uint32_t)header.dims[2];
    *ret_pixels = TAKE_POINTER(pixels);
    return 0;
}

int report_arrays_read_trigger(const struct buffer *npz, struct report_sources *sources, struct error *err)
{
    struct page_pictures *pictures = &sources->pictures;
    CLEANUP_FD int fd = -1;
    int r;

    npz_prepare();
    r = open_bytes(npz, &fd, err);
    if (r == 0)
        r = read_picture(fd, npz->size, "clean", pictures, &pictures->clean, err);
    if (r == 0)
        r = read_picture(fd, npz->size, "triggered", pictures, &pictures->triggered, err);
    sources->has_pictures = r == 0;
    return r;
}
