/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: pickle-trace FILE
 * What the machine does with each of many pickles, for the differential test. FILE: for each, 'B' (loaded from bytes)
 * or 'F' (from a file), its size in 4 bytes, little-endian, and its bytes. Prints a line an event and, at the end of
 * each pickle, "end", how, and at which offset.
 */
#include "guest/scan/pickle/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[PICKLE_KIND_COUNT] = {
    [PICKLE_ABSENT] = "absent",     [PICKLE_OPAQUE] = "?",      [PICKLE_NONE] = "NoneType",
    [PICKLE_BOOL] = "bool",         [PICKLE_INT] = "int",       [PICKLE_FLOAT] = "float",
    [PICKLE_STR] = "str",           [PICKLE_BYTES] = "bytes",   [PICKLE_BYTEARRAY] = "bytearray",
    [PICKLE_BUFFER] = "memoryview", [PICKLE_TUPLE] = "tuple",   [PICKLE_LIST] = "list",
    [PICKLE_DICT] = "dict",         [PICKLE_SET] = "set",       [PICKLE_FROZENSET] = "frozenset",
    [PICKLE_GLOBAL] = "object",     [PICKLE_RESULT] = "object", [PICKLE_PERSISTENT] = "object",
    [PICKLE_EXTENSION] = "object",
};

static void print_text(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    for (size_t i = 0; i < size; i++)
        printf("%02x", at[i]);
}

/* A value as the other side can say it too: its type, and what is certain of it. */
static void print_value(struct pickle_machine *machine, pickle_value value)
{
    uint8_t text[256];
    bool whole = false;
    uint64_t count;
    uint32_t kept;
    int64_t number;
    size_t size;

    printf("%s", kinds[pickle_kind_of(value)]);
    switch (pickle_kind_of(value)) {
    case PICKLE_INT:
        if (pickle_int_of(value, &number))
            printf("=%lld", (long long)number);
        break;
    case PICKLE_STR:
    case PICKLE_BYTES:
        if (pickle_text_of(machine, value, text, sizeof text, &size, &whole, NULL) == 0 && whole) {
            printf("=");
            print_text(text, size);
        }
        break;
    case PICKLE_TUPLE:
    case PICKLE_LIST:
        if (pickle_items_of(machine, value, &count, &kept))
            printf("=%llu", (unsigned long long)count);
        break;
    default:
        break;
    }
}

static int on_global(void *argument, struct pickle_machine *machine, const struct pickle_global *global,
                     unsigned *ret_mark, struct error *err)
{
    (void)argument;
    (void)machine;
    (void)ret_mark;
    (void)err;
    printf("global ");
    print_text(global->module, global->module_size);
    printf(" ");
    print_text(global->name, global->name_size);
    printf("\n");
    return 0;
}

static void print_items(struct pickle_machine *machine, pickle_value items)
{
    uint64_t count;
    uint32_t kept;

    if (!pickle_items_of(machine, items, &count, &kept))
        return;
    for (uint32_t i = 0; i < kept && i < 4; i++) {
        printf(" ");
        print_value(machine, pickle_item_of(machine, items, i));
    }
}

static int on_call(void *argument, struct pickle_machine *machine, const struct pickle_call_event *call,
                   unsigned *ret_mark, struct error *err)
{
    bool makes = call->how == PICKLE_CALL_NEWOBJ || call->how == PICKLE_CALL_NEWOBJ_EX ||
                 (call->how != PICKLE_CALL_REDUCE && call->count == 0);

    (void)argument;
    (void)ret_mark;
    (void)err;
    printf("%s %u", makes ? "new" : "call", call->count);
    print_items(machine, call->arguments);
    printf("\n");
    return 0;
}

static int on_change(void *argument, struct pickle_machine *machine, const struct pickle_change_event *change,
                     struct error *err)
{
    static const char *const names[] = {[PICKLE_CHANGE_BUILD] = "build",
                                        [PICKLE_CHANGE_SETITEM] = "setitem",
                                        [PICKLE_CHANGE_APPEND] = "extend",
                                        [PICKLE_CHANGE_ADD] = "add"};

    (void)argument;
    (void)err;
    printf("%s", names[change->how]);
    if (change->how == PICKLE_CHANGE_BUILD) {
        printf(" ");
        print_value(machine, change->state);
    } else {
        printf(" %llu", (unsigned long long)change->count);
    }
    printf("\n");
    return 0;
}

static int on_persistent(void *argument, struct pickle_machine *machine, pickle_value id, uint64_t offset,
                         unsigned *ret_mark, struct error *err)
{
    (void)argument;
    (void)offset;
    (void)ret_mark;
    (void)err;
    printf("persistent ");
    print_value(machine, id);
    printf("\n");
    return 0;
}

static int on_extension(void *argument, struct pickle_machine *machine, uint32_t code, uint64_t offset,
                        unsigned *ret_mark, struct error *err)
{
    (void)argument;
    (void)machine;
    (void)offset;
    (void)ret_mark;
    (void)err;
    printf("extension %u\n", code);
    return 0;
}

static const char *const ends[] = {[PICKLE_END_STOP] = "stop",
                                   [PICKLE_END_DATA] = "error",
                                   [PICKLE_END_MALFORMED] = "error",
                                   [PICKLE_END_SOURCE] = "source",
                                   [PICKLE_END_LIMIT] = "limit"};

static int trace(const uint8_t *bytes, uint32_t size, bool file)
{
    const struct pickle_options options = {.strict = true, .file_load = file};
    const struct pickle_events events = {.global = on_global,
                                         .call = on_call,
                                         .change = on_change,
                                         .persistent = on_persistent,
                                         .extension = on_extension};
    CLEANUP_SOURCE struct source *source = source_of_memory(bytes, size);
    struct pickle_result result;
    struct error err = {0};
    int r = source != NULL ? pickle_run(source, 0, &options, &events, &result, &err) : -1;

    if (r < 0)
        return r;
    printf("end %s %llu %s", ends[result.end], (unsigned long long)result.consumed,
           result.value_offset != UINT64_MAX ? "values" : "-");
    if (result.end == PICKLE_END_STOP)
        printf(" %s", kinds[pickle_kind_of(result.value)]);
    printf(" # %s\n", result.cause != NULL ? result.cause : "");
    return 0;
}

int main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    uint8_t head[5];
    int r = file != NULL ? 0 : -1;

    while (r == 0 && fread(head, 1, sizeof head, file) == sizeof head) {
        uint32_t size = (uint32_t)head[1] | (uint32_t)head[2] << 8 | (uint32_t)head[3] << 16 | (uint32_t)head[4] << 24;
        uint8_t *bytes = malloc(size + 1);

        r = bytes != NULL && fread(bytes, 1, size, file) == size ? trace(bytes, size, head[0] == 'F') : -1;
        free(bytes);
    }
    if (file != NULL)
        (void)fclose(file);
    return r < 0 ? 1 : 0;
}
