/* SPDX-License-Identifier: Apache-2.0 */
/* deb-version(7): "[epoch:]upstream-version[-debian-revision]". */
#include "host/doctor/debian_version.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A piece of text that need not end in a NUL. */
struct part {
    const char *at, *end;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Where a character stands; the end of a part, and the digits that end a word, stand between '~' and all others. */
static int rank_of(const struct part *part)
{
    if (part->at == part->end || is_digit(*part->at))
        return 0;
    if (*part->at == '~')
        return -1;
    return is_letter(*part->at) ? (unsigned char)*part->at : (unsigned char)*part->at + 256;
}

static int compare_words(struct part *a, struct part *b)
{
    while ((a->at < a->end && !is_digit(*a->at)) || (b->at < b->end && !is_digit(*b->at))) {
        int left = rank_of(a), right = rank_of(b);

        if (left != right)
            return left - right;
        a->at++;
        b->at++;
    }
    return 0;
}

/* Numbers of any length: without leading zeros the longer is larger. */
static int compare_numbers(struct part *a, struct part *b)
{
    int first = 0;

    while (a->at < a->end && *a->at == '0')
        a->at++;
    while (b->at < b->end && *b->at == '0')
        b->at++;
    while (a->at < a->end && b->at < b->end && is_digit(*a->at) && is_digit(*b->at)) {
        if (first == 0)
            first = *a->at - *b->at;
        a->at++;
        b->at++;
    }
    if (a->at < a->end && is_digit(*a->at))
        return 1;
    if (b->at < b->end && is_digit(*b->at))
        return -1;
    return first;
}

static int compare_parts(struct part a, struct part b)
{
    int r = 0;

    while (r == 0 && (a.at < a.end || b.at < b.end)) {
        r = compare_words(&a, &b);
        if (r == 0)
            r = compare_numbers(&a, &b);
    }
    return r;
}

/* Takes "epoch:" off the front. */
static struct part take_epoch(struct part *version)
{
    const char *colon = memchr(version->at, ':', (size_t)(version->end - version->at));
    struct part epoch = {.at = version->at, .end = colon != NULL ? colon : version->at};

    if (colon != NULL)
        version->at = colon + 1;
    return epoch;
}

/* Takes "-revision" off the end; without one it is "0", which an empty part equals. */
static struct part take_revision(struct part *version)
{
    const char *dash = memrchr(version->at, '-', (size_t)(version->end - version->at));
    struct part revision = {.at = dash != NULL ? dash + 1 : version->end, .end = version->end};

    if (dash != NULL)
        version->end = dash;
    return revision;
}

int debian_version_compare(const char *a, const char *b)
{
    struct part left = {.at = a, .end = a + strlen(a)}, right = {.at = b, .end = b + strlen(b)};
    struct part left_epoch = take_epoch(&left), right_epoch = take_epoch(&right);
    struct part left_revision = take_revision(&left), right_revision = take_revision(&right);
    int r = compare_parts(left_epoch, right_epoch);

    if (r == 0)
        r = compare_parts(left, right);
    return r != 0 ? r : compare_parts(left_revision, right_revision);
}
