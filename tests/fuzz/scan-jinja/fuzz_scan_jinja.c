/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a template, and as code: what is found lies within. */
#include "guest/scan/text/code_text.h"
#include "guest/scan/text/jinja.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jinja jinja;
    const char *what = NULL;
    size_t offset = 0;

    jinja_judge(data, size, &jinja);
    for (unsigned i = 0; i < JINJA_TRAIT_COUNT; i++)
        if (jinja.traits[i].found && (jinja.traits[i].offset >= size || jinja.traits[i].what == NULL))
            abort();
    if (code_text_judge(data, size, &offset, &what) != CODE_TEXT_NONE && (offset >= size || what == NULL))
        abort();
    return 0;
}
