/* SPDX-License-Identifier: Apache-2.0 */
/* Replay comparison: equal bytes, and the place and values of the first difference. */
#include "host/attest/replay.h"

#include "unit/harness.h"
#include "unit/host/attest/tests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char recorded[] = "{\"arithmetic\":\"mul-add\",\"checks\":[{\"correct\":444,\"id\":\"clean-accuracy\"},"
                               "{\"curves\":[{\"norm\":\"inf\",\"points\":[{\"correct\":443},{\"correct\":430}]}],"
                               "\"id\":\"fgsm\"}]}";

static struct replay_comparison compare(const char *replayed)
{
    struct replay_comparison comparison = {0};
    struct error err = {0};

    CU_ASSERT_EQUAL(replay_compare(recorded, strlen(recorded), replayed, strlen(replayed), &comparison, &err), 0);
    return comparison;
}

void test_replay_equal(void)
{
    struct replay_comparison comparison = {0};
    struct error err = {0};

    CU_ASSERT_TRUE(compare(recorded).reproduced);
    /* Equal bytes need not even be JSON; different ones must. */
    CU_ASSERT_EQUAL(replay_compare("x", 1, "x", 1, &comparison, &err), 0);
    CU_ASSERT_EQUAL(replay_compare("x", 1, "y", 1, &comparison, &err), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
}

static void check(const char *replayed, const char *place, const char *left, const char *right)
{
    struct replay_comparison comparison = compare(replayed);

    CU_ASSERT_FALSE(comparison.reproduced);
    CU_ASSERT_STRING_EQUAL(comparison.place, place);
    CU_ASSERT_STRING_EQUAL(comparison.recorded, left);
    CU_ASSERT_STRING_EQUAL(comparison.replayed, right);
}

void test_replay_differences(void)
{
    char cut[REPLAY_VALUE_MAX];

    check("{\"arithmetic\":\"mul-add\",\"checks\":[{\"correct\":444,\"id\":\"clean-accuracy\"},"
          "{\"curves\":[{\"norm\":\"inf\",\"points\":[{\"correct\":443},{\"correct\":431}]}],\"id\":\"fgsm\"}]}",
          "checks[fgsm].curves[0].points[1].correct", "430", "431");
    check("{\"arithmetic\":\"fma\",\"checks\":[]}", "arithmetic", "\"mul-add\"", "\"fma\"");
    check("{\"arithmetic\":\"mul-add\",\"checks\":[{\"correct\":444,\"id\":\"clean-accuracy\"}]}", "checks[fgsm]",
          "{\"curves\":[{\"norm\":\"inf\",\"points\":[{\"correct\":443},{\"correct\":430}]}],\"id\":\"fgsm\"}",
          "(absent)");
    check("{\"a\\u001bb\":1,\"arithmetic\":\"mul-add\"}", "a\\x1bb", "(absent)", "1");
    (void)snprintf(cut, sizeof cut, "%s", recorded);
    check("[]", "(document)", cut, "[]");
    check(" {\"arithmetic\":\"mul-add\",\"checks\":[{\"correct\":444,\"id\":\"clean-accuracy\"},"
          "{\"curves\":[{\"norm\":\"inf\",\"points\":[{\"correct\":443},{\"correct\":430}]}],\"id\":\"fgsm\"}]}",
          "(spelling)", "", "");
}

/* Each check with the other side's of its id, whatever their order; what one side lacks is said. */
void test_replay_checks(void)
{
    static const char replayed[] = "{\"checks\":[{\"curves\":[{\"norm\":\"inf\",\"points\":[{\"correct\":443},"
                                   "{\"correct\":431}]}],\"id\":\"fgsm\"},{\"id\":\"scan\"},"
                                   "{\"correct\":444,\"id\":\"clean-accuracy\"}]}";
    static const char one[] = "{\"correct\":444,\"id\":\"clean-accuracy\"}";
    struct replay_check checks[REPLAY_CHECKS_MAX];
    uint8_t sha256[SHA256_SIZE];
    struct error err = {0};
    size_t count = 0;

    CU_ASSERT_EQUAL_FATAL(
        replay_compare_checks(recorded, strlen(recorded), replayed, strlen(replayed), checks, &count, &err), 0);
    CU_ASSERT_EQUAL_FATAL(count, 3);
    CU_ASSERT_STRING_EQUAL(checks[0].id, "clean-accuracy");
    CU_ASSERT_TRUE(checks[0].comparison.reproduced);
    sha256_of(one, strlen(one), sha256);
    CU_ASSERT_EQUAL(memcmp(checks[0].recorded_sha256, sha256, sizeof sha256), 0);
    CU_ASSERT_EQUAL(memcmp(checks[0].replayed_sha256, sha256, sizeof sha256), 0);
    CU_ASSERT_STRING_EQUAL(checks[1].id, "fgsm");
    CU_ASSERT_FALSE(checks[1].comparison.reproduced);
    CU_ASSERT_STRING_EQUAL(checks[1].comparison.place, "curves[0].points[1].correct");
    CU_ASSERT_STRING_EQUAL(checks[1].comparison.replayed, "431");
    CU_ASSERT_STRING_EQUAL(checks[2].id, "scan");
    CU_ASSERT_FALSE(checks[2].recorded);
    CU_ASSERT_TRUE(checks[2].replayed);
    CU_ASSERT_EQUAL(replay_compare_checks("{}", 2, recorded, strlen(recorded), checks, &count, &err), -EBADMSG);
    CU_ASSERT_EQUAL(replay_compare_checks("{\"checks\":[{}]}", 15, recorded, strlen(recorded), checks, &count, &err),
                    -EBADMSG);
}
