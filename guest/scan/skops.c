/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skops' schema.json: what a scikit-learn model saved by it would have it import, make and call.
 *
 * Theory of operation. Every node of the schema names a class by __module__ and __class__, and by __loader__ the way
 * in which it is made (skops.io, NODE_TYPE_MAPPING): without its constructor (ObjectNode), imported only (FunctionNode,
 * TypeNode), bound to an object (MethodNode), called (OperatorFuncNode, the reducing nodes). skops asks its user which
 * types to trust; we judge each pair by the same tables as a pickle's globals. Members may come in any order, so a node
 * is judged where it ends.
 */
#include "guest/scan/code_text.h"
#include "guest/scan/embedded.h"
#include "guest/scan/formats.h"
#include "guest/scan/json.h"
#include "guest/scan/pickle/globals.h"
#include "guest/scan/text.h"

#include <errno.h>
#include <string.h>

#define PATHS_MAX (4u * SCAN_FINDINGS_MAX)
#define NAME_KEPT 160u /* bytes of a name; longer ones are unknown */

enum skops_rule {
    RULE_DANGEROUS,
    RULE_CALL,
    RULE_OPERATOR,
    RULE_METHOD,
    RULE_DUPLICATE,
    RULE_CODE,
    RULE_UNKNOWN,
    RULE_COUNT
};

static const struct scan_rule rules[RULE_COUNT] = {
    [RULE_DANGEROUS] = {"skops-dangerous", SCAN_CRITICAL,
                        "A function or class is imported that runs code, opens, or connects."},
    [RULE_CALL] = {"skops-call", SCAN_HIGH, "A function that no table lists is called when the model is loaded."},
    [RULE_OPERATOR] = {"skops-operator", SCAN_HIGH, "A method or attribute of any name is called when it is used."},
    [RULE_METHOD] = {"skops-method", SCAN_HIGH, "An attribute inside Python's machinery is reached."},
    [RULE_DUPLICATE] = {"skops-duplicate-key", SCAN_HIGH,
                        "Of two members of the same name one is hidden from those who look."},
    [RULE_CODE] = {"skops-code", SCAN_HIGH, "A text in the schema is code that acts."},
    [RULE_UNKNOWN] = {"skops-unknown", SCAN_MEDIUM, "A class or function that no table lists is imported."},
};

struct text_kept {
    bool given, cut;
    uint8_t size;
    uint64_t offset;
    char bytes[NAME_KEPT];
};

enum member { MEMBER_MODULE, MEMBER_CLASS, MEMBER_LOADER, MEMBER_FUNCTION, MEMBER_PATH, MEMBER_METHOD, MEMBER_COUNT };

/* An object that is open. */
struct node {
    bool is_object;
    struct text_kept members[MEMBER_COUNT];
};

struct skops {
    struct scan *scan;
    const struct scan_object *object;
    int failed; /* the scan's own error */
    struct node *nodes;
    const struct json_event *event; /* under way */
    uint32_t found;                 /* times that a path was asked for */
    char path[JSON_PATH_MAX];
};

#define KEPT(text) TEXT((text).bytes, (text).size)

static bool is_text(const struct text_kept *text, const char *word)
{
    return text->given && !text->cut && text->size == strlen(word) && memcmp(text->bytes, word, text->size) == 0;
}

static bool holds(const struct text_kept *text, const char *part)
{
    return text->given && memmem(text->bytes, text->size, part, strlen(part)) != NULL;
}

/* Where the event under way stands, for a finding. */
static const char *path_of(struct skops *skops)
{
    if (skops->found++ >= PATHS_MAX) /* no more of them are listed, and a path takes its time */
        return "...";
    return json_path(skops->event, skops->path)[0] != '\0' ? skops->path : "at the top";
}

/* --- nodes ---------------------------------------------------------------------------------------------------- */

static int find_pair(struct skops *skops, enum skops_rule rule, const struct text_kept *module,
                     const struct text_kept *name, const char *reason, struct error *err)
{
    return skops->failed = scan_find(skops->scan, skops->object, &rules[rule], name->offset, err, "%s: %s.%s%s%s",
                                     path_of(skops), KEPT(*module), KEPT(*name), reason[0] != '\0' ? ": " : "", reason);
}

static int judge_pair(struct skops *skops, const struct text_kept *module, const struct text_kept *name,
                      struct error *err)
{
    const char *reason = "";

    if (!module->given || !name->given)
        return 0;
    if (module->cut || name->cut)
        return find_pair(skops, RULE_UNKNOWN, module, name, "", err);
    if (is_text(module, "scipy.special._ufuncs")) /* functions of numbers, nothing else; too many to list */
        return 0;
    switch (global_judge(module->bytes, module->size, name->bytes, name->size, &reason)) {
    case GLOBAL_DANGEROUS:
        return find_pair(skops, RULE_DANGEROUS, module, name, reason, err);
    case GLOBAL_ALLOWED_LOADS: /* what it would unpickle is not known here */
    case GLOBAL_ALLOWED_GETATTR:
        return find_pair(skops, RULE_DANGEROUS, module, name, reason, err);
    case GLOBAL_UNKNOWN:
        return find_pair(skops, RULE_UNKNOWN, module, name, "", err);
    default:
        return 0;
    }
}

/* Whether a node calls what it names with its content (skops.io, _construct of these). */
static bool is_called(const struct text_kept *loader)
{
    static const char *const calling[] = {"ListNode", "SetNode", "TupleNode", "DictNode", "ConstructorFromReduceNode"};

    for (size_t i = 0; i < sizeof calling / sizeof calling[0]; i++)
        if (is_text(loader, calling[i]))
            return true;
    return false;
}

/* Called, an unknown class makes an object, which is as unknown as it was; an unknown function does whatever it does.
 */
static int judge_call(struct skops *skops, const struct text_kept *module, const struct text_kept *name,
                      struct error *err)
{
    const char *reason = "";

    if (module->given && !module->cut && !name->cut && !global_is_class_name(name->bytes, name->size) &&
        global_judge(module->bytes, module->size, name->bytes, name->size, &reason) == GLOBAL_UNKNOWN)
        return find_pair(skops, RULE_CALL, module, name, "", err);
    return judge_pair(skops, module, name, err);
}

/* getattr(operator, class)(...): what it makes calls a method of any name, or reaches any attribute. */
static int judge_operator(struct skops *skops, const struct node *node, struct error *err)
{
    const struct text_kept *module = &node->members[MEMBER_MODULE], *name = &node->members[MEMBER_CLASS];

    if (is_text(module, "operator") && is_text(name, "itemgetter"))
        return find_pair(skops, RULE_UNKNOWN, module, name, "", err);
    return find_pair(skops, RULE_OPERATOR, module, name, "", err);
}

/* The type of a function, as older versions write it in a FunctionNode's __class__. */
static bool is_function_type(const struct text_kept *name)
{
    return is_text(name, "function") || is_text(name, "ufunc") || is_text(name, "builtin_function_or_method");
}

/* A FunctionNode's function: named by __class__, by its content, or by an object in that. */
static int judge_function(struct skops *skops, const struct node *node, struct error *err)
{
    const struct text_kept *module = &node->members[MEMBER_MODULE], *name = &node->members[MEMBER_CLASS],
                           *content = &node->members[MEMBER_FUNCTION];
    int r = is_function_type(name) ? 0 : judge_pair(skops, module, name, err);

    if (r < 0 ||
        (content->given && content->size == name->size && memcmp(content->bytes, name->bytes, name->size) == 0))
        return r;
    return judge_pair(skops, module, content, err);
}

static bool is_type_of_types(const struct node *node)
{
    const struct text_kept *module = &node->members[MEMBER_MODULE], *name = &node->members[MEMBER_CLASS];

    return (is_text(module, "builtins") && (is_text(name, "type") || is_text(name, "NoneType"))) ||
           (is_text(module, "abc") && is_text(name, "ABCMeta"));
}

static int judge_node(struct skops *skops, const struct node *node, struct error *err)
{
    const struct text_kept *members = node->members, *method = &members[MEMBER_METHOD];
    int r = 0;

    if (members[MEMBER_PATH].given) /* in a FunctionNode's content */
        r = judge_pair(skops, &members[MEMBER_PATH], &members[MEMBER_FUNCTION], err);
    if (r == 0 && (holds(method, "__") || holds(method, "."))) /* in a MethodNode's */
        r = skops->failed = scan_find(skops->scan, skops->object, &rules[RULE_METHOD], method->offset, err, "%s: %s",
                                      path_of(skops), KEPT(*method));
    if (r < 0 || !members[MEMBER_CLASS].given)
        return r;
    if (is_text(&members[MEMBER_LOADER], "OperatorFuncNode"))
        return judge_operator(skops, node, err);
    if (is_text(&members[MEMBER_LOADER], "FunctionNode"))
        return judge_function(skops, node, err);
    if (is_text(&members[MEMBER_LOADER], "TypeNode") && is_type_of_types(node))
        return 0; /* in older versions the content names the type itself, and is judged as a node of its own */
    if (is_called(&members[MEMBER_LOADER]))
        return judge_call(skops, &members[MEMBER_MODULE], &members[MEMBER_CLASS], err);
    return judge_pair(skops, &members[MEMBER_MODULE], &members[MEMBER_CLASS], err);
}

/* --- the walk ------------------------------------------------------------------------------------------------- */

static int member_of(const struct json_event *event)
{
    static const struct {
        const char *key;
        enum member member;
    } keys[] = {
        {"__module__", MEMBER_MODULE}, {"__class__", MEMBER_CLASS},  {"__loader__", MEMBER_LOADER},
        {"function", MEMBER_FUNCTION}, {"content", MEMBER_FUNCTION}, /* of a FunctionNode */
        {"module_path", MEMBER_PATH},  {"func", MEMBER_METHOD},
    };

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (json_key_is(event, keys[i].key))
            return (int)keys[i].member;
    return -1;
}

static int note_member(struct skops *skops, const struct json_event *event, struct error *err)
{
    struct node *node = &skops->nodes[event->depth - 1];
    int member = member_of(event);
    struct text_kept *text;

    if (!node->is_object || member < 0)
        return 0;
    text = &node->members[member];
    if (text->given && member <= MEMBER_LOADER) {
        int r = judge_node(skops, node, err);

        if (r == 0)
            r = skops->failed = scan_find(skops->scan, skops->object, &rules[RULE_DUPLICATE], event->key_offset, err,
                                          "%s stands twice", path_of(skops));
        if (r < 0)
            return r;
    }
    text->given = true;
    text->offset = event->offset;
    text->cut = event->text_cut || event->text_size > sizeof text->bytes;
    text->size = (uint8_t)(event->text_size < sizeof text->bytes ? event->text_size : sizeof text->bytes);
    memcpy(text->bytes, event->text, text->size);
    return 0;
}

static int judge_text(void *argument, const struct json_event *event, const char *bytes, size_t size, struct error *err)
{
    struct skops *skops = argument;
    const char *what = "";
    size_t at;

    skops->event = event;
    if (code_text_judge(bytes, size, &at, &what) != CODE_TEXT_EXECUTES)
        return 0;
    return skops->failed = scan_find(skops->scan, skops->object, &rules[RULE_CODE], event->offset, err, "%s: %s",
                                     path_of(skops), what);
}

static int on_string(struct skops *skops, const struct json_event *event, struct error *err)
{
    int r = event->depth > 0 ? note_member(skops, event, err) : 0;

    if (r == 0 && !event->text_cut)
        r = judge_text(skops, event, event->text, event->text_size, err);
    if (r == 0 && event->text_size >= EMBEDDED_SIZE_MIN)
        r = skops->failed =
            scan_embedded(skops->scan, skops->object, "string", event->text, event->text_size, event->offset, err);
    if (event->text_cut)
        scan_skipped(skops->scan, skops->object, SCAN_GAP_BUDGET, event->offset, 0, "a string is longer than %u bytes",
                     JSON_TEXT_MAX);
    return r;
}

static int on_value(void *argument, const struct json_event *event, struct error *err)
{
    struct skops *skops = argument;

    skops->event = event;
    switch (event->kind) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        skops->nodes[event->depth].is_object = event->kind == JSON_OBJECT;
        for (unsigned i = 0; i < MEMBER_COUNT; i++)
            skops->nodes[event->depth].members[i].given = false;
        return 0;
    case JSON_OBJECT_END:
        return judge_node(skops, &skops->nodes[event->depth], err);
    case JSON_STRING:
        return on_string(skops, event, err);
    default:
        return 0;
    }
}

static int walk(struct skops *skops, struct error *err)
{
    const struct json_visitor visitor = {.value = on_value, .piece = judge_text, .argument = skops};
    struct error cause = {0};
    struct reader reader = reader_over(skops->object->source, 0, &cause);
    int r = json_walk(skops->scan, &reader, JSON_LENIENT, &visitor, &cause);

    if (skops->failed != 0) {
        if (err != NULL)
            *err = cause;
        return skops->failed;
    }
    scan_looked(skops->scan, reader_offset(&reader));
    if (r < 0)
        scan_skipped_for(skops->scan, skops->object, r, reader_offset(&reader), &cause);
    return 0;
}

/* --- the format ----------------------------------------------------------------------------------------------- */

/* Whether the outermost object says how it is loaded; more of the file need not be well-formed. */
static int survey_value(void *argument, const struct json_event *event, struct error *err)
{
    bool *has_loader = argument;

    (void)err;
    *has_loader |= event->depth == 1 && event->kind == JSON_STRING && json_key_is(event, "__loader__");
    return *has_loader ? 1 : 0;
}

static enum scan_match match_skops(struct scan *scan, const struct scan_object *object)
{
    (void)scan;
    if (object->role == SCAN_ROLE_PICKLE || object->role == SCAN_ROLE_WEIGHTS)
        return SCAN_MATCH_NO;
    return json_may_begin(object->source, 0) ? SCAN_MATCH_MAYBE : SCAN_MATCH_NO;
}

static int scan_skops(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    const uint64_t size = JSON_DEPTH_MAX * sizeof(struct node);
    struct skops skops = {.scan = scan, .object = object};
    struct error cause = {0};
    bool has_loader = false;
    const struct json_visitor visitor = {.value = survey_value, .argument = &has_loader};
    struct reader reader = reader_over(object->source, 0, NULL);
    int r = json_walk(scan, &reader, JSON_LENIENT, &visitor, NULL);

    if (!has_loader)
        return 0;
    *ret_recognised = true;
    r = scan_reserve(scan, size, &cause);
    if (r < 0) {
        scan_skipped_for(scan, object, r, 0, &cause);
        return 0;
    }
    skops.nodes = calloc(JSON_DEPTH_MAX, sizeof *skops.nodes);
    if (skops.nodes == NULL)
        r = error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to read a schema");
    else
        r = walk(&skops, err);
    free(skops.nodes);
    scan_release(scan, size);
    return r;
}

const struct scan_format scan_format_skops = {
    .name = "skops", .rules = rules, .rule_count = RULE_COUNT, .match = match_skops, .scan = scan_skops};
