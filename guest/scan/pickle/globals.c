/* SPDX-License-Identifier: Apache-2.0 */
/* The judgement of a pickle's globals by the tables. */
#include "guest/scan/pickle/globals.h"

#include "guest/scan/pickle/globals_table.h"

#include <string.h>

#define PAIR_MAX (2 * GLOBAL_NAME_MAX + 64) /* bytes of "module name", as it is and after it is normalised */

/* A pair under judgement. */
struct pair {
    const char *module, *name;
    size_t module_size, name_size;
    char moved[PAIR_MAX]; /* what the two point into where they were normalised */
};

/* --- today's names ------------------------------------------------------------------------------------ */

static void set_module(struct pair *pair, const char *prefix, const char *rest, size_t rest_size)
{
    size_t size = strlen(prefix);

    memmove(pair->moved + size, rest, rest_size); /* the rest may stand in `moved` already */
    memcpy(pair->moved, prefix, size);
    pair->module = pair->moved;
    pair->module_size = size + rest_size;
}

/* Python 2's names, as the unpickler's fix_imports has them: a pair first, then a module. */
static void normalise_python2(struct pair *pair)
{
    char key[PAIR_MAX];
    const char *found;

    memcpy(key, pair->module, pair->module_size);
    key[pair->module_size] = ' ';
    memcpy(key + pair->module_size + 1, pair->name, pair->name_size);
    found = global_text_find(&globals_python2_names, key, pair->module_size + 1 + pair->name_size);
    if (found != NULL) {
        const char *blank = strchr(found, ' ');

        pair->module = found;
        pair->module_size = (size_t)(blank - found);
        pair->name = blank + 1;
        pair->name_size = strlen(blank + 1);
        return;
    }
    found = global_text_find(&globals_python2_modules, pair->module, pair->module_size);
    if (found != NULL) {
        pair->module = found;
        pair->module_size = strlen(found);
    }
}

/* Packages that are found at another place now: the longest path that the table has is replaced. */
static void normalise_moved(struct pair *pair)
{
    for (size_t size = pair->module_size; size > 0; size--) {
        const char *found;

        if (size < pair->module_size && pair->module[size] != '.')
            continue;
        found = global_text_find(&globals_moved, pair->module, size);
        if (found != NULL) {
            set_module(pair, found, pair->module + size, pair->module_size - size);
            return;
        }
    }
}

/* --- lookups ------------------------------------------------------------------------------------------ */

static const struct global_module *find_module(const struct global_group *group, const struct pair *pair)
{
    uint32_t low = 0, high = group->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = global_text_compare(pair->module, pair->module_size, group->modules[middle].module);

        if (order == 0)
            return &group->modules[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static const struct global_table *find_table(const struct pair *pair)
{
    const char *dot = memchr(pair->module, '.', pair->module_size);
    size_t size = dot != NULL ? (size_t)(dot - pair->module) : pair->module_size;
    uint32_t low = 0, high = global_package_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = global_text_compare(pair->module, size, global_packages[middle].package);

        if (order == 0)
            return global_packages[middle].table;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static enum global_class find_in(const struct global_table *table, const struct pair *pair, const char **ret_reason)
{
    for (; table != NULL; table = table->more)
        for (uint32_t i = 0; i < table->count; i++) {
            const struct global_module *module = find_module(&table->groups[i], pair);

            if (module != NULL && global_names_have(module->names, pair->name, pair->name_size)) {
                *ret_reason = table->groups[i].reason;
                return table->groups[i].class;
            }
        }
    return GLOBAL_UNKNOWN;
}

/* A module of the dangerous, or below one. */
static const char *dangerous_module(const struct pair *pair)
{
    for (size_t size = pair->module_size; size > 0; size--) {
        const char *found;

        if (size < pair->module_size && pair->module[size] != '.')
            continue;
        found = global_text_find(&globals_dangerous_modules, pair->module, size);
        if (found != NULL)
            return found;
    }
    return NULL;
}

/* A package's own copy of a module that is dangerous wherever it is ("six.moves.cPickle", "gevent.subprocess"). */
static const char *dangerous_part(const struct pair *pair)
{
    for (size_t at = 0; at < pair->module_size;) {
        const char *dot = memchr(pair->module + at, '.', pair->module_size - at);
        size_t end = dot != NULL ? (size_t)(dot - pair->module) : pair->module_size;
        const char *found = global_text_find(&globals_dangerous_parts, pair->module + at, end - at);

        if (found != NULL)
            return found;
        at = end + 1;
    }
    return NULL;
}

static bool is_machinery(const char *name, size_t size)
{
    return size > 4 && memcmp(name, "__", 2) == 0 && memcmp(name + size - 2, "__", 2) == 0;
}

static const char *module_named(const char *name, size_t size)
{
    while (size > 1 && name[0] == '_') { /* as modules import them for themselves: "_os", "_sys" */
        name++;
        size--;
    }
    return global_text_find(&globals_module_names, name, size);
}

static const char *dangerous_name(const char *name, size_t size)
{
    const char *found = global_text_find(&globals_dangerous_names, name, size);

    if (found == NULL && is_machinery(name, size))
        found = "reaches into how Python itself keeps modules, classes and functions";
    return found != NULL ? found : module_named(name, size);
}

/* A name without dots that no table has. */
static const char *dangerous_pair(const struct pair *pair)
{
    const char *found = dangerous_module(pair);

    if (found == NULL)
        found = dangerous_name(pair->name, pair->name_size);
    return found != NULL ? found : dangerous_part(pair);
}

static bool is_below(const struct pair *pair, const char *root, size_t size)
{
    return pair->module_size >= size && memcmp(pair->module, root, size) == 0 &&
           (pair->module_size == size || pair->module[size] == '.');
}

/* A class of the archive's own TorchScript, which Python has no module for; those of torch.classes are of C++. */
static bool is_torchscript(const struct pair *pair)
{
    static const char root[] = "__torch__", native[] = "__torch__.torch.classes";

    return is_below(pair, root, sizeof root - 1) && !is_below(pair, native, sizeof native - 1) &&
           !is_machinery(pair->name, pair->name_size);
}

static enum global_class judge_plain(const struct pair *pair, const char **ret_reason)
{
    enum global_class class = find_in(find_table(pair), pair, ret_reason);
    const char *found;

    if (class == GLOBAL_UNKNOWN && is_torchscript(pair)) {
        *ret_reason = "a class that torch.jit compiles from the archive's code, which is looked at by itself";
        return GLOBAL_ALLOWED_CLASS;
    }
    if (class == GLOBAL_UNKNOWN)
        class = find_in(&globals_dangerous, pair, ret_reason);
    if (class != GLOBAL_UNKNOWN)
        return class;
    found = dangerous_pair(pair);
    if (found == NULL)
        return GLOBAL_UNKNOWN;
    *ret_reason = found;
    return GLOBAL_DANGEROUS;
}

/* --- names with dots ---------------------------------------------------------------------------------- */

/* The path of the module and the first `size` bytes of the name. */
static void join(const struct pair *pair, size_t size, struct pair *ret_path)
{
    memcpy(ret_path->moved, pair->module, pair->module_size);
    ret_path->module = ret_path->moved;
    ret_path->module_size = pair->module_size;
    if (size > 0) {
        ret_path->moved[ret_path->module_size++] = '.';
        memcpy(ret_path->moved + ret_path->module_size, pair->name, size);
        ret_path->module_size += size;
    }
}

/* The part [at, end) of the name: by itself, and as an attribute of the path before it. */
static const char *dangerous_step(const struct pair *pair, size_t at, size_t end)
{
    struct pair step;
    const char *found = dangerous_name(pair->name + at, end - at), *part = pair->name + at;
    size_t size = end - at;

    if (found != NULL)
        return found;
    while (size > 1 && part[0] == '_') {
        part++;
        size--;
    }
    if (end < pair->name_size) { /* what is looked into may be the module of that name */
        found = global_text_find(&globals_dangerous_modules, part, size);
        if (found != NULL)
            return found;
    }
    join(pair, at > 0 ? at - 1 : 0, &step);
    step.name = pair->name + at;
    step.name_size = end - at;
    return find_in(&globals_dangerous, &step, &found) == GLOBAL_DANGEROUS ? found : NULL;
}

static bool is_constant_name(const char *name, size_t size)
{
    if (size == 0 || name[0] < 'A' || name[0] > 'Z')
        return false;
    for (size_t i = 0; i < size; i++)
        if (!(name[i] >= 'A' && name[i] <= 'Z') && !(name[i] >= '0' && name[i] <= '9') && name[i] != '_')
            return false;
    return true;
}

/* "HubStrategy.EVERY_SAVE": Python 3.11 pickles members of enumerations as attributes of their class. */
static bool is_member(const struct pair *pair, const struct pair *class)
{
    size_t size = class->name_size + 1;
    const char *reason;

    return is_constant_name(pair->name + size, pair->name_size - size) &&
           find_in(find_table(class), class, &reason) != GLOBAL_UNKNOWN;
}

static enum global_class judge_dotted(const struct pair *pair, const char **ret_reason)
{
    const char *last = memrchr(pair->name, '.', pair->name_size), *reason = NULL, *found;
    struct pair path, first = {.module = pair->module, .module_size = pair->module_size, .name = pair->name};

    first.name_size = (size_t)((const char *)memchr(pair->name, '.', pair->name_size) - pair->name);
    if (is_member(pair, &first)) {
        *ret_reason = "a constant of a class that is allowed";
        return GLOBAL_ALLOWED_CALL;
    }
    join(pair, (size_t)(last - pair->name), &path);
    found = dangerous_module(&path);
    if (found == NULL)
        found = dangerous_part(pair);
    for (size_t at = 0; found == NULL && at <= pair->name_size;) {
        const char *dot = at < pair->name_size ? memchr(pair->name + at, '.', pair->name_size - at) : NULL;
        size_t end = dot != NULL ? (size_t)(dot - pair->name) : pair->name_size;

        found = dangerous_step(pair, at, end);
        at = end + 1;
    }
    if (found != NULL) {
        *ret_reason = found;
        return GLOBAL_DANGEROUS;
    }
    if (judge_plain(&first, &reason) != GLOBAL_UNKNOWN || global_is_class_name(first.name, first.name_size))
        return GLOBAL_UNKNOWN; /* an attribute of a class */
    *ret_reason = "goes through an attribute of a module that is no class that is known";
    return GLOBAL_DANGEROUS;
}

static size_t count_dots(const char *text, size_t size)
{
    size_t count = 0;

    for (size_t i = 0; i < size; i++)
        count += text[i] == '.';
    return count;
}

/* --- the calls ---------------------------------------------------------------------------------------- */

enum global_class global_judge(const char *module, size_t module_size, const char *name, size_t name_size,
                               const char **ret_reason)
{
    struct pair pair = {.module = module, .module_size = module_size, .name = name, .name_size = name_size};
    const char *ignored;

    if (ret_reason == NULL)
        ret_reason = &ignored;
    *ret_reason = "no table of known globals has it";
    if (module_size == 0 || name_size == 0)
        return GLOBAL_UNKNOWN;
    if (module_size > GLOBAL_NAME_MAX || name_size > GLOBAL_NAME_MAX ||
        count_dots(module, module_size) > GLOBAL_DOTS_MAX || count_dots(name, name_size) > GLOBAL_DOTS_MAX) {
        *ret_reason = "no module or class has a name of that length or depth";
        return GLOBAL_DANGEROUS;
    }
    normalise_python2(&pair);
    normalise_moved(&pair);
    if (memchr(pair.name, '.', pair.name_size) != NULL) {
        enum global_class class = find_in(find_table(&pair), &pair, ret_reason);

        return class != GLOBAL_UNKNOWN ? class : judge_dotted(&pair, ret_reason);
    }
    return judge_plain(&pair, ret_reason);
}

enum global_class global_judge_attribute(const char *module, size_t module_size, const char *name, size_t name_size,
                                         const char *attribute, size_t attribute_size, const char **ret_reason)
{
    char dotted[2 * GLOBAL_NAME_MAX + 1];

    if (name_size > GLOBAL_NAME_MAX || attribute_size > GLOBAL_NAME_MAX)
        return global_judge(module, module_size, name, GLOBAL_NAME_MAX + 1, ret_reason);
    memcpy(dotted, name, name_size);
    dotted[name_size] = '.';
    memcpy(dotted + name_size + 1, attribute, attribute_size);
    return global_judge(module, module_size, dotted, name_size + 1 + attribute_size, ret_reason);
}

bool global_is_class_name(const char *name, size_t name_size)
{
    for (size_t at = name_size; at > 0; at--)
        if (name[at - 1] == '.') {
            name += at;
            name_size -= at;
            break;
        }
    while (name_size > 0 && name[0] == '_') {
        name++;
        name_size--;
    }
    return name_size > 0 && name[0] >= 'A' && name[0] <= 'Z';
}

const char *global_class_name(enum global_class class)
{
    static const char *const names[GLOBAL_CLASS_COUNT] = {
        [GLOBAL_UNKNOWN] = "unknown",
        [GLOBAL_DANGEROUS] = "dangerous",
        [GLOBAL_ALLOWED_CLASS] = "allowed class",
        [GLOBAL_ALLOWED_CALL] = "allowed call",
        [GLOBAL_ALLOWED_REBUILD] = "allowed rebuild",
        [GLOBAL_ALLOWED_APPLY] = "allowed apply",
        [GLOBAL_ALLOWED_PARTIAL] = "allowed partial",
        [GLOBAL_ALLOWED_TYPE] = "allowed type",
        [GLOBAL_ALLOWED_GETATTR] = "allowed getattr",
        [GLOBAL_ALLOWED_ENCODE] = "allowed encode",
        [GLOBAL_ALLOWED_LOADS] = "allowed loads",
        [GLOBAL_ALLOWED_IMPORT] = "allowed import",
    };

    return names[class];
}
