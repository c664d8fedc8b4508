/* SPDX-License-Identifier: Apache-2.0 */
/* farm.prom: the queue's figures for Prometheus' node exporter (its text format 0.0.4, textfile collector). */
#ifndef LAZARET_HOST_FARM_METRICS_H
#define LAZARET_HOST_FARM_METRICS_H

#include "host/farm/queue.h"

#define METRICS_NAME "farm.prom"

/* Writes FOLDER/farm.prom. Labels are this program's own words: nothing foreign gets in. ERROR_UNAVAILABLE. */
MUST_USE int metrics_write(const char *folder, const struct queue_counts *counts, struct error *err);

#endif
