/* SPDX-License-Identifier: Apache-2.0 */
/* What a job will take of the machine, and what the machine has. */
#include "host/farm/cost.h"

#include "host/farm/job_line.h"
#include "host/job/admission.h"
#include "host/job/locate.h"
#include "host/policy/policy.h"
#include "host/vm/passthrough/pci_address.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define POLICIES_MAX 64u
#define MIB          (UINT64_C(1) << 20)

/* By the name that a job gives and the folder where it is given: looking for the file itself costs more than the rest.
 */
struct cost_policies {
    unsigned count;
    struct {
        char *name, *folder;
        uint64_t memory_mib;
    } known[POLICIES_MAX];
};

int cost_policies_new(struct cost_policies **ret_policies, struct error *err)
{
    *ret_policies = calloc(1, sizeof **ret_policies);
    return *ret_policies != NULL ? 0 : error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for policies");
}

static void forget(char **name, char **folder)
{
    free(*name);
    free(*folder);
    *name = *folder = NULL;
}

void cost_policies_free(struct cost_policies *policies)
{
    for (unsigned i = 0; policies != NULL && i < policies->count; i++)
        forget(&policies->known[i].name, &policies->known[i].folder);
    free(policies);
}

/* `path` of a member of the description, from its folder. */
static int resolve(const json_t *description, const char *path, char ret_path[PATH_MAX], struct error *err)
{
    const char *folder = json_string_value(json_object_get(description, JOB_FOLDER));
    int size = path[0] == '/' ? snprintf(ret_path, PATH_MAX, "%s", path)
                              : snprintf(ret_path, PATH_MAX, "%s/%s", folder != NULL ? folder : ".", path);

    return (size_t)size < PATH_MAX
               ? 0
               : error_set(err, ERROR_BAD_INPUT, -ENAMETOOLONG, "%.64s…: the path is too long", path);
}

static int load_granted(const json_t *description, const char *name, uint64_t *ret_memory_mib, struct error *err)
{
    CLEANUP_FREE struct policy *policy = calloc(1, sizeof *policy);
    char path[PATH_MAX], located[PATH_MAX];
    int r = policy == NULL ? error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a policy")
                           : locate_policy(name, located, err);

    if (r == 0)
        r = resolve(description, located, path, err);
    if (r == 0)
        r = policy_load(path, policy, err);
    if (r == 0)
        *ret_memory_mib = policy->memory_mib;
    return r;
}

static void remember(struct cost_policies *policies, const char *name, const char *folder, uint64_t memory_mib)
{
    unsigned i = policies->count;

    if (i == POLICIES_MAX)
        return;
    policies->known[i].name = strdup(name);
    policies->known[i].folder = strdup(folder);
    policies->known[i].memory_mib = memory_mib;
    if (policies->known[i].name != NULL && policies->known[i].folder != NULL)
        policies->count++;
    else
        forget(&policies->known[i].name, &policies->known[i].folder);
}

/* What the policy grants its guest. */
static int granted(struct cost_policies *policies, const json_t *description, uint64_t *ret_memory_mib,
                   struct error *err)
{
    const char *name = json_string_value(json_object_get(description, "policy"));
    const char *folder = json_string_value(json_object_get(description, JOB_FOLDER));
    int r;

    name = name != NULL ? name : "low";
    folder = folder != NULL ? folder : "";
    for (unsigned i = 0; i < policies->count; i++)
        if (strcmp(policies->known[i].name, name) == 0 && strcmp(policies->known[i].folder, folder) == 0) {
            *ret_memory_mib = policies->known[i].memory_mib;
            return 0;
        }
    r = load_granted(description, name, ret_memory_mib, err);
    if (r == 0)
        remember(policies, name, folder, *ret_memory_mib);
    return r;
}

static bool has_own_memory(const json_t *description)
{
    return json_integer_value(json_object_get(description, "memory")) > 0;
}

static int guest_memory(struct cost_policies *policies, const json_t *description, uint64_t *ret_memory_mib,
                        struct error *err)
{
    json_int_t own = json_integer_value(json_object_get(description, "memory"));

    if (own <= 0)
        return granted(policies, description, ret_memory_mib, err);
    *ret_memory_mib = (uint64_t)own;
    return 0;
}

static uint64_t size_of(const json_t *description, const char *member)
{
    const char *name = json_string_value(json_object_get(description, member));
    char path[PATH_MAX];
    struct stat status;

    if (name == NULL || resolve(description, name, path, NULL) < 0 || stat(path, &status) < 0 || status.st_size < 0)
        return 0;
    return (uint64_t)status.st_size;
}

int cost_of_job(struct cost_policies *policies, const struct cost_setting *setting, const json_t *description,
                struct queue_resources *ret_needs, struct error *err)
{
    uint64_t memory = 0, estimate = admission_estimate_mib(size_of(description, "model"),
                                                           size_of(description, "reference"), ADMISSION_WINDOW_BYTES);
    int r = guest_memory(policies, description, &memory, err);

    if (r < 0)
        return r;
    if (!has_own_memory(description) && memory < estimate)
        memory = estimate;
    memory = setting->process ? estimate : memory + COST_MACHINE_MIB;
    *ret_needs = (struct queue_resources){
        .memory_mib = memory,
        .cores = setting->cores,
        .gpus = json_is_true(json_object_get(description, "gpu")) ? 1 : 0,
    };
    return 0;
}

static bool is_process(const json_t *settings)
{
    for (size_t i = 0; i + 1 < json_array_size(settings); i++) {
        const char *name = json_string_value(json_array_get(settings, i));
        const char *value = json_string_value(json_array_get(settings, i + 1));

        if (name != NULL && value != NULL && strcmp(name, "--isolation") == 0)
            return strcmp(value, "process") == 0;
    }
    return false;
}

uint64_t cost_guest_mib(const struct queue_resources *needs, const json_t *description, const json_t *settings)
{
    return has_own_memory(description) || is_process(settings) || needs->memory_mib <= COST_MACHINE_MIB
               ? 0
               : needs->memory_mib - COST_MACHINE_MIB;
}

bool cost_raise(const struct queue_lease *lease, const json_t *description, const json_t *settings, uint64_t whole_mib,
                uint64_t *ret_memory_mib)
{
    const struct cost_setting setting = {.cores = lease->needs.cores};
    uint64_t guest = cost_guest_mib(&lease->needs, description, settings);
    struct cost_policies *policies = NULL;
    struct queue_resources first;
    bool known;

    if (guest == 0 || lease->last_attempt || 2 * guest + COST_MACHINE_MIB > whole_mib ||
        cost_policies_new(&policies, NULL) < 0)
        return false;
    known = cost_of_job(policies, &setting, description, &first, NULL) == 0;
    cost_policies_free(policies);
    if (!known || lease->needs.memory_mib > first.memory_mib)
        return false;
    *ret_memory_mib = 2 * guest + COST_MACHINE_MIB;
    return true;
}

/* --- the machine ---------------------------------------------------------------------------------------------------
 */

/* Lines "MemTotal:   24000000 kB" of /proc/meminfo. */
static void read_memory(uint64_t *ret_total_mib, uint64_t *ret_available_mib)
{
    FILE *file = fopen("/proc/meminfo", "re");
    unsigned long long kib;
    char line[128];

    *ret_total_mib = *ret_available_mib = 0;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "MemTotal: %llu kB", &kib) == 1)
            *ret_total_mib = kib / 1024;
        if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
            *ret_available_mib = kib / 1024;
    }
    if (file != NULL)
        (void)fclose(file);
}

int cost_of_machine(struct queue_machine *ret_machine, struct error *err)
{
    struct queue_machine machine = {0};
    uint64_t total, available;
    cpu_set_t set;

    read_memory(&total, &available);
    if (total == 0 || available == 0)
        return error_set(err, ERROR_UNAVAILABLE, -EIO,
                         "/proc/meminfo: says nothing of available memory; is /proc mounted?");
    if (sched_getaffinity(0, sizeof set, &set) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "sched_getaffinity: %s", strerror(errno));
    machine.whole = (struct queue_resources){.memory_mib = total - total / 10, .cores = (uint64_t)CPU_COUNT(&set)};
    machine.now = machine.whole;
    machine.now.memory_mib = available - available / 10;
    *ret_machine = machine;
    return 0;
}

static int add_device(const char *text, size_t length, struct queue_machine *machine, struct error *err)
{
    char address[QUEUE_DEVICE_SIZE];
    struct pci_address parsed;

    (void)snprintf(address, sizeof address, "%.*s", (int)length, text);
    if (length >= sizeof address || pci_address_parse(address, &parsed) < 0)
        return error_set(err, ERROR_USAGE, -EINVAL, "--gpu: %.*s: no PCI address, for instance 0000:01:00.0",
                         (int)(length < 64 ? length : 64), text);
    pci_address_format(&parsed, address); /* one form, so that the same device is the same text */
    for (uint64_t i = 0; i < machine->now.gpus; i++)
        if (strcmp(machine->devices[i], address) == 0)
            return error_set(err, ERROR_USAGE, -EEXIST, "--gpu: %s stands there twice", address);
    if (machine->now.gpus == QUEUE_DEVICES_MAX)
        return error_set(err, ERROR_USAGE, -E2BIG, "--gpu: more than %u devices", QUEUE_DEVICES_MAX);
    memcpy(machine->devices[machine->now.gpus++], address, sizeof address);
    machine->whole.gpus = machine->now.gpus;
    return 0;
}

int cost_add_devices(const char *list, struct queue_machine *machine, struct error *err)
{
    int r = 0;

    for (const char *at = list; r == 0 && at != NULL; at = strchr(at, ','), at = at != NULL ? at + 1 : NULL)
        r = add_device(at, strcspn(at, ","), machine, err);
    return r;
}
