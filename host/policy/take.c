/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, decimals and names of a policy within their bounds. */
#include "host/policy/take.h"

#include "host/json/decimal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int take_refuse(struct error *err, const char *key, const char *what)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: %s", key, what);
}

int take_numbers(const struct take_number *list, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].value < list[i].min || list[i].value > list[i].max)
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: from %u to %u expected, not %u", list[i].key,
                             list[i].min, list[i].max, list[i].value);
        *list[i].to = list[i].value;
    }
    return 0;
}

int take_decimals(const struct take_decimal *list, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct take_decimal *it = &list[i];
        double value;

        if (json_decimal_parse(it->text, &value) < 0 || value < it->min || value > it->max ||
            (it->above && !(value > it->min)))
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: a decimal %s %g to %g expected, for instance 0.5",
                             it->key, it->above ? "above" : "from", it->min, it->max);
        *it->to = value;
    }
    return 0;
}

int take_layer(const char *key, const char *text, char ret_layer[POLICY_LAYER_SIZE], struct error *err)
{
    if (text == NULL)
        return 0;
    for (const char *c = text; *c != '\0'; c++)
        if (*c < 0x20 || *c > 0x7e)
            return take_refuse(err, key, "printable ASCII expected");
    (void)snprintf(ret_layer, POLICY_LAYER_SIZE, "%s", text);
    return 0;
}

/* Digits with at most one point, a digit before it, and no superfluous zero. */
static bool is_plain(const char *text)
{
    size_t length = strlen(text);

    if (strspn(text, "0123456789.") != length || (text[0] == '0' && text[1] != '.'))
        return false;
    return strchr(text, '.') == NULL || text[length - 1] != '0';
}

int take_eps(const char *key, const char *text, struct policy_decimal *ret_eps, struct error *err)
{
    double value;

    if (strspn(text, "0123456789.") != strlen(text) || json_decimal_parse(text, &value) < 0 || !(value > 0))
        return take_refuse(err, key, "a decimal above 0 expected, for instance 0.03");
    if (!is_plain(text))
        return take_refuse(err, key, "a decimal without superfluous zeros expected, for instance 0.1");
    ret_eps->value = value;
    (void)snprintf(ret_eps->text, sizeof ret_eps->text, "%s", text);
    return 0;
}

int take_norm(const char *key, const char *text, struct policy_decimal *ret_norm, struct error *err)
{
    double value = POLICY_NORM_INF;

    if (strcmp(text, "inf") != 0 && (!is_plain(text) || strlen(text) > POLICY_NORM_DIGITS ||
                                     json_decimal_parse(text, &value) < 0 || value < 1 || value > POLICY_NORM_MAX))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "%s: inf, or a p from 1 to %d in its shortest spelling expected, for instance 2 or 1.5", key,
                         POLICY_NORM_MAX);
    ret_norm->value = value;
    (void)snprintf(ret_norm->text, sizeof ret_norm->text, "%s", text);
    return 0;
}
