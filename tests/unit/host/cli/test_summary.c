/* SPDX-License-Identifier: Apache-2.0 */
/* The summary for a terminal: the worst check first, no more lines than fit, and nothing that a terminal obeys. */
#include "host/cli/summary.h"

#include "unit/harness.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TEXT_MAX 65536u

/* What summary_print() writes to standard output. */
static const char *print(const char *checks)
{
    static char text[TEXT_MAX];
    CLEANUP_BUFFER struct buffer evaluation = buffer_with_limit(TEXT_MAX);
    int saved = dup(STDOUT_FILENO), captured = memfd_create("stdout", MFD_CLOEXEC);
    ssize_t size;

    CU_ASSERT_EQUAL(buffer_append_format(&evaluation, "{\"checks\":[%s]}", checks), 0);
    CU_ASSERT_FATAL(saved >= 0 && captured >= 0);
    (void)fflush(stdout);
    CU_ASSERT(dup2(captured, STDOUT_FILENO) >= 0);
    summary_print(&evaluation);
    (void)fflush(stdout);
    CU_ASSERT(dup2(saved, STDOUT_FILENO) >= 0);
    (void)close(saved);
    size = pread(captured, text, sizeof text - 1, 0);
    (void)close(captured);
    text[size > 0 ? size : 0] = '\0';
    return text;
}

static bool holds(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        return true;
    (void)printf("\n%s\n    has no \"%s\"", text, part);
    return false;
}

static void test_worst_first(void)
{
    const char *text =
        print("{\"id\":\"strip\",\"status\":\"skipped\",\"reason\":\"no triggers\"},"
              "{\"id\":\"clean-accuracy\",\"status\":\"passed\",\"correct\":3,\"total\":4,"
              "\"accuracy\":\"0.750000\",\"ci95\":[\"0.1\",\"0.9\"]},"
              "{\"id\":\"neural-cleanse\",\"status\":\"warned\",\"classes\":[]},"
              "{\"id\":\"activation-clustering\",\"status\":\"failed\",\"classes\":["
              "{\"label\":7,\"suspicious\":true,\"effect\":\"0.5\",\"sizes\":[20,10],\"testSizes\":[0,9],"
              "\"pHolm\":\"1.000000e-09\"}]}");
    const char *failed = strstr(text, "failed"), *warned = strstr(text, "warned");
    const char *skipped = strstr(text, "skipped"), *passed = strstr(text, "passed");

    CU_ASSERT_FATAL(failed != NULL && warned != NULL && skipped != NULL && passed != NULL);
    CU_ASSERT(failed < warned && warned < skipped && skipped < passed);
    CU_ASSERT(holds(text, "class 7 is suspicious: clusters of 20/10 in training, 0/9 in test, p 1.000000e-09"));
    CU_ASSERT(holds(text, "no triggers"));
    CU_ASSERT(holds(text, "3 of 4 right: 0.750000"));
}

/* Twenty drifted tensors: the eight of the largest D, largest first, and how many more. */
static void test_worst_lines(void)
{
    CLEANUP_BUFFER struct buffer layers = buffer_with_limit(TEXT_MAX);
    const char *text, *first, *last;

    for (int i = 0; i < 20; i++)
        CU_ASSERT_EQUAL(buffer_append_format(&layers,
                                             "%s{\"name\":\"w%02d\",\"outcome\":\"compared\",\"drifted\":true,\"d\":"
                                             "\"0.%02d0000\",\"pHolm\":\"0\"}",
                                             i > 0 ? "," : "", i, i * 7 % 20),
                        0);
    CU_ASSERT_EQUAL(buffer_append_u8(&layers, 0), 0);
    {
        CLEANUP_BUFFER struct buffer check = buffer_with_limit(TEXT_MAX);

        CU_ASSERT_EQUAL(buffer_append_format(&check, "{\"id\":\"weight-drift\",\"status\":\"passed\",\"layers\":[%s]}",
                                             (const char *)layers.data),
                        0);
        CU_ASSERT_EQUAL(buffer_append_u8(&check, 0), 0);
        text = print((const char *)check.data);
    }
    CU_ASSERT(holds(text, "20 of 20 tensors compared have drifted"));
    CU_ASSERT(holds(text, "and 12 more drifted tensors"));
    first = strstr(text, "w17: D 0.1900"); /* 17·7 mod 20 = 19 */
    last = strstr(text, "w16: D 0.1200");  /* the eighth */
    CU_ASSERT(first != NULL && last != NULL && first < last);
    CU_ASSERT_PTR_NULL(strstr(text, "D 0.1100"));
}

static void test_robustness(void)
{
    const char *text = print(
        "{\"id\":\"robustness\",\"status\":\"warned\",\"attacks\":[\"fgsm\",\"square\"],\"curves\":[{\"norm\":\"inf\","
        "\"points\":[{\"eps\":\"0.1\",\"robustCorrect\":254,\"total\":450}],\"minimalEps\":{\"median\":null,"
        "\"p5\":\"0.1\",\"broken\":190,\"total\":444}}],\"masking\":[{\"flag\":\"black-box-beats-white-box\",\"norm\":"
        "\"inf\",\"eps\":\"0.1\",\"attack\":\"square\",\"broken\":180,\"against\":\"fgsm\",\"againstBroken\":20,"
        "\"pHolm\":\"1.000000e-20\"}]}");

    CU_ASSERT(holds(text, "the worst of fgsm, square, of 450, by eps"));
    CU_ASSERT(holds(text, "0.1: 254\n"));
    CU_ASSERT(holds(text, "190 of 444 break, the weakest 5% within 0.1, half of them beyond every eps tried"));
    CU_ASSERT(holds(text, "square breaks 180, fgsm only 20 (p 1.000000e-20)"));
}

/* Texts were made printable when they were filed away; where one was not, it is not shown. */
static void test_escapes(void)
{
    const char *text =
        print("{\"id\":\"weight-drift\",\"status\":\"passed\",\"layers\":[{\"name\":\"\\u001b[2Jw\","
              "\"outcome\":\"compared\",\"drifted\":true,\"d\":\"0.5\",\"pHolm\":\"\\u001b]0;x\\u0007\"}]},"
              "{\"id\":\"fgsm\",\"status\":\"skipped\",\"reason\":\"\\u202egnitniart\"}");

    CU_ASSERT_PTR_NULL(strchr(text, '\x1b'));
    CU_ASSERT_PTR_NULL(strstr(text, "\u202e"));
    CU_ASSERT(holds(text, "(unprintable): D 0.5000"));
}

/* Missing and mistaken figures: something is printed, and nothing breaks. */
static void test_hollow(void)
{
    static const char *const ids[] = {"clean-accuracy",
                                      "noise",
                                      "fgsm",
                                      "pgd",
                                      "square",
                                      "robustness",
                                      "activation-clustering",
                                      "spectral-signature",
                                      "trigger-scan",
                                      "neural-cleanse",
                                      "strip",
                                      "weight-drift",
                                      "unheard-of"};

    for (size_t i = 0; i < HARNESS_COUNT(ids); i++) {
        char check[256];

        (void)snprintf(check, sizeof check,
                       "{\"id\":\"%s\",\"status\":\"passed\",\"suspicious\":[5],\"curves\":[7,{}],\"classes\":[{}],"
                       "\"layers\":[null],\"targets\":[],\"masking\":[1],\"attacks\":[1,\"\\u001b[31m\"]}",
                       ids[i]);
        CU_ASSERT(holds(print(check), ids[i]));
        CU_ASSERT_PTR_NULL(strchr(print(check), '\x1b'));
    }
    CU_ASSERT_STRING_EQUAL(print("]"), "");
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"the worst check first", test_worst_first},
        {"the worst lines", test_worst_lines},
        {"robustness", test_robustness},
        {"escapes", test_escapes},
        {"hollow figures", test_hollow},
    };

    return harness_run("host/cli/summary", tests, HARNESS_COUNT(tests));
}
