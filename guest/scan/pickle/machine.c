/* SPDX-License-Identifier: Apache-2.0 */
/* Fetch and execute. */
#include "guest/scan/pickle/machine.h"

#include "guest/scan/pickle/state.h"

#include <math.h>
#include <stdlib.h>

static int op_proto(struct pickle_machine *machine)
{
    uint64_t protocol;
    int r = fetch_integer(machine, 1, &protocol);

    if (r != 0)
        return r;
    if (protocol > PICKLE_PROTOCOL_MAX)
        return run_malformed(machine, "the protocol is not known");
    machine->protocol = (unsigned)protocol;
    return 0;
}

static int op_stop(struct pickle_machine *machine)
{
    int r = run_pop(machine, &machine->result.value);

    if (r != 0)
        return r;
    machine->result.end = PICKLE_END_STOP;
    return RUN_ENDED;
}

static int op_dup(struct pickle_machine *machine)
{
    if (stack_size(&machine->stack) <= machine->fence)
        return run_underflow(machine);
    return run_push(machine, *stack_last(&machine->stack));
}

static inline __attribute__((always_inline)) int op_binint(struct pickle_machine *machine, unsigned size)
{
    uint64_t value;
    int r = fetch_integer(machine, size, &value);

    if (r != 0)
        return r;
    return run_push(machine, pickle_word(PICKLE_INT, size == 4 ? (uint64_t)(int64_t)(int32_t)value : value));
}

static int op_binfloat(struct pickle_machine *machine)
{
    const uint8_t *bytes;
    int r = fetch(machine, 8, &bytes);

    return r != 0 ? r : run_push(machine, pickle_word(PICKLE_FLOAT, 0));
}

static int op_small_tuple(struct pickle_machine *machine, unsigned count)
{
    uint64_t size = stack_size(&machine->stack);

    if (size < count || size - count < machine->fence)
        return run_underflow(machine);
    return op_tuple(machine, size - count);
}

static inline __attribute__((always_inline)) int op_memo(struct pickle_machine *machine, unsigned size, bool put)
{
    uint64_t index;
    int r = fetch_integer(machine, size, &index);

    if (r != 0)
        return r;
    return put ? op_memo_put(machine, index) : op_memo_get(machine, index);
}

/* The opcodes that ordinary pickles have least of. */
static int execute_rare(struct pickle_machine *machine, uint8_t opcode)
{
    switch (opcode) {
    case OP_FLOAT:
        return op_float(machine);
    case OP_INT:
        return op_int(machine);
    case OP_LONG:
        return op_long(machine);
    case OP_LONG1:
        return op_counted_long(machine, 1);
    case OP_LONG4:
        return op_counted_long(machine, 4);
    case OP_STRING:
        return op_string(machine);
    case OP_UNICODE:
        return op_unicode(machine);
    case OP_BINSTRING:
        return op_counted(machine, PICKLE_STR, 4, true);
    case OP_SHORT_BINSTRING:
        return op_counted(machine, PICKLE_STR, 1, true);
    case OP_BINUNICODE8:
        return op_counted(machine, PICKLE_STR, 8, false);
    case OP_BINBYTES8:
        return op_counted(machine, PICKLE_BYTES, 8, false);
    case OP_BYTEARRAY8:
        return op_counted(machine, PICKLE_BYTEARRAY, 8, false);
    case OP_NEXT_BUFFER:
        return run_push(machine, pickle_word(PICKLE_BYTEARRAY, machine->opcode_offset) | PICKLE_UNHASHABLE);
    case OP_READONLY_BUFFER:
        return op_readonly_buffer(machine);
    case OP_PERSID:
        return op_persid(machine);
    case OP_BINPERSID:
        return op_binpersid(machine);
    case OP_EXT1:
        return op_extension(machine, 1);
    case OP_EXT2:
        return op_extension(machine, 2);
    case OP_EXT4:
        return op_extension(machine, 4);
    case OP_INST:
        return op_inst(machine);
    case OP_OBJ:
        return op_obj(machine);
    case OP_NEWOBJ_EX:
        return op_newobj(machine, true);
    case OP_GET:
        return op_get(machine);
    case OP_PUT:
        return op_put(machine);
    case OP_POP_MARK:
        return op_pop_mark(machine);
    case OP_LIST:
        return op_list(machine);
    case OP_DICT:
        return op_dict(machine);
    case OP_EMPTY_SET:
        return op_empty(machine, PICKLE_SET);
    case OP_ADDITEMS:
        return op_additems(machine);
    case OP_FROZENSET:
        return op_frozenset(machine);
    case OP_PROTO:
        return op_proto(machine);
    case OP_FRAME:
        return fetch_frame(machine);
    default:
        return run_malformed(machine, "there is no such opcode");
    }
}

static int execute(struct pickle_machine *machine, uint8_t opcode)
{
    switch (opcode) {
    case OP_MARK:
        return run_mark(machine);
    case OP_STOP:
        return op_stop(machine);
    case OP_POP:
        return op_pop(machine);
    case OP_DUP:
        return op_dup(machine);
    case OP_NONE:
        return run_push(machine, pickle_word(PICKLE_NONE, 0));
    case OP_NEWTRUE:
    case OP_NEWFALSE:
        return run_push(machine, pickle_word(PICKLE_BOOL, opcode == OP_NEWTRUE));
    case OP_BININT:
        return op_binint(machine, 4);
    case OP_BININT1:
        return op_binint(machine, 1);
    case OP_BININT2:
        return op_binint(machine, 2);
    case OP_BINFLOAT:
        return op_binfloat(machine);
    case OP_SHORT_BINUNICODE:
        return op_counted(machine, PICKLE_STR, 1, false);
    case OP_BINUNICODE:
        return op_counted(machine, PICKLE_STR, 4, false);
    case OP_SHORT_BINBYTES:
        return op_counted(machine, PICKLE_BYTES, 1, false);
    case OP_BINBYTES:
        return op_counted(machine, PICKLE_BYTES, 4, false);
    case OP_EMPTY_TUPLE:
        return run_push(machine, pickle_word(PICKLE_TUPLE, 0));
    case OP_TUPLE1:
    case OP_TUPLE2:
    case OP_TUPLE3:
        return op_small_tuple(machine, opcode - OP_TUPLE1 + 1u);
    case OP_TUPLE:
        return op_marked_tuple(machine);
    case OP_EMPTY_LIST:
        return op_empty(machine, PICKLE_LIST);
    case OP_EMPTY_DICT:
        return op_empty(machine, PICKLE_DICT);
    case OP_APPEND:
        return op_append(machine);
    case OP_APPENDS:
        return op_appends(machine);
    case OP_SETITEM:
        return op_setitem(machine);
    case OP_SETITEMS:
        return op_setitems(machine);
    case OP_BINGET:
        return op_memo(machine, 1, false);
    case OP_LONG_BINGET:
        return op_memo(machine, 4, false);
    case OP_BINPUT:
        return op_memo(machine, 1, true);
    case OP_LONG_BINPUT:
        return op_memo(machine, 4, true);
    case OP_MEMOIZE:
        return op_memo_put(machine, machine->memo.count);
    case OP_GLOBAL:
        return op_global(machine);
    case OP_STACK_GLOBAL:
        return op_stack_global(machine);
    case OP_REDUCE:
        return op_reduce(machine);
    case OP_NEWOBJ:
        return op_newobj(machine, false);
    case OP_BUILD:
        return op_build(machine);
    default:
        return execute_rare(machine, opcode);
    }
}

/* What may have come up while an opcode that ended with `r` was executed; few do. */
static int attend(struct pickle_machine *machine, int r)
{
    struct pickle_result *result = &machine->result;

    if (machine->memory.exhausted) {
        result->end = PICKLE_END_SOURCE;
        result->code = -ENOMEM;
        result->cause = "the stack needs more memory than a scan may use";
        return RUN_ENDED;
    }
    if (r == 0 && machine->expanded) {
        machine->expanded = false;
        machine->expansion_max = INFINITY;
        r = run_odd(machine, PICKLE_ODD_EXPANSION);
    }
    return r;
}

static int run(struct pickle_machine *machine)
{
    struct pickle_result *result = &machine->result;
    const uint64_t opcodes_max = machine->options.opcodes_max != 0 ? machine->options.opcodes_max : UINT64_MAX;
    const uint8_t *opcode;
    int r;

    for (;;) {
        if (result->opcodes == opcodes_max) {
            result->end = PICKLE_END_LIMIT;
            return RUN_ENDED;
        }
        machine->opcode_offset = reader_offset(&machine->reader);
        machine->apart = false;
        r = fetch(machine, 1, &opcode);
        if (r != 0)
            return r;
        machine->opcode = *opcode;
        machine->recent[result->opcodes % PICKLE_RECENT_MAX] = machine->opcode_offset;
        r = execute(machine, machine->opcode);
        if ((machine->memory.exhausted | machine->expanded) != 0)
            r = attend(machine, r);
        if (r != 0)
            return r;
        result->opcodes++;
    }
}

static void free_machine(struct pickle_machine *machine)
{
    stack_free(&machine->stack);
    stack_free(&machine->marks);
    memo_free(&machine->memo);
    heap_free(&machine->heap);
    names_free(&machine->names);
    free(machine);
}

int pickle_run(struct source *source, uint64_t offset, const struct pickle_options *options,
               const struct pickle_events *events, struct pickle_result *ret_result, struct error *err)
{
    struct pickle_machine *machine = calloc(1, sizeof *machine);
    int r;

    if (machine == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a pickle's machine");
    machine->options = *options;
    machine->events = events;
    machine->memory.scan = options->scan;
    machine->reader = reader_over(source, offset, &machine->cause);
    machine->err = err;
    machine->frame_end = NO_FRAME;
    machine->expansion_max = EXPANSION_MAX;
    machine->result.value_offset = UINT64_MAX;
    stack_init(&machine->stack, &machine->memory);
    stack_init(&machine->marks, &machine->memory);
    names_init(&machine->names, &machine->memory);
    r = memo_init(&machine->memo, &machine->memory);
    if (r == 0)
        r = heap_init(&machine->heap, &machine->memory);
    if (r == 0) {
        r = run(machine);
    } else {
        machine->result = (struct pickle_result){.end = PICKLE_END_SOURCE,
                                                 .code = -ENOMEM,
                                                 .offset = offset,
                                                 .cause = "a pickle's machine needs more memory than a scan may use"};
        r = RUN_ENDED;
    }
    if (r == RUN_ENDED) {
        machine->result.consumed = reader_offset(&machine->reader);
        machine->result.offset =
            machine->result.end == PICKLE_END_STOP ? machine->result.consumed : machine->opcode_offset;
        machine->result.forgot = machine->memo.forgot || machine->stack.forgot || machine->marks.forgot;
        *ret_result = machine->result;
        r = 0;
    }
    free_machine(machine);
    return r;
}
