/* SPDX-License-Identifier: Apache-2.0 */
/* What a verification's report is whatever was verified: rows that say something, and texts that harm no terminal. */
#ifndef LAZARET_TESTS_FUZZ_VERIFY_REPORT_H
#define LAZARET_TESTS_FUZZ_VERIFY_REPORT_H

#include "host/verify/verify.h"

#include <stdlib.h>

static inline void expect_good_report(const struct verify_report *report)
{
    static const struct verify_style styles[] = {{.symbols = true, .width = 80}, {.width = 1}, {0}};
    CLEANUP_BUFFER struct buffer json = buffer_with_limit((size_t)8 << 20);

    for (size_t i = 0; i < report->item_count; i++) {
        const struct verify_item *item = &report->items[i];

        if (item->what[0] == '\0' || item->detail[0] == '\0' || item->state >= VERIFY_STATE_COUNT)
            abort();
    }
    for (size_t i = 0; i < sizeof styles / sizeof *styles; i++) {
        CLEANUP_BUFFER struct buffer text = buffer_with_limit((size_t)8 << 20);

        if (verify_report_write_text(report, &styles[i], &text) < 0)
            abort();
        for (size_t j = 0; j < text.size; j++)
            if ((text.data[j] < 0x20 && text.data[j] != '\n') || text.data[j] == 0x7f)
                abort();
    }
    if (verify_report_write_json(report, &json) < 0)
        abort();
}

#endif
