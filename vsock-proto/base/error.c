/* SPDX-License-Identifier: Apache-2.0 */
/* The error object. */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

int error_set(struct error *err, enum error_kind kind, int code, const char *format, ...)
{
    va_list arguments;

    if (err == NULL)
        return code;
    err->kind = kind;
    err->code = code;
    va_start(arguments, format);
    (void)vsnprintf(err->text, sizeof err->text, format, arguments);
    va_end(arguments);
    return code;
}

int error_prefix(struct error *err, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list arguments;
    size_t used;

    if (err == NULL)
        return 0;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    used = strlen(text);
    (void)snprintf(text + used, sizeof text - used, ": %s", err->text);
    memcpy(err->text, text, sizeof text);
    return err->code;
}

int error_exit_status(enum error_kind kind)
{
    switch (kind) {
    case ERROR_NONE:
        return 0;
    case ERROR_GUEST:
        return 3;
    case ERROR_MISMATCH:
        return 4;
    case ERROR_USAGE:
        return 64;
    case ERROR_BAD_INPUT:
        return 65;
    case ERROR_NO_INPUT:
        return 66;
    case ERROR_UNAVAILABLE:
        return 69;
    case ERROR_INTERNAL:
        break;
    }
    return 70;
}
