/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a pickle, strict or not, from bytes or from a file: what the machine sees does not depend on how a
 * source cuts its views, and everything that it says of a value can be asked for.
 */
#include "guest/scan/pickle/disassemble.h"
#include "guest/scan/pickle/machine.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A source whose views are as small as they may be, and gone with the next one. */
struct cut {
    struct source source;
    const uint8_t *data;
    size_t size;
    uint8_t *view;
};

static int cut_view(struct source *source, uint64_t offset, size_t want, const uint8_t **ret_bytes, size_t *ret_size,
                    struct error *err)
{
    struct cut *cut = (struct cut *)source;
    size_t left = offset < cut->size ? cut->size - (size_t)offset : 0;

    (void)err;
    if (left > want)
        left = want > 0 ? want : 1;
    free(cut->view);
    cut->view = malloc(left > 0 ? left : 1);
    if (cut->view == NULL)
        abort();
    if (left > 0)
        memcpy(cut->view, cut->data + offset, left);
    *ret_bytes = cut->view;
    *ret_size = left;
    return 0;
}

static int cut_size(struct source *source, uint64_t *ret_size, struct error *err)
{
    (void)err;
    *ret_size = ((struct cut *)source)->size;
    return 0;
}

static const struct source_class cut_class = {.view = cut_view, .size = cut_size};

struct seen {
    uint64_t hash, events;
};

static void note(struct seen *seen, uint64_t value)
{
    seen->hash = (seen->hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    seen->hash ^= seen->hash >> 29;
}

static void ask(struct seen *seen, struct pickle_machine *machine, pickle_value value, unsigned depth)
{
    pickle_value callable, arguments, state;
    struct pickle_global global;
    uint8_t text[40];
    uint64_t count, offset;
    uint32_t kept;
    int64_t number;
    size_t size;

    note(seen, (uint64_t)pickle_kind_of(value));
    note(seen, pickle_mark_of(machine, value));
    if (pickle_text_of(machine, value, text, sizeof text, &size, NULL, NULL) == 0)
        for (size_t i = 0; i < size; i++)
            note(seen, text[i]);
    if (pickle_text_range(machine, value, &offset, &count))
        note(seen, offset ^ count);
    if (pickle_int_of(value, &number))
        note(seen, (uint64_t)number);
    if (pickle_global_of(machine, value, &global))
        note(seen, global.module_size + global.name_size);
    if (pickle_result_of(machine, value, &callable, &arguments, &state) && depth > 0) {
        ask(seen, machine, callable, depth - 1);
        ask(seen, machine, arguments, depth - 1);
        ask(seen, machine, state, depth - 1);
    }
    (void)pickle_lookup(machine, value, "shape");
    if (pickle_items_of(machine, value, &count, &kept)) {
        if (kept > PICKLE_KEPT_MAX || kept > count)
            abort();
        for (uint32_t i = 0; i < kept && i < 8 && depth > 0; i++)
            ask(seen, machine, pickle_item_of(machine, value, i), depth - 1);
        if (pickle_item_of(machine, value, kept) != PICKLE_ABSENT)
            abort();
    }
}

static void look_around(struct seen *seen, struct pickle_machine *machine)
{
    static struct scan_finding finding;

    if (seen->events++ % 16 != 0)
        return;
    disassemble_around(machine, pickle_source(machine), &finding);
    if (finding.context_count == 0 || finding.context_count > SCAN_CONTEXT_MAX)
        abort();
}

static int on_global(void *argument, struct pickle_machine *machine, const struct pickle_global *global,
                     unsigned *ret_mark, struct error *err)
{
    (void)err;
    look_around(argument, machine);
    note(argument, global->offset ^ global->module_size << 32 ^ global->name_size);
    *ret_mark = global->module_size % 3 == 0 ? 2 : 0;
    return 0;
}

static int on_call(void *argument, struct pickle_machine *machine, const struct pickle_call_event *call,
                   unsigned *ret_mark, struct error *err)
{
    (void)ret_mark;
    (void)err;
    look_around(argument, machine);
    ask(argument, machine, call->callable, 3);
    ask(argument, machine, call->arguments, 3);
    return 0;
}

static int on_change(void *argument, struct pickle_machine *machine, const struct pickle_change_event *change,
                     struct error *err)
{
    (void)err;
    ask(argument, machine, change->target, 2);
    ask(argument, machine, change->state, 2);
    return 0;
}

static int on_built(void *argument, struct pickle_machine *machine, pickle_value target, uint64_t offset,
                    uint64_t *ret_skip, struct error *err)
{
    (void)err;
    ask(argument, machine, target, 1);
    *ret_skip = offset % 5;
    return 0;
}

static int on_text(void *argument, struct pickle_machine *machine, pickle_value text, uint64_t size, uint64_t offset,
                   struct error *err)
{
    (void)err;
    note(argument, size ^ offset);
    ask(argument, machine, text, 0);
    return 0;
}

static int on_persistent(void *argument, struct pickle_machine *machine, pickle_value id, uint64_t offset,
                         unsigned *ret_mark, struct error *err)
{
    (void)offset;
    (void)ret_mark;
    (void)err;
    ask(argument, machine, id, 2);
    return 0;
}

static int on_odd(void *argument, struct pickle_machine *machine, enum pickle_oddity oddity, uint64_t offset,
                  struct error *err)
{
    (void)machine;
    (void)err;
    note(argument, (uint64_t)oddity << 40 ^ offset);
    return 0;
}

static struct seen run(struct source *source, const struct pickle_options *options, size_t size)
{
    struct seen seen = {0};
    const struct pickle_events events = {.argument = &seen,
                                         .global = on_global,
                                         .call = on_call,
                                         .change = on_change,
                                         .built = on_built,
                                         .text = on_text,
                                         .persistent = on_persistent,
                                         .odd = on_odd};
    struct pickle_result result;

    if (source == NULL || pickle_run(source, 0, options, &events, &result, NULL) < 0)
        abort();
    if (result.offset > size || result.consumed > size || result.offset > result.consumed)
        abort();
    note(&seen, (uint64_t)result.end << 56 ^ result.offset << 20 ^ result.opcodes);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cut cut = {.source.class = &cut_class};
    struct pickle_options options = {.opcodes_max = 100000};
    struct source *whole;
    struct seen seen[2];

    if (size == 0)
        return 0;
    options.strict = (data[0] & 1) != 0;
    options.file_load = (data[0] & 2) != 0;
    options.text_min = (data[0] & 4) != 0 ? 4 : 0;
    whole = source_of_memory(data + 1, size - 1);
    seen[0] = run(whole, &options, size - 1);
    source_free(whole);
    cut.data = data + 1;
    cut.size = size - 1;
    seen[1] = run(&cut.source, &options, size - 1);
    free(cut.view);
    if (seen[0].hash != seen[1].hash)
        abort();
    return 0;
}
