/* SPDX-License-Identifier: Apache-2.0 */
/* The page and the JUnit file: nothing foreign leaves its place, nothing is hidden, and what must be said is said. */
#include "host/attest/statement.h"
#include "host/report/escape_html.h"
#include "host/report/escape_xml.h"
#include "host/report/junit.h"
#include "host/report/picture.h"
#include "unit/harness.h"
#include "unit/host/report/markup.h"
#include "unit/host/report/pages.h"

#include <errno.h>
#include <string.h>

typedef int escape(const char *text, size_t size, size_t length_max, struct buffer *ret_text);

static bool gives(escape *escaper, const char *text, size_t size, size_t length_max, const char *expected)
{
    CLEANUP_BUFFER struct buffer out = buffer_with_limit(65536);

    return escaper(text, size, length_max, &out) == 0 && out.size == strlen(expected) &&
           memcmp(out.data, expected, out.size) == 0;
}

/* --- escapers ---------------------------------------------------------------------------------------------------- */

static void test_markup_is_text(void)
{
    CU_ASSERT(gives(escape_html, "<a href='x\">&", 13, 99, "&lt;a href=&#39;x&quot;&gt;&amp;"));
    CU_ASSERT(gives(escape_xml, "<a b='x\">&]]>", 13, 99, "&lt;a b=&apos;x&quot;&gt;&amp;]]&gt;"));
    CU_ASSERT(gives(escape_html, "&lt;", 4, 99, "&amp;lt;"));
    CU_ASSERT(gives(escape_html, "", 0, 99, ""));
}

static void test_what_hides_is_shown(void)
{
    escape *const escapers[] = {escape_html, escape_xml};

    for (size_t i = 0; i < HARNESS_COUNT(escapers); i++) {
        CU_ASSERT(gives(escapers[i], "a\0b", 3, 99, "a\\x00b"));
        CU_ASSERT(gives(escapers[i], "\0", 1, 99, "\\x00"));
        CU_ASSERT(gives(escapers[i], "\xe2\x80\xae", 3, 99, "\\xe2\\x80\\xae"));
        CU_ASSERT(gives(escapers[i], "\xff\xc3", 2, 99, "\\xff\\xc3"));
        CU_ASSERT(gives(escapers[i], "\x1b[2J\n\t", 6, 99, "\\x1b[2J\\x0a\\x09"));
        CU_ASSERT(gives(escapers[i], "x\xef\xbf\xbf\xef\xbf\xbe\xef\xbf\xbd", 10, 99,
                        "x\\xef\\xbf\\xbf\\xef\\xbf\\xbe\xef\xbf\xbd"));
        CU_ASSERT(gives(escapers[i], "\xc2\x85\xe2\x80\xa8", 5, 99, "\\xc2\\x85\\xe2\\x80\\xa8"));
        CU_ASSERT(gives(escapers[i], "\xd7\xa9\xf0\x9f\x92\xa5", 6, 99, "\xd7\xa9\xf0\x9f\x92\xa5"));
    }
}

/* At a character, with a sign that there is more; the limit is of what is shown before its entities. */
static void test_cuts(void)
{
    char longest[10000];

    CU_ASSERT(gives(escape_html, "abcdef", 6, 6, "abcdef"));
    CU_ASSERT(gives(escape_html, "abcdef", 6, 5, "abcde\xe2\x80\xa6"));
    CU_ASSERT(gives(escape_html, "ab\xd7\xa9", 4, 3, "ab\xe2\x80\xa6"));
    CU_ASSERT(gives(escape_html, "ab\x01", 3, 5, "ab\xe2\x80\xa6"));
    CU_ASSERT(gives(escape_html, "a\0", 2, 4, "a\xe2\x80\xa6"));
    CU_ASSERT(gives(escape_html, "<<<", 3, 2, "&lt;&lt;\xe2\x80\xa6"));
    memset(longest, 'x', sizeof longest);
    for (size_t size = 4090; size < 4103; size++) { /* around a piece's end, with a character across it */
        CLEANUP_BUFFER struct buffer out = buffer_with_limit(65536);

        memcpy(longest + size - 3, "\xe4\xbd\xa0", 3);
        CU_ASSERT_EQUAL(escape_html(longest, sizeof longest, sizeof longest, &out), 0);
        CU_ASSERT(out.size == sizeof longest && memcmp(out.data, longest, sizeof longest) == 0);
        memset(longest, 'x', sizeof longest);
    }
}

/* --- pages -------------------------------------------------------------------------------------------------------- */

static struct buffer write_page(const struct pages *pages)
{
    struct buffer html = buffer_with_limit(PAGE_SIZE_MAX);
    const char *fault;

    CU_ASSERT_EQUAL(page_write(&pages->page, &html), 0);
    fault = markup_fault(&html);
    CU_ASSERT_PTR_NULL(fault);
    if (fault != NULL)
        (void)printf("\n  %s\n", fault);
    CU_ASSERT_EQUAL(buffer_append_u8(&html, 0), 0);
    return html;
}

static bool has(const struct buffer *html, const char *text)
{
    return strstr((const char *)html->data, text) != NULL;
}

static void test_says_what_matters(void)
{
    static const char *const said[] = {"Needs review",
                                       "What was checked",
                                       "What was not looked at, and why",
                                       "trigger-scan</strong>: cut short by the policy",
                                       "Clusters of each class",
                                       "class=\"dot c1\"",
                                       "The trigger that was found",
                                       "data:image/png;base64,iVBORw0KGgo",
                                       "os.system(id)",
                                       "cut short",
                                       "a.zip!data.pkl",
                                       "Who signed off",
                                       "An Expert",
                                       "SIGSYS",
                                       "1 of 2 sign-offs",
                                       "lazaret replay DIR --key KEY.pub.pem --model MODEL --test SET --train SET",
                                       "evaluation.json",
                                       "default-src 'none'",
                                       "zero-gradients",
                                       "too small"};
    struct pages pages;
    struct buffer html;

    pages_make(&pages);
    html = write_page(&pages);
    for (size_t i = 0; i < HARNESS_COUNT(said); i++) {
        CU_ASSERT(has(&html, said[i]));
        if (!has(&html, said[i]))
            (void)printf("\n  not said: %s\n", said[i]);
    }
    CU_ASSERT(!has(&html, "http:") && !has(&html, "https:"));
    buffer_free(&html);
    pages_free(&pages);
}

static void test_hostile_strings(void)
{
    static const char *const forms[] = {"<script", "onerror=alert(1)>", "onmouseover='", "\xe2\x80\xae", "\x1b",
                                        "<b>",     "<h1>passed",        "\xef\xbf\xbf",  "\xe2\x81\xa6"};

    for (size_t turn = 0; turn < PAGES_HOSTILE_COUNT; turn++) { /* each string in each place */
        struct pages pages;
        struct buffer html;

        pages_make(&pages);
        pages_spoil(&pages, turn);
        html = write_page(&pages);
        for (size_t i = 0; i < HARNESS_COUNT(forms); i++)
            CU_ASSERT(!has(&html, forms[i]));
        CU_ASSERT(has(&html, "&lt;script&gt;alert(1)&lt;/script&gt;"));
        CU_ASSERT(has(&html, "\\xe2\\x80\\xaegnp.exe"));
        CU_ASSERT(has(&html, "&lt;script&gt;alert(&#39;console&#39;)&lt;/script&gt;"));
        CU_ASSERT(has(&html, "\\x00nul"));
        buffer_free(&html);
        pages_free(&pages);
    }
}

static void test_wide_and_empty(void)
{
    struct pages pages;
    struct buffer html;

    pages_make(&pages);
    pages_widen(&pages);
    html = write_page(&pages);
    CU_ASSERT(has(&html, "With 300 classes a matrix"));
    CU_ASSERT(has(&html, "The first 64 of 300 classes"));
    buffer_free(&html);
    pages_fail(&pages);
    html = write_page(&pages);
    CU_ASSERT(has(&html, "Could not evaluate"));
    CU_ASSERT(has(&html, "Everything: there is no evaluation"));
    CU_ASSERT(!has(&html, "lazaret replay DIR"));
    CU_ASSERT(!has(&html, "id=\"accuracy\""));
    buffer_free(&html);
    pages.page.execution = pages.page.plan = NULL;
    pages.page.fingerprint = NULL;
    pages.page.console_size = 0;
    html = write_page(&pages);
    buffer_free(&html);
    pages_free(&pages);
}

/* A page that could not check the signature says so before anything else. */
static void test_unverified(void)
{
    struct pages pages;
    struct buffer html;

    pages_make(&pages);
    pages.page.verified_count = 0;
    html = write_page(&pages);
    CU_ASSERT(has(&html, "The signature was not checked"));
    CU_ASSERT(strstr((const char *)html.data, "The signature was not checked") <
              strstr((const char *)html.data, "id=\"verdict\""));
    buffer_free(&html);
    pages_free(&pages);
}

static void test_no_room(void)
{
    struct buffer html = buffer_with_limit(20000);
    struct pages pages;

    pages_make(&pages);
    CU_ASSERT_EQUAL(page_write(&pages.page, &html), -EMSGSIZE);
    buffer_free(&html);
    pages_free(&pages);
}

static void test_pictures(void)
{
    static const uint8_t pixels[12] = {1, 2, 3};
    CLEANUP_BUFFER struct buffer uri = buffer_with_limit(4096);

    CU_ASSERT_EQUAL(picture_encode(2, 2, 3, pixels, &uri), 0);
    CU_ASSERT_EQUAL(picture_encode(2, 2, 2, pixels, &uri), -EINVAL);
    CU_ASSERT_EQUAL(picture_encode(0, 2, 1, pixels, &uri), -EINVAL);
    CU_ASSERT_EQUAL(picture_encode(PICTURE_SIDE_MAX + 1, 1, 1, pixels, &uri), -EINVAL);
}

/* --- JUnit ----------------------------------------------------------------------------------------------------------
 */

static struct buffer write_junit(const struct pages *pages)
{
    struct buffer xml = buffer_with_limit(JUNIT_SIZE_MAX);

    CU_ASSERT_EQUAL(junit_write(pages->page.statement, pages->page.evaluation, pages->page.execution, &xml), 0);
    CU_ASSERT_PTR_NULL(markup_fault(&xml));
    CU_ASSERT_EQUAL(buffer_append_u8(&xml, 0), 0);
    return xml;
}

static void test_junit(void)
{
    struct pages pages;
    struct buffer xml;

    pages_make(&pages);
    xml = write_junit(&pages);
    /* 13 checks and the verdict: trigger-scan warned and the verdict not passed; strip was not made */
    CU_ASSERT(has(&xml, "tests=\"14\" failures=\"2\" errors=\"0\" skipped=\"1\""));
    CU_ASSERT(has(&xml, "name=\"trigger-scan\""));
    CU_ASSERT(has(&xml, "<failure message=\"needs-review\" type=\"needs-review\">"));
    buffer_free(&xml);
    (void)json_object_set_new(statement_get_extension(pages.statement), "verdict", json_string("passed"));
    xml = write_junit(&pages);
    CU_ASSERT(has(&xml, "tests=\"14\" failures=\"1\""));
    CU_ASSERT(!has(&xml, "<failure message=\"passed\""));
    buffer_free(&xml);
    pages_fail(&pages);
    xml = write_junit(&pages);
    CU_ASSERT(has(&xml, "tests=\"1\" failures=\"0\" errors=\"1\""));
    CU_ASSERT(has(&xml, "the guest ended: a worker called socket"));
    buffer_free(&xml);
    pages_spoil(&pages, 0);
    xml = write_junit(&pages);
    CU_ASSERT(!has(&xml, "<script") && !has(&xml, "]]>") && !has(&xml, "\x1b"));
    buffer_free(&xml);
    pages_free(&pages);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"markup is text", test_markup_is_text},
        {"what hides is shown", test_what_hides_is_shown},
        {"texts are cut at a character", test_cuts},
        {"the page says what matters", test_says_what_matters},
        {"hostile strings stay text", test_hostile_strings},
        {"many classes, and none", test_wide_and_empty},
        {"a page without a key says so", test_unverified},
        {"no room", test_no_room},
        {"pictures", test_pictures},
        {"JUnit", test_junit},
    };

    return harness_run("report page", tests, HARNESS_COUNT(tests));
}
