/* SPDX-License-Identifier: Apache-2.0 */
/* Pages for tests. */
#include "unit/host/report/pages.h"

#include "host/attest/statement.h"
#include "host/json/decimal.h"

#include <stdlib.h>
#include <string.h>

#define FOLDER       "tests/fixtures/report/"
#define CLASSES_WIDE 300

const char *const pages_hostile[PAGES_HOSTILE_COUNT] = {
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "]]></failure><testcase name=\"passed\"/>",
    "</style></pre></table></svg><h1>passed</h1>",
    "safe\xe2\x80\xaegnp.exe", /* U+202E, right to left */
    ("a\xe2\x81\xa6"
     "b\xe2\x80\x8b"
     "c\xef\xbb\xbf"), /* isolate, zero width, byte order mark */
    "\x1b[2J\x1b]0;title\x07\x7f",
    "&lt;b&gt; &amp;amp; &#60;",
    "javascript:alert(1)",
    "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x92\xa5",
    "x\xef\xbf\xbf\xef\xbf\xbe", /* U+FFFF, U+FFFE: no characters of XML 1.0 */
    ("averyveryverylongnamewithoutanyplacetobreakitatallaveryveryverylongnamewithoutanyplacetobreakitatall"
     "averyveryverylongnamewithoutanyplacetobreakitatallaveryveryverylongnamewithoutanyplacetobreakitatall"),
    "${jndi:ldap://x}`;$(id)|%s%n\\",
};

const char pages_console[] =
    "boot\r\n<script>alert('console')</script>\n\0nul\n\xff\xfe\x80 broken \xf0\x9f\n\x1b[31mred"
    "\n</pre><b>out</b>\n\xe2\x80\xae"
    "esrever\n";
const size_t pages_console_size = sizeof pages_console - 1;

static const float train[] = {0.0F, 0.0F, 1.0F, 2.0F, -3.0F, 0.5F}, test[] = {0.5F, 0.5F};
static const int32_t train_clusters[] = {0, 0, 1}, test_clusters[] = {1};
static const uint8_t clean[64] = {0, 128, 255}, triggered[64] = {255, 128, 0};

static json_t *load(const char *name)
{
    char path[128] = FOLDER;
    json_t *document;

    (void)strncat(path, name, sizeof path - sizeof FOLDER);
    document = json_load_file(path, 0, NULL);
    if (document == NULL)
        abort();
    return document;
}

static void join(struct pages *pages)
{
    pages->page.statement = pages->statement;
    pages->page.evaluation = pages->evaluation;
    pages->page.execution = pages->execution;
    pages->page.plan = pages->plan;
    pages->page.forensics = pages->forensics;
    pages->page.points = &pages->points;
    pages->page.pictures = &pages->pictures;
    pages->page.verified = &pages->verified;
    pages->page.sign_offs = &pages->sign_off;
    pages->page.lacking = &pages->lacking;
}

void pages_make(struct pages *ret_pages)
{
    *ret_pages = (struct pages){
        .statement = load("statement.json"),
        .evaluation = load("evaluation.json"),
        .execution = load("execution.json"),
        .plan = load("plan.json"),
        .forensics = load("forensics.json"),
        .points = {.train_count = 3,
                   .test_count = 1,
                   .train = train,
                   .test = test,
                   .train_clusters = train_clusters,
                   .test_clusters = test_clusters},
        .pictures = {.height = 8, .width = 8, .channels = 1, .clean = clean, .triggered = triggered},
        .verified = {.state = "holds", .what = "signature", .detail = "ECDSA P-256 with SHA-256"},
        .lacking = "1 of 2 sign-offs",
        .sign_off = {.who = "An Expert",
                     .valid_until = "2026-07-31T00:00:00Z",
                     .decision = "approved",
                     .note = "seen",
                     .fingerprint = "00"},
        .page = {.fingerprint = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                 .point_classes = 1,
                 .console = "booted\n",
                 .console_size = 7,
                 .rewritten = true,
                 .verified_count = 1,
                 .sign_off_count = 1,
                 .lacking_count = 1},
    };
    join(ret_pages);
}

/* --- hostile strings -------------------------------------------------------------------------------------------- */

static size_t next;

static const char *next_hostile(void)
{
    return pages_hostile[next++ % PAGES_HOSTILE_COUNT];
}

static bool is_kept(const char *key, const char *text)
{
    static const char *const keys[] = {"id", "status", "_type", "predicateType", "verdict", NULL};
    double number;

    for (size_t i = 0; keys[i] != NULL; i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return json_decimal_parse(text, &number) == 0;
}

static void spoil(json_t *value)
{
    const char *key;
    json_t *member;
    size_t i;

    if (json_is_array(value))
        json_array_foreach (value, i, member) {
            if (json_is_string(member) && !is_kept("", json_string_value(member)))
                (void)json_array_set_new(value, i, json_string(next_hostile()));
            spoil(member);
        }
    if (json_is_object(value))
        json_object_foreach (value, key, member) {
            if (json_is_string(member) && !is_kept(key, json_string_value(member)))
                (void)json_object_set_new(value, key, json_string(next_hostile()));
            else
                spoil(member);
        }
}

void pages_spoil(struct pages *pages, size_t first)
{
    next = first;
    spoil(pages->statement);
    spoil(pages->evaluation);
    spoil(pages->execution);
    spoil(pages->plan);
    spoil(pages->forensics);
    pages->page.console = pages_console;
    pages->page.console_size = pages_console_size;
    pages->page.fingerprint = next_hostile();
    pages->verified = (struct page_verified){.state = next_hostile(), .what = next_hostile(), .detail = next_hostile()};
    pages->lacking = next_hostile();
    pages->sign_off = (struct page_sign_off){.who = next_hostile(),
                                             .valid_until = next_hostile(),
                                             .decision = next_hostile(),
                                             .note = next_hostile(),
                                             .fingerprint = next_hostile()};
}

/* --- many classes ------------------------------------------------------------------------------------------------ */

static json_t *find(const struct pages *pages, const char *id)
{
    json_t *check;
    size_t i;

    json_array_foreach (json_object_get(pages->evaluation, "checks"), i, check)
        if (strcmp(json_string_value(json_object_get(check, "id")), id) == 0)
            return check;
    abort();
}

/* Copies of a list's first element, numbered. */
static void repeat(json_t *object, const char *list, const char *number)
{
    json_t *from = json_object_get(object, list);
    json_t *wide = json_array();

    for (int i = 0; i < CLASSES_WIDE; i++) {
        json_t *copy = json_deep_copy(json_array_get(from, 0));

        (void)json_object_set_new(copy, number, json_integer(i));
        (void)json_array_append_new(wide, copy);
    }
    (void)json_object_set_new(object, list, wide);
}

void pages_widen(struct pages *pages)
{
    json_t *accuracy = find(pages, "clean-accuracy"), *pairs = json_array();

    (void)json_object_set_new(pages->evaluation, "classes", json_integer(CLASSES_WIDE));
    (void)json_object_set_new(accuracy, "classes", json_integer(CLASSES_WIDE));
    (void)json_object_del(accuracy, "confusion");
    for (int i = 0; i < CLASSES_WIDE; i++)
        (void)json_array_append_new(pairs, json_pack("[i, i, i]", i, i % 7, 1 + i % 50));
    (void)json_object_set_new(accuracy, "confusionPairs", pairs);
    repeat(accuracy, "perClass", "label");
    repeat(find(pages, "activation-clustering"), "classes", "label");
    repeat(find(pages, "spectral-signature"), "classes", "label");
    repeat(find(pages, "neural-cleanse"), "classes", "label");
    repeat(find(pages, "trigger-scan"), "targets", "target");
    repeat(find(pages, "weight-drift"), "layers", "elements");
}

void pages_fail(struct pages *pages)
{
    json_t *extension = statement_get_extension(pages->statement);

    (void)json_object_set_new(extension, "verdict", json_string("could-not-evaluate"));
    (void)json_object_set_new(extension, "checks", json_array());
    (void)json_object_set_new(extension, "reasons", json_pack("[s]", "the guest ended: a worker called socket"));
    pages->page.evaluation = NULL;
    pages->page.point_classes = 0;
    pages->page.pictures = NULL;
    pages->page.rewritten = false;
    pages->page.verified_count = pages->page.sign_off_count = pages->page.lacking_count = 0;
}

void pages_free(struct pages *pages)
{
    json_decref(pages->statement);
    json_decref(pages->evaluation);
    json_decref(pages->execution);
    json_decref(pages->plan);
    json_decref(pages->forensics);
}
