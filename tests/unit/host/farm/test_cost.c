/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of guests: what a job is admitted with, and what it gets once that was too little. */
#include "unit/harness.h"

#include "host/farm/cost.h"
#include "host/farm/queue_internal.h"
#include "host/json/reader.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OK(call) CU_ASSERT_EQUAL_FATAL((call), 0)
#define MIB      (UINT64_C(1) << 20)
#define GRANTED  "200"

static char folder[64];
static struct database *database;

static void write_file(const char *name, const char *text, off_t size)
{
    char path[128];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "we");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fputs(text, file);
    CU_ASSERT_EQUAL(fclose(file), 0);
    CU_ASSERT_EQUAL(size == 0 ? 0 : truncate(path, size), 0);
}

static void begin(void)
{
    struct error error = {0};

    (void)snprintf(folder, sizeof folder, "/tmp/lazaret-cost-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    write_file("policy.yaml", "tier: low\nlimits: {memoryMiB: " GRANTED "}\nchecks:\n  scan: {required: true}\n", 0);
    write_file("small.onnx", "x", 0);
    write_file("large.onnx", "", (off_t)(50 * MIB)); /* 96 + 4 * 50 + 16 MiB */
    OK(database_open(folder, true, &database, &error));
}

static void finish(void)
{
    char command[128];

    database_close(database);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    CU_ASSERT_EQUAL(system(command), 0);
}

static json_t *describe(const char *model, int memory)
{
    json_t *description = json_pack("{s:s, s:s, s:s}", "folder", folder, "model", model, "policy", "policy.yaml");

    CU_ASSERT_PTR_NOT_NULL_FATAL(description);
    if (memory > 0)
        CU_ASSERT_EQUAL(json_object_set_new(description, "memory", json_integer(memory)), 0);
    return description;
}

static struct queue_resources cost(const char *model, int memory, bool process)
{
    CLEANUP_JSON json_t *description = describe(model, memory);
    const struct cost_setting setting = {.process = process, .cores = 1};
    struct cost_policies *policies = NULL;
    struct queue_resources needs = {0};
    struct error error = {0};

    OK(cost_policies_new(&policies, &error));
    OK(cost_of_job(policies, &setting, description, &needs, &error));
    cost_policies_free(policies);
    return needs;
}

/* What the policy grants, or what evaluate would refuse a guest without; a line's own word stays. */
static void test_admitted(void)
{
    begin();
    CU_ASSERT_EQUAL(cost("small.onnx", 0, false).memory_mib, 200 + COST_MACHINE_MIB);
    CU_ASSERT_EQUAL(cost("large.onnx", 0, false).memory_mib, 312 + COST_MACHINE_MIB);
    CU_ASSERT_EQUAL(cost("large.onnx", 128, false).memory_mib, 128 + COST_MACHINE_MIB);
    CU_ASSERT_EQUAL(cost("large.onnx", 0, true).memory_mib, 312);
    finish();
}

static void test_guest(void)
{
    CLEANUP_JSON json_t *plain = describe("small.onnx", 0), *own = NULL, *vm = json_pack("[ss]", "--vcpus", "2"),
                        *process = json_pack("[ssss]", "--vcpus", "2", "--isolation", "process");
    const struct queue_resources needs = {.memory_mib = 300};

    begin();
    own = describe("small.onnx", 128);
    CU_ASSERT_EQUAL(cost_guest_mib(&needs, plain, vm), 300 - COST_MACHINE_MIB);
    CU_ASSERT_EQUAL(cost_guest_mib(&needs, plain, process), 0);
    CU_ASSERT_EQUAL(cost_guest_mib(&needs, own, vm), 0);
    finish();
}

static uint64_t raised(struct queue_lease *lease, const json_t *description, uint64_t whole_mib)
{
    CLEANUP_JSON json_t *settings = json_array();
    uint64_t memory_mib = 0;

    return cost_raise(lease, description, settings, whole_mib, &memory_mib) ? memory_mib : 0;
}

static void test_raised(void)
{
    CLEANUP_JSON json_t *description = NULL, *own = NULL;
    struct queue_lease lease = {.attempt = 1};

    begin();
    description = describe("small.onnx", 0);
    own = describe("small.onnx", 200);
    lease.needs = cost("small.onnx", 0, false);
    CU_ASSERT_EQUAL(raised(&lease, description, 10000), 400 + COST_MACHINE_MIB);
    CU_ASSERT_EQUAL(raised(&lease, description, 400 + COST_MACHINE_MIB), 400 + COST_MACHINE_MIB);
    CU_ASSERT_EQUAL(raised(&lease, description, 399 + COST_MACHINE_MIB), 0); /* not within the machine */
    CU_ASSERT_EQUAL(raised(&lease, own, 10000), 0);
    lease.last_attempt = true;
    CU_ASSERT_EQUAL(raised(&lease, description, 10000), 0);
    lease.last_attempt = false;
    lease.needs.memory_mib = 400 + COST_MACHINE_MIB; /* it has had that */
    CU_ASSERT_EQUAL(raised(&lease, description, 10000), 0);
    lease.needs = cost("small.onnx", 0, false);
    write_file("policy.yaml", "no policy", 0);
    CU_ASSERT_EQUAL(raised(&lease, description, 10000), 0);
    finish();
}

static void add(const char *id, const char *model, int memory)
{
    CLEANUP_JSON json_t *description = describe(model, memory);
    CLEANUP_FREE char *text = json_dumps(description, JSON_COMPACT);
    struct queue_entry entry = {
        .id = (char *)(uintptr_t)id, .description = text, .needs = {.memory_mib = 100, .cores = 1}};
    struct error error = {0};
    enum queue_added added;

    OK(database_begin(database, &error));
    OK(queue_settings(database, "[]", &entry.settings, &error));
    OK(queue_begin_batch(&entry.batch, &error));
    OK(database_commit(database, &error));
    OK(queue_add(database, &entry, 1, &added, &error));
}

static uint64_t take(const char *expected, struct queue_lease *ret_lease)
{
    static const struct queue_resources all = {.memory_mib = 1 << 20, .cores = 1 << 10};
    const struct queue_machine machine = {.now = all, .whole = all};
    struct error error = {0};

    CU_ASSERT_EQUAL_FATAL(queue_take(database, "w", &machine, ret_lease, &error), 1);
    CU_ASSERT_STRING_EQUAL(ret_lease->id, expected);
    return ret_lease->needs.memory_mib;
}

/* Those of the same model need not learn it again; others are as they were. */
static void test_queue(void)
{
    struct queue_lease first = {0}, next = {0};
    struct error error = {0};

    begin();
    add("a", "small.onnx", 0);
    add("b", "small.onnx", 0);
    add("c", "large.onnx", 0);
    add("d", "small.onnx", 128);
    CU_ASSERT_EQUAL(take("a", &first), 100);
    OK(queue_give_back_larger(database, &first, 300, "once more", &error));
    CU_ASSERT(queue_give_back_larger(database, &first, 900, "not its lease", &error) < 0);
    CU_ASSERT_EQUAL(take("a", &next), 300);
    CU_ASSERT_EQUAL(next.attempt, 2);
    queue_lease_clear(&next);
    CU_ASSERT_EQUAL(take("b", &next), 300);
    CU_ASSERT_EQUAL(next.attempt, 1);
    queue_lease_clear(&next);
    CU_ASSERT_EQUAL(take("c", &next), 100);
    queue_lease_clear(&next);
    CU_ASSERT_EQUAL(take("d", &next), 100);
    queue_lease_clear(&next);
    queue_lease_clear(&first);
    finish();
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"what is admitted", test_admitted},
        {"what the guest gets", test_guest},
        {"what it gets once more", test_raised},
        {"those of the same model", test_queue},
    };

    return harness_run("host-farm-cost", tests, HARNESS_COUNT(tests));
}
