/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's data reader: the sets of a batch opened, checked and hashed once, not once a job.
 *
 * It is kept for as long as jobs name the same files and these stay as they are. What can't be kept (a set that is not
 * there or does not hold, a spec that names files) is left to the evaluation, which says what is wrong with it.
 */
#ifndef LAZARET_HOST_FARM_KEPT_H
#define LAZARET_HOST_FARM_KEPT_H

#include "host/data/reader_loan.h"
#include "host/farm/content.h"

struct kept;

MUST_USE int kept_new(struct content *content, struct kept **ret_kept, struct error *err);
void kept_free(struct kept *kept); /* ends the reader; NULL is fine */

/*
 * The reader for a job's description, for one borrower at a time; relative paths begin at the current directory. The
 * loan's descriptors are -1 where there is none, and stay the keeper's.
 */
struct data_loan kept_lend(struct kept *kept, const json_t *description);

#endif
