/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that stand within a text in base64 or hexadecimal digits. */
#ifndef LAZARET_GUEST_SCAN_CODE_ENCODED_H
#define LAZARET_GUEST_SCAN_CODE_ENCODED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CODE_ENCODED_MAX 3072u /* decoded bytes at once; a longer run comes in pieces */
#define CODE_ENCODED_MIN 20u   /* encoded characters that are a run */

struct code_encoded {
    const uint8_t *bytes; /* the text, set by the caller together with its size */
    size_t size, used;
    size_t at;                      /* where the run stands */
    uint8_t text[CODE_ENCODED_MAX]; /* what it says */
};

/* The next run that decodes to text (UTF-16 as PowerShell takes it is made bytes); false where there is none. */
bool code_encoded_next(struct code_encoded *encoded, size_t *ret_length);

#endif
