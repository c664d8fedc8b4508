/* SPDX-License-Identifier: Apache-2.0 */
/* Orders and records of the shared directory; a record that is read is written and read again as the same. */
#include "host/farm/slurm/order.h"
#include "host/json/reader.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_record(const uint8_t *data, size_t size)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(ORDER_RECORD_MAX);
    struct order_record record, again;
    struct error err = {0};

    if (order_record_read(data, size, "input", &record, &err) < 0) {
        if (err.kind == ERROR_NONE)
            abort();
        return;
    }
    if (!order_is_nonce(record.nonce) || !slurm_is_node_name(record.node) || record.status < 0 || record.signal < 0)
        abort();
    if (order_record_encode(&record, &text, NULL) < 0 ||
        order_record_read(text.data, text.size, "again", &again, NULL) < 0 || strcmp(record.node, again.node) != 0 ||
        strcmp(record.nonce, again.nonce) != 0 || record.wall_ms != again.wall_ms)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_JSON json_t *document = NULL;
    struct order order;
    struct error err = {0};

    try_record(data, size);
    if (order_list_read(data, size, "input", 0, &document, &order, &err) < 0)
        return err.kind == ERROR_NONE ? abort(), 0 : 0;
    if (!order_is_nonce(order.nonce) || !json_is_object(order.description) || !json_is_array(order.settings))
        abort();
    return 0;
}
