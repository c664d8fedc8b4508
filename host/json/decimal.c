/* SPDX-License-Identifier: Apache-2.0 */
/* Decimal strings. */
#include "host/json/decimal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "-0.000000" is what a tiny negative value rounds to: zero has one spelling. */
static void drop_sign_of_zero(char *text)
{
    if (text[0] == '-' && strpbrk(text, "123456789") == NULL)
        memmove(text, text + 1, strlen(text));
}

int json_decimal_fixed(double value, char ret_text[JSON_DECIMAL_SIZE])
{
    if (!isfinite(value) || fabs(value) >= JSON_DECIMAL_MAX)
        return -EINVAL;
    (void)snprintf(ret_text, JSON_DECIMAL_SIZE, "%.*f", (int)JSON_DECIMAL_DIGITS, value);
    drop_sign_of_zero(ret_text);
    return 0;
}

int json_decimal_scientific(double value, char ret_text[JSON_DECIMAL_SIZE])
{
    if (!isfinite(value))
        return -EINVAL;
    (void)snprintf(ret_text, JSON_DECIMAL_SIZE, "%.*e", (int)JSON_DECIMAL_DIGITS, value == 0.0 ? 0.0 : value);
    return 0;
}

json_t *json_new_fixed(double value)
{
    char text[JSON_DECIMAL_SIZE];

    return json_decimal_fixed(value, text) == 0 ? json_string(text) : NULL;
}

json_t *json_new_scientific(double value)
{
    char text[JSON_DECIMAL_SIZE];

    return json_decimal_scientific(value, text) == 0 ? json_string(text) : NULL;
}

/* The number of ASCII digits at `text`. */
static size_t count_digits(const char *text)
{
    return strspn(text, "0123456789");
}

static int check_decimal(const char *text)
{
    size_t count;

    if (strnlen(text, JSON_DECIMAL_SIZE) >= JSON_DECIMAL_SIZE)
        return -EINVAL;
    if (*text == '-')
        text++;
    count = count_digits(text);
    if (count == 0)
        return -EINVAL;
    text += count;
    if (*text == '.') {
        count = count_digits(++text);
        if (count == 0)
            return -EINVAL;
        text += count;
    }
    if (*text == 'e') {
        if (text[1] != '+' && text[1] != '-')
            return -EINVAL;
        count = count_digits(text + 2);
        if (count == 0)
            return -EINVAL;
        text += 2 + count;
    }
    return *text == '\0' ? 0 : -EINVAL;
}

int json_decimal_parse(const char *text, double *ret_value)
{
    int r = check_decimal(text);
    double value;

    if (r < 0)
        return r;
    value = strtod(text, NULL);
    if (!isfinite(value))
        return -EINVAL;
    *ret_value = value;
    return 0;
}
