/* SPDX-License-Identifier: Apache-2.0 */
/* Activation clustering as JSON, after a check of the guest's sizes against what the host knows. */
#include "host/json/decimal.h"
#include "host/score/figures.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* --- what the host can check ------------------------------------------------------------------- */

static int refuse(const struct evaluation_cluster *cluster, const char *what, struct error *err)
{
    return error_set(err, ERROR_GUEST, -EBADMSG, "class %" PRIu32 ": the guest's %s", cluster->sizes.label, what);
}

static int check_indices(const struct evaluation_input *input, const struct evaluation_cluster *cluster, unsigned which,
                         struct error *err)
{
    uint64_t shown =
        cluster->sizes.sizes[which] < EVALUATION_INDICES_MAX ? cluster->sizes.sizes[which] : EVALUATION_INDICES_MAX;

    if (cluster->index_count[which] > shown)
        return refuse(cluster, "list of samples is longer than the cluster", err);
    for (size_t i = 0; i < cluster->index_count[which]; i++) {
        uint64_t index = cluster->indices[which][i];

        if (index >= input->train_count || (i > 0 && index <= cluster->indices[which][i - 1]) ||
            (uint32_t)input->train_labels[index] != cluster->sizes.label)
            return refuse(cluster, "list of samples names one that is not of this class, or not in order", err);
    }
    return 0;
}

/*
 * Clusters come one a class, in order; their sizes add up to the training samples of that label and
 * to the test samples that were predicted as it. Both are known here.
 */
static int check_cluster(const struct evaluation_input *input, const struct evaluation_check *check, uint32_t label,
                         uint64_t train, uint64_t test, struct error *err)
{
    const struct evaluation_cluster *cluster = &check->clusters[label];
    const struct clustering_class *sizes = &cluster->sizes;
    int r;

    if (sizes->label != label)
        return refuse(cluster, "classes are not one after the other", err);
    if (cluster->skipped != NULL)
        return check->minimum_class_size > 0 && train >= check->minimum_class_size
                   ? refuse(cluster, "class is called too small, but has the training samples that the policy asks for",
                            err)
                   : 0;
    for (unsigned i = 0; i < 2; i++)
        if (sizes->sizes[i] > CLUSTERING_COUNT_MAX || sizes->test_sizes[i] > CLUSTERING_COUNT_MAX)
            return refuse(cluster, "cluster sizes are beyond any data set", err);
    if (sizes->sizes[0] + sizes->sizes[1] != train)
        return refuse(cluster, "cluster sizes don't add up to the training samples of this label", err);
    if (sizes->test_sizes[0] + sizes->test_sizes[1] != test)
        return refuse(cluster, "cluster sizes don't add up to the test samples predicted as this class", err);
    if (!(cluster->silhouette >= -1.0 && cluster->silhouette <= 1.0))
        return refuse(cluster, "silhouette is outside [-1, 1]", err);
    if (!(cluster->separation >= 0.0 && cluster->separation < JSON_DECIMAL_MAX))
        return refuse(cluster, "separation is no distance", err);
    r = check_indices(input, cluster, 0, err);
    return r == 0 ? check_indices(input, cluster, 1, err) : r;
}

static int check_clusters(const struct evaluation_input *input, const struct evaluation_check *check, struct error *err)
{
    CLEANUP_FREE uint64_t *train = NULL, *test = NULL;
    int r = 0;

    if (input->train_labels == NULL || input->clean_predictions == NULL)
        return error_set(err, ERROR_INTERNAL, -EINVAL,
                         "clustering is scored against training labels and clean predictions; there are none");
    if (check->cluster_count != input->classes)
        return error_set(err, ERROR_GUEST, -EBADMSG, "the guest clustered %zu classes of %" PRIu32,
                         check->cluster_count, input->classes);
    train = figures_count_classes(input->train_labels, input->train_count, input->classes);
    test = figures_count_classes(input->clean_predictions, input->test_count, input->classes);
    if (train == NULL || test == NULL)
        return figures_no_memory(err);
    for (uint32_t i = 0; r == 0 && i < input->classes; i++)
        r = check_cluster(input, check, i, train[i], test[i], err);
    return r;
}

/* --- the decision and its JSON ----------------------------------------------------------------- */

static json_t *new_indices(const struct evaluation_cluster *cluster)
{
    json_t *both = json_array();
    int failures = both == NULL;

    for (unsigned i = 0; i < 2; i++) {
        json_t *list = json_array();

        figures_append(both, list, &failures);
        for (size_t j = 0; failures == 0 && j < cluster->index_count[i]; j++)
            figures_append(list, figures_new_count(cluster->indices[i][j]), &failures);
    }
    return figures_finish(both, failures);
}

static json_t *new_pair(const uint64_t pair[2])
{
    return json_pack("[I, I]", (json_int_t)pair[0], (json_int_t)pair[1]);
}

/* A class that was looked at. */
static void set_figures(json_t *json, const struct evaluation_cluster *cluster,
                        const struct clustering_verdict *verdict, int *failures)
{
    figures_set(json, "sizes", new_pair(cluster->sizes.sizes), failures);
    figures_set(json, "relativeSize",
                figures_new_ratio(cluster->sizes.sizes[1], cluster->sizes.sizes[0] + cluster->sizes.sizes[1]),
                failures);
    figures_set(json, "testSizes", new_pair(cluster->sizes.test_sizes), failures);
    figures_set(json, "p", verdict->tested ? json_new_scientific(verdict->p) : json_null(), failures);
    figures_set(json, "pHolm", verdict->tested ? json_new_scientific(verdict->p_holm) : json_null(), failures);
    figures_set(json, "effect", verdict->tested ? json_new_fixed(verdict->effect) : json_null(), failures);
    figures_set(json, "testShare", verdict->tested ? json_new_fixed(verdict->test_share) : json_null(), failures);
    figures_set(json, "cluster", verdict->tested ? json_integer(verdict->cluster) : json_null(), failures);
    figures_set(json, "silhouette", json_new_fixed(cluster->silhouette), failures);
    figures_set(json, "separation", json_new_fixed(cluster->separation), failures);
    figures_set(json, "indices", new_indices(cluster), failures);
    figures_set(json, "suspicious", json_boolean(verdict->suspicious), failures);
    if (!verdict->tested)
        figures_set(json, "skipped", json_string("no test sample is predicted as this class"), failures);
}

static json_t *new_class(const struct evaluation_cluster *cluster, const struct clustering_verdict *verdict)
{
    json_t *json = json_object();
    int failures = json == NULL;

    figures_set(json, "label", json_integer(cluster->sizes.label), &failures);
    if (cluster->skipped != NULL)
        figures_set(json, "skipped", json_string(cluster->skipped), &failures);
    else
        set_figures(json, cluster, verdict, &failures);
    return figures_finish(json, failures);
}

/* Decides the classes that were looked at; a skipped one is as one without samples. */
static int decide(const struct evaluation_check *check, struct clustering_verdict *ret_verdicts, struct error *err)
{
    CLEANUP_FREE struct clustering_class *classes = calloc(check->cluster_count, sizeof *classes);
    int r;

    if (classes == NULL)
        return figures_no_memory(err);
    for (size_t i = 0; i < check->cluster_count; i++)
        if (check->clusters[i].skipped == NULL)
            classes[i] = check->clusters[i].sizes;
    r = clustering_decide(&check->rule, classes, check->cluster_count, ret_verdicts);
    return r < 0 ? error_set(err, ERROR_INTERNAL, r, "the clusters can't be decided: %s", strerror(-r)) : 0;
}

int figures_add_clustering(const struct evaluation_input *input, const struct evaluation_check *check,
                           json_t *check_json, struct error *err)
{
    static const char *const reductions[PLAN_REDUCTION_COUNT] = {[PLAN_PCA] = "pca", [PLAN_FAST_ICA] = "fast-ica"};
    CLEANUP_FREE struct clustering_verdict *verdicts = calloc(check->cluster_count + 1, sizeof *verdicts);
    json_t *classes = json_array();
    int failures = 0, r;

    figures_set(check_json, "classes", classes, &failures);
    if (failures > 0 || verdicts == NULL)
        return figures_no_memory(err);
    if (check->reduction >= PLAN_REDUCTION_COUNT ||
        json_object_set_new(check_json, "reduction", json_string(reductions[check->reduction])) != 0)
        return figures_no_memory(err);
    r = figures_set_layer(check, check_json, err);
    if (r == 0)
        r = check_clusters(input, check, err);
    if (r == 0)
        r = decide(check, verdicts, err);
    for (size_t i = 0; r == 0 && i < check->cluster_count; i++)
        if (json_array_append_new(classes, new_class(&check->clusters[i], &verdicts[i])) != 0)
            r = figures_no_memory(err);
    return r;
}
