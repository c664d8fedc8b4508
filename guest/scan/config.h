/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an entry of a configuration makes a loader do, whatever the configuration is written in.
 *
 * Loaders take names of Python's objects from configurations and call them: Hydra's _target_, Lightning's class_path,
 * transformers' auto_map, skops' __module__ and __class__. Names are judged as a pickle's globals are.
 */
#ifndef LAZARET_GUEST_SCAN_CONFIG_H
#define LAZARET_GUEST_SCAN_CONFIG_H

#include "guest/scan/scan.h"

#include <stddef.h>

#define CONFIG_RULES 9u

enum config_rule {
    CONFIG_TARGET,         /* a callable that runs code */
    CONFIG_TARGET_UNKNOWN, /* a function that is not known */
    CONFIG_REMOTE_CODE,    /* the model brings code of its own */
    CONFIG_YAML_OBJECT,    /* a tag of YAML that calls what runs code */
    CONFIG_YAML_UNKNOWN,   /* a tag of YAML that makes an object that is not known */
    CONFIG_NOTEBOOK,
    CONFIG_BUILD_HOOK,     /* commands that a package runs when it is installed */
    CONFIG_YAML_EXPANSION, /* anchors of anchors */
    CONFIG_LIBRARY,        /* a path of a library that is loaded */
};

extern const struct scan_rule config_rules[CONFIG_RULES];

/* One entry with a text as its value, decoded. Findings are put at `offset`. */
MUST_USE int config_entry(struct scan *scan, const struct scan_object *object, const char *key, size_t key_size,
                          const char *value, size_t value_size, uint64_t offset, struct error *err);

/* What calls of names have in common, the loader's own words for them in `how`. */
enum config_callee { CONFIG_CALLEE_FINE, CONFIG_CALLEE_UNKNOWN_CLASS, CONFIG_CALLEE_UNKNOWN, CONFIG_CALLEE_DANGEROUS };

/* A path of Python's, "os.system": the module up to the last dot, and what is in it. */
enum config_callee config_judge_path(const char *path, size_t size);
enum config_callee config_judge_pair(const char *module, size_t module_size, const char *name, size_t name_size);

/* A path that a loader calls: told where it is not fine. A class that is not known is the model's own business. */
MUST_USE int config_call(struct scan *scan, const struct scan_object *object, const char *how, const char *path,
                         size_t size, enum config_callee callee, uint64_t offset, struct error *err);

#endif
