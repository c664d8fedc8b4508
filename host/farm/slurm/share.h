/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared directory: where controller and nodes leave files for one another. Everything in it is hostile: whoever
 * can write there may have put a link, a FIFO, a hole of a terabyte or somebody else's file in a file's place. It is
 * walked by descriptors, never through a symbolic link; a file counts only where it is regular, has one name, belongs
 * to this user or root, and is not larger than its kind may be. What counts then is copied before it is looked at, so
 * that nobody can change it meanwhile. There is no database in it: locks of network file systems don't hold.
 *
 *   SHARED/lazaret-BATCH/orders/ARRAY.json     by the controller
 *   SHARED/lazaret-BATCH/results/NONCE/        by a node: the signed result, as evaluate writes it, whole or not at all
 *   SHARED/lazaret-BATCH/records/NONCE.json    by a node, after that: order.h
 *   SHARED/lazaret-BATCH/logs/                 by nodes: what evaluations said (NONCE.log), and what tasks did
 */
#ifndef LAZARET_HOST_FARM_SLURM_SHARE_H
#define LAZARET_HOST_FARM_SLURM_SHARE_H

#include "base/buffer.h"
#include "base/error.h"
#include "host/farm/slurm/order.h"

#include <limits.h>

#define SHARE_FILES_MAX   64u /* of a result */
#define SHARE_FILE_MAX    (UINT64_C(256) << 20)
#define SHARE_RESULT_MAX  (UINT64_C(1) << 30) /* all files of a result */
#define SHARE_RECORDS_MAX 4096u               /* that are looked at in one go */
#define SHARE_LOG_MAX     (UINT64_C(1) << 20)

#define SHARE_ORDERS  "orders"
#define SHARE_RESULTS "results"
#define SHARE_RECORDS "records"
#define SHARE_LOGS    "logs"

struct share {
    char path[PATH_MAX]; /* SHARED/lazaret-BATCH, absolute */
    int orders, results, records, logs;
};

/*
 * Opens the batch's folder, making it. ERROR_USAGE: a path that Slurm's --output would read as a pattern, or that is
 * too long; ERROR_NO_INPUT: no such directory; ERROR_UNAVAILABLE: it is another user's, or others may write to it.
 */
MUST_USE int share_open(const char *shared, const char *batch, struct share *ret_share, struct error *err);
void share_close(struct share *share);

MUST_USE int share_write_orders(const struct share *share, const char *array, const void *text, size_t size,
                                struct error *err);
/* And what its tasks printed. */
void share_remove_orders(const struct share *share, const char *array, unsigned tasks);

/* Removes the batch's folder, where nothing is in it any more. */
void share_remove_all(const struct share *share);

/* The nonces of which there are records, SHARE_RECORDS_MAX at most; what else lies there is removed. */
MUST_USE int share_list_records(const struct share *share, char (*ret_nonces)[ORDER_NONCE_SIZE], size_t *ret_count,
                                struct error *err);

/* ERROR_BAD_INPUT: it is none. */
MUST_USE int share_read_record(const struct share *share, const char *nonce, struct order_record *ret_record,
                               struct error *err);

/* Copies a result into a new folder `to`, which is removed again where that fails. ERROR_BAD_INPUT says what is there.
 */
MUST_USE int share_fetch_result(const struct share *share, const char *nonce, const char *to, struct error *err);

/* Copies what an evaluation said, as far as it goes. */
void share_fetch_log(const struct share *share, const char *nonce, const char *to);

/* Removes everything of an order. */
void share_remove(const struct share *share, const char *nonce);

/* A file of a folder: whole, synced, and then under its name. */
MUST_USE int share_write_file(int folder, const char *name, const void *data, size_t size, struct error *err);

/* Opens a file that counts, see above. ERROR_BAD_INPUT; ERROR_NO_INPUT where it is not there. */
MUST_USE int share_open_file(int folder, const char *name, uint64_t max, int *ret_fd, struct error *err);

#endif
