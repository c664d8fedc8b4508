/* SPDX-License-Identifier: Apache-2.0 */
/* How a farm on Slurm stands: orders, and every node with what its word has been worth. */
#include "host/cli/slurm_status.h"

#include "host/farm/slurm/journal.h"
#include "host/json/canonical.h"
#include "host/json/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define JSON_MAX ((size_t)4 << 20)

struct standing {
    struct journal_counts counts;
    size_t node_count;
    struct node_row nodes[JOURNAL_NODES_MAX];
};

static void print_text(const struct standing *standing)
{
    const char *separator = "";

    (void)printf("slurm:   %" PRIu64 " arrays under way; orders: ", standing->counts.arrays);
    for (unsigned i = 0; i < ORDER_STATE_COUNT; i++)
        if (standing->counts.orders[i] > 0) {
            (void)printf("%s%" PRIu64 " %s", separator, standing->counts.orders[i], order_state_names[i]);
            separator = ", ";
        }
    (void)printf("%s\nnodes:   %-20s %-11s %9s %10s %8s %6s %11s\n", separator[0] == '\0' ? "none" : "", "name",
                 "standing", "accepted", "confirming", "refused", "lost", "taken back");
    for (size_t i = 0; i < standing->node_count; i++) {
        const struct node_row *node = &standing->nodes[i];

        (void)printf("         %-20s %-11s %9" PRIu64 " %10" PRIu64 " %8" PRIu64 " %6" PRIu64 " %11" PRIu64 "\n",
                     node->name, node_standing_names[node->standing], node->events[NODE_ACCEPTED],
                     node->events[NODE_CONFIRMED], node->events[NODE_REFUSED], node->events[NODE_LOST],
                     node->events[NODE_TAKEN_BACK]);
        if (node->reason[0] != '\0')
            (void)printf("           %s\n", node->reason);
    }
}

static json_t *describe(const struct standing *standing)
{
    CLEANUP_JSON json_t *object = json_object(), *orders = json_object(), *nodes = json_array();
    int r = object == NULL || orders == NULL || nodes == NULL ? -1 : 0;

    for (unsigned i = 0; r == 0 && i < ORDER_STATE_COUNT; i++)
        r = json_object_set_new(orders, order_state_names[i], json_integer((json_int_t)standing->counts.orders[i]));
    for (size_t i = 0; r == 0 && i < standing->node_count; i++) {
        const struct node_row *node = &standing->nodes[i];
        json_t *entry = json_pack("{s:s, s:s, s:s}", "name", node->name, "standing",
                                  node_standing_names[node->standing], "reason", node->reason);

        for (unsigned j = 0; entry != NULL && j < NODE_EVENT_COUNT; j++)
            (void)json_object_set_new(entry, node_event_names[j], json_integer((json_int_t)node->events[j]));
        r = json_array_append_new(nodes, entry);
    }
    if (r == 0)
        r = json_object_set_new(object, "arrays", json_integer((json_int_t)standing->counts.arrays));
    if (r == 0)
        r = json_object_set(object, "orders", orders);
    if (r == 0)
        r = json_object_set(object, "nodes", nodes);
    return r < 0 ? NULL : TAKE_POINTER(object);
}

static int print_json(const struct standing *standing, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(JSON_MAX);
    CLEANUP_JSON json_t *object = describe(standing);

    if (object == NULL || json_canonical_encode(object, &text) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the nodes");
    (void)printf(",\"slurm\":%.*s", (int)text.size, (const char *)text.data);
    return 0;
}

int cli_slurm_status(struct database *database, bool json, struct error *err)
{
    CLEANUP_FREE struct standing *standing = calloc(1, sizeof *standing);
    bool exists = false;
    int r = standing == NULL ? error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the nodes")
                             : journal_exists(database, &exists, err);

    if (r < 0 || !exists)
        return r;
    r = journal_count(database, &standing->counts, err);
    if (r == 0)
        r = journal_list_nodes(database, standing->nodes, JOURNAL_NODES_MAX, &standing->node_count, err);
    if (r == 0 && json)
        return print_json(standing, err);
    if (r == 0)
        print_text(standing);
    return r;
}
