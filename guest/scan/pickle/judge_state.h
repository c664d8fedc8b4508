/* SPDX-License-Identifier: Apache-2.0 */
/* What the judge's files share. */
#ifndef LAZARET_GUEST_SCAN_PICKLE_JUDGE_STATE_H
#define LAZARET_GUEST_SCAN_PICKLE_JUDGE_STATE_H

#include "guest/scan/pickle/globals.h"
#include "guest/scan/pickle/judge.h"

enum judge_rule {
    RULE_DANGEROUS_GLOBAL,
    RULE_DANGEROUS_CALL,
    RULE_UNKNOWN_GLOBAL,
    RULE_UNKNOWN_CALL,
    RULE_CLASS_CALL,
    RULE_RESULT_CALL,
    RULE_HIDDEN_CALL,
    RULE_COMPUTED_NAME,
    RULE_CHANGED_GLOBAL,
    RULE_MAKES_CLASS,
    RULE_EXTENSION,
    RULE_PERSISTENT,
    RULE_FRAME,
    RULE_FRAME_END,
    RULE_ENCODING,
    RULE_NUMBER,
    RULE_ARGUMENTS,
    RULE_EXPANSION,
    RULE_NESTED,
    RULE_APPENDED,
    RULE_ARRAY_FILE,
    RULE_ARRAY_PATH,
    RULE_COUNT
};

/* What values carry. */
enum {
    MARK_NONE,
    MARK_UNKNOWN,   /* an unknown global, or made from one */
    MARK_DANGEROUS, /* a dangerous one, or one that is hidden */
};

/* A global, or what getattr and the like make of one. */
struct named {
    char module[PICKLE_NAME_MAX], name[PICKLE_NAME_MAX];
    size_t module_size, name_size;
    enum global_class class;
    const char *reason;
};

/* Makes a finding, once for each rule and detail; `machine` NULL: no lines around it. */
MUST_USE int judge_find(struct judge *judge, struct pickle_machine *machine, enum judge_rule rule, uint64_t offset,
                        struct error *err, const char *format, ...) __attribute__((format(printf, 6, 7)));
MUST_USE int judge_name(struct judge *judge, struct pickle_machine *machine, const struct pickle_global *global,
                        unsigned *ret_mark, struct error *err);
/* Whether a rule has had so many calls of judge_find that another one would tell nothing new. */
bool judge_has_enough(const struct judge *judge, enum judge_rule rule);
/* global_judge, once for each name of a run. */
enum global_class judge_class(const struct pickle_global *global, const char **ret_reason);
/* Whether a value is known by a name: a global, an attribute of one, or what an importing function gives. */
bool judge_is_named(struct pickle_machine *machine, pickle_value value, struct named *ret_named);
/* The machine's event of a call. */
int judge_call(void *argument, struct pickle_machine *machine, const struct pickle_call_event *call, unsigned *ret_mark,
               struct error *err);
/* A change of an object that is no global: what it holds may be called later (functools.partial). */
MUST_USE int judge_state(struct judge *judge, struct pickle_machine *machine, const struct pickle_change_event *change,
                         struct error *err);

#endif
