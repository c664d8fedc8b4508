/* SPDX-License-Identifier: Apache-2.0 */
/* index.html of a farm: the queue as a page (host/report/farm_page.h). */
#ifndef LAZARET_HOST_FARM_INDEX_H
#define LAZARET_HOST_FARM_INDEX_H

#include "host/farm/queue.h"

#define INDEX_NAME "index.html"

/* Writes FOLDER/index.html. ERROR_UNAVAILABLE; those of the database. */
MUST_USE int index_write(const char *folder, struct database *database, uint64_t bad_lines, struct error *err);

#endif
