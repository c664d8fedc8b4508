/* SPDX-License-Identifier: Apache-2.0 */
/* The events of names, changes and oddities; calls are judged in judge_calls.c. */
#include "guest/scan/pickle/judge.h"

#include "guest/scan/embedded.h"
#include "guest/scan/pickle/disassemble.h"
#include "guest/scan/pickle/globals.h"
#include "guest/scan/pickle/judge_state.h"
#include "guest/scan/pickle/opcodes.h"
#include "guest/scan/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIES_MAX    65536u  /* findings of a rule, those that were made before included */
#define CONTEXTS_MAX 512u    /* findings with lines around them; the rest is listed without */
#define UNKEPT_MAX   131072u /* globals that are judged beyond those that the machine keeps */
#define TEXT_MIN     16u     /* bytes of a string that may be a pickle itself, or hold one encoded */

const struct scan_rule judge_rules[] = {
    [RULE_DANGEROUS_GLOBAL] = {"pickle-dangerous-global", SCAN_HIGH,
                               "Loading it imports a function that runs code, or reaches files or the network."},
    [RULE_DANGEROUS_CALL] = {"pickle-dangerous-call", SCAN_CRITICAL,
                             "Loading it calls a function that runs code, or reaches files or the network."},
    [RULE_UNKNOWN_GLOBAL] = {"pickle-unknown-global", SCAN_MEDIUM,
                             "Loading it imports a name that is not known to be harmless."},
    [RULE_UNKNOWN_CALL] = {"pickle-unknown-call", SCAN_HIGH,
                           "Loading it calls a function that ordinary models do not call."},
    [RULE_CLASS_CALL] = {"pickle-class-call", SCAN_MEDIUM,
                         "Loading it makes an object by a constructor that is not known to be harmless."},
    [RULE_RESULT_CALL] = {"pickle-result-call", SCAN_HIGH,
                          "Loading it calls what another call has returned: what that is, is hidden."},
    [RULE_HIDDEN_CALL] = {"pickle-hidden-call", SCAN_HIGH, "Loading it hands a call on to something that is hidden."},
    [RULE_COMPUTED_NAME] = {"pickle-computed-name", SCAN_CRITICAL,
                            "Loading it imports a name that is put together only then."},
    [RULE_CHANGED_GLOBAL] = {"pickle-changed-global", SCAN_CRITICAL,
                             "Loading it changes a module, class or function for everything that uses it after."},
    [RULE_MAKES_CLASS] = {"pickle-makes-class", SCAN_HIGH, "Loading it makes a new class, with methods of its choice."},
    [RULE_EXTENSION] = {"pickle-extension", SCAN_HIGH,
                        "Loading it uses a name by its number in the extension registry, which hides it."},
    [RULE_PERSISTENT] = {"pickle-persistent-id", SCAN_MEDIUM,
                         "Loading it asks the loader for an object by a text that only the loader understands."},
    [RULE_FRAME] = {"pickle-frame", SCAN_HIGH,
                    "It reads differently from a file than from bytes: a frame ends within an argument."},
    [RULE_FRAME_END] = {"pickle-frame-end", SCAN_MEDIUM,
                        "A frame does not end where an opcode does; some loaders go on."},
    [RULE_ENCODING] = {"pickle-encoding", SCAN_INFO,
                       "A string is not ASCII: loaders take it or stop there, by the encoding that they are told."},
    [RULE_NUMBER] = {"pickle-number", SCAN_LOW,
                     "A number is spelt as no pickler does: loaders take it, many tools that look at pickles stop."},
    [RULE_ARGUMENTS] = {"pickle-arguments", SCAN_MEDIUM, "Arguments of a call are no tuple; some loaders take them."},
    [RULE_EXPANSION] = {"pickle-expansion", SCAN_MEDIUM,
                        "A value that holds itself many times over: to print, compare or copy it takes all memory."},
    [RULE_NESTED] = {"pickle-nested", SCAN_MEDIUM,
                     "A string holds another pickle, out of the sight of those who look at the outer one."},
    [RULE_APPENDED] = {"pickle-appended", SCAN_MEDIUM,
                       "Another pickle stands behind the end of the first, where few loaders look."},
    [RULE_ARRAY_FILE] = {"joblib-array-file", SCAN_MEDIUM,
                         "Loading it loads an array from another file, which may hold objects."},
    [RULE_ARRAY_PATH] = {"joblib-array-path", SCAN_HIGH,
                         "Loading it loads an array from a file elsewhere, by a path of its choice."},
};

_Static_assert(RULE_COUNT <= JUDGE_RULES_MAX, "every rule is counted");

const uint32_t judge_rule_count = RULE_COUNT;

/* --- findings ----------------------------------------------------------------------------------------- */

static bool is_new(struct judge *judge, enum judge_rule rule, const char *detail)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) + rule;

    for (const char *at = detail; *at != '\0'; at++)
        hash = (hash ^ (uint8_t)*at) * UINT64_C(0x100000001b3);
    hash |= 1; /* 0: none */
    if (judge->seen[hash >> 32 & (JUDGE_SEEN - 1)] == hash)
        return false;
    judge->seen[hash >> 32 & (JUDGE_SEEN - 1)] = hash;
    return true;
}

bool judge_has_enough(const struct judge *judge, enum judge_rule rule)
{
    return judge->tries[rule] >= TRIES_MAX;
}

int judge_find(struct judge *judge, struct pickle_machine *machine, enum judge_rule rule, uint64_t offset,
               struct error *err, const char *format, ...)
{
    struct scan_finding finding = {.offset = offset};
    char detail[SCAN_DETAIL_MAX];
    va_list arguments;

    if (judge_has_enough(judge, rule))
        return 0;
    judge->tries[rule]++;
    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    if (!is_new(judge, rule, detail))
        return 0;
    judge->dangerous += judge_rules[rule].severity >= SCAN_HIGH;
    if (judge->found++ < CONTEXTS_MAX && machine != NULL)
        disassemble_around(machine, judge->object->source, &finding);
    return scan_find_in_context(judge->scan, judge->object, &judge_rules[rule], &finding, err, "%s", detail);
}

/* --- names ---------------------------------------------------------------------------------------------- */

static unsigned mark_for(enum global_class class)
{
    return class == GLOBAL_DANGEROUS ? MARK_DANGEROUS : class == GLOBAL_UNKNOWN ? MARK_UNKNOWN : MARK_NONE;
}

enum global_class judge_class(const struct pickle_global *global, const char **ret_reason)
{
    enum global_class class;

    if (global->note != NULL && global->note->made) {
        *ret_reason = global->note->reason;
        return (enum global_class)global->note->class;
    }
    *ret_reason = "";
    class = global_judge(global->module, global->module_size, global->name, global->name_size, ret_reason);
    if (global->note != NULL)
        *global->note = (struct pickle_note){.made = true, .class = (uint8_t) class, .reason = *ret_reason};
    return class;
}

int judge_name(struct judge *judge, struct pickle_machine *machine, const struct pickle_global *global,
               unsigned *ret_mark, struct error *err)
{
    bool again = global->note != NULL && global->note->made;
    const char *reason;
    enum global_class class = judge_class(global, &reason);

    *ret_mark = mark_for(class);
    if (again)
        return 0;
    if (class == GLOBAL_DANGEROUS)
        return judge_find(judge, machine, RULE_DANGEROUS_GLOBAL, global->offset, err, "%s.%s: %s",
                          TEXT(global->module, global->module_size), TEXT(global->name, global->name_size), reason);
    if (class == GLOBAL_UNKNOWN)
        return judge_find(judge, machine, RULE_UNKNOWN_GLOBAL, global->offset, err, "%s.%s",
                          TEXT(global->module, global->module_size), TEXT(global->name, global->name_size));
    return 0;
}

static int on_global(void *argument, struct pickle_machine *machine, const struct pickle_global *global,
                     unsigned *ret_mark, struct error *err)
{
    struct judge *judge = argument;

    judge->globals++;
    if (global->how == PICKLE_BY_VALUE) {
        *ret_mark = MARK_DANGEROUS;
        return judge_find(judge, machine, RULE_COMPUTED_NAME, global->offset, err, "module '%s', name '%s'",
                          TEXT(global->module, global->module_size), TEXT(global->name, global->name_size));
    }
    if (global->note == NULL && ++judge->unkept > UNKEPT_MAX) {
        if (judge->unkept == UNKEPT_MAX + 1)
            scan_skipped(judge->scan, judge->object, SCAN_GAP_BUDGET, global->offset, 0, "%s",
                         "a pickle names more globals than are judged");
        *ret_mark = MARK_UNKNOWN;
        return 0;
    }
    return judge_name(judge, machine, global, ret_mark, err);
}

static int on_extension(void *argument, struct pickle_machine *machine, uint32_t code, uint64_t offset,
                        unsigned *ret_mark, struct error *err)
{
    struct judge *judge = argument;

    judge->globals++;
    *ret_mark = MARK_DANGEROUS;
    return judge_find(judge, machine, RULE_EXTENSION, offset, err, "extension code %u", code);
}

/* Tuples are what torch makes of its storages; a text is what protocol 0 has, and nobody's loader. */
static int on_persistent(void *argument, struct pickle_machine *machine, pickle_value id, uint64_t offset,
                         unsigned *ret_mark, struct error *err)
{
    struct judge *judge = argument;
    char text[64];
    size_t size = 0;

    (void)ret_mark;
    if (pickle_kind_of(id) != PICKLE_STR)
        return 0;
    if (pickle_text_of(machine, id, text, sizeof text, &size, NULL, NULL) < 0)
        size = 0;
    return judge_find(judge, machine, RULE_PERSISTENT, offset, err, "'%s'", TEXT(text, size));
}

/* --- changes ---------------------------------------------------------------------------------------------- */

static const char *change_name(enum pickle_change change)
{
    static const char *const names[] = {[PICKLE_CHANGE_BUILD] = "BUILD sets attributes of",
                                        [PICKLE_CHANGE_SETITEM] = "SETITEM sets items of",
                                        [PICKLE_CHANGE_APPEND] = "APPEND adds to",
                                        [PICKLE_CHANGE_ADD] = "ADDITEMS adds to"};

    return names[change];
}

static int on_change(void *argument, struct pickle_machine *machine, const struct pickle_change_event *change,
                     struct error *err)
{
    struct judge *judge = argument;
    struct named named;

    if (pickle_kind_of(change->target) == PICKLE_EXTENSION)
        return judge_find(judge, machine, RULE_CHANGED_GLOBAL, change->offset, err, "%s what an extension code names",
                          change_name(change->how));
    if (judge_is_named(machine, change->target, &named))
        return judge_find(judge, machine, RULE_CHANGED_GLOBAL, change->offset, err, "%s %s.%s",
                          change_name(change->how), TEXT(named.module, named.module_size),
                          TEXT(named.name, named.name_size));
    if (pickle_kind_of(change->target) == PICKLE_GLOBAL)
        return judge_find(judge, machine, RULE_CHANGED_GLOBAL, change->offset, err, "%s a global",
                          change_name(change->how));
    return judge_state(judge, machine, change, err);
}

static int on_built(void *argument, struct pickle_machine *machine, pickle_value target, uint64_t offset,
                    uint64_t *ret_skip, struct error *err)
{
    struct judge *judge = argument;

    return judge->built != NULL ? judge->built(judge, machine, target, offset, ret_skip, err) : 0;
}

/* --- oddities --------------------------------------------------------------------------------------------- */

static int on_odd(void *argument, struct pickle_machine *machine, enum pickle_oddity oddity, uint64_t offset,
                  struct error *err)
{
    static const enum judge_rule rules[PICKLE_ODD_COUNT] = {
        [PICKLE_ODD_FRAME] = RULE_FRAME,         [PICKLE_ODD_FRAME_JOIN] = RULE_FRAME_END,
        [PICKLE_ODD_FRAME_END] = RULE_FRAME_END, [PICKLE_ODD_ENCODING] = RULE_ENCODING,
        [PICKLE_ODD_NUMBER] = RULE_NUMBER,       [PICKLE_ODD_ARGUMENTS] = RULE_ARGUMENTS,
        [PICKLE_ODD_EXPANSION] = RULE_EXPANSION};
    static const char *const details[PICKLE_ODD_COUNT] = {
        [PICKLE_ODD_FRAME] = "an argument crosses a frame's end",
        [PICKLE_ODD_FRAME_JOIN] = "a frame ends between an opcode and its argument, or within a large object",
        [PICKLE_ODD_FRAME_END] = "a frame ends behind the data",
        [PICKLE_ODD_ENCODING] = "a STRING or BINSTRING is not ASCII",
        [PICKLE_ODD_NUMBER] = "an INT, LONG or FLOAT that loaders read, and pickletools does not",
        [PICKLE_ODD_ARGUMENTS] = "a call's arguments are no tuple",
        [PICKLE_ODD_EXPANSION] = "more than a million million values, written out",
    };

    return judge_find(argument, machine, rules[oddity], offset, err, "%s", details[oddity]);
}

/* --- texts ------------------------------------------------------------------------------------------------ */

/* An object of its own, however large. */
static int look_at_whole(struct judge *judge, uint64_t first, uint64_t size, const char *name, struct error *err)
{
    CLEANUP_SOURCE struct source *range = source_of_range(judge->object->source, first, size);
    const struct scan_object object = {.source = range, .name = name, .role = SCAN_ROLE_GUESS, .parent = judge->object};

    if (range == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a source");
    return scan_object(judge->scan, &object, err);
}

/* Bytes that the source does not have at hand in one piece: in a copy. */
static int look_at_copy(struct judge *judge, uint64_t first, size_t size, const char *name, uint64_t offset,
                        struct error *err)
{
    uint8_t *copy;
    int r;

    if (scan_reserve(judge->scan, size, NULL) < 0) {
        scan_skipped(judge->scan, judge->object, SCAN_GAP_MEMORY, offset, size, "%s", "a string is too large");
        return 0;
    }
    copy = malloc(size);
    r = copy == NULL ? error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a string") : 0;
    if (r == 0 && source_copy(judge->object->source, first, copy, size, NULL) == 0)
        r = scan_embedded(judge->scan, judge->object, name, copy, size, offset, err);
    free(copy);
    scan_release(judge->scan, size);
    return r;
}

/*
 * A text's bytes in the file. Where a source has them at hand, all are looked at. Decoders would have to begin anew for
 * every string that they have gone past: of theirs, bytes are copied up to a size, and of what is larger, or a str that
 * the machine has yet to read, the first part counts, and the whole where it begins as an object does.
 */
static int look_at_range(struct judge *judge, uint64_t first, uint64_t size, bool is_str, const char *name,
                         uint64_t offset, struct error *err)
{
    size_t want = size < SCAN_VIEW_MAX ? (size_t)size : SCAN_VIEW_MAX, got;
    const uint8_t *bytes;

    if (source_view(judge->object->source, first, want, &bytes, &got, NULL) < 0 || got < want)
        return 0; /* the machine will come upon it */
    if (got >= size)
        return scan_embedded(judge->scan, judge->object, name, bytes, (size_t)size, offset, err);
    if (!is_str && size <= EMBEDDED_SIZE_MAX)
        return look_at_copy(judge, first, (size_t)size, name, offset, err);
    if (!is_str && ((bytes[0] == OP_PROTO && bytes[1] <= PICKLE_PROTOCOL_MAX) || memcmp(bytes, "PK\3\4", 4) == 0))
        return look_at_whole(judge, first, size, name, err);
    return scan_embedded(judge->scan, judge->object, name, bytes, want, offset, err);
}

static int on_text(void *argument, struct pickle_machine *machine, pickle_value text, uint64_t size, uint64_t offset,
                   struct error *err)
{
    struct judge *judge = argument;
    uint64_t first, count;
    char name[48];
    size_t got;

    (void)size;
    (void)snprintf(name, sizeof name, "string at %llu", (unsigned long long)offset);
    judge->texts++;
    if (pickle_text_range(machine, text, &first, &count))
        return look_at_range(judge, first, count, pickle_kind_of(text) == PICKLE_STR, name, offset, err);
    if (judge->line == NULL)
        judge->line = malloc(SCAN_VIEW_MAX);
    if (judge->line == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a line");
    if (pickle_text_of(machine, text, judge->line, SCAN_VIEW_MAX, &got, NULL, NULL) < 0)
        return 0;
    return scan_embedded(judge->scan, judge->object, name, judge->line, got, offset, err);
}

/* --- the run ---------------------------------------------------------------------------------------------- */

static const struct pickle_events events_of_judge = {.global = on_global,
                                                     .call = judge_call,
                                                     .change = on_change,
                                                     .built = on_built,
                                                     .text = on_text,
                                                     .persistent = on_persistent,
                                                     .extension = on_extension,
                                                     .odd = on_odd};

int judge_pickle(struct judge *judge, uint64_t offset, struct pickle_result *ret_result, struct error *err)
{
    struct pickle_events events = events_of_judge;
    struct pickle_options options = {.scan = judge->scan, .text_min = TEXT_MIN};
    struct pickle_result again;
    int r;

    events.argument = judge;
    r = pickle_run(judge->object->source, offset, &options, &events, ret_result, err);
    if (r < 0 || !ret_result->frame_conflict)
        return r;
    options.file_load = true;
    return pickle_run(judge->object->source, offset, &options, &events, &again, err);
}
