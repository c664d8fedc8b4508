/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of globals: in the order that the searches need, each name found, and none allowed twice over. */
#include "guest/scan/pickle/globals_table.h"
#include "unit/harness.h"

#include <stdio.h>
#include <string.h>

/* Calls `each` for every name of a list; false where two stand out of order. */
static bool walk(const char *names, bool (*each)(const char *names, const char *name, size_t size))
{
    const char *before = NULL;
    size_t before_size = 0;

    if (names[0] == '\0')
        return false;
    for (const char *name = names;; name++) {
        size_t size = strcspn(name, " ");
        int order = before == NULL ? -1 : memcmp(before, name, before_size < size ? before_size : size);

        if (size == 0 || order > 0 || (order == 0 && before_size >= size) || !each(names, name, size))
            return false;
        before = name;
        before_size = size;
        name += size;
        if (*name == '\0')
            return true;
    }
}

static bool is_found(const char *names, const char *name, size_t size)
{
    return global_names_have(names, name, size);
}

static void check_table(const struct global_table *table, const char *package)
{
    for (uint32_t g = 0; g < table->count; g++) {
        const struct global_group *group = &table->groups[g];

        CU_ASSERT(group->count > 0);
        CU_ASSERT(strlen(group->reason) > 10);
        CU_ASSERT(group->class != GLOBAL_UNKNOWN);
        for (uint32_t m = 0; m < group->count; m++) {
            const struct global_module *module = &group->modules[m];
            bool fine =
                (m == 0 || strcmp(group->modules[m - 1].module, module->module) < 0) && walk(module->names, is_found);

            if (!fine)
                printf("%s: out of order: %s\n", package, module->module);
            CU_ASSERT(fine);
        }
    }
}

static void tables_are_in_order(void)
{
    for (uint32_t i = 0; i < global_package_count; i++) {
        for (const struct global_table *table = global_packages[i].table; table != NULL; table = table->more)
            check_table(table, global_packages[i].package);
        CU_ASSERT(i == 0 || strcmp(global_packages[i - 1].package, global_packages[i].package) < 0);
    }
    check_table(&globals_dangerous, "dangerous");
}

/* Whether another group before has the pair: then this group's word on it is never heard. */
static uint32_t count_in(const struct global_table *table, const char *module, const char *name, size_t size)
{
    uint32_t count = 0;

    for (uint32_t g = 0; g < table->count; g++)
        for (uint32_t m = 0; m < table->groups[g].count; m++)
            count += strcmp(table->groups[g].modules[m].module, module) == 0 &&
                     global_names_have(table->groups[g].modules[m].names, name, size);
    return count;
}

/* Each pair is reached through global_judge as it stands, under its package, and once. */
static void check_pairs(const struct global_table *table)
{
    for (uint32_t g = 0; g < table->count; g++)
        for (uint32_t m = 0; m < table->groups[g].count; m++) {
            const char *module = table->groups[g].modules[m].module, *name = table->groups[g].modules[m].names;

            for (size_t size; *name != '\0'; name += size + (name[size] == ' ')) {
                const char *reason;
                bool fine;

                size = strcspn(name, " ");
                fine = count_in(table, module, name, size) == 1 &&
                       global_judge(module, strlen(module), name, size, &reason) == table->groups[g].class &&
                       reason == table->groups[g].reason;
                if (!fine)
                    printf("not as listed: %s %.*s\n", module, (int)size, name);
                CU_ASSERT(fine);
            }
        }
}

static void every_pair_is_judged_as_listed(void)
{
    for (uint32_t i = 0; i < global_package_count; i++) {
        bool seen = false;

        for (uint32_t k = 0; k < i; k++)
            seen = seen || global_packages[k].table == global_packages[i].table;
        for (const struct global_table *table = seen ? NULL : global_packages[i].table; table; table = table->more)
            check_pairs(table);
    }
    check_pairs(&globals_dangerous);
}

static void check_texts(const struct global_texts *texts)
{
    for (uint32_t i = 0; i < texts->count; i++) {
        const struct global_text *entry = &texts->entries[i];

        CU_ASSERT(i == 0 || strcmp(texts->entries[i - 1].text, entry->text) < 0);
        CU_ASSERT_PTR_EQUAL(global_text_find(texts, entry->text, strlen(entry->text)), entry->meaning);
    }
    CU_ASSERT_PTR_NULL(global_text_find(texts, "", 0));
    CU_ASSERT_PTR_NULL(global_text_find(texts, "zzzz", 4));
}

static void check_moves(const struct global_texts *texts, bool pairs)
{
    check_texts(texts);
    for (uint32_t i = 0; i < texts->count; i++) {
        const struct global_text *entry = &texts->entries[i];

        CU_ASSERT_EQUAL(strchr(entry->text, ' ') != NULL, pairs);
        CU_ASSERT_EQUAL(strchr(entry->meaning, ' ') != NULL, pairs);
        CU_ASSERT_STRING_NOT_EQUAL(entry->text, entry->meaning);
    }
}

static void lists_are_in_order(void)
{
    check_moves(&globals_python2_names, true);
    check_moves(&globals_python2_modules, false);
    check_moves(&globals_moved, false);
    check_texts(&globals_dangerous_modules);
    check_texts(&globals_dangerous_names);
    check_texts(&globals_dangerous_parts);
    check_texts(&globals_module_names);
}

static void finds_names_and_nothing_else(void)
{
    static const char names[] = "A AB ABC B a.b";

    CU_ASSERT(global_names_have(names, "A", 1));
    CU_ASSERT(global_names_have(names, "AB", 2));
    CU_ASSERT(global_names_have(names, "a.b", 3));
    CU_ASSERT_FALSE(global_names_have(names, "", 0));
    CU_ASSERT_FALSE(global_names_have(names, "A ", 2));
    CU_ASSERT_FALSE(global_names_have(names, "A AB", 4));
    CU_ASSERT_FALSE(global_names_have(names, "BC", 2));
    CU_ASSERT_FALSE(global_names_have(names, "A\0", 2));
    CU_ASSERT_FALSE(global_names_have("", "A", 1));
}

/* --- the page about them ------------------------------------------------------------------------------------ */

static char page[262144];

static void expect_on_page(const char *reason)
{
    if (strstr(page, reason) == NULL)
        printf("not in docs/scan-rules/globals.md: %s\n", reason);
    CU_ASSERT_PTR_NOT_NULL(strstr(page, reason));
}

static void the_page_has_every_reason(void)
{
    static const struct global_texts *const lists[] = {&globals_dangerous_modules, &globals_dangerous_names,
                                                       &globals_dangerous_parts, &globals_module_names};
    FILE *file = fopen("docs/scan-rules/globals.md", "re");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT(fread(page, 1, sizeof page - 1, file) > 0);
    (void)fclose(file);
    for (uint32_t i = 0; i < global_package_count; i++)
        for (const struct global_table *table = global_packages[i].table; table != NULL; table = table->more)
            for (uint32_t g = 0; g < table->count; g++)
                expect_on_page(table->groups[g].reason);
    for (size_t i = 0; i < HARNESS_COUNT(lists); i++)
        for (uint32_t k = 0; k < lists[i]->count; k++)
            expect_on_page(lists[i]->entries[k].meaning);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"tables are in order", tables_are_in_order},
        {"every pair is judged as listed", every_pair_is_judged_as_listed},
        {"lists are in order", lists_are_in_order},
        {"finds names and nothing else", finds_names_and_nothing_else},
        {"the page has every reason", the_page_has_every_reason},
    };

    return harness_run("globals-tables", tests, HARNESS_COUNT(tests));
}
