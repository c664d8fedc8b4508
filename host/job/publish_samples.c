/* SPDX-License-Identifier: Apache-2.0 */
/* samples.npz: the first adversarial inputs of each point. */
#include "host/job/publish_internal.h"

#include "host/data/npz_writer.h"
#include "wire/rows.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One array a curve point: CHECK_NORM_EPS, or CHECK_NORM_minimal_EPS, of shape N×sample. */
static int write_point(struct npz_writer *writer, const struct publication *p, uint32_t check, uint32_t curve,
                       uint32_t point, struct error *err)
{
    const struct plan *plan = &p->made->plan;
    char norm[PLAN_NORM_TEXT_SIZE];
    uint64_t dims[PLAN_RANK_MAX + 1] = {p->options->samples < p->results->sample_count ? p->options->samples
                                                                                       : p->results->sample_count};
    char name[NPZ_WRITER_NAME_MAX];

    (void)snprintf(name, sizeof name, "%s_%s_%s%s", plan_check_name(plan->checks[check].id),
                   plan_norm_text(plan->checks[check].attack.curves[curve].norm, norm),
                   plan->checks[check].attack.curves[curve].minimal ? "minimal_" : "",
                   plan_make_eps_text(p->made, check, curve, point));
    memcpy(dims + 1, plan->contract.dims, plan->contract.rank * sizeof dims[0]);
    return npz_writer_add_f32(writer, name, plan->contract.rank + 1, dims,
                              p->results->checks[check].points[curve][point].samples, err);
}

/* Curves whose samples came back. */
static uint32_t curves_of(const struct publication *p, uint32_t index)
{
    const struct plan_check *check = &p->made->plan.checks[index];

    return plan_check_is_attack(check->id) && p->results->checks[index].skipped[0] == '\0' ? check->attack.curve_count
                                                                                           : 0;
}

static int write_points(struct npz_writer *writer, const struct publication *p, struct error *err)
{
    const struct plan *plan = &p->made->plan;
    int r = 0;

    for (uint32_t check = 0; r == 0 && check < plan->check_count; check++)
        for (uint32_t curve = 0; r == 0 && curve < curves_of(p, check); curve++)
            for (uint32_t point = 0; r == 0 && point < plan->checks[check].attack.curves[curve].point_count; point++)
                r = write_point(writer, p, check, curve, point, err);
    return r < 0 ? r : npz_writer_finish(writer, err);
}

int publish_samples(struct gathering *g)
{
    const struct publication *p = g->publication;
    struct npz_writer *writer = NULL;
    CLEANUP_FD int fd = -1;
    int r;

    if (p->options->samples == 0 || p->assessment->failed)
        return 0;
    r = staging_open(g->staging, "samples.npz", &fd, g->err);
    if (r == 0)
        r = npz_writer_create(fd, &writer, g->err);
    if (r == 0)
        r = write_points(writer, p, g->err);
    npz_writer_free(writer);
    if (r == 0 && fsync(fd) < 0)
        r = error_set(g->err, ERROR_UNAVAILABLE, -errno, "samples.npz: %s", strerror(errno));
    return r < 0 ? r : publish_name_file(g, "samples.npz", fd);
}
