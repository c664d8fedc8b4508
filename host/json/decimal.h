/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decimal strings: how a figure that is no integer is written in JSON that is digested or signed.
 *
 * Digits and rounding are part of the format. Both spellings round the exact binary value to the
 * nearest decimal, ties to the even digit (glibc's printf), so that equal doubles give equal text
 * on every machine. There is no negative zero. The process keeps the "C" locale.
 */
#ifndef LAZARET_HOST_JSON_DECIMAL_H
#define LAZARET_HOST_JSON_DECIMAL_H

#include "base/cleanup.h"

#include <jansson.h>
#include <stddef.h>

#define JSON_DECIMAL_SIZE   32u /* of the text with its final NUL */
#define JSON_DECIMAL_DIGITS 6u  /* after the point: of every ratio, accuracy and p-value */
#define JSON_DECIMAL_MAX    1e15

/*
 * Ratios, accuracies, bounds, times: "%.6f", for instance "0.986667".
 * -EINVAL for NaN, infinities and magnitudes of JSON_DECIMAL_MAX and above.
 */
MUST_USE int json_decimal_fixed(double value, char ret_text[JSON_DECIMAL_SIZE]);

/* p-values and other figures that span magnitudes: "%.6e", for instance "2.700000e-12". -EINVAL for NaN, infinities. */
MUST_USE int json_decimal_scientific(double value, char ret_text[JSON_DECIMAL_SIZE]);

/* A new reference to a string value of the form above, or NULL (a value that has no form, or no memory). */
json_t *json_new_fixed(double value);
json_t *json_new_scientific(double value);

/*
 * The value of a decimal string: [-]digits[.digits][e(+|-)digits], fewer than JSON_DECIMAL_SIZE
 * bytes, nothing before or after. -EINVAL for anything else.
 */
MUST_USE int json_decimal_parse(const char *text, double *ret_value);

#endif
