/* SPDX-License-Identifier: Apache-2.0 */
/* The table of formats. */
#include "guest/scan/formats.h"

const struct scan_format *const scan_formats[] = {
    &scan_format_template,
    &scan_format_plain, /* last: what is left over */
    NULL,
};
