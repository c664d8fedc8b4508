/* SPDX-License-Identifier: Apache-2.0 */
/* What the figures of all checks have in common. */
#include "host/score/figures.h"

#include "host/json/decimal.h"
#include "host/score/interval.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int figures_no_memory(struct error *err)
{
    return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the evaluation");
}

int figures_refuse(struct error *err, const char *format, ...)
{
    char what[ERROR_TEXT_MAX];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return error_set(err, ERROR_GUEST, -EBADMSG, "%s", what);
}

/* --- values ------------------------------------------------------------------------------------ */

json_t *figures_finish(json_t *value, int failures)
{
    if (failures == 0)
        return value;
    json_decref(value);
    return NULL;
}

json_t *figures_new_count(uint64_t count)
{
    return json_integer((json_int_t)count);
}

json_t *figures_new_ratio(uint64_t part, uint64_t whole)
{
    return whole > 0 ? json_new_fixed((double)part / (double)whole) : json_null();
}

json_t *figures_new_interval(uint64_t part, uint64_t whole)
{
    struct interval interval = interval_wilson(part, whole);

    return json_pack("[o, o]", json_new_fixed(interval.low), json_new_fixed(interval.high));
}

void figures_set_proportion(json_t *object, const char *key, const char *interval_key, uint64_t part, uint64_t whole,
                            int *failures)
{
    figures_set(object, key, figures_new_ratio(part, whole), failures);
    figures_set(object, interval_key, figures_new_interval(part, whole), failures);
}

/* --- what several checks have ------------------------------------------------------------------- */

int figures_set_layer(const struct evaluation_check *check, json_t *check_json, struct error *err)
{
    if (check->layer == NULL || strnlen(check->layer, EVALUATION_TEXT_MAX) == EVALUATION_TEXT_MAX ||
        json_object_set_new(check_json, "layer", json_string(check->layer)) != 0)
        return figures_refuse(err, "the guest's name of the layer is not UTF-8 or too long");
    return 0;
}

int figures_check_rows(const struct score_table *table, uint64_t expected, const char *what, struct error *err)
{
    if (table->count != expected)
        return figures_refuse(err, "the guest sent %zu %s, not %" PRIu64, table->count, what, expected);
    return 0;
}

int figures_check_box(const struct evaluation_input *input, const struct figures_box *box, uint64_t target,
                      struct error *err)
{
    if (input->height == 0 || input->width == 0)
        return 0;
    if (box->row + box->height <= input->height && box->col + box->width <= input->width)
        return 0;
    return figures_refuse(err,
                          "target %" PRIu64 ": the guest's box of %" PRIu64 "x%" PRIu64 " at row %" PRIu64
                          ", column %" PRIu64 " leaves the input of %" PRIu64 "x%" PRIu64,
                          target, box->height, box->width, box->row, box->col, input->height, input->width);
}

void figures_set_box(json_t *object, const struct figures_box *box, int *failures)
{
    figures_set(object, "row", figures_new_count(box->row), failures);
    figures_set(object, "col", figures_new_count(box->col), failures);
    figures_set(object, "height", figures_new_count(box->height), failures);
    figures_set(object, "width", figures_new_count(box->width), failures);
}

uint64_t *figures_count_classes(const int32_t *values, size_t count, uint32_t classes)
{
    uint64_t *counts = calloc(classes > 0 ? classes : 1, sizeof *counts);

    for (size_t i = 0; counts != NULL && values != NULL && i < count; i++)
        if (values[i] >= 0 && (uint32_t)values[i] < classes)
            counts[values[i]]++;
    return counts;
}
