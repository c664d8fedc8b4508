/* SPDX-License-Identifier: Apache-2.0 */
/* Paths and operators' names. */
#include "guest/scan/text/names.h"

#include <stdbool.h>
#include <string.h>

#define WORD_SIZE_MAX 16u

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_letter(char c)
{
    return is_upper(c) || is_lower(c);
}

static bool is_separator(char c)
{
    return c == '/' || c == '\\';
}

bool names_end_with(const void *name, size_t size, const char *end)
{
    size_t end_size = strlen(end);

    return size >= end_size && memcmp((const char *)name + size - end_size, end, end_size) == 0;
}

/* At least two letters before the colon, and a slash behind it, as file systems of the frameworks take it. */
bool names_is_url(const void *text, size_t size)
{
    const char *path = text;
    size_t at = 0;

    while (at < size && (is_letter(path[at]) || (path[at] >= '0' && path[at] <= '9') || path[at] == '+' ||
                         path[at] == '.' || path[at] == '-'))
        at++;
    return at >= 2 && at + 1 < size && path[at] == ':' && path[at + 1] == '/';
}

static bool has_parent(const char *path, size_t size)
{
    for (size_t at = 0; at + 2 <= size; at++)
        if (path[at] == '.' && path[at + 1] == '.' && (at == 0 || is_separator(path[at - 1])) &&
            (at + 2 == size || is_separator(path[at + 2])))
            return true;
    return false;
}

const char *names_path_leaves(const void *bytes, size_t size)
{
    const char *path = bytes;

    if (size == 0)
        return NULL;
    if (memchr(path, '\0', size) != NULL)
        return "a NUL";
    if (is_separator(path[0]))
        return "an absolute path";
    if (has_parent(path, size))
        return "a parent folder";
    if (names_is_url(path, size))
        return "a URL";
    if (size >= 2 && is_letter(path[0]) && path[1] == ':')
        return "a drive";
    if (path[0] == '~')
        return "a home folder";
    return memchr(path, '\\', size) != NULL ? "a backslash" : NULL;
}

/* What runs code, starts programs, or reaches files or a network. */
static const char *const reaching_words[] = {
    "bash",   "cmd",        "command", "curl",   "dlopen",     "dll",        "download", "env",    "environ",
    "eval",   "exec",       "execute", "file",   "files",      "getenv",     "grpc",     "http",   "https",
    "inject", "javascript", "lua",     "popen",  "powershell", "py",         "pyfunc",   "python", "remote",
    "rpc",    "script",     "shell",   "socket", "spawn",      "subprocess", "syscall",  "system", "tcp",
    "udp",    "upload",     "url",     "wasm",   "wget",
};

static const char *find_word(const char *word)
{
    for (size_t i = 0; i < sizeof reaching_words / sizeof reaching_words[0]; i++)
        if (strcmp(word, reaching_words[i]) == 0)
            return reaching_words[i];
    return NULL;
}

/* A word ends where punctuation does it, at a capital behind a small letter, and at the last of several capitals. */
static bool ends_word(const char *name, size_t size, size_t at)
{
    if (at + 1 == size || !is_letter(name[at + 1]))
        return true;
    if (is_lower(name[at]))
        return is_upper(name[at + 1]);
    return is_upper(name[at + 1]) && at + 2 < size && is_lower(name[at + 2]);
}

const char *names_operator_reaches(const void *bytes, size_t size)
{
    const char *name = bytes;
    char word[WORD_SIZE_MAX];
    size_t used = 0;

    for (size_t at = 0; at < size; at++) {
        if (!is_letter(name[at])) {
            used = 0;
            continue;
        }
        if (used < sizeof word)
            word[used] = is_upper(name[at]) ? (char)(name[at] - 'A' + 'a') : name[at];
        used++;
        if (ends_word(name, size, at)) {
            if (used < sizeof word) {
                const char *found;

                word[used] = '\0';
                found = find_word(word);
                if (found != NULL)
                    return found;
            }
            used = 0;
        }
    }
    return NULL;
}
