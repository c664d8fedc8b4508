/* SPDX-License-Identifier: Apache-2.0 */
/* Orders and records. */
#include "host/farm/slurm/order.h"

#include "host/attest/text.h"
#include "host/farm/cost.h"
#include "host/farm/job_line.h"
#include "host/json/canonical.h"
#include "host/json/field.h"
#include "host/json/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define NONCE_BYTES  16u
#define SETTINGS_MAX 64u
#define WALL_MS_MAX  (INT64_C(1) << 50)
#define WHERE_SIZE   96u

int order_draw_nonce(char ret_nonce[ORDER_NONCE_SIZE], struct error *err)
{
    uint8_t bytes[NONCE_BYTES];

    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return error_set(err, ERROR_INTERNAL, -errno, "getrandom: %s", strerror(errno));
    for (unsigned i = 0; i < NONCE_BYTES; i++)
        (void)snprintf(ret_nonce + 2 * (size_t)i, 3, "%02x", bytes[i]);
    return 0;
}

bool order_is_nonce(const char *text)
{
    return strlen(text) == ORDER_NONCE_SIZE - 1 && strspn(text, "0123456789abcdef") == ORDER_NONCE_SIZE - 1;
}

/* As the option that a node's evaluation takes it by. */
static int add_memory(json_t *settings, const struct queue_lease *lease, const json_t *description)
{
    uint64_t memory_mib = cost_guest_mib(&lease->needs, description, settings);
    char text[32];

    (void)snprintf(text, sizeof text, "%" PRIu64, memory_mib);
    return memory_mib == 0 || (json_array_append_new(settings, json_string("--memory")) == 0 &&
                               json_array_append_new(settings, json_string(text)) == 0)
               ? 0
               : -ENOMEM;
}

int order_list_add(json_t *orders, const char *nonce, const struct queue_lease *lease, struct error *err)
{
    CLEANUP_JSON json_t *description = NULL, *settings = NULL;
    int r = json_read(lease->description, strlen(lease->description), QUEUE_DESCRIPTION_MAX, nonce, &description, err);

    if (r == 0)
        r = json_read(lease->settings, strlen(lease->settings), QUEUE_SETTINGS_MAX, nonce, &settings, err);
    if (r < 0)
        return r;
    if (add_memory(settings, lease, description) < 0 ||
        json_array_append_new(
            orders, json_pack("{s:O, s:s, s:O}", "description", description, "nonce", nonce, "settings", settings)) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for orders");
    return 0;
}

int order_list_encode(const char *array, json_t *orders, json_t *gpus, struct buffer *ret_text, struct error *err)
{
    CLEANUP_JSON json_t *document =
        json_pack("{s:s, s:i, s:O*, s:O}", "array", array, "format", 1, "gpus", gpus, "orders", orders);
    int r = document == NULL ? -ENOMEM : json_canonical_encode(document, ret_text);

    return r < 0 ? error_set(err, r == -EMSGSIZE ? ERROR_INTERNAL : ERROR_UNAVAILABLE, r, "orders of %s: %s", array,
                             strerror(-r))
                 : 0;
}

/* --- what a node reads ------------------------------------------------------------------------------------------- */

static int check_settings(const json_t *settings, const char *where, struct error *err)
{
    if (json_array_size(settings) > SETTINGS_MAX)
        return error_set(err, ERROR_BAD_INPUT, -E2BIG, "%s.settings: more than %u", where, SETTINGS_MAX);
    for (size_t i = 0; i < json_array_size(settings); i++) {
        const char *text = json_string_value(json_array_get(settings, i));

        if (text == NULL || strlen(text) > ORDER_SETTING_MAX)
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s.settings[%zu]: a text expected", where, i);
    }
    return 0;
}

static int read_order(const json_t *object, const char *where, struct order *order, struct error *err)
{
    static const char *const keys[] = {"description", "nonce", "settings", NULL};
    json_t *description, *settings;
    const char *text;
    int r = field_only(object, where, keys, err);

    if (r == 0)
        r = field_string(object, where, "nonce", ORDER_NONCE_SIZE - 1, &order->nonce, err);
    if (r == 0 && !order_is_nonce(order->nonce))
        r = error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s.nonce: 32 hexadecimal digits expected", where);
    if (r == 0)
        r = field_object(object, where, "description", &description, err);
    if (r == 0)
        r = field_string(description, where, "model", JOB_PATH_MAX, &text, err);
    if (r == 0)
        r = field_string(description, where, JOB_FOLDER, JOB_PATH_MAX, &text, err);
    if (r == 0)
        r = field_array(object, where, "settings", &settings, err);
    if (r == 0)
        r = check_settings(settings, where, err);
    if (r < 0)
        return r;
    order->description = description;
    order->settings = settings;
    return 0;
}

int order_list_read(const void *text, size_t size, const char *name, unsigned task, json_t **ret_document,
                    struct order *ret_order, struct error *err)
{
    static const char *const keys[] = {"array", "format", "gpus", "orders", NULL};
    CLEANUP_JSON json_t *document = NULL;
    struct order order = {0};
    char where[WHERE_SIZE];
    json_t *orders;
    const char *array;
    int64_t format;
    int r = json_read(text, size, ORDER_FILE_MAX, name, &document, err);

    if (r == 0)
        r = field_only(document, "orders", keys, err);
    if (r == 0)
        r = field_string(document, "orders", "array", SLURM_NAME_SIZE - 1, &array, err);
    if (r == 0)
        r = field_integer(document, "orders", "format", 1, 1, &format, err);
    if (r == 0)
        r = field_array(document, "orders", "orders", &orders, err);
    order.gpus = r == 0 ? json_object_get(document, "gpus") : NULL;
    if (r == 0 && order.gpus != NULL && !json_is_object(order.gpus))
        r = error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: gpus: an object expected", name);
    if (r == 0 && task >= json_array_size(orders))
        r = error_set(err, ERROR_BAD_INPUT, -ERANGE, "%s: there is no order for task %u", name, task);
    (void)snprintf(where, sizeof where, "orders[%u]", task);
    if (r == 0)
        r = read_order(json_array_get(orders, task), where, &order, err);
    if (r < 0)
        return r;
    *ret_order = order;
    *ret_document = TAKE_POINTER(document);
    return 0;
}

/* --- records ----------------------------------------------------------------------------------------------------- */

/* Foreign text: harmless, and short enough for a record. */
static void harmless(const char *said, char ret_said[QUEUE_REASON_SIZE])
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(QUEUE_REASON_SIZE);

    ret_said[0] = '\0';
    if (said != NULL && text_escape(said, QUEUE_REASON_SIZE / 2, &text) == 0)
        (void)snprintf(ret_said, QUEUE_REASON_SIZE, "%.*s", (int)text.size, (const char *)text.data);
}

int order_record_encode(const struct order_record *record, struct buffer *ret_text, struct error *err)
{
    CLEANUP_JSON json_t *document = NULL;
    char said[QUEUE_REASON_SIZE];
    int r;

    harmless(record->said, said);
    document = json_pack("{s:i, s:s, s:s, s:s, s:i, s:i, s:I}", "format", 1, "node", record->node, "nonce",
                         record->nonce, "said", said, "signal", record->signal, "status", record->status, "wallMs",
                         (json_int_t)record->wall_ms);
    r = document == NULL ? -ENOMEM : json_canonical_encode(document, ret_text);
    return r < 0 ? error_set(err, ERROR_UNAVAILABLE, r, "a record: %s", strerror(-r)) : 0;
}

int order_record_read(const void *text, size_t size, const char *name, struct order_record *ret_record,
                      struct error *err)
{
    static const char *const keys[] = {"format", "node", "nonce", "said", "signal", "status", "wallMs", NULL};
    CLEANUP_JSON json_t *document = NULL;
    struct order_record record = {0};
    const char *node, *nonce;
    int64_t format, status = 0, number = 0, wall = 0;
    int r = json_read(text, size, ORDER_RECORD_MAX, name, &document, err);

    if (r == 0)
        r = field_only(document, "record", keys, err);
    if (r == 0)
        r = field_integer(document, "record", "format", 1, 1, &format, err);
    if (r == 0)
        r = field_string(document, "record", "node", SLURM_NODE_SIZE - 1, &node, err);
    if (r == 0)
        r = field_string(document, "record", "nonce", ORDER_NONCE_SIZE - 1, &nonce, err);
    if (r == 0)
        r = field_integer(document, "record", "status", 0, 255, &status, err);
    if (r == 0)
        r = field_integer(document, "record", "signal", 0, 64, &number, err);
    if (r == 0)
        r = field_integer(document, "record", "wallMs", 0, WALL_MS_MAX, &wall, err);
    if (r < 0)
        return r;
    if (!slurm_is_node_name(node) || !order_is_nonce(nonce))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: a node's name and a nonce expected", name);
    (void)snprintf(record.node, sizeof record.node, "%s", node);
    (void)snprintf(record.nonce, sizeof record.nonce, "%s", nonce);
    record.status = (int)status;
    record.signal = (int)number;
    record.wall_ms = (uint64_t)wall;
    harmless(json_string_value(json_object_get(document, "said")), record.said);
    *ret_record = record;
    return 0;
}
