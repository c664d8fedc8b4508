/* SPDX-License-Identifier: Apache-2.0 */
/* execution.json */
#include "host/job/execution.h"

#include "host/confine/place.h"
#include "host/json/canonical.h"
#include "host/json/decimal.h"
#include "host/json/digest.h"

#include <string.h>

static json_t *seconds(uint64_t ns)
{
    return json_new_fixed((double)ns / 1e9);
}

/* A count, which may be the guest's word: what canonical JSON can't hold is written as the most that it can. */
static json_t *count(uint64_t value)
{
    return json_integer(value < (uint64_t)JSON_CANONICAL_INTEGER_MAX ? (json_int_t)value : JSON_CANONICAL_INTEGER_MAX);
}

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

/* The image's read-only disk: the file, and the root of the hash tree that the guest's kernel checks it by. */
static void set_disk(json_t *object, const struct manifest *manifest)
{
    if (!manifest_has_disk(manifest))
        return;
    set(object, "disk", json_new_digest(manifest->disk.file.sha256));
    set(object, "diskRoot", json_new_digest(manifest->disk.argument.root));
}

static json_t *digests(const struct execution *execution)
{
    json_t *object = json_object();

    if (execution->agent_sha256 != NULL)
        set(object, "agent", json_new_digest(execution->agent_sha256));
    if (execution->image != NULL) {
        set(object, "image", json_string(image_digest(execution->image)));
        set(object, "kernel", json_new_digest(image_manifest(execution->image)->kernel.sha256));
        set(object, "initramfs", json_new_digest(image_manifest(execution->image)->initramfs.sha256));
        set_disk(object, image_manifest(execution->image));
    }
    if (execution->record != NULL && execution->record->domain_xml[0] != '\0')
        set(object, "domainXml", json_new_digest(execution->record->domain_xml_sha256));
    return object;
}

static json_t *versions(const struct vm_record *record)
{
    json_t *object = json_pack("{s:s}", "lazaret", LAZARET_VERSION);

    if (record->qemu_version[0] != '\0')
        set(object, "qemu", json_string(record->qemu_version));
    if (record->libvirt_version[0] != '\0')
        set(object, "libvirt", json_string(record->libvirt_version));
    return object;
}

/* What was looked at after the end, and found. */
static json_t *destruction(const struct vm_proof *proof)
{
    return json_pack("{s:b, s:b, s:b, s:b, s:b, s:s}", "processesGone", proof->processes_gone, "mountsGone",
                     proof->mounts_gone, "socketsGone", proof->sockets_gone, "cidUsed", proof->cid_used, "cidReleased",
                     proof->cid_released, "left", proof->detail);
}

static void set_record(json_t *document, const struct vm_record *record)
{
    set(document, "isolation", json_string(vm_isolation_name(record->isolation)));
    set(document, "acceleration",
        json_string(record->isolation == VM_PROCESS ? "none" : vm_acceleration_name(record->acceleration)));
    set(document, "accelerationReason", json_string(record->acceleration_reason));
    set(document, "transport",
        json_string(record->isolation == VM_PROCESS ? "none" : vm_transport_name(record->transport)));
    set(document, "transportReason", json_string(record->transport_reason));
    set(document, "machine", json_string(record->machine));
    set(document, "cpuModel", json_string(record->cpu_model));
    set(document, "versions", versions(record));
}

/* How a VM ended, and what it took. */
static void set_end(json_t *document, const struct vm_record *record)
{
    set(document, "exit",
        json_pack("{s:s, s:s}", "reason", vm_exit_name(record->exit_reason), "detail", record->exit_detail));
    set(document, "destruction", destruction(&record->proof));
    set(document, "peakMemoryKib", json_integer((json_int_t)record->peak_memory_kib));
    set(document, "vmCpuSeconds", seconds(record->cpu_ns));
    set(document, "startSeconds", seconds(record->start_wall_ns));
    set(document, "bootSeconds", seconds(record->boot_wall_ns));
    set(document, "console",
        json_pack("{s:I, s:I}", "bytes", (json_int_t)record->console_bytes, "dropped",
                  (json_int_t)record->console_dropped));
}

/* What computed, of an agent's "opencl|NAME|VERSION|DRIVER"; the guest's own words. NULL: the processor. */
static json_t *device(const char *words)
{
    static const char *const names[] = {"kind", "name", "version", "driver"};
    json_t *object;

    if (strchr(words, '|') == NULL)
        return NULL;
    object = json_object();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t size = strcspn(words, "|");

        set(object, names[i], json_stringn(words, size));
        words += size + (words[size] == '|' ? 1 : 0);
    }
    return object;
}

static json_t *guest(const struct results *results)
{
    json_t *computed = device(results->isa);
    json_t *object =
        json_pack("{s:s, s:s, s:o, s:o, s:o, s:s%}", "agent", results->agent, "cpuModel", results->cpu, "processors",
                  count(results->processors), "memoryBytes", count(results->guest_memory_bytes), "engineMemoryBytes",
                  count(results->engine_memory_bytes), "kernels", results->isa, strcspn(results->isa, "|"));

    if (computed != NULL)
        set(object, "device", computed);
    return object;
}

static json_t *phases(const struct events *events)
{
    json_t *array = json_array();

    for (unsigned i = 0; i < events->phase_count; i++)
        (void)json_array_append_new(array, json_pack("{s:s, s:o, s:o}", "name", events->phases[i].name, "wallSeconds",
                                                     seconds(events->phases[i].wall_ns), "cpuSeconds",
                                                     seconds(events->phases[i].cpu_ns)));
    return array;
}

/* What a check cost, and where it looked; one that the guest skipped says only that. */
static json_t *new_check(const struct results_check *check, const struct plan_check *planned)
{
    json_t *entry = json_pack("{s:s, s:o, s:o, s:o, s:o}", "id", plan_check_name(planned->id), "wallSeconds",
                              seconds(check->wall_ns), "cpuSeconds", seconds(check->cost.cpu_ns), "images",
                              count(check->cost.images), "peakMemoryBytes", count(check->cost.peak_memory_bytes));

    if (check->skipped[0] != '\0')
        set(entry, "skipped", json_true());
    if (check->layer[0] != '\0')
        set(entry, "layer", json_string(check->layer));
    if (plan_check_is_attack(planned->id) || check->cost.gradient_images > 0) {
        set(entry, "gradientCpuSeconds", seconds(check->cost.gradient_cpu_ns));
        set(entry, "gradientImages", count(check->cost.gradient_images));
    }
    return entry;
}

static json_t *checks(const struct results *results, const struct plan *plan)
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < plan->check_count; i++)
        if (results->checks[i].done)
            (void)json_array_append_new(array, new_check(&results->checks[i], &plan->checks[i]));
    return array;
}

/* One run: a VM, what it was for, and what came of it. */
static json_t *new_run(const struct run *run)
{
    json_t *object = json_pack("{s:s}", "purpose", run_purpose_names[run->purpose]);

    if (run->evaluated)
        set(object, "evaluation", json_new_digest(run->evaluation_sha256));
    set_end(object, &run->record);
    return object;
}

static json_t *runs(const struct execution *execution)
{
    json_t *array = json_array();

    for (unsigned i = 0; i < execution->run_count; i++)
        if (execution->runs[i].recorded)
            (void)json_array_append_new(array, new_run(&execution->runs[i]));
    return array;
}

static json_t *recheck(const struct recheck_report *report)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "adversarial", count(report->adversarial), "clean", count(report->clean),
                     "agreed", count(report->agreed), "nonce", json_new_digest(report->nonce));
}

/* What confines our own processes on this machine, as this user. */
static json_t *helpers(void)
{
    struct confine_facts facts;

    confine_describe(&facts);
    return json_pack("{s:b, s:b, s:i}", "ownUsers", facts.own_users, "ownNamespaces", facts.own_namespaces, "landlock",
                     facts.landlock_abi);
}

json_t *execution_document(const struct execution *execution)
{
    json_t *document = json_pack("{s:i, s:s, s:o, s:o}", "format", 1, "job", execution->job_id, "digests",
                                 digests(execution), "phases", phases(execution->events));

    if (document == NULL)
        return NULL;
    set(document, "helpers", helpers());
    if (execution->record != NULL)
        set_record(document, execution->record);
    else
        set(document, "isolation", json_string("none"));
    if (execution->record != NULL)
        set_end(document, execution->record);
    if (execution->run_count > 1)
        set(document, "runs", runs(execution));
    if (execution->recheck != NULL)
        set(document, "recheck", recheck(execution->recheck));
    if (execution->results != NULL) {
        set(document, "guest", guest(execution->results));
        set(document, "checks", checks(execution->results, execution->plan));
    }
    if (execution->passthrough != NULL)
        set(document, "passthrough", gpu_document(execution->passthrough));
    if (execution->bounds->known)
        set(document, "cgroup", bounds_document(execution->bounds));
    if (execution->failure != NULL)
        set(document, "failure", json_string(execution->failure));
    return document;
}
