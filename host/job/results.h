/* SPDX-License-Identifier: Apache-2.0 */
/* What the guest answered, gathered by check: predictions, samples, clusters, tables, and what each check cost. */
#ifndef LAZARET_HOST_JOB_RESULTS_H
#define LAZARET_HOST_JOB_RESULTS_H

#include "base/error.h"
#include "host/report/file_report.h"
#include "host/score/table.h"
#include "wire/message.h"

#define RESULTS_LAYER_SIZE         (PLAN_NAME_MAX + 1u)
#define RESULTS_REASON_SIZE        512u
#define RESULTS_ROWS_BYTES_MAX     ((size_t)256 << 20) /* of all tables together */
#define RESULTS_CLUSTERS_BYTES_MAX ((size_t)64 << 20)  /* of the clusters of all classes: some 50,000 classes */

struct results_point {
    int32_t *predictions; /* one a test sample */
    float *samples;       /* sample_count × elements; NULL where none were asked for */
    uint64_t *received;   /* elements received of each sample */
};

/* Takes the pieces of adversarial inputs as they come, in place of the results; errors are ERROR_GUEST's. */
struct results_keeper {
    int (*take)(void *context, const struct message_sample *sample, struct error *err);
    void *context;
};

/* Rows as they came; each one's figures and name are one allocation, which `naturals` points at. */
struct results_table {
    size_t count, room;
    struct score_row *rows;
};

/* Points of one class's clustering, for a drawing (wire/points.h): training set, test set. */
struct results_points {
    size_t sizes[2]; /* bytes */
    uint8_t *bytes[2];
};

struct results_check {
    struct results_point points[PLAN_CURVES_MAX][PLAN_POINTS_MAX];
    struct message_cluster *clusters; /* one a class, activation-clustering only */
    struct results_points *drawn;     /* one a class, where points came; NULL: none */
    uint32_t cluster_count, cluster_room;
    struct results_table tables[SCORE_TABLES_MAX];
    struct message_check_done cost; /* its texts are in `layer` and `skipped` */
    char layer[RESULTS_LAYER_SIZE];
    char skipped[RESULTS_REASON_SIZE]; /* why the guest could not make the check, made printable; "": it was made */
    uint64_t wall_ns;
    bool done;
};

struct results {
    const struct plan *plan;           /* borrowed */
    const struct results_keeper *keep; /* borrowed; NULL: samples are kept in the points */
    uint32_t classes;
    uint32_t sample_count; /* of each point */
    uint64_t elements;     /* of one sample */
    size_t row_bytes;      /* taken by all tables */
    size_t cluster_bytes;  /* and by all clusters */
    struct results_check checks[PLAN_CHECKS_MAX];
    struct file_report scan; /* of the model, where the plan has the scan */
    /* of GUEST_HELLO and READY */
    char agent[PLAN_NAME_MAX + 1], cpu[PLAN_NAME_MAX + 1], isa[PLAN_NAME_MAX + 1];
    uint32_t processors;
    uint64_t guest_memory_bytes, engine_memory_bytes;
};

/* Room for everything the plan will bring, except clusters and tables, whose size READY tells, and samples where there
 * is a keeper (NULL: none). */
MUST_USE int results_create(const struct plan *plan, const struct results_keeper *keep, struct results **ret_results,
                            struct error *err);
void results_free(struct results *results);

/* Files one message away. The collector has judged it against the plan; indices are checked all the same. */
MUST_USE int results_take(struct results *results, const struct message *message, struct error *err);

/* Whether the scan calls the model dangerous: nothing but the scan was made of it then. */
bool results_are_dangerous(const struct results *results);

/* Whether every sample of every point has come whole; ERROR_GUEST names the first that has not. A skipped check has
 * none to bring. */
MUST_USE int results_check_samples(const struct results *results, uint32_t check, struct error *err);

static inline void results_free_pointer(struct results **results)
{
    results_free(*results);
}
#define CLEANUP_RESULTS CLEANUP(results_free_pointer)

#endif
