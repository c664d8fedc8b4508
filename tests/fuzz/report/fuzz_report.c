/* SPDX-License-Identifier: Apache-2.0 */
/* report.html and junit.xml of any evaluation.json: well-formed, of our own elements only, whatever it says. */
#include "host/json/reader.h"
#include "host/report/junit.h"
#include "unit/host/report/markup.h"
#include "unit/host/report/pages.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define ROOM ((size_t)8 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int r, const struct buffer *markup)
{
    const char *fault;

    if (r < 0 && r != -EMSGSIZE)
        abort();
    fault = r < 0 ? NULL : markup_fault(markup);
    if (fault != NULL) {
        (void)fprintf(stderr, "%s\n", fault);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pages pages;
    CLEANUP_BUFFER struct buffer html = buffer_with_limit(ROOM), xml = buffer_with_limit(ROOM);
    CLEANUP_JSON json_t *evaluation = NULL;
    struct error err = {0};

    if (pages.statement == NULL)
        pages_make(&pages);
    if (json_read(data, size, (size_t)1 << 20, "input", &evaluation, &err) < 0)
        return 0;
    pages.page.evaluation = pages.page.execution = pages.page.forensics = evaluation;
    pages.page.console = (const char *)data;
    pages.page.console_size = size;
    check(page_write(&pages.page, &html), &html);
    check(junit_write(pages.page.statement, evaluation, evaluation, &xml), &xml);
    return 0;
}
