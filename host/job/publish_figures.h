/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a report draws besides figures: points of clusters, and the trigger that was found on an input.
 *
 * Both go into arrays of their own, clusters.npz and trigger.npz, so that `lazaret report` can draw them again:
 *   clusters.npz  points_LABEL (N×2, f32), cluster_LABEL (N, i32), test_points_LABEL, test_cluster_LABEL
 *   trigger.npz   clean, triggered (height × width × channels, i32, 0 to 255); only where the policy shows inputs
 */
#ifndef LAZARET_HOST_JOB_PUBLISH_FIGURES_H
#define LAZARET_HOST_JOB_PUBLISH_FIGURES_H

#include "host/job/publish_internal.h"
#include "host/report/page.h"

#define FIGURES_CLUSTERS    "clusters.npz"
#define FIGURES_TRIGGER     "trigger.npz"
#define FIGURES_CLASSES_MAX 1024u /* that are written; suspicious ones first */

struct figures {
    struct page_points *points; /* owned, with what it points at */
    size_t point_classes;
    bool has_pictures;
    struct page_pictures pictures; /* pixels owned */
};

/* Gathers and writes them. A sample that can't be read or is no picture is left out. */
MUST_USE int publish_figures(struct gathering *g, struct figures *ret_figures);
void figures_drawn_free(struct figures *figures);
#define CLEANUP_FIGURES CLEANUP(figures_drawn_free)

#endif
