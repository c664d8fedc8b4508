/* SPDX-License-Identifier: Apache-2.0 */
/* PyTorch's archives in zip: what a member's name means to torch. */
#include "guest/scan/archive/torch_zip.h"

#include <string.h>
#include <strings.h>

/* The part of a name after its last slash. */
static const char *last_part(const char *name)
{
    const char *slash = strrchr(name, '/');

    return slash != NULL ? slash + 1 : name;
}

static bool ends_with(const char *text, const char *end)
{
    size_t text_size = strlen(text), end_size = strlen(end);

    return text_size >= end_size && strcasecmp(text + text_size - end_size, end) == 0;
}

bool torch_zip_is_pickle(const char *name)
{
    static const char *const names[] = {"data.pkl", "constants.pkl", "bytecode.pkl", "traced_inputs.pkl",
                                        "mobile_debug_handles.pkl"};
    const char *last = last_part(name);

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcasecmp(last, names[i]) == 0)
            return true;
    return ends_with(last, ".debug_pkl");
}

bool torch_zip_is_weights(const char *name)
{
    const char *last = last_part(name);
    size_t folder = (size_t)(last - name);

    if (*last == '\0' || last[strspn(last, "0123456789")] != '\0')
        return false;
    return (folder >= 5 && strncasecmp(last - 5, "data/", 5) == 0 && (folder == 5 || last[-6] == '/')) ||
           (folder >= 10 && strncasecmp(last - 10, "constants/", 10) == 0 && (folder == 10 || last[-11] == '/'));
}

bool torch_zip_is_code(const char *name)
{
    const char *code = strcasestr(name, "code/");

    return code != NULL && (code == name || code[-1] == '/') && ends_with(name, ".py");
}
