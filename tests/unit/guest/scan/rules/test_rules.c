/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of all formats: their ids are sound and unique, and docs/scan-rules/ has a section for each, and no other.
 */
#include "../../../harness.h"

#include "guest/scan/scan.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER    "docs/scan-rules"
#define HEADING   "### "
#define RULES_MAX 512u

static char sections[RULES_MAX][96];
static size_t section_count;

static void read_page(const char *name)
{
    char path[512], line[4096];
    FILE *page;

    (void)snprintf(path, sizeof path, "%s/%s", FOLDER, name);
    page = fopen(path, "re");
    CU_ASSERT_PTR_NOT_NULL_FATAL(page);
    while (fgets(line, sizeof line, page) != NULL) {
        if (strncmp(line, HEADING, strlen(HEADING)) != 0)
            continue;
        line[strcspn(line, "\n")] = '\0';
        CU_ASSERT_FATAL(section_count < RULES_MAX);
        (void)snprintf(sections[section_count++], sizeof sections[0], "%s", line + strlen(HEADING));
    }
    (void)fclose(page);
}

static void read_pages(void)
{
    DIR *folder = opendir(FOLDER);

    section_count = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (strstr(entry->d_name, ".md") != NULL && strcmp(entry->d_name, "files.md") != 0)
            read_page(entry->d_name);
    (void)closedir(folder);
}

static size_t sections_of(const char *id)
{
    size_t found = 0;

    for (size_t i = 0; i < section_count; i++)
        found += strcmp(sections[i], id) == 0;
    return found;
}

static bool is_id(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '-')
            return false;
    return text[0] != '-' && text[0] != '\0';
}

/* Tables may be shared by formats; a rule is its address. */
static size_t collect(const struct scan_rule **ret_rules)
{
    size_t count = 0;

    for (uint32_t i = 0; i < scan_core_rule_count; i++)
        ret_rules[count++] = &scan_core_rules[i];
    for (const struct scan_format *const *format = scan_formats; *format != NULL; format++)
        for (uint32_t i = 0; i < (*format)->rule_count; i++) {
            const struct scan_rule *rule = &(*format)->rules[i];
            bool known = false;

            for (size_t j = 0; j < count; j++)
                known = known || ret_rules[j] == rule;
            CU_ASSERT_FATAL(count < RULES_MAX);
            if (!known)
                ret_rules[count++] = rule;
        }
    return count;
}

static void test_ids(void)
{
    static const struct scan_rule *rules[RULES_MAX];
    size_t count = collect(rules);

    CU_ASSERT_TRUE(count > 50);
    for (size_t i = 0; i < count; i++) {
        CU_ASSERT_TRUE(is_id(rules[i]->id));
        CU_ASSERT_TRUE(rules[i]->effect[strlen(rules[i]->effect) - 1] == '.');
        for (size_t j = 0; j < i; j++)
            if (strcmp(rules[i]->id, rules[j]->id) == 0) {
                printf("twice: %s\n", rules[i]->id);
                CU_FAIL("two rules of one id");
            }
    }
}

static void test_sections(void)
{
    static const struct scan_rule *rules[RULES_MAX];
    size_t count = collect(rules);

    read_pages();
    for (size_t i = 0; i < count; i++)
        if (sections_of(rules[i]->id) != 1) {
            printf("%zu sections: %s\n", sections_of(rules[i]->id), rules[i]->id);
            CU_FAIL("not one section for the rule");
        }
    for (size_t s = 0; s < section_count; s++) {
        bool known = false;

        for (size_t i = 0; i < count; i++)
            known = known || strcmp(sections[s], rules[i]->id) == 0;
        if (!known) {
            printf("no rule: %s\n", sections[s]);
            CU_FAIL("a section without a rule");
        }
    }
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"ids", test_ids},
        {"sections of docs/scan-rules", test_sections},
    };

    return harness_run("guest/scan rules", tests, HARNESS_COUNT(tests));
}
