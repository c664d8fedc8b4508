/* SPDX-License-Identifier: Apache-2.0 */
/*
 * activation-clustering: does a class of the training set fall into two groups of which trusted test
 * data knows only one? (After Chen et al. 2018, arXiv:1811.03728; the decision by test data is ours.)
 *
 * Theory of operation. The training set's activations of one layer are kept, f32, until its last
 * window has come. Then each given label's samples get their own basis (pca.h) and two clusters
 * (kmeans.h), and the activations are dropped. Test windows stream through: a sample goes to the
 * class that the model predicts, is projected into that class's training basis, and counts for the
 * nearer centre. Which counts are suspicious is for the host to decide.
 */
#include "guest/checks/check.h"
#include "guest/checks/fast_ica.h"
#include "guest/checks/kmeans.h"
#include "guest/checks/meter.h"
#include "guest/checks/pca.h"
#include "guest/checks/thinned.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define SMALLEST_CLASS 2u /* of two clusters */

/* One class of the model. */
struct class_state {
    size_t count;    /* training samples with this label */
    struct pca *pca; /* NULL: too small */
    struct kmeans_result clusters;
    double silhouette;
    uint64_t test_sizes[2];
    uint32_t index_count[2];
    uint64_t indices[2][MESSAGE_INDICES_MAX];
    struct thinned train, test; /* points for a drawing */
};

struct clustering {
    const struct check_context *context;
    const struct plan_check *plan;
    struct meter meter;
    uint32_t slice, class_count;
    size_t features, logit_count;
    float *activations; /* training set × features, until it is complete */
    uint32_t *labels;   /* training set */
    uint64_t train_count, train_seen;
    float *slice_activations, *logits; /* of test samples */
    struct class_state **classes;      /* class_count, allocated where the training set has the label */
    uint64_t *test_counts;             /* class_count: predicted as a class without state */
    uint64_t images;
};

static int no_memory(struct error *err, const char *what, uint64_t bytes)
{
    return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "activation-clustering needs %llu MiB for %s, more than there is",
                     (unsigned long long)((bytes >> 20) + 1), what);
}

static void clustering_free(void *state)
{
    struct clustering *clustering = state;

    if (clustering == NULL)
        return;
    for (uint32_t i = 0; clustering->classes != NULL && i < clustering->class_count; i++) {
        if (clustering->classes[i] != NULL) {
            pca_free(clustering->classes[i]->pca);
            thinned_free(&clustering->classes[i]->train);
            thinned_free(&clustering->classes[i]->test);
        }
        free(clustering->classes[i]);
    }
    free(clustering->activations);
    free(clustering->labels);
    free(clustering->slice_activations);
    free(clustering->logits);
    free(clustering->classes);
    free(clustering->test_counts);
    free(clustering);
}

/* Refuses what can't fit before anything is allocated or computed. */
static int allocate(struct clustering *clustering, struct error *err)
{
    uint64_t budget = clustering->context->memory_bytes, bytes;

    if (__builtin_mul_overflow(clustering->train_count, (uint64_t)clustering->features * sizeof(float), &bytes) ||
        __builtin_add_overflow(bytes, clustering->train_count * sizeof(uint32_t), &bytes))
        bytes = UINT64_MAX;
    if (bytes > SIZE_MAX / 2 || (budget != 0 && bytes > budget))
        return no_memory(err, "the training set's activations", bytes);
    clustering->activations = malloc(clustering->train_count * clustering->features * sizeof(float));
    clustering->labels = malloc(clustering->train_count * sizeof(uint32_t));
    if (clustering->activations == NULL || clustering->labels == NULL)
        return no_memory(err, "the training set's activations", bytes);
    clustering->slice_activations = calloc(clustering->slice * clustering->features, sizeof(float));
    clustering->logits = calloc(clustering->slice * clustering->logit_count, sizeof(float));
    clustering->classes = calloc(clustering->class_count, sizeof *clustering->classes);
    clustering->test_counts = calloc(clustering->class_count, sizeof *clustering->test_counts);
    if (clustering->slice_activations == NULL || clustering->logits == NULL || clustering->classes == NULL ||
        clustering->test_counts == NULL)
        return no_memory(err, "one batch", clustering->slice * clustering->features * sizeof(float));
    return 0;
}

static int clustering_begin(const struct check_context *context, void **ret_state, struct error *err)
{
    const struct plan *plan = context->plan;
    struct clustering *clustering = calloc(1, sizeof *clustering);
    int r;

    if (clustering == NULL)
        return no_memory(err, "its state", sizeof *clustering);
    clustering->context = context;
    clustering->plan = &plan->checks[context->index];
    clustering->slice = network_batch(context->network);
    clustering->class_count = check_classes(context->network);
    clustering->features = network_layer_size(context->network);
    clustering->logit_count = network_classes(context->network);
    clustering->train_count = plan->sets[PLAN_SET_TRAIN].count;
    r = allocate(clustering, err);
    if (r < 0) {
        clustering_free(clustering);
        return r;
    }
    meter_start(&clustering->meter, context, clustering->train_count + plan->sets[PLAN_SET_TEST].count);
    *ret_state = clustering;
    return 0;
}

static int check_finite(const struct clustering *clustering, const float *activations, uint64_t first, uint32_t count,
                        const char *set, struct error *err)
{
    for (uint32_t i = 0; i < count; i++)
        for (size_t j = 0; j < clustering->features; j++)
            if (!isfinite(activations[i * clustering->features + j]))
                return error_set(
                    err, ERROR_BAD_INPUT, -EDOM, "layer %s: activation %zu of %s sample %llu is not a finite number",
                    network_layer_name(clustering->context->network), j, set, (unsigned long long)(first + i));
    return 0;
}

/* --- training windows ---------------------------------------------------------------------- */

static int take_labels(struct clustering *clustering, const struct check_window *window, struct error *err)
{
    for (uint32_t i = 0; i < window->count; i++) {
        uint32_t label = window->labels[i];
        uint64_t sample = window->first + i;

        if (label >= clustering->class_count)
            return error_set(err, ERROR_BAD_INPUT, -EINVAL,
                             "training sample %llu has the label %u, the model %u classes", (unsigned long long)sample,
                             label, clustering->class_count);
        clustering->labels[sample] = label;
        if (clustering->classes[label] == NULL)
            clustering->classes[label] = calloc(1, sizeof **clustering->classes);
        if (clustering->classes[label] == NULL)
            return no_memory(err, "a class", sizeof **clustering->classes);
        clustering->classes[label]->count++;
    }
    return 0;
}

static int take_train(struct clustering *clustering, const struct check_window *window, struct error *err)
{
    size_t input = network_input_size(clustering->context->network);
    int r = take_labels(clustering, window, err);

    for (uint32_t first = 0; r == 0 && first < window->count; first += clustering->slice) {
        uint32_t left = window->count - first, count = left < clustering->slice ? left : clustering->slice;
        float *target = clustering->activations + (window->first + first) * clustering->features;

        r = network_activations(clustering->context->network, window->x + first * input, count, target, NULL, err);
        if (r == 0)
            r = check_finite(clustering, target, window->first + first, count, "training", err);
        if (r == 0)
            r = meter_add(&clustering->meter, count, err);
    }
    clustering->train_seen += window->count;
    return r;
}

/* --- one class ------------------------------------------------------------------------------ */

/* What one class's clustering works on. */
struct class_work {
    uint64_t *rows;  /* its samples, ascending */
    double *points;  /* count × components */
    uint8_t *labels; /* cluster of each */
};

static void class_work_free(struct class_work *work)
{
    free(work->rows);
    free(work->points);
    free(work->labels);
}

static int class_work_open(const struct clustering *clustering, uint32_t label, struct class_work *work,
                           struct error *err)
{
    size_t count = clustering->classes[label]->count;
    uint64_t budget = clustering->context->memory_bytes;
    uint64_t bytes = pca_memory(count, clustering->features, clustering->plan->clustering.components);

    if (bytes <= SIZE_MAX / 2)
        bytes += count * (sizeof(uint64_t) + 2 * sizeof(uint8_t) +
                          sizeof(double) * (clustering->plan->clustering.components + 2));
    if (bytes > SIZE_MAX / 2 || (budget != 0 && bytes > budget))
        return no_memory(err, "one class's principal components", bytes);
    work->rows = malloc(count * sizeof *work->rows);
    work->points = malloc(count * clustering->plan->clustering.components * sizeof *work->points);
    work->labels = malloc(count);
    if (work->rows == NULL || work->points == NULL || work->labels == NULL)
        return no_memory(err, "one class's clusters", bytes);
    count = 0;
    for (uint64_t i = 0; i < clustering->train_count; i++)
        if (clustering->labels[i] == label)
            work->rows[count++] = i;
    return 0;
}

static void note_indices(struct class_state *class, const struct class_work *work)
{
    for (size_t i = 0; i < class->count; i++) {
        unsigned c = work->labels[i];

        if (class->index_count[c] < MESSAGE_INDICES_MAX)
            class->indices[c][class->index_count[c]++] = work->rows[i];
    }
}

static int note_points(struct class_state *class, const struct class_work *work, uint32_t limit)
{
    size_t dims = pca_components(class->pca);
    int r = 0;

    thinned_start(&class->train, limit);
    thinned_start(&class->test, limit);
    for (size_t i = 0; r == 0 && i < class->count; i++)
        r = thinned_add(&class->train, work->points[i * dims], dims > 1 ? work->points[i * dims + 1] : 0.0,
                        work->labels[i]);
    return r;
}

static void project_samples(const struct clustering *clustering, const struct class_state *class,
                            struct class_work *work)
{
    size_t dims = pca_components(class->pca);

    for (size_t i = 0; i < class->count; i++)
        pca_project(class->pca, clustering->activations + work->rows[i] * clustering->features,
                    work->points + i * dims);
}

/* From principal to independent components. Points that can't be turned any further stay whitened. */
static int separate(const struct clustering *clustering, uint32_t label, struct class_work *work, struct error *err)
{
    struct class_state *class = clustering->classes[label];
    double rotation[PLAN_COMPONENTS_MAX * PLAN_COMPONENTS_MAX];
    struct kmeans_points points = {.values = work->points, .count = class->count};
    uint32_t iterations;
    int r;

    pca_whiten(class->pca);
    points.dims = pca_components(class->pca);
    project_samples(clustering, class, work);
    fast_ica_start(clustering->plan->seed, label, points.dims, rotation);
    r = fast_ica_rotate(&points, rotation, &iterations);
    if (r == -ENOMEM)
        return no_memory(err, "independent components", sizeof rotation);
    if (r == 0) {
        pca_rotate(class->pca, rotation);
        project_samples(clustering, class, work);
    }
    return 0;
}

static int cluster_samples(const struct clustering *clustering, uint32_t label, struct class_work *work,
                           struct error *err)
{
    struct class_state *class = clustering->classes[label];
    struct pca_rows data = {.samples = clustering->activations,
                            .rows = work->rows,
                            .count = class->count,
                            .features = clustering->features};
    struct kmeans_points points = {.values = work->points, .count = class->count};
    int r = pca_fit(&data, clustering->plan->clustering.components, &class->pca, err);

    if (r < 0)
        return r;
    points.dims = pca_components(class->pca);
    project_samples(clustering, class, work);
    if (clustering->plan->clustering.reduction == PLAN_FAST_ICA) {
        r = separate(clustering, label, work, err);
        points.dims = pca_components(class->pca);
    }
    if (r < 0)
        return r;
    r = kmeans_two(&points, clustering->plan->seed, label, clustering->plan->clustering.starts, work->labels,
                   &class->clusters);
    if (r == 0)
        r = kmeans_silhouette(&points, work->labels, clustering->plan->seed, label, &class->silhouette);
    if (r < 0)
        return no_memory(err, "one class's clusters", class->count * sizeof(double));
    note_indices(class, work);
    r = note_points(class, work, points_limit(clustering->class_count));
    return r < 0 ? no_memory(err, "points", POINTS_MAX * POINTS_SIZE) : 0;
}

static int cluster_class(const struct clustering *clustering, uint32_t label, struct error *err)
{
    struct class_work work = {0};
    int r = class_work_open(clustering, label, &work, err);

    if (r == 0)
        r = cluster_samples(clustering, label, &work, err);
    if (r < 0)
        (void)error_prefix(err, "class %u", label);
    class_work_free(&work);
    return r;
}

static bool is_large_enough(const struct clustering *clustering, const struct class_state *class)
{
    return class != NULL && class->count >= SMALLEST_CLASS &&
           class->count >= clustering->plan->clustering.minimum_class_size;
}

/* The training set is complete: clusters every class, then gives the activations' memory back. */
static int cluster_all(struct clustering *clustering, struct error *err)
{
    for (uint32_t label = 0; label < clustering->class_count; label++) {
        int r = 0;

        if (is_large_enough(clustering, clustering->classes[label]))
            r = cluster_class(clustering, label, err);
        if (r == 0)
            r = meter_add(&clustering->meter, 0, err);
        if (r < 0)
            return r;
    }
    free(TAKE_POINTER(clustering->activations));
    free(TAKE_POINTER(clustering->labels));
    return 0;
}

/* --- test windows --------------------------------------------------------------------------- */

static int count_test_sample(struct clustering *clustering, const float *activations, const float *logits)
{
    uint32_t label = (uint32_t)network_argmax(logits, clustering->logit_count);
    struct class_state *class = clustering->classes[label];
    double point[PLAN_COMPONENTS_MAX];
    unsigned nearest;

    if (class == NULL || class->pca == NULL) {
        clustering->test_counts[label]++;
        return 0;
    }
    pca_project(class->pca, activations, point);
    nearest = kmeans_nearest(&class->clusters, point, pca_components(class->pca));
    class->test_sizes[nearest]++;
    return thinned_add(&class->test, point[0], pca_components(class->pca) > 1 ? point[1] : 0.0, (uint8_t)nearest);
}

static int take_test(struct clustering *clustering, const struct check_window *window, struct error *err)
{
    size_t input = network_input_size(clustering->context->network);

    for (uint32_t first = 0; first < window->count; first += clustering->slice) {
        uint32_t left = window->count - first, count = left < clustering->slice ? left : clustering->slice;
        int r = network_activations(clustering->context->network, window->x + first * input, count,
                                    clustering->slice_activations, clustering->logits, err);

        if (r == 0)
            r = check_finite(clustering, clustering->slice_activations, window->first + first, count, "test", err);
        if (r == 0)
            r = meter_add(&clustering->meter, count, err);
        if (r < 0)
            return r;
        for (uint32_t i = 0; i < count; i++)
            if (count_test_sample(clustering, clustering->slice_activations + i * clustering->features,
                                  clustering->logits + i * clustering->logit_count) < 0)
                return no_memory(err, "points", POINTS_MAX * POINTS_SIZE);
    }
    return 0;
}

static int clustering_window(void *state, const struct check_window *window, struct error *err)
{
    struct clustering *clustering = state;
    int r;

    clustering->images += window->count;
    if (window->set == PLAN_SET_TEST)
        return take_test(clustering, window, err);
    r = take_train(clustering, window, err);
    if (r == 0 && clustering->train_seen == clustering->train_count)
        r = cluster_all(clustering, err);
    return r;
}

/* --- results ---------------------------------------------------------------------------------- */

static void describe_class(const struct clustering *clustering, uint32_t label, struct message_cluster *ret_cluster)
{
    const struct class_state *class = clustering->classes[label];

    *ret_cluster = (struct message_cluster){.check = clustering->context->index, .label = label};
    if (class == NULL || class->pca == NULL) {
        ret_cluster->outcome = MESSAGE_CLUSTER_TOO_SMALL;
        ret_cluster->sizes[0] = class == NULL ? 0 : class->count;
        ret_cluster->test_sizes[0] = clustering->test_counts[label];
        return;
    }
    ret_cluster->outcome = MESSAGE_CLUSTER_DONE;
    ret_cluster->silhouette = class->silhouette;
    ret_cluster->separation = kmeans_separation(&class->clusters, pca_components(class->pca));
    for (unsigned c = 0; c < 2; c++) {
        ret_cluster->sizes[c] = class->clusters.sizes[c];
        ret_cluster->test_sizes[c] = class->test_sizes[c];
        ret_cluster->index_count[c] = class->index_count[c];
        memcpy(ret_cluster->indices[c], class->indices[c], sizeof class->indices[c]);
    }
}

static int send_points(const struct clustering *clustering, uint32_t label, enum plan_set_id set,
                       const struct thinned *points, struct error *err)
{
    static const uint8_t none;
    const struct check_sink *sink = &clustering->context->sink;
    const struct message message = {
        .type = MESSAGE_POINTS,
        .points = {.check = clustering->context->index,
                   .label = label,
                   .set = set,
                   .points = {.data = points->bytes != NULL ? points->bytes : &none,
                              .size = points->count * POINTS_SIZE}},
    };

    return sink->send(sink->argument, &message, err);
}

static int clustering_end(void *state, struct check_figures *ret_figures, struct error *err)
{
    const struct clustering *clustering = state;
    const struct check_sink *sink = &clustering->context->sink;

    for (uint32_t label = 0; label < clustering->class_count; label++) {
        struct message message = {.type = MESSAGE_CLUSTER};
        int r;

        describe_class(clustering, label, &message.cluster);
        r = sink->send(sink->argument, &message, err);
        if (r == 0 && message.cluster.outcome == MESSAGE_CLUSTER_DONE)
            r = send_points(clustering, label, PLAN_SET_TRAIN, &clustering->classes[label]->train, err);
        if (r == 0 && message.cluster.outcome == MESSAGE_CLUSTER_DONE)
            r = send_points(clustering, label, PLAN_SET_TEST, &clustering->classes[label]->test, err);
        if (r < 0)
            return r;
    }
    *ret_figures =
        (struct check_figures){.images = clustering->images, .layer = network_layer_name(clustering->context->network)};
    return 0;
}

const struct check check_activation_clustering = {
    .id = PLAN_ACTIVATION_CLUSTERING,
    .version = 1,
    .begin = clustering_begin,
    .window = clustering_window,
    .end = clustering_end,
    .free = clustering_free,
};
