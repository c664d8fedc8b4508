/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing a replayed evaluation with the recorded one. */
#include "host/attest/replay.h"

#include "host/attest/text.h"
#include "host/json/canonical.h"
#include "host/json/reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define VALUE_TEXT_MAX ((size_t)64 * 1024)

static bool find_difference(const json_t *recorded, const json_t *replayed, size_t depth,
                            struct replay_comparison *comparison);

static void write_value(const json_t *value, char ret_text[REPLAY_VALUE_MAX])
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(VALUE_TEXT_MAX);
    CLEANUP_BUFFER struct buffer shown = buffer_with_limit(REPLAY_VALUE_MAX);

    (void)snprintf(ret_text, REPLAY_VALUE_MAX, "%s", value == NULL ? "(absent)" : "(long)");
    if (value == NULL || json_canonical_encode(value, &text) < 0 || buffer_append_u8(&text, 0) < 0)
        return;
    if (text_escape((const char *)text.data, REPLAY_VALUE_MAX - 1, &shown) == 0 && buffer_append_u8(&shown, 0) == 0)
        memcpy(ret_text, shown.data, shown.size);
}

/* Extends the place by one step, shortened where it would grow too long; returns the former length. */
static size_t push_step(struct replay_comparison *comparison, const char *format, const char *step)
{
    size_t length = strlen(comparison->place);
    CLEANUP_BUFFER struct buffer shown = buffer_with_limit(REPLAY_PATH_MAX);

    if (text_escape(step, REPLAY_VALUE_MAX / 2, &shown) == 0 && buffer_append_u8(&shown, 0) == 0)
        (void)snprintf(comparison->place + length, REPLAY_PATH_MAX - length, format, (const char *)shown.data);
    return length;
}

static bool compare_step(const json_t *recorded, const json_t *replayed, const char *format, const char *step,
                         size_t depth, struct replay_comparison *comparison)
{
    size_t length = push_step(comparison, format, step);

    if (find_difference(recorded, replayed, depth + 1, comparison))
        return true;
    comparison->place[length] = '\0';
    return false;
}

/* The smallest key of either object that follows `after` in byte order; NULL at the end. */
static const char *next_key(const json_t *recorded, const json_t *replayed, const char *after)
{
    const json_t *const sides[] = {recorded, replayed};
    const char *best = NULL, *key;
    json_t *value;

    for (size_t i = 0; i < 2; i++)
        json_object_foreach ((json_t *)sides[i], key, value)
            if ((after == NULL || strcmp(key, after) > 0) && (best == NULL || strcmp(key, best) < 0))
                best = key;
    return best;
}

static bool compare_objects(const json_t *recorded, const json_t *replayed, size_t depth,
                            struct replay_comparison *comparison)
{
    const char *format = depth == 0 ? "%s" : ".%s";

    for (const char *key = next_key(recorded, replayed, NULL); key != NULL; key = next_key(recorded, replayed, key))
        if (compare_step(json_object_get(recorded, key), json_object_get(replayed, key), format, key, depth,
                         comparison))
            return true;
    return false;
}

static bool compare_arrays(const json_t *recorded, const json_t *replayed, size_t depth,
                           struct replay_comparison *comparison)
{
    size_t left = json_array_size(recorded), right = json_array_size(replayed);

    for (size_t i = 0; i < left || i < right; i++) {
        const json_t *one = json_array_get(recorded, i), *other = json_array_get(replayed, i);
        const char *id = json_string_value(json_object_get(one != NULL ? one : other, "id"));
        char index[24];

        (void)snprintf(index, sizeof index, "%zu", i);
        if (compare_step(one, other, "[%s]", id != NULL ? id : index, depth, comparison))
            return true;
    }
    return false;
}

static bool find_difference(const json_t *recorded, const json_t *replayed, size_t depth,
                            struct replay_comparison *comparison)
{
    if (recorded != NULL && replayed != NULL && json_equal(recorded, replayed))
        return false;
    if (json_is_object(recorded) && json_is_object(replayed))
        return compare_objects(recorded, replayed, depth, comparison);
    if (json_is_array(recorded) && json_is_array(replayed))
        return compare_arrays(recorded, replayed, depth, comparison);
    write_value(recorded, comparison->recorded);
    write_value(replayed, comparison->replayed);
    return true;
}

int replay_compare(const void *recorded, size_t recorded_size, const void *replayed, size_t replayed_size,
                   struct replay_comparison *ret_comparison, struct error *err)
{
    struct replay_comparison comparison = {0};
    CLEANUP_JSON json_t *left = NULL, *right = NULL;
    int r;

    if (recorded_size == replayed_size && memcmp(recorded, replayed, recorded_size) == 0) {
        comparison.reproduced = true;
        *ret_comparison = comparison;
        return 0;
    }
    r = json_read(recorded, recorded_size, REPLAY_EVALUATION_MAX, "the recorded evaluation", &left, err);
    if (r == 0)
        r = json_read(replayed, replayed_size, REPLAY_EVALUATION_MAX, "the replayed evaluation", &right, err);
    if (r < 0)
        return r;
    if (!find_difference(left, right, 0, &comparison))
        (void)snprintf(comparison.place, sizeof comparison.place, "(spelling)");
    else if (comparison.place[0] == '\0')
        (void)snprintf(comparison.place, sizeof comparison.place, "(document)");
    *ret_comparison = comparison;
    return 0;
}

/* --- by check ------------------------------------------------------------------------------------------ */

static const json_t *find_check(const json_t *checks, const char *id)
{
    const json_t *check;
    size_t i;

    json_array_foreach (checks, i, check) {
        const char *text = json_string_value(json_object_get(check, "id"));

        if (text != NULL && strcmp(text, id) == 0)
            return check;
    }
    return NULL;
}

static int digest_check(const json_t *check, uint8_t ret_sha256[SHA256_SIZE])
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(REPLAY_EVALUATION_MAX);
    int r = json_canonical_encode(check, &bytes);

    if (r == 0)
        sha256_of(bytes.data, bytes.size, ret_sha256);
    return r;
}

/* Both sides of one check; NULL where a side has none. */
static int compare_check(const char *id, const json_t *recorded, const json_t *replayed, struct replay_check *ret_check)
{
    CLEANUP_BUFFER struct buffer shown = buffer_with_limit(REPLAY_CHECK_ID_SIZE);
    struct replay_check check = {.recorded = recorded != NULL, .replayed = replayed != NULL};
    int r = text_escape(id, REPLAY_CHECK_ID_SIZE - 1, &shown);

    if (r == 0)
        r = buffer_append_u8(&shown, 0);
    if (r == 0 && recorded != NULL)
        r = digest_check(recorded, check.recorded_sha256);
    if (r == 0 && replayed != NULL)
        r = digest_check(replayed, check.replayed_sha256);
    if (r < 0)
        return r;
    memcpy(check.id, shown.data, shown.size);
    check.comparison.reproduced = !find_difference(recorded, replayed, 0, &check.comparison);
    *ret_check = check;
    return 0;
}

/* Those of `checks` that `others` does not have, or all of them with their counterpart; from the record's side first.
 */
static int compare_side(const json_t *checks, const json_t *others, bool are_recorded, struct replay_check *ret_checks,
                        size_t *count)
{
    const json_t *check;
    size_t i;

    json_array_foreach (checks, i, check) {
        const char *id = json_string_value(json_object_get(check, "id"));
        const json_t *other = id != NULL ? find_check(others, id) : NULL;
        int r;

        if (!are_recorded && other != NULL)
            continue;
        if (id == NULL || *count == REPLAY_CHECKS_MAX)
            return -EBADMSG;
        r = compare_check(id, are_recorded ? check : NULL, are_recorded ? other : check, &ret_checks[*count]);
        if (r < 0)
            return r;
        ++*count;
    }
    return 0;
}

int replay_compare_checks(const void *recorded, size_t recorded_size, const void *replayed, size_t replayed_size,
                          struct replay_check ret_checks[REPLAY_CHECKS_MAX], size_t *ret_count, struct error *err)
{
    CLEANUP_JSON json_t *left = NULL, *right = NULL;
    const json_t *left_checks, *right_checks;
    size_t count = 0;
    int r = json_read(recorded, recorded_size, REPLAY_EVALUATION_MAX, "the recorded evaluation", &left, err);

    if (r == 0)
        r = json_read(replayed, replayed_size, REPLAY_EVALUATION_MAX, "the replayed evaluation", &right, err);
    if (r < 0)
        return r;
    left_checks = json_object_get(left, "checks");
    right_checks = json_object_get(right, "checks");
    r = json_is_array(left_checks) && json_is_array(right_checks) ? 0 : -EBADMSG;
    if (r == 0)
        r = compare_side(left_checks, right_checks, true, ret_checks, &count);
    if (r == 0)
        r = compare_side(right_checks, left_checks, false, ret_checks, &count);
    if (r < 0)
        return error_set(err, r == -EBADMSG ? ERROR_BAD_INPUT : ERROR_UNAVAILABLE, r,
                         "the evaluations' checks can't be compared: %s", strerror(-r));
    *ret_count = count;
    return 0;
}
