/* SPDX-License-Identifier: Apache-2.0 */
/* One file's scan: who looks at what, what it may cost, and what comes of it. */
#include "guest/scan/scan.h"

#include "guest/scan/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct scan {
    const struct scan_sink *sink;
    struct scan_summary *summary;
    uint64_t decoded_left, members_left, memory_left;
    bool recognised; /* the object under way */
};

const struct scan_rule scan_core_rules[] = {
    {"polyglot", SCAN_MEDIUM, "Loaders differ in what they see of a file that is several formats at once."},
};
const uint32_t scan_core_rule_count = sizeof scan_core_rules / sizeof scan_core_rules[0];

/* --- objects ------------------------------------------------------------------------------------------ */

static uint32_t depth_of(const struct scan_object *object)
{
    uint32_t depth = 0;

    for (const struct scan_object *up = object->parent; up != NULL; up = up->parent)
        depth++;
    return depth;
}

static void note_format(struct scan *scan, const struct scan_object *object, const char *name)
{
    char *format = scan->summary->format;
    size_t used = strlen(format);

    if (object->parent == NULL)
        (void)snprintf(format + used, sizeof scan->summary->format - used, "%s%s", used > 0 ? "+" : "", name);
}

/* For a gap's figure only: 0 where it can't be known. */
static uint64_t size_of(const struct scan_object *object)
{
    uint64_t size;

    return source_size(object->source, &size, NULL) == 0 ? size : 0;
}

static void skip_unrecognised(struct scan *scan, const struct scan_object *object)
{
    uint64_t size = size_of(object);

    if (object->role == SCAN_ROLE_WEIGHTS)
        scan_skipped(scan, object, SCAN_SKIP_WEIGHTS, 0, size, "%s", "");
    else if (object->role != SCAN_ROLE_GUESS)
        scan_skipped(scan, object, SCAN_GAP_UNRECOGNISED, 0, size, "%s", "no format that is known");
}

/* Every format that the content may be looks at it. */
static int look(struct scan *scan, const struct scan_object *object, struct error *err)
{
    const struct scan_format *first = NULL;
    bool several = false;

    scan->recognised = false;
    for (const struct scan_format *const *format = scan_formats; *format != NULL; format++) {
        enum scan_match match = (*format)->match(scan, object);
        bool recognised = match == SCAN_MATCH_YES;
        int r;

        if (match == SCAN_MATCH_NO)
            continue;
        r = (*format)->scan(scan, object, &recognised, err);
        if (r < 0)
            return r;
        if (!recognised)
            continue;
        scan->recognised = true;
        note_format(scan, object, (*format)->name);
        if (first == NULL) {
            first = *format;
        } else if (!several && ((*format)->also == NULL || strcmp((*format)->also, first->name) != 0)) {
            several = true;
            r = scan_find(scan, object, &scan_core_rules[0], 0, err, "also %s", (*format)->name);
            if (r < 0)
                return r;
        }
    }
    if (!scan->recognised)
        skip_unrecognised(scan, object);
    return 0;
}

int scan_object(struct scan *scan, const struct scan_object *object, struct error *err)
{
    bool before = scan->recognised;
    int r;

    if (depth_of(object) > SCAN_DEPTH_MAX) {
        scan_skipped(scan, object, SCAN_GAP_DEPTH, 0, 0, "more than %u containers within each other", SCAN_DEPTH_MAX);
        return 0;
    }
    r = look(scan, object, err);
    scan->recognised = before; /* of the object around it, whose format goes on */
    return r;
}

bool scan_is_recognised(const struct scan *scan)
{
    return scan->recognised;
}

static bool has_gap(const struct scan_summary *summary)
{
    for (unsigned reason = 0; reason < SCAN_SKIP_COUNT; reason++)
        if (scan_skip_is_gap(reason) && summary->gaps[reason].places > 0)
            return true;
    return false;
}

static uint64_t decoded_max(uint64_t size)
{
    return size < UINT64_MAX / SCAN_DECODED_RATIO ? size * SCAN_DECODED_RATIO : UINT64_MAX;
}

int scan_run(struct source *source, const char *name, const struct scan_sink *sink, struct scan_summary *ret_summary,
             struct error *err)
{
    const struct scan_object file = {.source = source, .name = name, .role = SCAN_ROLE_FILE};
    struct scan scan = {
        .sink = sink, .summary = ret_summary, .members_left = SCAN_MEMBERS_MAX, .memory_left = SCAN_MEMORY_MAX};
    struct error cause = {0};
    uint64_t size;
    int r;

    *ret_summary = (struct scan_summary){0};
    r = source_size(source, &size, &cause);
    if (r < 0) {
        scan_skipped_for(&scan, &file, r, 0, &cause);
    } else {
        scan.decoded_left = size > SCAN_DECODED_MIN / SCAN_DECODED_RATIO ? decoded_max(size) : SCAN_DECODED_MIN;
        r = scan_object(&scan, &file, err);
        if (r < 0)
            return r;
    }
    ret_summary->verdict = scan_verdict_of(ret_summary->counts, has_gap(ret_summary));
    return 0;
}

/* --- findings ------------------------------------------------------------------------------------------- */

/* "outer!inner", from the outermost member on; "" for the file. */
static void write_member(const struct scan_object *object, char *text, size_t size)
{
    size_t used;

    if (object->parent == NULL) {
        text[0] = '\0';
        return;
    }
    write_member(object->parent, text, size);
    used = strlen(text);
    (void)snprintf(text + used, size - used, "%s%s", used > 0 ? "!" : "", TEXT(object->name, strlen(object->name)));
}

static int deliver(struct scan *scan, const struct scan_object *object, const struct scan_rule *rule,
                   struct scan_finding *finding, const char *format, va_list arguments, struct error *err)
{
    char member[SCAN_NAME_MAX], detail[SCAN_DETAIL_MAX];

    if (++scan->summary->counts[rule->severity] > SCAN_FINDINGS_MAX)
        return 0;
    write_member(object, member, sizeof member);
    (void)vsnprintf(detail, sizeof detail, format, arguments);
    finding->rule = rule;
    finding->member = member;
    finding->detail = detail;
    return scan->sink->finding(scan->sink->argument, finding, err);
}

int scan_find(struct scan *scan, const struct scan_object *object, const struct scan_rule *rule, uint64_t offset,
              struct error *err, const char *format, ...)
{
    struct scan_finding finding = {.offset = offset};
    va_list arguments;
    int r;

    va_start(arguments, format);
    r = deliver(scan, object, rule, &finding, format, arguments, err);
    va_end(arguments);
    return r;
}

int scan_find_in_context(struct scan *scan, const struct scan_object *object, const struct scan_rule *rule,
                         struct scan_finding *finding, struct error *err, const char *format, ...)
{
    va_list arguments;
    int r;

    va_start(arguments, format);
    r = deliver(scan, object, rule, finding, format, arguments, err);
    va_end(arguments);
    return r;
}

/* --- coverage ------------------------------------------------------------------------------------------- */

void scan_looked(struct scan *scan, uint64_t bytes)
{
    scan->summary->looked += bytes;
}

void scan_skipped(struct scan *scan, const struct scan_object *object, enum scan_skip reason, uint64_t offset,
                  uint64_t bytes, const char *format, ...)
{
    struct scan_gap *gap = &scan->summary->gaps[reason];

    if (object->role == SCAN_ROLE_GUESS && reason == SCAN_GAP_DAMAGED)
        return; /* what only may be an object, and is not whole, no loader was to read */
    if (gap->places == 0) {
        va_list arguments;

        gap->reason = reason;
        gap->offset = offset;
        write_member(object, gap->member, sizeof gap->member);
        va_start(arguments, format);
        (void)vsnprintf(gap->detail, sizeof gap->detail, format, arguments);
        va_end(arguments);
    }
    gap->places++;
    gap->bytes += bytes;
}

static enum scan_skip gap_for(int code)
{
    switch (code) {
    case -EFBIG:
        return SCAN_GAP_BUDGET;
    case -ENOMEM:
        return SCAN_GAP_MEMORY;
    case -ENOTSUP:
        return SCAN_GAP_UNSUPPORTED;
    case -EIO:
        return SCAN_GAP_SOURCE;
    default:
        return SCAN_GAP_DAMAGED;
    }
}

void scan_skipped_for(struct scan *scan, const struct scan_object *object, int code, uint64_t offset,
                      const struct error *cause)
{
    const char *text = cause != NULL && cause->text[0] != '\0' ? cause->text : strerror(-code);
    uint64_t size = size_of(object);

    scan_skipped(scan, object, gap_for(code), offset, size > offset ? size - offset : 0, "%s",
                 TEXT(text, strlen(text)));
}

/* --- budgets -------------------------------------------------------------------------------------------- */

int scan_charge(struct scan *scan, uint64_t bytes, struct error *err)
{
    if (bytes > scan->decoded_left) {
        scan->decoded_left = 0;
        return error_set(err, ERROR_BAD_INPUT, -EFBIG, "decompression yields more bytes than a scan may decode");
    }
    scan->decoded_left -= bytes;
    return 0;
}

int scan_count_member(struct scan *scan, struct error *err)
{
    if (scan->members_left == 0)
        return error_set(err, ERROR_BAD_INPUT, -EFBIG, "more than %u members", SCAN_MEMBERS_MAX);
    scan->members_left--;
    return 0;
}

int scan_reserve(struct scan *scan, uint64_t bytes, struct error *err)
{
    if (bytes > scan->memory_left)
        return error_set(err, ERROR_BAD_INPUT, -ENOMEM, "the scan needs more than %llu MiB of memory",
                         (unsigned long long)SCAN_MEMORY_MAX >> 20);
    scan->memory_left -= bytes;
    return 0;
}

void scan_release(struct scan *scan, uint64_t bytes)
{
    scan->memory_left += bytes;
}
