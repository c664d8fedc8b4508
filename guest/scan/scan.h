/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The malicious-code scan of one file.
 *
 * Theory of operation. An *object* is a run of bytes that a loader may take for a format: the file, a member of an
 * archive, a pickle inside a string of another. scan_object asks every format of the table (formats.c) whether the
 * object's content can be its own, and lets each that says so look: a file may be two formats at once, and loaders
 * differ in which one they see. Names never decide; they can only add suspicion. A format that finds further objects
 * hands them to scan_object again, one level deeper. What nobody recognises is a gap.
 *
 * Nothing here depends on time, threads or the machine. Errors are for what is wrong with us (no connection, no
 * memory at all): a malformed object is a finding or a gap, and 0.
 */
#ifndef LAZARET_GUEST_SCAN_SCAN_H
#define LAZARET_GUEST_SCAN_SCAN_H

#include "guest/scan/report.h"
#include "guest/scan/source.h"

struct scan; /* one file's scan under way */

/* What the object around it says of an object. */
enum scan_role {
    SCAN_ROLE_FILE,    /* nothing: by content alone */
    SCAN_ROLE_PICKLE,  /* a loader unpickles it, whatever it looks like: data.pkl, an object array, a nested pickle */
    SCAN_ROLE_WEIGHTS, /* a loader takes it for raw numbers; looked at only in so far as it is an own format too */
    SCAN_ROLE_GUESS,   /* a string or bytes somewhere, that may be anything: no gap where nobody recognises it */
};

struct scan_object {
    struct source *source; /* borrowed */
    const char *name;      /* of the member, as bytes from the file: never decides; "" for none */
    enum scan_role role;
    const struct scan_object *parent; /* NULL: the file */
};

enum scan_match {
    SCAN_MATCH_NO,
    SCAN_MATCH_MAYBE, /* looks, without saying that the object is recognised, unless scan sets *ret_recognised */
    SCAN_MATCH_YES,
};

struct scan_format {
    const char *name; /* "pickle", "zip" */
    const struct scan_rule *rules;
    uint32_t rule_count;
    /* By content, from as few bytes as will do. */
    enum scan_match (*match)(struct scan *scan, const struct scan_object *object);
    /*
     * Looks at the object. *ret_recognised comes as true after MATCH_YES, false after MATCH_MAYBE; a format that
     * finds that the object is its own after all, or is not, sets it.
     */
    int (*scan)(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err);
    /* The name of a format before it in the table that its ordinary files are too; NULL for none. */
    const char *also;
};

/* All formats, in the order in which they look; NULL ends them. */
extern const struct scan_format *const scan_formats[];

/* The rules that are no format's own. */
extern const struct scan_rule scan_core_rules[];
extern const uint32_t scan_core_rule_count;

/*
 * Scans a file from beginning to end. `name` is shown only. 0 with the summary whatever the file holds; an error is
 * the sink's, or -ENOMEM for less memory than SCAN_MEMORY_MAX.
 */
MUST_USE int scan_run(struct source *source, const char *name, const struct scan_sink *sink,
                      struct scan_summary *ret_summary, struct error *err);

/* --- for formats --------------------------------------------------------------------------------- */

/* Looks at an object, one level below its parent. A parent whose object is too deep gets a gap, and 0. */
MUST_USE int scan_object(struct scan *scan, const struct scan_object *object, struct error *err);

/* Whether a format before has recognised the object under way, for those that only take what is left over. */
bool scan_is_recognised(const struct scan *scan);

/* A finding at an offset of the object. The detail's arguments are escaped by the caller (guest/scan/text.h). */
MUST_USE int scan_find(struct scan *scan, const struct scan_object *object, const struct scan_rule *rule,
                       uint64_t offset, struct error *err, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* The same with lines of context: `finding` has offset and context set, the rest is filled in. */
MUST_USE int scan_find_in_context(struct scan *scan, const struct scan_object *object, const struct scan_rule *rule,
                                  struct scan_finding *finding, struct error *err, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* Bytes that were interpreted. */
void scan_looked(struct scan *scan, uint64_t bytes);
/* Bytes that were not, and why; the detail says what a person needs to know (printf; "" for nothing). */
void scan_skipped(struct scan *scan, const struct scan_object *object, enum scan_skip reason, uint64_t offset,
                  uint64_t bytes, const char *format, ...) __attribute__((format(printf, 6, 7)));
/* Turns what a source or reader failed with into the gap it means, from `offset` to the object's end. */
void scan_skipped_for(struct scan *scan, const struct scan_object *object, int code, uint64_t offset,
                      const struct error *cause);

/* Charges decoded bytes; -EFBIG once the budget is used up. */
MUST_USE int scan_charge(struct scan *scan, uint64_t bytes, struct error *err);
/* Counts a container's member; -EFBIG once there are too many. */
MUST_USE int scan_count_member(struct scan *scan, struct error *err);
/* Memory against SCAN_MEMORY_MAX; -ENOMEM where it does not fit. What is reserved is released by the same amount. */
MUST_USE int scan_reserve(struct scan *scan, uint64_t bytes, struct error *err);
void scan_release(struct scan *scan, uint64_t bytes);

#endif
