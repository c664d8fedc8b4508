/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node's side: one task of an array does one order. It believes the orders by their digest, which came by Slurm and
 * not by the shared directory, evaluates in a microVM of its own as `lazaret evaluate` does, and leaves the result,
 * signed by the node's key over the order's nonce; last of all the record that says so.
 */
#include "host/farm/slurm/slurm.h"

#include "base/file.h"
#include "host/farm/attempt.h"
#include "host/farm/slurm/gpu_map.h"
#include "host/farm/slurm/order.h"
#include "host/farm/slurm/share.h"
#include "host/json/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

struct task {
    const struct slurm_task_options *options;
    unsigned number;
    const char *node;
    char folder[PATH_MAX]; /* SHARED/lazaret-BATCH */
    char key[PATH_MAX];
    json_t *document;
    struct order order;
};

static int read_place(struct task *task, struct error *err)
{
    const char *number = getenv("SLURM_ARRAY_TASK_ID"), *node = getenv("SLURMD_NODENAME");
    char *end = NULL;
    unsigned long value = number != NULL && number[0] >= '0' && number[0] <= '9' ? strtoul(number, &end, 10) : 0;

    if (end == NULL || *end != '\0' || value >= SLURM_TASKS_MAX)
        return error_set(err, ERROR_USAGE, -EINVAL,
                         "SLURM_ARRAY_TASK_ID is no task's number: Slurm runs this, for `lazaret batch --slurm`");
    if (node == NULL || !slurm_is_node_name(node))
        return error_set(err, ERROR_USAGE, -EINVAL,
                         "SLURMD_NODENAME is no node's name: Slurm runs this, for `lazaret batch --slurm`");
    task->number = (unsigned)value;
    task->node = node;
    return 0;
}

/* FOLDER/orders/ARRAY.json, absolute. */
static int find_folder(struct task *task, struct error *err)
{
    const char *orders = task->options->orders, *slash = strrchr(orders, '/');
    size_t part = strlen("/" SHARE_ORDERS), size = slash != NULL ? (size_t)(slash - orders) : 0;

    if (orders[0] != '/' || size <= part || size >= PATH_MAX - 128 || memcmp(slash - part, "/" SHARE_ORDERS, part) != 0)
        return error_set(err, ERROR_USAGE, -EINVAL, "%s: an absolute path DIR/" SHARE_ORDERS "/ARRAY.json expected",
                         orders);
    (void)snprintf(task->folder, sizeof task->folder, "%.*s", (int)(size - part), orders);
    return 0;
}

/* %n in a path is the node's name, for machines that are several nodes, or share their /etc. */
static int expand_key(struct task *task, struct error *err)
{
    const char *key = task->options->key, *mark = strstr(key, "%n");
    int size = mark == NULL
                   ? snprintf(task->key, sizeof task->key, "%s", key)
                   : snprintf(task->key, sizeof task->key, "%.*s%s%s", (int)(mark - key), key, task->node, mark + 2);

    return size >= 0 && (size_t)size < sizeof task->key
               ? 0
               : error_set(err, ERROR_USAGE, -ENAMETOOLONG, "%.64s…: the path is too long", key);
}

/* Whoever wrote the file: these are the orders that the controller gave to Slurm. */
static int read_orders(struct task *task, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(ORDER_FILE_MAX);
    uint8_t expected[SHA256_SIZE], digest[SHA256_SIZE];
    int r;

    if (sha256_from_hex(task->options->sha256, expected) < 0)
        return error_set(err, ERROR_USAGE, -EINVAL, "--sha256: 64 hexadecimal digits expected");
    r = file_read_own(task->options->orders, &text, err);
    if (r < 0)
        return r;
    sha256_of(text.data, text.size, digest);
    if (memcmp(digest, expected, SHA256_SIZE) != 0)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "%s: not the orders that Slurm was given",
                         task->options->orders);
    return order_list_read(text.data, text.size, task->options->orders, task->number, &task->document, &task->order,
                           err);
}

static int no_watch(void *context, struct error *err)
{
    (void)context;
    (void)err;
    return 0; /* who cancels it, cancels the task */
}

static int write_record(const struct task *task, const struct attempt_end *end, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(ORDER_RECORD_MAX);
    CLEANUP_FD int folder = -1;
    struct order_record record = {.status = end->status, .signal = end->signal, .wall_ms = end->wall_ms};
    char path[PATH_MAX], name[ORDER_NONCE_SIZE + 8];
    int r;

    (void)snprintf(record.nonce, sizeof record.nonce, "%s", task->order.nonce);
    (void)snprintf(record.node, sizeof record.node, "%s", task->node);
    (void)snprintf(record.said, sizeof record.said, "%s", end->said);
    r = order_record_encode(&record, &text, err);
    if (r < 0)
        return r;
    (void)snprintf(path, sizeof path, "%.4000s/" SHARE_RECORDS, task->folder);
    (void)snprintf(name, sizeof name, "%s.json", task->order.nonce);
    folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", path, strerror(errno));
    return share_write_file(folder, name, text.data, text.size, err);
}

/* The GPU that Slurm gave to this task; "" where it asks for none. */
static int find_device(const struct task *task, char ret_device[PCI_ADDRESS_SIZE], struct error *err)
{
    ret_device[0] = '\0';
    return json_is_true(json_object_get(task->order.description, "gpu"))
               ? gpu_map_find(task->order.gpus, task->node, getenv("SLURM_JOB_GPUS"), ret_device, err)
               : 0;
}

/* What keeps this node from the evaluation goes to the controller as its own word. */
static int excuse(const struct task *task, const struct error *trouble, struct error *err)
{
    struct attempt_end end = {.status = error_exit_status(trouble->kind)};

    (void)snprintf(end.said, sizeof end.said, "%.*s", (int)sizeof end.said - 1, trouble->text);
    return write_record(task, &end, err);
}

static int evaluate(struct task *task, struct error *err)
{
    CLEANUP_JSON json_t *settings = json_deep_copy(task->order.settings);
    const char *const more[] = {"--key", task->key, "--order", task->order.nonce};
    char output[PATH_MAX], log[PATH_MAX], device[PCI_ADDRESS_SIZE];
    const struct attempt_order order = {.description = task->order.description,
                                        .settings = settings,
                                        .device = device,
                                        .loan = {-1, -1},
                                        .output = output,
                                        .log = log};
    struct attempt_end end;
    struct error trouble = {0};
    int r = settings == NULL ? -1 : 0;

    for (size_t i = 0; r == 0 && i < sizeof more / sizeof more[0]; i++)
        r = json_array_append_new(settings, json_string(more[i]));
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for an order");
    (void)snprintf(output, sizeof output, "%.4000s/" SHARE_RESULTS "/%s", task->folder, task->order.nonce);
    (void)snprintf(log, sizeof log, "%.4000s/" SHARE_LOGS "/%s.log", task->folder, task->order.nonce);
    if (find_device(task, device, &trouble) < 0)
        return excuse(task, &trouble, err);
    r = attempt_run(&order, no_watch, NULL, &end, err);
    return r < 0 ? r : write_record(task, &end, err);
}

int slurm_task_run(const struct slurm_task_options *options, struct error *err)
{
    struct task task = {.options = options};
    int r = read_place(&task, err);

    if (r == 0)
        r = find_folder(&task, err);
    if (r == 0)
        r = expand_key(&task, err);
    if (r == 0)
        r = read_orders(&task, err);
    if (r == 0)
        r = evaluate(&task, err);
    json_decref(task.document);
    return r;
}
