/* SPDX-License-Identifier: Apache-2.0 */
/* Which members' names and links leave the folder that an archive is unpacked to. */
#include "guest/scan/path_text.h"

#include "unit/harness.h"

static void test_names(void)
{
    static const char *const within[] = {"a", "a/b", "./a", "a/../b", "a/b/../../c", "..a", "a..", "", "a/./b", "..."};
    static const char *const out[] = {"..",    "../a",  "a/../..", "a/../../b", "/etc/passwd", "\\a",
                                      "..\\a", "C:\\a", "c:a",     "./../a",    "a\\..\\..\\b"};

    for (size_t i = 0; i < sizeof within / sizeof within[0]; i++)
        CU_ASSERT_FALSE(path_text_escapes(within[i]));
    for (size_t i = 0; i < sizeof out / sizeof out[0]; i++)
        CU_ASSERT_TRUE(path_text_escapes(out[i]));
}

static void test_links(void)
{
    CU_ASSERT_FALSE(path_text_escapes_from("a", "b"));
    CU_ASSERT_FALSE(path_text_escapes_from("d/a", "../b"));
    CU_ASSERT_FALSE(path_text_escapes_from("d/e/a", "../../b"));
    CU_ASSERT_TRUE(path_text_escapes_from("a", "../b"));
    CU_ASSERT_TRUE(path_text_escapes_from("d/a", "../../b"));
    CU_ASSERT_TRUE(path_text_escapes_from("d/e/a", "/etc"));
    CU_ASSERT_TRUE(path_text_escapes_from("a", "d/../../b"));
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"names", test_names},
        {"links", test_links},
    };

    return harness_run("scan-path-text", tests, HARNESS_COUNT(tests));
}
