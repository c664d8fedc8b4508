/* SPDX-License-Identifier: Apache-2.0 */
/* What a report draws besides figures. */
#include "host/job/publish_figures.h"

#include "host/data/npz_writer.h"
#include "host/json/decimal.h"
#include "host/report/picture.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define GEOMETRY_CHANNELS_FEW 4u
#define COLOURS_MAX           3u
#define SAMPLES_TRIED_MAX     64u /* to find one that is not of the target class */

void figures_drawn_free(struct figures *figures)
{
    for (size_t i = 0; i < figures->point_classes; i++) {
        free((void *)(uintptr_t)figures->points[i].train);
        free((void *)(uintptr_t)figures->points[i].test);
        free((void *)(uintptr_t)figures->points[i].train_clusters);
        free((void *)(uintptr_t)figures->points[i].test_clusters);
    }
    free(figures->points);
    free((void *)(uintptr_t)figures->pictures.clean);
    free((void *)(uintptr_t)figures->pictures.triggered);
    *figures = (struct figures){0};
}

static const json_t *find_check(const struct gathering *g, const char *id)
{
    const json_t *check;
    size_t i;

    json_array_foreach (json_object_get(g->publication->assessment->evaluation, "checks"), i, check)
        if (strcmp(json_string_value(json_object_get(check, "id")), id) == 0)
            return check;
    return NULL;
}

/* --- points of clusters
 * ------------------------------------------------------------------------------------------------ */

static int take_list(const struct results_points *from, unsigned which, const float **ret_points,
                     const int32_t **ret_clusters, size_t *ret_count)
{
    size_t count = from->sizes[which] / POINTS_SIZE;
    float *points = malloc((2 * count + 1) * sizeof *points);
    int32_t *clusters = malloc((count + 1) * sizeof *clusters);
    struct point point;

    *ret_points = points;
    *ret_clusters = clusters;
    *ret_count = 0;
    if (points == NULL || clusters == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count && points_read(from->bytes[which], from->sizes[which], i, &point) == 0; i++) {
        points[2 * i] = point.x;
        points[2 * i + 1] = point.y;
        clusters[i] = point.cluster;
        *ret_count = i + 1;
    }
    return 0;
}

static int take_class(struct figures *figures, const struct results_points *from, uint32_t label)
{
    struct page_points *points = &figures->points[figures->point_classes++];
    int r;

    *points = (struct page_points){.label = label};
    r = take_list(from, 0, &points->train, &points->train_clusters, &points->train_count);
    return r < 0 ? r : take_list(from, 1, &points->test, &points->test_clusters, &points->test_count);
}

static bool is_suspicious(const json_t *clustering, uint32_t label)
{
    return json_is_true(json_object_get(json_array_get(json_object_get(clustering, "classes"), label), "suspicious"));
}

static int take_points(struct figures *figures, const struct results_check *result, uint32_t classes,
                       const json_t *clustering)
{
    size_t most = classes < FIGURES_CLASSES_MAX ? classes : FIGURES_CLASSES_MAX;

    if (result->drawn == NULL)
        return 0;
    figures->points = calloc(most + 1, sizeof *figures->points);
    if (figures->points == NULL)
        return -ENOMEM;
    for (unsigned round = 0; round < 2; round++)
        for (uint32_t label = 0; label < classes && figures->point_classes < most; label++)
            if (result->drawn[label].sizes[0] > 0 && is_suspicious(clustering, label) == (round == 0)) {
                int r = take_class(figures, &result->drawn[label], label);

                if (r < 0)
                    return r;
            }
    return 0;
}

static int write_list(struct npz_writer *writer, const char *prefix, uint32_t label, const float *points,
                      const int32_t *clusters, size_t count, struct error *err)
{
    char name[NPZ_WRITER_NAME_MAX];
    const uint64_t dims[] = {count, 2};
    int r;

    (void)snprintf(name, sizeof name, "%spoints_%u", prefix, label);
    r = npz_writer_add_f32(writer, name, 2, dims, points, err);
    (void)snprintf(name, sizeof name, "%scluster_%u", prefix, label);
    return r < 0 ? r : npz_writer_add_i32(writer, name, 1, dims, clusters, err);
}

static int write_clusters(struct npz_writer *writer, const struct figures *figures, struct error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < figures->point_classes; i++) {
        const struct page_points *points = &figures->points[i];

        r = write_list(writer, "", points->label, points->train, points->train_clusters, points->train_count, err);
        if (r == 0 && points->test_count > 0)
            r = write_list(writer, "test_", points->label, points->test, points->test_clusters, points->test_count,
                           err);
    }
    return r;
}

/* --- the trigger on an input
 * ---------------------------------------------------------------------------------------------- */

/* How elements lie, as the searches see an input; docs/evaluation.md. */
struct geometry {
    uint32_t height, width, channels;
    bool channels_last;
};

static bool find_geometry(const struct plan_contract *contract, struct geometry *ret_geometry)
{
    const uint64_t *dims = contract->dims;
    bool last = contract->rank == 3 && dims[0] > GEOMETRY_CHANNELS_FEW && dims[2] <= GEOMETRY_CHANNELS_FEW;
    uint64_t height, width, channels;

    if (contract->rank < 2 || contract->rank > 3 || !contract->has_range)
        return false;
    height = dims[last ? 0 : contract->rank - 2];
    width = dims[last ? 1 : contract->rank - 1];
    channels = contract->rank == 2 ? 1 : dims[last ? 2 : 0];
    if (height > PICTURE_SIDE_MAX || width > PICTURE_SIDE_MAX || (channels != 1 && channels != 3))
        return false;
    *ret_geometry = (struct geometry){(uint32_t)height, (uint32_t)width, (uint32_t)channels, last};
    return true;
}

/* A patch that was found: its box and its colour, out of evaluation.json. */
struct patch {
    int64_t target, row, col, height, width;
    double colour[COLOURS_MAX];
};

static bool find_patch(const json_t *best, const struct geometry *geometry, struct patch *ret_patch)
{
    const json_t *colour = json_object_get(best, "colour");
    struct patch patch = {.target = json_integer_value(json_object_get(best, "target")),
                          .row = json_integer_value(json_object_get(best, "row")),
                          .col = json_integer_value(json_object_get(best, "col")),
                          .height = json_integer_value(json_object_get(best, "height")),
                          .width = json_integer_value(json_object_get(best, "width"))};

    if (json_array_size(colour) < geometry->channels ||
        (patch.height == geometry->height &&
         patch.width == geometry->width)) /* a faint pattern: no colour of it came */
        return false;
    for (size_t i = 0; i < geometry->channels; i++)
        if (json_decimal_parse(json_string_value(json_array_get(colour, i)), &patch.colour[i]) < 0)
            return false;
    *ret_patch = patch;
    return true;
}

static uint8_t shade_of(const struct plan_contract *contract, double value)
{
    double share = (value - contract->range_low) / (contract->range_high - contract->range_low);

    return !(share > 0.0) ? 0 : share >= 1.0 ? 255 : (uint8_t)lround(255.0 * share);
}

static void draw(const struct plan_contract *contract, const struct geometry *geometry, const struct patch *patch,
                 const float *values, uint8_t *ret_clean, uint8_t *ret_triggered)
{
    size_t plane = (size_t)geometry->height * geometry->width, at = 0;

    for (uint32_t row = 0; row < geometry->height; row++)
        for (uint32_t col = 0; col < geometry->width; col++)
            for (uint32_t channel = 0; channel < geometry->channels; channel++, at++) {
                size_t pixel = (size_t)row * geometry->width + col;
                bool inside = row >= patch->row && row < patch->row + patch->height && col >= patch->col &&
                              col < patch->col + patch->width;

                ret_clean[at] =
                    shade_of(contract, (double)values[geometry->channels_last ? pixel * geometry->channels + channel
                                                                              : channel * plane + pixel]);
                ret_triggered[at] = inside ? shade_of(contract, patch->colour[channel]) : ret_clean[at];
            }
}

/* The first test input that is not of the target's class already. */
static uint64_t choose_sample(const struct admission *admission, int64_t target, uint64_t count)
{
    for (uint64_t i = 0; admission->test_labels != NULL && i < count && i < SAMPLES_TRIED_MAX; i++)
        if (admission->test_labels[i] != target)
            return i;
    return 0;
}

/* One test input; windows of a set follow one another from the first on. */
static int read_sample(const struct admission *admission, uint64_t index, float *ret_values)
{
    int r = 0;

    for (uint64_t i = 0; r == 0 && i <= index; i++)
        r = data_reader_window(admission->reader, DATA_SET_TEST, i, 1, ret_values,
                               admission_data_deadline_ns(admission), NULL);
    return r;
}

static int take_pictures(struct gathering *g, struct figures *figures)
{
    const struct publication *p = g->publication;
    const struct plan_contract *contract = &p->made->plan.contract;
    const json_t *best = json_object_get(find_check(g, "trigger-scan"), "best");
    uint64_t count = p->made->plan.sets[PLAN_SET_TEST].count;
    CLEANUP_FREE float *values = NULL;
    struct geometry geometry;
    struct patch patch;
    size_t elements;
    uint8_t *clean, *triggered;

    if (!p->admission->policy.report_samples || best == NULL || count == 0 || !find_geometry(contract, &geometry) ||
        !find_patch(best, &geometry, &patch))
        return 0;
    elements = (size_t)geometry.height * geometry.width * geometry.channels;
    figures->pictures = (struct page_pictures){.height = geometry.height,
                                               .width = geometry.width,
                                               .channels = geometry.channels,
                                               .clean = clean = malloc(elements),
                                               .triggered = triggered = malloc(elements)};
    values = calloc(elements, sizeof *values);
    if (clean == NULL || triggered == NULL || values == NULL)
        return -ENOMEM;
    if (read_sample(p->admission, choose_sample(p->admission, patch.target, count), values) < 0)
        return 0;
    draw(contract, &geometry, &patch, values, clean, triggered);
    figures->has_pictures = true;
    return 0;
}

static int write_picture(struct npz_writer *writer, const struct page_pictures *pictures, const char *name,
                         const uint8_t *pixels, struct error *err)
{
    const uint64_t dims[] = {pictures->height, pictures->width, pictures->channels};
    size_t elements = (size_t)pictures->height * pictures->width * pictures->channels;
    CLEANUP_FREE int32_t *wide = calloc(elements, sizeof *wide);

    if (wide == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a picture");
    for (size_t i = 0; i < elements; i++)
        wide[i] = pixels[i];
    return npz_writer_add_i32(writer, name, 3, dims, wide, err);
}

static int write_trigger(struct npz_writer *writer, const struct figures *figures, struct error *err)
{
    int r = write_picture(writer, &figures->pictures, "clean", figures->pictures.clean, err);

    return r < 0 ? r : write_picture(writer, &figures->pictures, "triggered", figures->pictures.triggered, err);
}

/* --- the files
 * -------------------------------------------------------------------------------------------------------------- */

static int write_arrays(struct gathering *g, const char *name, const struct figures *figures,
                        int (*write)(struct npz_writer *writer, const struct figures *figures, struct error *err))
{
    struct npz_writer *writer = NULL;
    CLEANUP_FD int fd = -1;
    int r = staging_open(g->staging, name, &fd, g->err);

    if (r == 0)
        r = npz_writer_create(fd, &writer, g->err);
    if (r == 0)
        r = write(writer, figures, g->err);
    if (r == 0)
        r = npz_writer_finish(writer, g->err);
    npz_writer_free(writer);
    if (r == 0 && fsync(fd) < 0)
        r = error_set(g->err, ERROR_UNAVAILABLE, -errno, "%s: %s", name, strerror(errno));
    return r < 0 ? r : publish_name_file(g, name, fd);
}

static int gather(struct gathering *g, struct figures *figures)
{
    const struct publication *p = g->publication;
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < p->made->plan.check_count; i++)
        if (p->made->plan.checks[i].id == PLAN_ACTIVATION_CLUSTERING)
            r = take_points(figures, &p->results->checks[i], p->results->classes,
                            find_check(g, "activation-clustering"));
    if (r == 0)
        r = take_pictures(g, figures);
    return r < 0 ? error_set(g->err, ERROR_UNAVAILABLE, r, "no memory for what a report draws") : 0;
}

int publish_figures(struct gathering *g, struct figures *ret_figures)
{
    CLEANUP_FIGURES struct figures figures = {0};
    int r = 0;

    if (!g->publication->assessment->failed)
        r = gather(g, &figures);
    if (r == 0 && figures.point_classes > 0)
        r = write_arrays(g, FIGURES_CLUSTERS, &figures, write_clusters);
    if (r == 0 && figures.has_pictures)
        r = write_arrays(g, FIGURES_TRIGGER, &figures, write_trigger);
    if (r < 0)
        return r;
    *ret_figures = figures;
    figures = (struct figures){0}; /* transferred */
    return 0;
}
