/* SPDX-License-Identifier: Apache-2.0 */
/* Times as text, against the C library's calendar. */
#include "base/time_text.h"
#include "unit/harness.h"
#include "unit/vsock-proto/base/tests.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* A step that visits every weekday, month, hour and minute: a week and some. */
#define STEP INT64_C(646013)

void test_time_text_agrees_with_libc(void)
{
    char text[TIME_TEXT_SIZE], expected[64];
    size_t differences = 0;

    for (int64_t seconds = 0; seconds <= TIME_TEXT_MAX; seconds += STEP) {
        time_t value = (time_t)seconds;
        struct tm parts;
        int64_t again = -1;

        CU_ASSERT_PTR_NOT_NULL_FATAL(gmtime_r(&value, &parts));
        CU_ASSERT_NOT_EQUAL_FATAL(strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%SZ", &parts), 0);
        time_text_format(seconds, text);
        differences += strcmp(text, expected) != 0 || time_text_parse(text, &again) < 0 || again != seconds;
        text[10] = '\0';
        differences += time_text_parse(text, &again) < 0 || again != seconds - seconds % 86400;
    }
    CU_ASSERT_EQUAL(differences, 0);
}

void test_time_text_forms(void)
{
    static const char *const refused[] = {
        "",
        "2026",
        "2026-1-1",
        "2026-00-01",
        "2026-13-01",
        "2026-04-31",
        "2025-02-29",
        "2100-02-29",
        "1969-12-31",
        "2026-01-01T00:00:00",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01T00:00:00z",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00+00:00",
        "2026-01-01T00:00:00.5Z",
        "2026-01-01x",
        "+026-01-01",
        " 2026-01-01",
    };
    char text[TIME_TEXT_SIZE];
    int64_t seconds = 77;

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        CU_ASSERT_EQUAL(time_text_parse(refused[i], &seconds), -EINVAL);
    CU_ASSERT_EQUAL(time_text_parse_second("2026-01-01", &seconds), -EINVAL);
    CU_ASSERT_EQUAL(seconds, 77);
    CU_ASSERT_EQUAL(time_text_parse("2024-02-29", &seconds), 0);
    CU_ASSERT_EQUAL(seconds, 1709164800);
    CU_ASSERT_EQUAL(time_text_parse("1970-01-01T00:00:01Z", &seconds), 0);
    CU_ASSERT_EQUAL(seconds, 1);
    CU_ASSERT_EQUAL(time_text_parse("9999-12-31T23:59:59Z", &seconds), 0);
    CU_ASSERT_EQUAL(seconds, TIME_TEXT_MAX);
    time_text_format(TIME_NEVER, text);
    CU_ASSERT_STRING_EQUAL(text, "9999-12-31T23:59:59Z");
    time_text_format(TIME_ALWAYS, text);
    CU_ASSERT_STRING_EQUAL(text, "1970-01-01T00:00:00Z");
}
