/* SPDX-License-Identifier: Apache-2.0 */
/* Names from a model, made fit for a message: escaped and cut. */
#ifndef LAZARET_GUEST_MODEL_PRINTABLE_H
#define LAZARET_GUEST_MODEL_PRINTABLE_H

#include <stddef.h>

#define PRINTABLE_SHOWN 64u /* bytes of the name that are shown; "..." follows where there are more */

struct printable {
    char text[PRINTABLE_SHOWN * 4 + 4];
};

/*
 * Writes `size` bytes to out->text and returns it. Printable ASCII stays, apart from quotes and the
 * backslash; every other byte becomes \xNN. The result holds no control character, whatever came.
 */
const char *printable_text(struct printable *out, const void *bytes, size_t size);

/* The same as an argument of a call; lives as long as the block around it. */
#define PRINTABLE(bytes, size) printable_text(&(struct printable){{0}}, (bytes), (size))

#endif
