/* SPDX-License-Identifier: Apache-2.0 */
/* Calls, judged by what is called with what. */
#include "guest/scan/pickle/judge_state.h"

#include "guest/scan/pickle/literals.h"
#include "guest/scan/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ITEMS_MAX    4194304u            /* arguments that are looked through, of an object's pickles together */
#define LOOK_DEPTH   4u                  /* results of results, tuples within tuples */
#define LOADED_MAX   (UINT64_C(8) << 20) /* bytes of a nested pickle that is written as text */
#define ARGUMENT_MAX 96u                 /* bytes of a call's argument that are shown */

struct call {
    struct judge *judge;
    struct pickle_machine *machine;
    uint64_t offset;
    bool makes; /* NEWOBJ, NEWOBJ_EX: __new__ alone */
    struct error *err;
};

/* --- names ------------------------------------------------------------------------------------------------ */

static bool constant(struct pickle_machine *machine, pickle_value value, char text[PICKLE_NAME_MAX], size_t *ret_size)
{
    return pickle_kind_of(value) == PICKLE_STR &&
           pickle_text_of(machine, value, text, PICKLE_NAME_MAX, ret_size, NULL, NULL) == 0;
}

static bool is_named(struct pickle_machine *machine, pickle_value value, struct named *named, unsigned depth);

/* getattr(object, name), and functions that import by name. */
static bool is_named_result(struct pickle_machine *machine, pickle_value value, struct named *named, unsigned depth)
{
    pickle_value callable, arguments, state;
    char first[PICKLE_NAME_MAX], second[PICKLE_NAME_MAX];
    size_t first_size, second_size;
    enum global_class class;

    if (depth == 0 || !pickle_result_of(machine, value, &callable, &arguments, &state) ||
        !is_named(machine, callable, named, depth - 1))
        return false;
    class = named->class;
    if ((class != GLOBAL_ALLOWED_GETATTR && class != GLOBAL_ALLOWED_IMPORT) ||
        !constant(machine, pickle_item_of(machine, arguments, 1), second, &second_size))
        return false;
    if (class == GLOBAL_ALLOWED_IMPORT) {
        if (!constant(machine, pickle_item_of(machine, arguments, 0), first, &first_size))
            return false;
        memcpy(named->module, first, first_size);
        memcpy(named->name, second, second_size);
        named->module_size = first_size;
        named->name_size = second_size;
        named->class = global_judge(first, first_size, second, second_size, &named->reason);
        return true;
    }
    if (!is_named(machine, pickle_item_of(machine, arguments, 0), named, depth - 1))
        return false;
    named->class = global_judge_attribute(named->module, named->module_size, named->name, named->name_size, second,
                                          second_size, &named->reason);
    if (named->name_size + 1 + second_size > sizeof named->name)
        second_size = sizeof named->name > named->name_size + 1 ? sizeof named->name - named->name_size - 1 : 0;
    if (second_size > 0) {
        named->name[named->name_size] = '.';
        memcpy(named->name + named->name_size + 1, second, second_size);
        named->name_size += second_size + 1;
    }
    return true;
}

/* What torch's legacy format has for a class: ('module', class, file, source). */
static bool is_torch_module(struct pickle_machine *machine, pickle_value id)
{
    char text[8];
    size_t size;

    return pickle_kind_of(id) == PICKLE_TUPLE &&
           pickle_text_of(machine, pickle_item_of(machine, id, 0), text, sizeof text, &size, NULL, NULL) == 0 &&
           size == 6 && memcmp(text, "module", 6) == 0;
}

static bool is_named(struct pickle_machine *machine, pickle_value value, struct named *named, unsigned depth)
{
    struct pickle_global global;

    if (pickle_kind_of(value) == PICKLE_RESULT)
        return is_named_result(machine, value, named, depth);
    if (pickle_kind_of(value) == PICKLE_PERSISTENT) {
        if (!is_torch_module(machine, pickle_persistent_of(machine, value)))
            return false;
        value = pickle_item_of(machine, pickle_persistent_of(machine, value), 1);
    }
    if (!pickle_global_of(machine, value, &global) || global.how == PICKLE_BY_VALUE)
        return false;
    memcpy(named->module, global.module, global.module_size);
    memcpy(named->name, global.name, global.name_size);
    named->module_size = global.module_size;
    named->name_size = global.name_size;
    named->class = judge_class(&global, &named->reason);
    return true;
}

bool judge_is_named(struct pickle_machine *machine, pickle_value value, struct named *ret_named)
{
    return is_named(machine, value, ret_named, LOOK_DEPTH);
}

#define MODULE(named) TEXT((named)->module, (named)->module_size)
#define NAME(named)   TEXT((named)->name, (named)->name_size)

/* --- what is called --------------------------------------------------------------------------------------- */

/* Private functions that restore objects are called so by those who pickle: "_rebuild_x", "__newobj__", "_unpickle". */
static bool is_restorer(const struct named *named)
{
    static const char *const words[] = {"rebuild", "reconstruct", "restore", "unpickle", "_newobj", "_new_"};
    const char *last = memrchr(named->name, '.', named->name_size);
    size_t skip = last != NULL ? (size_t)(last + 1 - named->name) : 0;

    if (named->name_size <= skip || named->name[skip] != '_')
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (memmem(named->name + skip, named->name_size - skip, words[i], strlen(words[i])) != NULL)
            return true;
    return false;
}

/* The first argument that is a text, to be shown. */
static const char *shown_argument(struct pickle_machine *machine, pickle_value arguments, struct text *text)
{
    char bytes[ARGUMENT_MAX];
    uint64_t count;
    uint32_t kept;
    size_t size;

    if (pickle_items_of(machine, arguments, &count, &kept))
        for (uint32_t i = 0; i < kept; i++)
            if (pickle_text_of(machine, pickle_item_of(machine, arguments, i), bytes, sizeof bytes, &size, NULL,
                               NULL) == 0)
                return text_escape(text, bytes, size);
    return "";
}

static int call_named(struct call *call, const struct named *named, pickle_value arguments);

/* Whatever is among arguments is called as well. */
static int call_items(struct call *call, pickle_value items, unsigned depth)
{
    uint64_t count;
    uint32_t kept;
    int r = 0;

    if (!pickle_items_of(call->machine, items, &count, &kept))
        return 0;
    for (uint32_t i = 0; i < kept && r == 0; i++) {
        pickle_value item = pickle_item_of(call->machine, items, i);
        struct named named;

        if (++call->judge->items > ITEMS_MAX) {
            if (call->judge->items == ITEMS_MAX + 1)
                scan_skipped(call->judge->scan, call->judge->object, SCAN_GAP_BUDGET, call->offset, 0, "%s",
                             "a pickle hands on more arguments than are looked through");
            return 0;
        }
        if (judge_is_named(call->machine, item, &named))
            r = call_named(call, &named, PICKLE_ABSENT);
        else if (depth > 0)
            r = call_items(call, item, depth - 1);
    }
    return r;
}

static int hidden(struct call *call, const struct named *named, const char *what)
{
    return judge_find(call->judge, call->machine, RULE_HIDDEN_CALL, call->offset, call->err, "%s.%s: %s", MODULE(named),
                      NAME(named), what);
}

/* Text whose characters are bytes (latin-1), as protocol 2 writes bytes. */
static bool to_bytes(uint8_t *text, size_t size, size_t *ret_size)
{
    size_t used = 0;

    for (size_t i = 0; i < size; i++) {
        if (text[i] < 0x80) {
            text[used++] = text[i];
        } else {
            if ((text[i] & 0xfc) != 0xc0 || i + 1 == size)
                return false;
            text[used++] = (uint8_t)(text[i] << 6 | (text[i + 1] & 0x3f));
            i++;
        }
    }
    *ret_size = used;
    return true;
}

/* The same bytes may be loaded time and again: each time counts as if they were decoded. */
static bool may_load(struct call *call, uint64_t size)
{
    if (scan_charge(call->judge->scan, size, NULL) == 0)
        return true;
    scan_skipped(call->judge->scan, call->judge->object, SCAN_GAP_BUDGET, call->offset, size, "%s",
                 "pickles within pickles are more than a scan may look at");
    return false;
}

static int load_text(struct call *call, const struct named *named, pickle_value text, uint64_t size)
{
    bool reserved = size <= LOADED_MAX && scan_reserve(call->judge->scan, size, NULL) == 0;
    uint8_t *bytes = reserved ? malloc(size + 1) : NULL;
    struct source *source = NULL;
    size_t used = 0;
    int r;

    if (bytes == NULL) {
        if (reserved)
            scan_release(call->judge->scan, size);
        scan_skipped(call->judge->scan, call->judge->object, SCAN_GAP_MEMORY, call->offset, size, "%s",
                     "a pickle within a string is too large");
        return 0;
    }
    if (pickle_text_of(call->machine, text, bytes, (size_t)size, &used, NULL, NULL) < 0 ||
        !to_bytes(bytes, used, &used) || (source = source_of_memory(bytes, used)) == NULL) {
        r = hidden(call, named, "what it loads is no bytes");
    } else {
        const struct scan_object object = {
            .source = source, .name = "loaded", .role = SCAN_ROLE_FILE, .parent = call->judge->object};

        r = scan_object(call->judge->scan, &object, call->err);
    }
    source_free(source);
    free(bytes);
    scan_release(call->judge->scan, size);
    return r;
}

/* Bytes of a text, also of one with escapes (protocol 0), which has to be read for it. */
static bool text_size(struct pickle_machine *machine, pickle_value text, uint64_t *ret_size)
{
    CLEANUP_FREE uint8_t *bytes = NULL;
    bool whole = false;
    size_t used = 0;
    uint64_t offset;

    if (pickle_text_range(machine, text, &offset, ret_size))
        return true;
    bytes = malloc(LOADED_MAX);
    if (bytes == NULL || pickle_text_of(machine, text, bytes, LOADED_MAX, &used, &whole, NULL) < 0 || used == 0)
        return false;
    *ret_size = whole ? used : LOADED_MAX + 1; /* too large, which is a gap */
    return true;
}

/* Unpickles its argument: bytes, or text that a codec makes bytes of. */
static int call_loads(struct call *call, const struct named *named, pickle_value arguments)
{
    pickle_value argument = pickle_item_of(call->machine, arguments, 0), callable, inner, state;
    uint64_t offset, size;
    struct named codec;

    if (pickle_result_of(call->machine, argument, &callable, &inner, &state) &&
        judge_is_named(call->machine, callable, &codec) && codec.class == GLOBAL_ALLOWED_ENCODE) {
        argument = pickle_item_of(call->machine, inner, 0);
        if (pickle_kind_of(argument) == PICKLE_STR && text_size(call->machine, argument, &size))
            return may_load(call, size) ? load_text(call, named, argument, size) : 0;
    }
    if (pickle_kind_of(argument) == PICKLE_BYTES && pickle_text_range(call->machine, argument, &offset, &size)) {
        CLEANUP_SOURCE struct source *range = source_of_range(call->judge->object->source, offset, size);
        const struct scan_object object = {
            .source = range, .name = "loaded", .role = SCAN_ROLE_FILE, .parent = call->judge->object};

        if (range == NULL)
            return error_set(call->err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a source");
        return may_load(call, size) ? scan_object(call->judge->scan, &object, call->err) : 0;
    }
    return hidden(call, named, "what it loads is computed");
}

/* functools.partial and the like: what they are given is called, now or later. */
static int call_apply(struct call *call, const struct named *named, pickle_value arguments)
{
    pickle_value first = pickle_item_of(call->machine, arguments, 0);
    struct named target;
    int r = call_items(call, arguments, LOOK_DEPTH);

    if (r != 0 || named->class != GLOBAL_ALLOWED_PARTIAL || judge_is_named(call->machine, first, &target))
        return r;
    if (call->makes && first == PICKLE_ABSENT && pickle_kind_of(arguments) == PICKLE_TUPLE)
        return 0; /* made empty, its state comes by BUILD */
    return hidden(call, named, "what it calls is computed");
}

static int call_unknown(struct call *call, const struct named *named, pickle_value arguments)
{
    bool is_class = global_is_class_name(named->name, named->name_size) || is_restorer(named);
    enum judge_rule rule = is_class ? RULE_CLASS_CALL : RULE_UNKNOWN_CALL;
    struct text text;

    if (call->makes || judge_has_enough(call->judge, rule)) /* what is only made is a finding by its name already */
        return 0;
    return judge_find(call->judge, call->machine, rule, call->offset, call->err, "%s.%s(%s)", MODULE(named),
                      NAME(named), shown_argument(call->machine, arguments, &text));
}

static int call_getattr(struct call *call, const struct named *named, pickle_value arguments)
{
    pickle_value object = pickle_item_of(call->machine, arguments, 0);
    char attribute[PICKLE_NAME_MAX];
    struct named target;
    size_t size;

    if (!constant(call->machine, pickle_item_of(call->machine, arguments, 1), attribute, &size))
        return hidden(call, named, "the attribute's name is computed");
    if (!judge_is_named(call->machine, object, &target)) {
        if (size >= 2 && attribute[0] == '_' && attribute[1] == '_')
            return hidden(call, named, "an attribute of Python's machinery");
        return pickle_kind_of(object) == PICKLE_RESULT ? 0 : hidden(call, named, "the object is hidden");
    }
    target.class = global_judge_attribute(target.module, target.module_size, target.name, target.name_size, attribute,
                                          size, &target.reason);
    if (target.class == GLOBAL_DANGEROUS)
        return judge_find(call->judge, call->machine, RULE_DANGEROUS_GLOBAL, call->offset, call->err, "%s.%s.%s: %s",
                          MODULE(&target), NAME(&target), TEXT(attribute, size), target.reason);
    if (target.class == GLOBAL_UNKNOWN)
        return judge_find(call->judge, call->machine, RULE_UNKNOWN_GLOBAL, call->offset, call->err, "%s.%s.%s",
                          MODULE(&target), NAME(&target), TEXT(attribute, size));
    return 0;
}

static int call_import(struct call *call, const struct named *named, pickle_value arguments)
{
    char module[PICKLE_NAME_MAX], name[PICKLE_NAME_MAX];
    struct pickle_global global = {.module = module, .name = name, .offset = call->offset};
    unsigned mark;

    if (!constant(call->machine, pickle_item_of(call->machine, arguments, 0), module, &global.module_size) ||
        !constant(call->machine, pickle_item_of(call->machine, arguments, 1), name, &global.name_size))
        return hidden(call, named, "what it imports is computed");
    return judge_name(call->judge, call->machine, &global, &mark, call->err);
}

static int call_named(struct call *call, const struct named *named, pickle_value arguments)
{
    uint64_t count;
    uint32_t kept;
    struct text text;

    switch (named->class) {
    case GLOBAL_DANGEROUS:
        if (judge_has_enough(call->judge, RULE_DANGEROUS_CALL))
            return 0;
        return judge_find(call->judge, call->machine, RULE_DANGEROUS_CALL, call->offset, call->err, "%s.%s(%s): %s",
                          MODULE(named), NAME(named), shown_argument(call->machine, arguments, &text), named->reason);
    case GLOBAL_UNKNOWN:
        return call_unknown(call, named, arguments);
    case GLOBAL_ALLOWED_CLASS:
        return call_unknown(call, named, arguments);
    case GLOBAL_ALLOWED_APPLY:
    case GLOBAL_ALLOWED_PARTIAL:
        return call_apply(call, named, arguments);
    case GLOBAL_ALLOWED_TYPE:
        if (arguments == PICKLE_ABSENT || (pickle_items_of(call->machine, arguments, &count, &kept) && count <= 1))
            return 0;
        return judge_find(call->judge, call->machine, RULE_MAKES_CLASS, call->offset, call->err, "%s.%s", MODULE(named),
                          NAME(named));
    case GLOBAL_ALLOWED_GETATTR:
        return call_getattr(call, named, arguments);
    case GLOBAL_ALLOWED_LOADS:
        return call_loads(call, named, arguments);
    case GLOBAL_ALLOWED_IMPORT:
        return call_import(call, named, arguments);
    default:
        return 0;
    }
}

/* What is called is not known by a name. */
static int call_hidden(struct call *call, pickle_value callable)
{
    unsigned mark = pickle_mark_of(call->machine, callable);

    switch (pickle_kind_of(callable)) {
    case PICKLE_OPAQUE: /* forgotten for want of memory: that is a gap */
        return 0;
    case PICKLE_GLOBAL:
        return mark == MARK_NONE ? 0
                                 : judge_find(call->judge, call->machine,
                                              mark == MARK_DANGEROUS ? RULE_DANGEROUS_CALL : RULE_UNKNOWN_CALL,
                                              call->offset, call->err, "%s", "a global whose name is hidden");
    case PICKLE_EXTENSION:
        return judge_find(call->judge, call->machine, RULE_DANGEROUS_CALL, call->offset, call->err,
                          "extension code %llu", (unsigned long long)pickle_payload(callable));
    default:
        return judge_find(call->judge, call->machine, RULE_RESULT_CALL, call->offset, call->err, "%s",
                          pickle_kind_of(callable) == PICKLE_PERSISTENT ? "what a persistent id stands for"
                                                                        : "the result of a call");
    }
}

int judge_call(void *argument, struct pickle_machine *machine, const struct pickle_call_event *event,
               unsigned *ret_mark, struct error *err)
{
    struct call call = {.judge = argument, .machine = machine, .offset = event->offset, .err = err};
    struct named named;

    (void)ret_mark;
    call.judge->calls++;
    call.makes = event->how == PICKLE_CALL_NEWOBJ || event->how == PICKLE_CALL_NEWOBJ_EX ||
                 ((event->how == PICKLE_CALL_INST || event->how == PICKLE_CALL_OBJ) && event->count == 0);
    if (!judge_is_named(machine, event->callable, &named))
        return call_hidden(&call, event->callable);
    return call_named(&call, &named, event->arguments);
}

int judge_state(struct judge *judge, struct pickle_machine *machine, const struct pickle_change_event *change,
                struct error *err)
{
    struct call call = {.judge = judge, .machine = machine, .offset = change->offset, .err = err};
    pickle_value callable, arguments, state;
    struct named named;

    if (!pickle_result_of(machine, change->target, &callable, &arguments, &state) ||
        !judge_is_named(machine, callable, &named) ||
        (named.class != GLOBAL_ALLOWED_APPLY && named.class != GLOBAL_ALLOWED_PARTIAL))
        return 0;
    return call_items(&call, change->state, LOOK_DEPTH);
}
