/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as text: what people write into policies and key rings, and what statements hold. Always UTC. */
#ifndef LAZARET_BASE_TIME_TEXT_H
#define LAZARET_BASE_TIME_TEXT_H

#include "base/cleanup.h"

#include <stdint.h>

#define TIME_TEXT_SIZE 21u                   /* "2026-01-31T23:59:59Z" with its NUL */
#define TIME_TEXT_MAX  INT64_C(253402300799) /* the last second of the year 9999 */

/* Bounds that no time reaches, for "since ever" and "for ever". */
#define TIME_ALWAYS INT64_MIN
#define TIME_NEVER  INT64_MAX

/*
 * Seconds since 1970 of a date, "2026-01-31" (its first second), or of RFC 3339's "2026-01-31T23:59:59Z". Years 1970 to
 * 9999, days that the calendar has; no other zone, fraction or leap second. -EINVAL.
 */
MUST_USE int time_text_parse(const char *text, int64_t *ret_seconds);

/* The same without the form of a date. -EINVAL. */
MUST_USE int time_text_parse_second(const char *text, int64_t *ret_seconds);

/* RFC 3339's form; a time outside of 0 to TIME_TEXT_MAX is written as the nearer end. */
void time_text_format(int64_t seconds, char ret_text[TIME_TEXT_SIZE]);

#endif
