/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders: what an array's tasks are to evaluate. The controller writes them into the shared directory, a file an array,
 * and gives its SHA-256 to Slurm with the job, so that a node takes orders from nobody who can merely write there.
 *
 *   {"array":NAME, "format":1, "gpus"?:{NODE:[ADDRESS…]…}, "orders":[{"description":{…}, "nonce":HEX,
 *    "settings":[TEXT…]}…]}
 *
 * Task N takes the order of that index. `description` is the job's (job_line.h), `settings` further arguments of
 * `lazaret evaluate`; `gpus` is gpu_map.h's, where they ask for GPUs. And the record that a node writes once it has
 * done so, which is a claim and no more:
 *
 *   {"format":1, "node":NAME, "nonce":HEX, "said":TEXT, "signal":N, "status":N, "wallMs":N}
 */
#ifndef LAZARET_HOST_FARM_SLURM_ORDER_H
#define LAZARET_HOST_FARM_SLURM_ORDER_H

#include "base/buffer.h"
#include "base/error.h"
#include "host/farm/queue.h"
#include "host/farm/slurm/text.h"

#include <jansson.h>

#define ORDER_NONCE_SIZE  33u /* hexadecimal, with its NUL */
#define ORDER_FILE_MAX    ((size_t)40 << 20)
#define ORDER_RECORD_MAX  ((size_t)4096)
#define ORDER_SETTING_MAX 8192u

/* A fresh nonce, of 128 random bits. */
MUST_USE int order_draw_nonce(char ret_nonce[ORDER_NONCE_SIZE], struct error *err);
bool order_is_nonce(const char *text);

/* Adds an order of this lease, whose texts are JSON as the queue has them; its guest has the memory that was admitted.
 */
MUST_USE int order_list_add(json_t *orders, const char *nonce, const struct queue_lease *lease, struct error *err);

/* Appends the file's text; `gpus` may be NULL. -EMSGSIZE: more than ORDER_FILE_MAX. */
MUST_USE int order_list_encode(const char *array, json_t *orders, json_t *gpus, struct buffer *ret_text,
                               struct error *err);

/* One order of a file; its members are borrowed from `document`, which is the caller's reference. ERROR_BAD_INPUT. */
struct order {
    const char *nonce;
    const json_t *description, *settings, *gpus; /* gpus: NULL where there are none */
};
MUST_USE int order_list_read(const void *text, size_t size, const char *name, unsigned task, json_t **ret_document,
                             struct order *ret_order, struct error *err);

struct order_record {
    char nonce[ORDER_NONCE_SIZE];
    char node[SLURM_NODE_SIZE];
    int status, signal; /* of `lazaret evaluate` */
    uint64_t wall_ms;
    char said[QUEUE_REASON_SIZE]; /* written as it is, read harmless */
};

MUST_USE int order_record_encode(const struct order_record *record, struct buffer *ret_text, struct error *err);
MUST_USE int order_record_read(const void *text, size_t size, const char *name, struct order_record *ret_record,
                               struct error *err);

#endif
