/* SPDX-License-Identifier: Apache-2.0 */
/* What the auditor requires: rows that must hold, where they would else only say what could not be checked. */
#include "host/verify/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Rows by their names; `policy` is the auditor's. */
static const char *const names[] = {"timestamp", "ledger",    "witnesses", "key",       "model",     "test",
                                    "train",     "reference", "triggers",  "spec.yaml", "kernel",    "initramfs",
                                    "agent",     "disk",      "verdict",   "policy",    "release",   "provenance"};

#define NAMES_COUNT (sizeof names / sizeof *names)
#define NAMES_SIZE  192u

/* The next word of a list, or NULL; *list moves on. */
static const char *next_word(const char **list, size_t *ret_size)
{
    const char *word = *list;

    if (word == NULL)
        return NULL;
    *ret_size = strcspn(word, ",");
    *list = word[*ret_size] == ',' ? word + *ret_size + 1 : NULL;
    return word;
}

static const char *find_name(const char *word, size_t size)
{
    for (size_t i = 0; i < NAMES_COUNT; i++)
        if (strlen(names[i]) == size && memcmp(names[i], word, size) == 0)
            return names[i];
    return NULL;
}

int verify_required_check(const char *required, struct error *err)
{
    const char *rest = required, *word;
    char all[NAMES_SIZE] = "";
    size_t size = 0;

    while ((word = next_word(&rest, &size)) != NULL)
        if (find_name(word, size) == NULL) {
            for (size_t i = 0; i < NAMES_COUNT; i++)
                (void)snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i > 0 ? ", " : "", names[i]);
            return error_set(err, ERROR_USAGE, -EINVAL, "--require: \"%.*s\" is none of %s", (int)size, word, all);
        }
    return 0;
}

/* A row that holds is enough; else each of that name becomes a mismatch. */
static void require_row(struct verify *verify, const char *name)
{
    struct verify_report *report = verify->report;
    bool found = false;

    for (size_t i = 0; i < report->item_count; i++)
        if (strcmp(report->items[i].what, name) == 0 && report->items[i].state == VERIFY_HOLDS)
            return;
    for (size_t i = 0; i < report->item_count; i++) {
        struct verify_item *item = &report->items[i];

        if (strcmp(item->what, name) != 0)
            continue;
        found = true;
        if (item->state == VERIFY_MISMATCH)
            continue; /* for a better reason */
        verify_refuse_item(item, "required, but: ");
    }
    if (!found)
        verify_add(verify, VERIFY_REQUIRED, VERIFY_MISMATCH, name, "required, but there is nothing to check");
}

void verify_required(struct verify *verify)
{
    const char *rest = verify->request->required, *word;
    size_t size = 0;

    while ((word = next_word(&rest, &size)) != NULL)
        require_row(verify, find_name(word, size));
    if (verify->policy != NULL && verify->policy->ledger_required)
        require_row(verify, "ledger");
}
