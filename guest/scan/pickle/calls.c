/* SPDX-License-Identifier: Apache-2.0 */
/* The opcodes that name globals, call them, and change what comes of it. */
#include "guest/scan/pickle/state.h"

#include "guest/scan/pickle/literals.h"

#include <string.h>

/* --- globals ------------------------------------------------------------------------------------------ */

/* The event, and the value. */
static int name_global(struct pickle_machine *machine, struct pickle_global *global, pickle_value *ret_value)
{
    unsigned mark = global->how == PICKLE_BY_VALUE ? PICKLE_MARK_MAX : 0;
    uint32_t number;
    int r = 0;

    global->protocol = machine->protocol;
    global->offset = machine->opcode_offset;
    number = names_add(&machine->names, global);
    global->note = names_note(&machine->names, number);
    if (machine->events->global != NULL) {
        r = machine->events->global(machine->events->argument, machine, global, &mark, machine->err);
        fetch_again(machine);
    }
    if (r != 0)
        return r;
    machine->marked |= mark > 0;
    *ret_value = pickle_with_mark(pickle_word(PICKLE_GLOBAL, number), mark);
    return 0;
}

/* A line as a name, kept in `text` as the next line would take its place; -EINVAL for an empty one. */
static int fetch_name(struct pickle_machine *machine, bool ascii, char text[PICKLE_NAME_MAX], size_t *ret_size)
{
    struct fetched_line line;
    int r = fetch_line(machine, &line);
    size_t size;

    if (r != 0)
        return r;
    if (line.size < 2)
        return run_malformed(machine, "a global's name is empty");
    size = line.have > 0 ? line.have - 1 : 0; /* of one that is too long nothing is known */
    if (ascii ? !literal_is_ascii(line.bytes, size) : !literal_is_utf8(line.bytes, size, false))
        return run_malformed(machine, "a global's name is no text");
    size = size < PICKLE_NAME_MAX ? size : PICKLE_NAME_MAX;
    if (size > 0)
        memcpy(text, line.bytes, size);
    *ret_size = size;
    return 0;
}

static int global_of_lines(struct pickle_machine *machine, enum pickle_how how, pickle_value *ret_value)
{
    char module[PICKLE_NAME_MAX], name[PICKLE_NAME_MAX];
    struct pickle_global global = {.how = how, .module = module, .name = name};
    bool ascii = how == PICKLE_BY_INST;
    int r = fetch_name(machine, ascii, module, &global.module_size);

    if (r == 0)
        r = fetch_name(machine, ascii, name, &global.name_size);
    return r != 0 ? r : name_global(machine, &global, ret_value);
}

int op_global(struct pickle_machine *machine)
{
    pickle_value value;
    int r = global_of_lines(machine, PICKLE_BY_GLOBAL, &value);

    return r != 0 ? r : run_push(machine, value);
}

/* A constant's text; nothing for what is computed. */
static int name_of_value(struct pickle_machine *machine, pickle_value value, char text[PICKLE_NAME_MAX],
                         size_t *ret_size, bool *ret_computed)
{
    struct error cause = {0};
    int r;

    *ret_size = 0;
    *ret_computed |= pickle_kind_of(value) != PICKLE_STR;
    if (pickle_kind_of(value) != PICKLE_STR)
        return 0;
    r = pickle_text_of(machine, value, text, PICKLE_NAME_MAX, ret_size, NULL, &cause);
    if (r == -ENOENT) { /* forgotten: nothing is known of it */
        *ret_computed = true;
        return 0;
    }
    return r == 0 ? 0 : run_failed(machine, r);
}

int op_stack_global(struct pickle_machine *machine)
{
    char module[PICKLE_NAME_MAX], name[PICKLE_NAME_MAX];
    struct pickle_global global = {.module = module, .name = name};
    pickle_value values[2], value; /* name, module */
    bool computed = false;
    int r = run_pop(machine, &values[0]);

    if (r == 0)
        r = run_pop(machine, &values[1]);
    if (r != 0)
        return r;
    for (unsigned i = 0; i < 2; i++)
        if (pickle_kind_of(values[i]) != PICKLE_STR && (!pickle_is_opaque(values[i]) || machine->options.strict))
            return run_malformed(machine, "STACK_GLOBAL needs two strings");
    r = name_of_value(machine, values[1], module, &global.module_size, &computed);
    if (r == 0)
        r = name_of_value(machine, values[0], name, &global.name_size, &computed);
    if (r != 0)
        return r;
    global.how = computed ? PICKLE_BY_VALUE : PICKLE_BY_CONSTANT;
    r = name_global(machine, &global, &value);
    return r != 0 ? r : run_push(machine, value);
}

/* --- calls -------------------------------------------------------------------------------------------- */

static uint32_t count_of(struct pickle_machine *machine, pickle_value arguments)
{
    uint64_t count;
    uint32_t kept;

    return pickle_items_of(machine, arguments, &count, &kept) && count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

static int call(struct pickle_machine *machine, enum pickle_call how, pickle_value callable, pickle_value arguments,
                pickle_value keywords)
{
    struct pickle_call_event event = {.how = how,
                                      .callable = callable,
                                      .arguments = arguments,
                                      .keywords = keywords,
                                      .count = count_of(machine, arguments),
                                      .offset = machine->opcode_offset};
    unsigned mark = pickle_mark_of(machine, callable), other = pickle_mark_of(machine, arguments);
    uint64_t number, *cells;
    int r = 0;

    mark = other > mark ? other : mark;
    other = keywords != PICKLE_ABSENT ? pickle_mark_of(machine, keywords) : 0;
    mark = other > mark ? other : mark;
    if (machine->events->call != NULL) {
        r = machine->events->call(machine->events->argument, machine, &event, &mark, machine->err);
        fetch_again(machine);
    }
    if (r != 0)
        return r;
    machine->marked |= mark > 0;
    number = heap_take(&machine->heap, RESULT_CELLS);
    cells = heap_at(&machine->heap, number);
    cells[0] = heap_header(0, 0, mark);
    cells[1] = callable;
    cells[2] = arguments;
    cells[3] = PICKLE_ABSENT;
    return run_push(machine, pickle_with_mark(pickle_word(PICKLE_RESULT, number), mark));
}

int op_inst(struct pickle_machine *machine)
{
    pickle_value class, arguments;
    uint64_t first;
    int r = run_marker(machine, &first);

    if (r == 0)
        r = global_of_lines(machine, PICKLE_BY_INST, &class);
    if (r != 0)
        return r;
    arguments = make_tuple(machine, PICKLE_TUPLE, first);
    stack_truncate(&machine->stack, first);
    return call(machine, PICKLE_CALL_INST, class, arguments, PICKLE_ABSENT);
}

static int not_callable(struct pickle_machine *machine)
{
    return run_malformed(machine, "what is called is not callable");
}

int op_obj(struct pickle_machine *machine)
{
    pickle_value class, arguments;
    uint64_t first;
    int r = run_marker(machine, &first);

    if (r != 0)
        return r;
    if (stack_size(&machine->stack) <= first)
        return run_underflow(machine);
    class = stack_at(&machine->stack, first);
    arguments = make_tuple(machine, PICKLE_TUPLE, first + 1);
    stack_truncate(&machine->stack, first);
    return pickle_is_opaque(class) ? call(machine, PICKLE_CALL_OBJ, class, arguments, PICKLE_ABSENT)
                                   : not_callable(machine);
}

/* Arguments are a tuple; of the Python implementation, whatever can be iterated. */
static int check_arguments(struct pickle_machine *machine, pickle_value arguments)
{
    switch (pickle_kind_of(arguments)) {
    case PICKLE_TUPLE:
        return 0;
    case PICKLE_NONE:
    case PICKLE_BOOL:
    case PICKLE_INT:
    case PICKLE_FLOAT:
        return run_malformed(machine, "arguments are no tuple");
    default:
        return machine->options.strict ? run_malformed(machine, "arguments are no tuple")
                                       : run_odd(machine, PICKLE_ODD_ARGUMENTS);
    }
}

int op_reduce(struct pickle_machine *machine)
{
    pickle_value arguments = PICKLE_ABSENT, callable = PICKLE_ABSENT;
    int r = run_pop(machine, &arguments);

    if (r == 0)
        r = run_pop(machine, &callable);
    if (r == 0)
        r = check_arguments(machine, arguments);
    if (r != 0)
        return r;
    return pickle_is_opaque(callable) ? call(machine, PICKLE_CALL_REDUCE, callable, arguments, PICKLE_ABSENT)
                                      : not_callable(machine);
}

/* Names of arguments are strings. */
static int check_keywords(struct pickle_machine *machine, pickle_value keywords)
{
    uint64_t count;
    uint32_t kept;

    if (pickle_kind_of(keywords) != PICKLE_DICT) {
        if (!pickle_is_opaque(keywords) || machine->options.strict)
            return run_malformed(machine, "keyword arguments are no dict");
        return run_odd(machine, PICKLE_ODD_ARGUMENTS);
    }
    if (!pickle_items_of(machine, keywords, &count, &kept) || kept < count)
        run_depends_on_values(machine);
    else
        for (uint32_t i = 0; i < kept; i += 2) {
            pickle_value key = pickle_item_of(machine, keywords, i);

            if (pickle_kind_of(key) != PICKLE_STR && (!pickle_is_opaque(key) || machine->options.strict))
                return run_malformed(machine, "a keyword argument's name is no string");
        }
    return 0;
}

int op_newobj(struct pickle_machine *machine, bool with_keywords)
{
    pickle_value keywords = PICKLE_ABSENT, arguments = PICKLE_ABSENT, class = PICKLE_ABSENT;
    int r = with_keywords ? run_pop(machine, &keywords) : 0;

    if (r == 0)
        r = run_pop(machine, &arguments);
    if (r == 0)
        r = run_pop(machine, &class);
    if (r != 0)
        return r;
    if (!pickle_is_opaque(class))
        return run_malformed(machine, "the class of a new object is no class");
    r = check_arguments(machine, arguments);
    if (r == 0 && with_keywords)
        r = check_keywords(machine, keywords);
    return r != 0
               ? r
               : call(machine, with_keywords ? PICKLE_CALL_NEWOBJ_EX : PICKLE_CALL_NEWOBJ, class, arguments, keywords);
}

/* --- changes ------------------------------------------------------------------------------------------ */

int make_change(struct pickle_machine *machine, enum pickle_change how, pickle_value target, pickle_value state,
                uint64_t count)
{
    struct pickle_change_event event = {
        .how = how, .target = target, .state = state, .count = count, .offset = machine->opcode_offset};
    unsigned mark = pickle_mark_of(machine, state);
    uint64_t *cells = pickle_kind_of(target) == PICKLE_RESULT ? heap_at(&machine->heap, pickle_payload(target)) : NULL;
    int r = 0;

    if (cells != NULL && mark > header_mark(cells[0]))
        cells[0] = heap_header(0, 0, mark);
    if (mark > pickle_word_mark(target))
        *stack_last(&machine->stack) = pickle_with_mark(target, mark);
    if (machine->events->change != NULL) {
        r = machine->events->change(machine->events->argument, machine, &event, machine->err);
        fetch_again(machine);
    }
    return r;
}

/* The attributes of an object without __setstate__ of its own: none of Python's plain types has any. */
static int build_plain(struct pickle_machine *machine, pickle_value state)
{
    pickle_value slots = PICKLE_ABSENT;
    uint64_t count;
    uint32_t kept;

    if (pickle_kind_of(state) == PICKLE_TUPLE) {
        if (!pickle_items_of(machine, state, &count, &kept)) {
            run_depends_on_values(machine);
            return 0;
        }
        if (count == 2) {
            slots = pickle_item_of(machine, state, 1);
            state = pickle_item_of(machine, state, 0);
        }
    }
    if (pickle_kind_of(state) != PICKLE_NONE)
        return run_malformed(machine, "an object's state is set that has none");
    if (slots == PICKLE_ABSENT)
        return 0;
    if (pickle_kind_of(slots) != PICKLE_DICT || (pickle_items_of(machine, slots, &count, &kept) && count > 0))
        return run_malformed(machine, "an object's state is set that has none");
    return 0;
}

/* What the loader itself reads after a BUILD: arrays within the stream. */
static int after_build(struct pickle_machine *machine, pickle_value target)
{
    uint64_t skip = 0;
    int r;

    if (machine->events->built == NULL)
        return 0;
    r = machine->events->built(machine->events->argument, machine, target, reader_offset(&machine->reader), &skip,
                               machine->err);
    fetch_again(machine);
    if (r != 0 || skip == 0)
        return r;
    r = reader_skip(&machine->reader, skip);
    if (r < 0)
        return run_failed(machine, r);
    machine->result.skipped += skip;
    return 0;
}

int op_build(struct pickle_machine *machine)
{
    pickle_value target, state;
    uint64_t *cells;
    int r;

    if (stack_size(&machine->stack) < machine->fence + 2)
        return run_underflow(machine);
    state = stack_pop(&machine->stack);
    target = *stack_last(&machine->stack);
    if (!pickle_is_opaque(target))
        return build_plain(machine, state);
    cells = pickle_kind_of(target) == PICKLE_RESULT ? heap_at(&machine->heap, pickle_payload(target)) : NULL;
    if (cells != NULL)
        cells[3] = state;
    r = make_change(machine, PICKLE_CHANGE_BUILD, target, state, 1);
    return r != 0 ? r : after_build(machine, target);
}

/* --- what comes from elsewhere ------------------------------------------------------------------------ */

static int persistent(struct pickle_machine *machine, pickle_value id)
{
    unsigned mark = pickle_mark_of(machine, id);
    uint64_t number;
    int r = 0;

    if (machine->events->persistent != NULL) {
        r = machine->events->persistent(machine->events->argument, machine, id, machine->opcode_offset, &mark,
                                        machine->err);
        fetch_again(machine);
    }
    if (r != 0)
        return r;
    machine->marked |= mark > 0;
    number = heap_take(&machine->heap, 1);
    *heap_at(&machine->heap, number) = id;
    return run_push(machine, pickle_with_mark(pickle_word(PICKLE_PERSISTENT, number), mark));
}

int op_persid(struct pickle_machine *machine)
{
    struct fetched_line line;
    int r = fetch_line(machine, &line);

    if (r != 0)
        return r;
    if (!literal_is_ascii(line.bytes, line.have))
        return run_malformed(machine, "a persistent id is not ASCII");
    return persistent(machine, make_text(machine, PICKLE_STR, reader_offset(&machine->reader) - line.size, line.size));
}

int op_binpersid(struct pickle_machine *machine)
{
    pickle_value id = PICKLE_ABSENT;
    int r = run_pop(machine, &id);

    return r != 0 ? r : persistent(machine, id);
}

int op_extension(struct pickle_machine *machine, unsigned size)
{
    unsigned mark = PICKLE_MARK_MAX;
    uint64_t code;
    int r = fetch_integer(machine, size, &code);

    if (r != 0)
        return r;
    if (code == 0 || code > INT32_MAX)
        return run_malformed(machine, "an extension code is not positive");
    if (machine->events->extension != NULL) {
        r = machine->events->extension(machine->events->argument, machine, (uint32_t)code, machine->opcode_offset,
                                       &mark, machine->err);
        fetch_again(machine);
    }
    machine->marked |= mark > 0;
    return r != 0 ? r : run_push(machine, pickle_with_mark(pickle_word(PICKLE_EXTENSION, code), mark));
}
