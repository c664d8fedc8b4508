/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays into Slurm, and out of it. */
#include "host/farm/slurm/internal.h"

#include "host/farm/slurm/tool.h"
#include "host/json/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ARGUMENTS_MAX   40u
#define ARGUMENT_MAX    ((size_t)128 * 1024) /* MAX_ARG_STRLEN of execve(2) */
#define SCRIPT_MAX      ((size_t)64 * 1024)
#define SUBMITTED_BYTES 256u

struct arguments {
    unsigned count;
    char *list[ARGUMENTS_MAX + 1]; /* owned */
};

static void free_arguments(struct arguments *arguments)
{
    for (unsigned i = 0; i < arguments->count; i++)
        free(arguments->list[i]);
}

__attribute__((format(printf, 3, 4))) static void add(struct arguments *arguments, int *r, const char *format, ...)
{
    va_list list;

    if (*r < 0)
        return;
    if (arguments->count == ARGUMENTS_MAX) {
        *r = -E2BIG;
        return;
    }
    va_start(list, format);
    if (vasprintf(&arguments->list[arguments->count], format, list) < 0)
        *r = -ENOMEM;
    else
        arguments->count++;
    va_end(list);
}

/* --- what a task runs -------------------------------------------------------------------------------------------- */

/* 'TEXT' for sh(1): a quote in it becomes '\''. */
static int append_quoted(struct buffer *script, const char *text)
{
    int r = buffer_append(script, "'", 1);

    for (; r == 0 && *text != '\0'; text++)
        r = *text == '\'' ? buffer_append(script, "'\\''", 4) : buffer_append(script, text, 1);
    return r < 0 ? r : buffer_append(script, "'", 1);
}

/* Slurm hands scripts to an interpreter; ours says one thing. */
static int write_script(const struct controller *c, const char *array, const char *sha256, struct buffer *script)
{
    char path[PATH_MAX + 128];
    int r = buffer_append_format(script, "#!/bin/sh\n");

    if (r == 0 && c->options->state != NULL) {
        r = buffer_append_format(script, "LAZARET_STATE=");
        if (r == 0)
            r = append_quoted(script, c->options->state);
        if (r == 0)
            r = buffer_append_format(script, "; export LAZARET_STATE\n");
    }
    (void)snprintf(path, sizeof path, "%s/" SHARE_ORDERS "/%s.json", c->share.path, array);
    if (r == 0)
        r = buffer_append_format(script, "exec ");
    if (r == 0)
        r = append_quoted(script, c->options->program);
    if (r == 0)
        r = buffer_append_format(script, " slurm-task ");
    if (r == 0)
        r = append_quoted(script, path);
    if (r == 0)
        r = buffer_append_format(script, " --sha256 %s --key ", sha256);
    if (r == 0)
        r = append_quoted(script, c->options->node_key);
    return r < 0 ? r : buffer_append_format(script, "\n");
}

/* --- what is asked for ------------------------------------------------------------------------------------------- */

/* "0-99", or "0,2,7" where some are no longer wanted. */
static int list_tasks(const struct order_row *rows, size_t count, struct buffer *ret_list)
{
    int r = 0;

    if (rows[0].task == 0 && rows[count - 1].task == count - 1)
        r = buffer_append_format(ret_list, "0-%zu", count - 1);
    else
        for (size_t i = 0; r == 0 && i < count; i++)
            r = buffer_append_format(ret_list, "%s%u", i == 0 ? "" : ",", rows[i].task);
    return r < 0 ? r : buffer_append_u8(ret_list, 0);
}

static int build_arguments(const struct controller *c, const char *name, const char *tasks, const struct shape *shape,
                           struct arguments *arguments, struct error *err)
{
    int r = 0;

    add(arguments, &r, "sbatch");
    add(arguments, &r, "--parsable");
    add(arguments, &r, "--job-name=%s", name);
    add(arguments, &r, "--comment=%s", name);
    add(arguments, &r, "--array=%s", tasks);
    add(arguments, &r, "--no-requeue"); /* what is lost is ordered again, under a nonce of its own */
    /* sbatch's environment is the few variables of tool.c; NIL and NONE would run the user's login shell on the node.
     */
    add(arguments, &r, "--export=ALL");
    add(arguments, &r, "--chdir=/");
    add(arguments, &r, "--input=/dev/null");
    add(arguments, &r, "--output=%s/" SHARE_LOGS "/%s_%%a.out", c->share.path, name);
    add(arguments, &r, "--nodes=1");
    add(arguments, &r, "--ntasks=1");
    add(arguments, &r, "--cpus-per-task=%" PRIu64, shape->cores);
    add(arguments, &r, "--mem=%" PRIu64 "M", shape->memory_mib);
    add(arguments, &r, "--time=%" PRIu64, shape->minutes);
    if (shape->gpus > 0)
        add(arguments, &r, "--gres=gpu:%" PRIu64, shape->gpus);
    if (shape->excluded[0] != '\0')
        add(arguments, &r, "--exclude=%s", shape->excluded);
    if (c->options->partition != NULL)
        add(arguments, &r, "--partition=%s", c->options->partition);
    if (c->options->account != NULL)
        add(arguments, &r, "--account=%s", c->options->account);
    return r < 0 ? error_set(err, ERROR_UNAVAILABLE, r, "no memory for sbatch's arguments") : 0;
}

/* --- orders ------------------------------------------------------------------------------------------------------ */

/* A place for each task; of one that is no longer wanted, an empty one. */
static int list_orders(struct controller *c, const struct order_row *rows, size_t count, json_t *orders,
                       struct error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < count; i++) {
        struct queue_lease lease = {0};

        while (r == 0 && json_array_size(orders) < rows[i].task)
            r = json_array_append_new(orders, json_null()) < 0 ? -ENOMEM : 0;
        if (r < 0)
            return error_set(err, ERROR_UNAVAILABLE, r, "no memory for orders");
        r = journal_read_lease(c->database, &rows[i], &lease, err);
        if (r == 0)
            r = order_list_add(orders, rows[i].nonce, &lease, err);
        else if (r == -ESTALE && json_array_append_new(orders, json_null()) == 0)
            r = 0; /* of a job that is another's by now */
        queue_lease_clear(&lease);
    }
    return r;
}

static int write_orders(struct controller *c, const char *name, const struct order_row *rows, size_t count, bool gpus,
                        char ret_sha256[SHA256_HEX_SIZE], struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(ORDER_FILE_MAX);
    CLEANUP_JSON json_t *orders = json_array();
    CLEANUP_JSON json_t *map = gpus && nodes_gpu_map(c->nodes) != NULL ? gpu_map_json(nodes_gpu_map(c->nodes)) : NULL;
    uint8_t digest[SHA256_SIZE];
    int r = orders == NULL || (gpus && map == NULL) ? error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for orders")
                                                    : list_orders(c, rows, count, orders, err);

    if (r == 0)
        r = order_list_encode(name, orders, map, &text, err);
    if (r == 0)
        r = share_write_orders(&c->share, name, text.data, text.size, err);
    if (r < 0)
        return r;
    sha256_of(text.data, text.size, digest);
    sha256_to_hex(digest, ret_sha256);
    return 0;
}

static int run_sbatch(struct controller *c, const struct array_row *array, const char *tasks, const struct shape *shape,
                      const char *sha256, int64_t *ret_job, struct error *err)
{
    CLEANUP_BUFFER struct buffer script = buffer_with_limit(SCRIPT_MAX), said = buffer_with_limit(SUBMITTED_BYTES);
    CLEANUP(free_arguments) struct arguments arguments = {0};
    int r = build_arguments(c, array->name, tasks, shape, &arguments, err);

    if (r == 0 && write_script(c, array->name, sha256, &script) < 0)
        r = error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a script");
    if (r == 0)
        r = slurm_tool_run((const char *const *)arguments.list, script.data, script.size, &said, err);
    if (r == 0 && slurm_read_submitted(said.data, said.size, ret_job) < 0)
        r = error_set(err, ERROR_UNAVAILABLE, -EBADMSG, "sbatch: says no job's number");
    return r;
}

int array_submit(struct controller *c, const struct array_row *array, const struct shape *shape, struct error *err)
{
    CLEANUP_FREE struct order_row *rows = calloc(SLURM_TASKS_MAX, sizeof *rows);
    CLEANUP_BUFFER struct buffer tasks = buffer_with_limit(ARGUMENT_MAX);
    char sha256[SHA256_HEX_SIZE];
    size_t count = 0;
    int64_t job = 0;
    int r = rows == NULL ? error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for orders")
                         : journal_list_ordered(c->database, array->id, rows, SLURM_TASKS_MAX, &count, err);

    if (r < 0 || count == 0)
        return r;
    if (list_tasks(rows, count, &tasks) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for orders");
    r = write_orders(c, array->name, rows, count, shape->gpus > 0, sha256, err);
    if (r == 0)
        r = run_sbatch(c, array, (const char *)tasks.data, shape, sha256, &job, err);
    if (r == 0)
        r = journal_set_submitted(c->database, array->id, job, err);
    if (r == 0)
        controller_tell(c, "submitted", "", "", array->name);
    return r;
}

/* --- out of it --------------------------------------------------------------------------------------------------- */

static void run_scancel(struct controller *c, struct arguments *arguments)
{
    CLEANUP_BUFFER struct buffer said = buffer_with_limit(65536);
    struct error trouble = {0};

    /* What can't be canceled runs to its end, and its answer is thrown away. */
    if (arguments->count > 2 && slurm_tool_run((const char *const *)arguments->list, "", 0, &said, &trouble) < 0)
        controller_tell(c, "not-canceled", "", "", trouble.text);
}

void array_cancel(struct controller *c, const struct order_row *rows, size_t count)
{
    for (size_t begin = 0; begin < count;) {
        CLEANUP(free_arguments) struct arguments arguments = {0};
        int r = 0;

        add(&arguments, &r, "scancel");
        add(&arguments, &r, "--quiet");
        for (; begin < count && arguments.count < ARGUMENTS_MAX; begin++) {
            struct array_row array;

            if (rows[begin].state == ORDER_ORDERED &&
                journal_find_array(c->database, rows[begin].array, &array, NULL) == 1 && array.slurm_id > 0)
                add(&arguments, &r, "%" PRIi64 "_%u", array.slurm_id, rows[begin].task);
        }
        if (r == 0)
            run_scancel(c, &arguments);
    }
}
