/* SPDX-License-Identifier: Apache-2.0 */
/* One run: boot, talk, destroy. */
#include "host/job/run.h"

#include "base/io.h"
#include "host/job/deadlines.h"
#include "host/job/disk_fault.h"
#include "host/vm/deadlines.h"
#include "host/vm/image.h"

#include <stdio.h>
#include <unistd.h>

const char *const run_purpose_names[RUN_PURPOSE_COUNT] = {"evaluation", "opening", "prediction"};

static int step(const struct run_setting *setting, const char *name, struct error *err)
{
    return setting->journal == NULL ? 0 : journal_step(setting->journal, name, "", err);
}

int run_prepare(const struct run_setting *setting, enum run_purpose purpose, const char *label, struct run *ret_run,
                struct error *err)
{
    const struct job_options *options = setting->options;
    char memory[24], *arguments[] = {"--memory", memory, NULL};
    bool first = label[0] == '\0';
    int r;
    const struct vm_options vm = {
        .isolation = options->isolation,
        .acceleration = options->acceleration,
        .transport = options->transport,
        .vcpus = options->vcpus,
        .memory_mib = setting->admission->memory_mib,
        .image = setting->image,
        .agent_path = setting->agent_path,
        .driver = options->device == JOB_DEVICE_OPENCL,
        .agent_arguments = arguments,
        .console_fd = setting->console_fd,
        .console_max = VM_CONSOLE_DEFAULT,
        .scratch_path = first ? setting->scratch_path : NULL,
        .scratch_fd = setting->scratch_fd,
        .passthrough = setting->passthrough,
    };

    ret_run->purpose = purpose;
    ret_run->connection = -1;
    (void)snprintf(ret_run->label, sizeof ret_run->label, "%s", label);
    (void)snprintf(memory, sizeof memory, "%llu", (unsigned long long)setting->admission->memory_mib);
    r = vm_prepare(&vm, &ret_run->vm, err);
    return r < 0 ? r : collector_prepare(&ret_run->collector, err);
}

static int boot(const struct run_setting *setting, struct run *run, struct error *err)
{
    uint64_t pin_ms = setting->passthrough != NULL ? vm_deadline_pin_ms(setting->admission->memory_mib) : 0;
    uint64_t connect_ns;
    int r = step(setting, "boot", err);

    events_begin(setting->events, "boot");
    connect_ns = io_deadline_ms(JOB_DEADLINE_CONNECT_MS + pin_ms);
    if (r < 0)
        return r;
    r = vm_boot(run->vm, err);
    if (r == 0)
        r = vm_connect(run->vm, connect_ns < setting->deadline_ns ? connect_ns : setting->deadline_ns, &run->connection,
                       err);
    run->unbooted = r < 0;
    return r;
}

static int converse(const struct run_setting *setting, struct run *run, const struct plan *plan,
                    const struct inputs *inputs, const struct results_keeper *keep, struct error *err)
{
    const struct admission *admission = setting->admission;
    const struct data_set_description *test = &admission->description->sets[DATA_SET_TEST];
    const struct conversation conversation = {
        .vm = run->vm,
        .connection = run->connection,
        .collector = run->collector,
        .plan = plan,
        .model_fd = admission->model_fd,
        .reference_fd = admission->reference_fd,
        .model_name = admission->model_name,
        .test_name = setting->options->test_path,
        .inputs = inputs,
        .test_label_max = test->label_max,
        .test_labelled = test->labelled,
        .events = setting->events,
        .deadline_ns = setting->deadline_ns,
    };
    int r = results_create(plan, keep, &run->results, err);

    if (r == 0)
        r = step(setting, "conversation", err);
    return r < 0 ? r : conversation_run(&conversation, run->results, &run->failure, err);
}

/* Ends the VM and looks whether anything is left, whatever happened before. The first error is told. */
static int destroy(const struct run_setting *setting, struct run *run, struct error *err)
{
    struct error left = {0};
    int r = step(setting, "destroy", err), destroyed;

    collector_free(run->collector);
    run->collector = NULL;
    if (run->connection >= 0)
        (void)close(take_fd(&run->connection));
    events_begin(setting->events, "destroy");
    destroyed = vm_destroy(run->vm, &run->record, &left);
    run->recorded = true;
    if (r == 0 && destroyed < 0) {
        *err = left;
        return destroyed;
    }
    return r;
}

int run_whole(const struct run_setting *setting, struct run *run, const struct plan *plan, const struct inputs *inputs,
              const struct results_keeper *keep, struct error *err)
{
    struct error left = {0};
    int r, destroyed;

    events_label(setting->events, run->label);
    r = boot(setting, run, err);
    if (r == 0)
        r = converse(setting, run, plan, inputs, keep, err);
    destroyed = destroy(setting, run, &left);
    if (r < 0 && err->kind == ERROR_GUEST && setting->image != NULL &&
        manifest_has_disk(image_manifest(setting->image)))
        disk_fault_explain(setting->console_fd, err);
    events_label(setting->events, "");
    if (destroyed < 0 && (r == 0 || err->kind == ERROR_GUEST)) {
        *err = left;
        run->unbooted = false;
        return destroyed;
    }
    return r;
}

void run_close(struct run *run)
{
    vm_free(run->vm);
    collector_free(run->collector);
    if (run->connection >= 0)
        (void)close(run->connection);
    results_free(run->results);
    *run = (struct run){.connection = -1};
}
