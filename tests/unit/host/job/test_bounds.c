/* SPDX-License-Identifier: Apache-2.0 */
/* Which errors the VM's end by its memory limit explains. */
#include "host/job/bounds.h"
#include "unit/harness.h"

#include <errno.h>
#include <string.h>

static void expect(enum error_kind kind, uint64_t kills, bool unbooted, bool explained)
{
    struct bounds bounds = {.known = true, .facts = {.used = true, .vm_oom_kills = kills}};
    struct run runs[2] = {{.connection = -1}, {.connection = -1, .unbooted = unbooted}};
    struct error error = {0};

    (void)error_set(&error, kind, -EBUSY, "as it was");
    bounds_explain(&bounds, runs, HARNESS_COUNT(runs), &error);
    CU_ASSERT_EQUAL(error.kind, explained ? ERROR_GUEST : kind);
    CU_ASSERT_EQUAL(strcmp(error.text, "as it was") != 0, explained);
}

static void test_explained(void)
{
    expect(ERROR_GUEST, 1, false, true);
    expect(ERROR_INTERNAL, 1, true, true);
    expect(ERROR_UNAVAILABLE, 1, true, true);
}

static void test_left_as_it_is(void)
{
    expect(ERROR_GUEST, 0, false, false);
    expect(ERROR_INTERNAL, 0, true, false);
    expect(ERROR_INTERNAL, 1, false, false);    /* a VM that is not gone */
    expect(ERROR_UNAVAILABLE, 1, false, false); /* a journal without space */
    expect(ERROR_BAD_INPUT, 1, false, false);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"what it explains", test_explained},
        {"what it does not", test_left_as_it_is},
    };

    return harness_run("bounds", tests, HARNESS_COUNT(tests));
}
