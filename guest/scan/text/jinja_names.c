/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of names for the judging of templates. */
#include "guest/scan/text/jinja_names.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Between the two pairs of underscores. What every object has, and what leads from one to the process around it. */
static const char *const inner[] = {
    "class",         "mro",      "base",        "bases",         "subclasses", "globals",      "builtins",
    "builtin",       "import",   "init",        "getattr",       "dict",       "code",         "closure",
    "func",          "self",     "loader",      "spec",          "reduce",     "getitem",      "module",
    "call",          "new",      "wrapped",     "reduce_ex",     "traceback",  "context",      "cause",
    "kwdefaults",    "defaults", "dir",         "init_subclass", "format",     "getattribute", "subclasshook",
    "subclasscheck", "name",     "annotations", "file",          "path",       "enter",        "exit",
    "qualname",      "setattr",  "delattr",
};

static const char *const frames[] = {"func_globals", "func_code", "func_closure", "gi_frame",  "gi_code",
                                     "cr_frame",     "cr_code",   "ag_frame",     "f_globals", "f_builtins",
                                     "f_locals",     "f_back",    "f_code",       "tb_frame",  "im_func",
                                     "im_class",     "im_self",   "mro",          "co_consts"};

static const char *const frameworks[] = {"request", "current_app", "url_for", "get_flashed_messages", "lipsum", "chr",
                                         "vars",    "get_env_var", "environ"};

static const char *const modules[] = {"os",      "subprocess", "sys",    "importlib", "builtins", "posix",
                                      "nt",      "shutil",     "socket", "ctypes",    "pty",      "commands",
                                      "pathlib", "urllib",     "runpy",  "marshal",   "pickle"};

static const char *const functions[] = {"eval",     "exec",   "open",  "compile", "getattr", "setattr",      "delattr",
                                        "execfile", "system", "popen", "globals", "locals",  "import_module"};

static const char *const methods[] = {"popen",       "system",        "check_output",    "check_call",  "Popen",
                                      "getoutput",   "import_module", "exec_module",     "load_module", "execve",
                                      "execv",       "execvp",        "spawn",           "spawnl",      "spawnv",
                                      "startfile",   "read_text",     "write_text",      "read_bytes",  "write_bytes",
                                      "from_pyfile", "from_object",   "getstatusoutput", "urlopen",     "urlretrieve",
                                      "run_module",  "run_path",      "linecache",       "exec",        "eval"};

/* A match of `name` in `text` at hand, in any case; read backwards where `step` is -1. */
static bool same(const char *text, const char *name, size_t size, bool backwards)
{
    for (size_t i = 0; i < size; i++)
        if (tolower((unsigned char)text[i]) != name[backwards ? size - 1 - i : i])
            return false;
    return true;
}

static bool is_inner(const char *text, size_t size)
{
    for (size_t i = 0; i < COUNT(inner); i++)
        if (strlen(inner[i]) == size && (same(text, inner[i], size, false) || same(text, inner[i], size, true)))
            return true;
    return false;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* From every pair of underscores to the next one. */
bool jinja_names_inner(const char *text, size_t size)
{
    for (size_t i = 0; i + 4 < size; i++) {
        size_t end = i + 2;

        if (text[i] != '_' || text[i + 1] != '_')
            continue;
        while (end + 1 < size && is_word(text[end]) && !(text[end] == '_' && text[end + 1] == '_'))
            end++;
        if (end + 1 < size && text[end] == '_' && text[end + 1] == '_' && is_inner(text + i + 2, end - i - 2))
            return true;
        i = end > i + 2 ? end - 1 : i;
    }
    return false;
}

bool jinja_is_piece(const char *text, size_t size)
{
    size_t letters = 0;

    if (size < 3 || size > 40)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (!is_word(text[i]))
            return false;
        letters += islower((unsigned char)text[i]) != 0;
    }
    return letters > 0 && ((text[0] == '_' && text[1] == '_') || (text[size - 1] == '_' && text[size - 2] == '_'));
}

static bool is_in(const char *const *table, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i], name) == 0)
            return true;
    return false;
}

bool jinja_is_frame_name(const char *name)
{
    return is_in(frames, COUNT(frames), name);
}

bool jinja_is_framework_name(const char *name)
{
    return is_in(frameworks, COUNT(frameworks), name);
}

bool jinja_is_system_module(const char *name)
{
    return is_in(modules, COUNT(modules), name);
}

bool jinja_is_system_call(const char *name, bool attribute)
{
    return attribute ? is_in(methods, COUNT(methods), name) : is_in(functions, COUNT(functions), name);
}
