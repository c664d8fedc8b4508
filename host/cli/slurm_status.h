/* SPDX-License-Identifier: Apache-2.0 */
/* How a farm on Slurm stands. */
#ifndef LAZARET_HOST_CLI_SLURM_STATUS_H
#define LAZARET_HOST_CLI_SLURM_STATUS_H

#include "base/error.h"
#include "host/farm/database.h"

#include <stdbool.h>

/* Prints orders and nodes, as text or as the member "slurm" of a JSON object; nothing for a farm that is not on Slurm.
 */
MUST_USE int cli_slurm_status(struct database *database, bool json, struct error *err);

#endif
