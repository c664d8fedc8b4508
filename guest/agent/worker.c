/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's life: confine, map, start threads, seal; then import, and one check; or a scan. */
#include "guest/agent/worker.h"

#include "guest/agent/remote_source.h"
#include "guest/agent/window_pipe.h"
#include "guest/agent/worker_scan.h"
#include "guest/checks/check.h"
#include "guest/checks/meter.h"
#include "guest/sandbox/driver.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

/* Where something went wrong, which decides what the failure is called. */
enum stage { STAGE_SETUP, STAGE_MODEL, STAGE_NETWORK, STAGE_CHECK };

struct worker {
    const struct worker_task *task;
    enum stage stage;
    struct buffer frame;                       /* of the message being sent */
    const void *model_bytes, *reference_bytes; /* reference: NULL where the task has none */
    struct kernels *kernels;
    struct device *device; /* NULL: none */
    struct model *model, *reference;
    struct model_contract contract;
    struct network *network;
    struct source *file; /* what a scan reads; of the host's where the task is WORKER_FILE */
};

bool worker_scans(const struct worker_task *task)
{
    return task->check == WORKER_FILE ||
           (task->check != WORKER_IMPORT && task->plan->checks[task->check].id == PLAN_SCAN);
}

bool worker_drives(const struct worker_task *task)
{
    return !worker_scans(task) && task->driver != NULL && strcmp(task->plan->isa, task->driver->name) == 0;
}

uint64_t worker_room(const struct worker_task *task)
{
    return task->memory_bytes > 0 && worker_drives(task) ? task->memory_bytes + DRIVER_DATA_MAX : task->memory_bytes;
}

/* --- messages ------------------------------------------------------------------------------- */

static int write_all(int fd, const uint8_t *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        /* SYSTEM-CALL worker write: results leave by the output pipe */
        ssize_t count = write(fd, data + done, size - done);

        if (count < 0 && errno != EINTR)
            return -errno;
        if (count > 0)
            done += (size_t)count;
    }
    return 0;
}

static int transmit(void *argument, const struct message *message, struct error *err)
{
    struct worker *worker = argument;
    int r;

    worker->frame.size = 0;
    r = message_encode(message, &worker->frame);
    if (r == 0)
        r = write_all(worker->task->output_fd, worker->frame.data, worker->frame.size);
    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "can't send %s: %s", message_type_name(message->type), strerror(-r));
    return 0;
}

static int worker_send(void *argument, const struct message *message, struct error *err)
{
    struct worker *worker = argument;
    int r = worker->task->check == WORKER_FILE && worker->file != NULL ? remote_source_settle(worker->file, err) : 0;

    return r < 0 ? r : transmit(worker, message, err);
}

static struct message_text text_of(const char *text)
{
    return (struct message_text){.data = text, .size = (uint32_t)strnlen(text, MESSAGE_TEXT_MAX)};
}

static enum message_failure_code failure_code(enum stage stage, const struct error *cause)
{
    if (cause->code == -ENOMEM)
        return MESSAGE_FAILURE_MEMORY;
    if (stage == STAGE_SETUP || cause->kind == ERROR_INTERNAL)
        return MESSAGE_FAILURE_INTERNAL;
    if (cause->kind == ERROR_UNAVAILABLE)
        return MESSAGE_FAILURE_UNSUPPORTED_MODEL;
    return stage == STAGE_MODEL ? MESSAGE_FAILURE_BAD_MODEL : MESSAGE_FAILURE_SHAPE;
}

static void send_failure(struct worker *worker, struct error *cause)
{
    struct message message = {.type = MESSAGE_FAILURE};

    message.failure.code = failure_code(worker->stage, cause);
    message.failure.check = worker->task->check;
    if (message.failure.code == MESSAGE_FAILURE_MEMORY && worker->task->memory_bytes > 0) {
        size_t used = strlen(cause->text);

        (void)snprintf(cause->text + used, sizeof cause->text - used, " (a worker %smay take %llu MiB)",
                       worker_drives(worker->task) ? "and its driver " : "",
                       (unsigned long long)(worker_room(worker->task) >> 20));
    }
    message.failure.text = text_of(cause->text);
    (void)worker_send(worker, &message, NULL);
}

/* --- confinement ---------------------------------------------------------------------------- */

/* A model's bytes, read-only; the memory file is then closed, as it can't be mapped any more. */
static int map_file(int fd, uint64_t size, const void **ret_bytes, struct error *err)
{
    /* SYSTEM-CALL entry mmap [2 & PROT_EXEC == 0]: a model's bytes, from the sealed memory file */
    void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

    if (bytes == MAP_FAILED)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "can't map a model of %llu MiB: %s",
                         (unsigned long long)(size >> 20) + 1, strerror(errno));
    /* SYSTEM-CALL entry close: the memory file; in sandbox.c the descriptors below those that are kept */
    (void)close(fd);
    *ret_bytes = bytes;
    return 0;
}

static int map_models(struct worker *worker, struct error *err)
{
    const struct worker_task *task = worker->task;
    int r;

    if (task->check == WORKER_FILE)
        return 0;
    r = map_file(task->model_fd, task->plan->model_size, &worker->model_bytes, err);
    if (r == 0 && task->reference_fd >= 0)
        r = map_file(task->reference_fd, task->plan->reference_size, &worker->reference_bytes, err);
    return r;
}

/* Every thread is in our code when this returns (kernels_create's promise), so that the filter may come next. */
static int start_kernels(struct worker *worker, struct error *err)
{
    const struct plan *plan = worker->task->plan;
    enum kernel_isa isa = KERNEL_ISA_AUTO;

    if (strcmp(plan->isa, "opencl") == 0 && !worker_drives(worker->task))
        return error_set(err, ERROR_UNAVAILABLE, -ENOTSUP,
                         "this agent has no driver for OpenCL devices: the image must be one with a GPU's driver");
    if (!worker_drives(worker->task) && plan->isa[0] != '\0' && kernel_isa_from_name(plan->isa, &isa) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -EINVAL, "no kernels are called %s", plan->isa);
    return kernels_create(plan->arithmetic == PLAN_FMA ? KERNEL_FMA : KERNEL_MUL_ADD, isa, worker->task->threads,
                          &worker->kernels, err);
}

/* The device, before a byte of the model is looked at; what it compiled can't be changed afterwards. */
static int start_device(struct worker *worker, struct error *err)
{
    const struct worker_task *task = worker->task;
    int r = task->driver->open(task->programs_fd, task->check == WORKER_IMPORT, &worker->device, err);

    driver_seal_programs(task->programs_fd);
    return r < 0 ? r : kernels_attach(worker->kernels, worker->device, err);
}

static int confine(struct worker *worker, struct error *err)
{
    const struct worker_task *task = worker->task;
    const bool drives = worker_drives(task);
    const int keep[] = {task->model_fd, task->reference_fd, task->input_fd, task->output_fd, /* -1 is none's */
                        drives ? task->programs_fd : -1};
    const struct sandbox_profile profile = {
        .report = task->report,
        .keep_fds = keep,
        .keep_fd_count = sizeof keep / sizeof keep[0],
        .address_space_max = drives ? 0 : worker_room(task),
        .data_max = drives ? worker_room(task) : 0,
        .driver = drives,
    };
    int r = sandbox_enter(&profile, err);

    if (r == 0)
        r = map_models(worker, err);
    if (r == 0 && !worker_scans(task))
        r = start_kernels(worker, err);
    if (r == 0 && drives)
        r = start_device(worker, err);
    if (r == 0)
        r = drives ? sandbox_seal_with_driver(task->report, err) : sandbox_seal(err);
    return r;
}

/* --- the model ------------------------------------------------------------------------------- */

static void fill_contract(const struct plan_contract *from, struct model_contract *ret_contract)
{
    *ret_contract = (struct model_contract){.sample_rank = from->rank};
    memcpy(ret_contract->input, from->input, sizeof ret_contract->input);
    memcpy(ret_contract->output, from->output, sizeof ret_contract->output);
    memcpy(ret_contract->sample_dims, from->dims, sizeof from->dims);
}

/* Weights alone must fit, before they are read; network_create refuses the rest. */
static int check_memory(const struct worker *worker, struct error *err)
{
    uint64_t most = worker->task->memory_bytes;
    uint32_t fixed = model_fixed_batch(worker->model, &worker->contract);
    struct model_memory memory;
    int r = model_measure(worker->model, &worker->contract, fixed > 0 ? fixed : 1, &memory, err);

    if (r < 0)
        return r;
    if (most > 0 && memory.constants > most)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "the model's weights need %llu MiB",
                         (unsigned long long)(memory.constants >> 20) + 1);
    return 0;
}

/* What a network may take: the worker's memory but the model's bytes and the windows of its check. */
static uint64_t network_room(const struct worker *worker, uint64_t windows)
{
    uint64_t most = worker->task->memory_bytes, taken = worker->task->plan->model_size + windows;

    if (most == 0)
        return 0;
    return most > taken ? most - taken : 1;
}

/* Refused, with the figure, before its memory is asked for where the plan exceeds what is left of the worker's. */
static int make_network(struct worker *worker, const char *layer, bool forward_only, uint64_t windows,
                        struct error *err)
{
    const struct plan *plan = worker->task->plan;
    bool scaled = plan->contract.channels > 0;
    const struct network_options options = {
        .kernels = worker->kernels,
        .model = worker->model,
        .contract = &worker->contract,
        .batch = plan->batch,
        .scale = scaled ? plan->contract.scale : NULL,
        .offset = scaled ? plan->contract.offset : NULL,
        .layer = layer,
        .memory_max = network_room(worker, windows),
        .forward_only = forward_only,
    };

    return network_create(&options, &worker->network, err);
}

static int open_model(struct worker *worker, struct error *err)
{
    const struct plan *plan = worker->task->plan;
    int r;

    worker->stage = STAGE_MODEL;
    r = model_open(worker->model_bytes, plan->model_size, &worker->model, err);
    if (r < 0)
        return r;
    if (worker->reference_bytes != NULL &&
        model_open(worker->reference_bytes, plan->reference_size, &worker->reference, err) < 0)
        return error_prefix(err, "the reference model");
    worker->stage = STAGE_NETWORK;
    fill_contract(&plan->contract, &worker->contract);
    return check_memory(worker, err);
}

/* --- the import task -------------------------------------------------------------------------- */

/*
 * Every network that the plan's checks will want, one after the other: what can't be made is known at
 * once. Returns the memory of the largest.
 */
static int try_checks(struct worker *worker, uint64_t *ret_memory, struct error *err)
{
    const struct plan *plan = worker->task->plan;
    uint64_t largest = 0;

    for (uint32_t i = 0; i < plan->check_count; i++) {
        const struct check *check;
        int r;

        if (plan->checks[i].id == PLAN_SCAN)
            continue;
        r = check_find(plan, i, &check, err);
        if (r == 0 && check->needs_reference)
            continue;
        if (r == 0)
            r = make_network(worker, plan_check_layer(&plan->checks[i]), !check_needs_gradient(check, &plan->checks[i]),
                             window_room(plan, check->id), err);
        if (r < 0)
            return r;
        if (network_memory(worker->network) > largest)
            largest = network_memory(worker->network);
        network_free(TAKE_POINTER(worker->network));
    }
    *ret_memory = largest;
    return 0;
}

static int run_import(struct worker *worker, struct error *err)
{
    struct message message = {.type = MESSAGE_READY};
    int r = try_checks(worker, &message.ready.memory_bytes, err);

    if (r == 0)
        r = make_network(worker, "", true, 0, err);
    if (r < 0)
        return r;
    message.ready.classes = check_classes(worker->network);
    message.ready.isa =
        text_of(worker->device != NULL ? worker->device->description : kernel_isa_name(kernels_isa(worker->kernels)));
    message.ready.layer = text_of(network_layer_name(worker->network));
    return worker_send(worker, &message, err);
}

/* --- a check's task ------------------------------------------------------------------------------ */

/* Every window goes to the check; without a state it is read and dropped, as the host sends it anyway. */
static int run_windows(const struct worker *worker, const struct check *check, void *state,
                       struct window_reader *reader, struct error *err)
{
    const struct plan *plan = worker->task->plan;

    for (unsigned set = 0; set < PLAN_SET_COUNT; set++) {
        if (!plan_check_reads(plan, check->id, set))
            continue;
        for (uint64_t first = 0; first < plan->sets[set].count;) {
            struct check_window window;
            int r = window_read(reader, set, first, &window, err);

            if (r == 0 && state != NULL)
                r = check->window(state, &window, err);
            if (r < 0)
                return r;
            first += window.count;
        }
    }
    return 0;
}

static int send_done(struct worker *worker, const struct check_figures *figures, const char *skipped, struct error *err)
{
    struct message message = {.type = MESSAGE_CHECK_DONE};
    struct rusage usage = {0};

    /* SYSTEM-CALL worker getrusage [0 == RUSAGE_SELF]: the peak of memory for the figures, as /proc is out of reach */
    (void)getrusage(RUSAGE_SELF, &usage);
    message.check_done.check = worker->task->check;
    message.check_done.cpu_ns = meter_cpu_ns();
    message.check_done.images = figures->images;
    message.check_done.gradient_cpu_ns = figures->gradient_cpu_ns;
    message.check_done.gradient_images = figures->gradient_images;
    message.check_done.peak_memory_bytes = (uint64_t)usage.ru_maxrss << 10;
    message.check_done.layer = text_of(figures->layer);
    message.check_done.skipped = text_of(skipped);
    return worker_send(worker, &message, err);
}

/* What is left of the worker's memory when models, network and windows have theirs. */
static uint64_t memory_left(const struct worker *worker, const struct check *check)
{
    uint64_t most = worker->task->memory_bytes;
    uint64_t taken = worker->task->plan->model_size + window_room(worker->task->plan, check->id);

    if (worker->network != NULL)
        taken += network_memory(worker->network);
    if (worker->reference != NULL)
        taken += worker->task->plan->reference_size;

    if (most == 0)
        return 0;
    return most > taken ? most - taken : 1;
}

static int run_whole(struct worker *worker, const struct check *check, const struct check_context *context,
                     struct window_reader *reader, struct error *err)
{
    struct check_figures figures;
    void *state = NULL;
    int r = check->begin(context, &state, err);

    if (r == 0)
        r = run_windows(worker, check, state, reader, err);
    if (r == 0)
        r = check->end(state, &figures, err);
    if (r == 0)
        r = send_done(worker, &figures, "", err);
    check->free(state);
    return r;
}

static int skip_check(struct worker *worker, const struct check *check, const char *reason,
                      struct window_reader *reader, struct error *err)
{
    const struct check_figures nothing = {.layer = ""};
    int r = run_windows(worker, check, NULL, reader, err);

    return r < 0 ? r : send_done(worker, &nothing, reason, err);
}

static int run_check(struct worker *worker, struct error *err)
{
    const struct worker_task *task = worker->task;
    const struct plan_check *planned = &task->plan->checks[task->check];
    struct check_context context = {.plan = task->plan,
                                    .index = task->check,
                                    .model = worker->model,
                                    .reference = worker->reference,
                                    .sink = {.send = worker_send, .argument = worker}};
    struct window_reader reader;
    const struct check *check;
    const char *unfit;
    int r = check_find(task->plan, task->check, &check, err);

    if (r == 0 && !check->needs_reference)
        r = make_network(worker, plan_check_layer(planned), !check_needs_gradient(check, planned),
                         window_room(task->plan, check->id), err);
    if (r < 0)
        return r;
    worker->stage = STAGE_CHECK;
    context.network = worker->network;
    context.memory_bytes = memory_left(worker, check);
    r = window_reader_open(&reader, task->input_fd, task->plan, check->id, err);
    if (r < 0)
        return r;
    unfit = check->unfit != NULL ? check->unfit(&context) : NULL;
    r = unfit != NULL ? skip_check(worker, check, unfit, &reader, err)
                      : run_whole(worker, check, &context, &reader, err);
    window_reader_close(&reader);
    return r;
}

/* --- a scan's task --------------------------------------------------------------------------------- */

static struct source *open_file(struct worker *worker)
{
    const struct worker_task *task = worker->task;
    const struct remote_options options = {
        .size = task->file_size, .input_fd = task->input_fd, .send = transmit, .argument = worker};

    return task->check == WORKER_FILE ? remote_source_open(&options)
                                      : source_of_memory(worker->model_bytes, task->plan->model_size);
}

static int run_scan(struct worker *worker, struct error *err)
{
    const struct check_figures nothing = {.layer = ""};
    const struct check_sink sink = {.send = worker_send, .argument = worker};
    const struct worker_task *task = worker->task;
    bool served = task->check == WORKER_FILE;
    int r;

    if (!served && task->plan->checks[task->check].version != WORKER_SCAN_VERSION)
        return error_set(err, ERROR_INTERNAL, -ENOTSUP, "check scan has version %u in this agent, not %u",
                         WORKER_SCAN_VERSION, task->plan->checks[task->check].version);
    worker->file = open_file(worker);
    if (worker->file == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the scan");
    r = worker_scan(worker->file, served ? task->file_name : "", &sink, err);
    return r < 0 || served ? r : send_done(worker, &nothing, "", err);
}

static int run_task(struct worker *worker, struct error *err)
{
    int r;

    if (worker_scans(worker->task))
        return run_scan(worker, err);
    r = open_model(worker, err);
    if (r < 0)
        return r;
    return worker->task->check == WORKER_IMPORT ? run_import(worker, err) : run_check(worker, err);
}

int worker_run(const struct worker_task *task)
{
    struct worker worker = {.task = task, .frame = buffer_with_limit(FRAME_HEADER_SIZE + FRAME_PAYLOAD_MAX)};
    struct error err = {0};
    int r;

    /* One heap: no address space is set aside for each thread, and a limit means what it says. */
    (void)mallopt(M_ARENA_MAX, 1);
    r = confine(&worker, &err);
    if (r == 0)
        r = run_task(&worker, &err);
    if (r < 0)
        send_failure(&worker, &err);
    return r < 0 ? 1 : 0; /* the process ends: nothing is freed one by one */
}
