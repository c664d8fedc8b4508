/* SPDX-License-Identifier: Apache-2.0 */
/* Judging entries of configurations. */
#include "guest/scan/config.h"

#include "guest/scan/metadata.h"
#include "guest/scan/pickle/globals.h"
#include "guest/scan/text.h"

#include <string.h>
#include <strings.h>

#define SHOWN 100u /* bytes of a name that a finding shows */

const struct scan_rule config_rules[CONFIG_RULES] = {
    [CONFIG_TARGET] = {"config-target", SCAN_HIGH, "A loader that makes objects of configurations calls it."},
    [CONFIG_TARGET_UNKNOWN] = {"config-target-unknown", SCAN_MEDIUM,
                               "A loader that makes objects of configurations calls a function that is not known."},
    [CONFIG_REMOTE_CODE] = {"config-remote-code", SCAN_MEDIUM,
                            "A loader that trusts the model's own code imports it from where this says."},
    [CONFIG_YAML_OBJECT] = {"config-yaml-object", SCAN_HIGH, "A loader of YAML that makes objects calls it."},
    [CONFIG_YAML_UNKNOWN] = {"config-yaml-unknown", SCAN_MEDIUM,
                             "A loader of YAML that makes objects makes one that is not known."},
    [CONFIG_NOTEBOOK] = {"config-notebook", SCAN_MEDIUM, "A notebook runs its cells for who opens it and says so."},
    [CONFIG_BUILD_HOOK] = {"config-build-hook", SCAN_MEDIUM, "Installing the package runs the command."},
    [CONFIG_YAML_EXPANSION] = {"config-yaml-expansion", SCAN_HIGH,
                               "Who walks over what the anchors stand for takes time and memory without end."},
    [CONFIG_LIBRARY] = {"config-library", SCAN_HIGH, "A loader loads the library, which runs what is in it."},
};

static bool is_key(const char *key, size_t size, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(keys[i]) == size && memcmp(keys[i], key, size) == 0)
            return true;
    return false;
}

/* Keys whose value is a path that is called or imported. */
static bool names_callee(const char *key, size_t size)
{
    static const char *const keys[] = {"_target_",     "class_path",  "_class_path_", "_callable_",   "__target__",
                                       "callable",     "target",      "entry_point",  "factory",      "_func_",
                                       "loss_fn_path", "import_path", "()",           "object_class", "_fn_"};

    return is_key(key, size, keys, sizeof keys / sizeof keys[0]);
}

/* Keys by which a loader is told to import code that comes with the model. */
static bool names_code(const char *key, size_t size)
{
    static const char *const keys[] = {"custom_pipeline", "custom_pipelines", "trust_remote_code", "remote_code",
                                       "custom_code",     "code_revision",    "module_file"};

    return is_key(key, size, keys, sizeof keys / sizeof keys[0]);
}

/* Keys under which a path of a shared library stands. */
static bool names_library(const char *key, size_t size)
{
    static const char *const keys[] = {"library",        "lib",        "lib_path",          "library_path",
                                       "plugin_library", "custom_ops", "shared_object",     "extension_library",
                                       "op_library",     "so_path",    "custom_op_library", "driver_library"};

    return is_key(key, size, keys, sizeof keys / sizeof keys[0]);
}

static bool ends_as_library(const char *value, size_t size)
{
    static const char *const ends[] = {".so", ".dll", ".dylib", ".pyd"};

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t length = strlen(ends[i]);

        if (size > length && strncasecmp(value + size - length, ends[i], length) == 0)
            return true;
    }
    return false;
}

enum config_callee config_judge_pair(const char *module, size_t module_size, const char *name, size_t name_size)
{
    switch (global_judge(module, module_size, name, name_size, NULL)) {
    case GLOBAL_DANGEROUS:
    case GLOBAL_ALLOWED_LOADS:   /* of a configuration: unpickles what someone wrote */
    case GLOBAL_ALLOWED_GETATTR: /* with a name that is not seen */
        return CONFIG_CALLEE_DANGEROUS;
    case GLOBAL_UNKNOWN:
        return global_is_class_name(name, name_size) ? CONFIG_CALLEE_UNKNOWN_CLASS : CONFIG_CALLEE_UNKNOWN;
    default:
        return CONFIG_CALLEE_FINE;
    }
}

/* A path of Python's: words and dots, at least one of these. */
static bool is_path(const char *path, size_t size)
{
    bool dot = false;

    for (size_t i = 0; i < size; i++) {
        char c = path[i];

        dot = dot || c == '.';
        if (c != '.' && c != '_' && !(c >= '0' && c <= '9') && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
            return false;
    }
    return dot && path[0] != '.' && path[size - 1] != '.';
}

enum config_callee config_judge_path(const char *path, size_t size)
{
    const char *dot;

    if (size == 0 || !is_path(path, size))
        return size == 4 && (memcmp(path, "eval", 4) == 0 || memcmp(path, "exec", 4) == 0) ? CONFIG_CALLEE_DANGEROUS
                                                                                           : CONFIG_CALLEE_FINE;
    dot = memrchr(path, '.', size);
    return config_judge_pair(path, (size_t)(dot - path), dot + 1, size - (size_t)(dot - path) - 1);
}

int config_call(struct scan *scan, const struct scan_object *object, const char *how, const char *path, size_t size,
                enum config_callee callee, uint64_t offset, struct error *err)
{
    enum config_rule rule = callee == CONFIG_CALLEE_DANGEROUS ? CONFIG_TARGET : CONFIG_TARGET_UNKNOWN;

    if (callee == CONFIG_CALLEE_FINE || callee == CONFIG_CALLEE_UNKNOWN_CLASS)
        return 0;
    return scan_find(scan, object, &config_rules[rule], offset, err, "%s: %s", how,
                     TEXT(path, size < SHOWN ? size : SHOWN));
}

/* The entry's key says what a loader does with its value. 1: that is all there is to say of it. */
static int judge_key(struct scan *scan, const struct scan_object *object, const char *key, size_t key_size,
                     const char *value, size_t size, uint64_t offset, struct error *err)
{
    static const char *const hooks[] = {"preinstall", "install", "postinstall"};
    const char *shown = TEXT(key, key_size < SHOWN ? key_size : SHOWN);

    if (names_callee(key, key_size))
        return config_call(scan, object, shown, value, size, config_judge_path(value, size), offset, err);
    if (names_code(key, key_size) && size > 0 && !(size == 5 && strncasecmp(value, "false", 5) == 0))
        return scan_find(scan, object, &config_rules[CONFIG_REMOTE_CODE], offset, err, "%s: %s", shown,
                         TEXT(value, size < SHOWN ? size : SHOWN));
    if (names_library(key, key_size) && ends_as_library(value, size))
        return scan_find(scan, object, &config_rules[CONFIG_LIBRARY], offset, err, "%s: %s", shown,
                         TEXT(value, size < SHOWN ? size : SHOWN));
    if (is_key(key, key_size, hooks, sizeof hooks / sizeof hooks[0]) && memchr(value, ' ', size) != NULL)
        return scan_find(scan, object, &config_rules[CONFIG_BUILD_HOOK], offset, err, "%s: %s", shown,
                         TEXT(value, size < SHOWN ? size : SHOWN));
    return 0;
}

int config_entry(struct scan *scan, const struct scan_object *object, const char *key, size_t key_size,
                 const char *value, size_t value_size, uint64_t offset, struct error *err)
{
    int r = judge_key(scan, object, key, key_size, value, value_size, offset, err);

    return r < 0 ? r : metadata_find(scan, object, key, key_size, value, value_size, offset, err);
}
