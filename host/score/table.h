/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of figures as the guest sent them: rows of naturals and reals, by the columns of wire/rows.h.
 *
 * Whoever fills them in has checked the number of columns, that naturals are at most ROW_NATURAL_MAX, that reals are
 * finite, and that names are printable. What the figures mean is checked where they become JSON.
 */
#ifndef LAZARET_HOST_SCORE_TABLE_H
#define LAZARET_HOST_SCORE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define SCORE_TABLES_MAX 3u /* of one check */

struct score_row {
    const char *name; /* a tensor's; "" in tables without names */
    size_t natural_count, real_count;
    const uint64_t *naturals;
    const double *reals;
};

struct score_table {
    size_t count;
    const struct score_row *rows;
};

#endif
