/* SPDX-License-Identifier: Apache-2.0 */
/* farm.prom: the queue's figures for Prometheus. */
#include "host/farm/metrics.h"

#include "host/farm/folder.h"

#include <inttypes.h>

static void write_family(FILE *stream, const char *name, const char *help, const char *label, const char *const *words,
                         const uint64_t *counts)
{
    (void)fprintf(stream, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
    for (size_t i = 0; words[i] != NULL; i++)
        (void)fprintf(stream, "%s{%s=\"%s\"} %" PRIu64 "\n", name, label, words[i], counts[i]);
}

static void write_gauge(FILE *stream, const char *name, const char *help, uint64_t value)
{
    (void)fprintf(stream, "# HELP %s %s\n# TYPE %s gauge\n%s %" PRIu64 "\n", name, help, name, name, value);
}

int metrics_write(const char *folder, const struct queue_counts *counts, struct error *err)
{
    CLEANUP_FOLDER_FILE struct folder_file file = {0};
    int r = folder_file_begin(folder, METRICS_NAME, &file, err);

    if (r < 0)
        return r;
    write_family(file.stream, "lazaret_farm_jobs", "Jobs of this farm by state.", "state", queue_state_names,
                 counts->states);
    write_family(file.stream, "lazaret_farm_verdicts", "Jobs that ended with a signed result, by verdict.", "verdict",
                 outcome_names, counts->outcomes);
    write_gauge(file.stream, "lazaret_farm_reused", "Jobs that have the verified result of another one.",
                counts->reused);
    write_gauge(file.stream, "lazaret_farm_ended_lately", "Jobs that ended in the last five minutes.", counts->lately);
    return folder_file_commit(&file, err);
}
