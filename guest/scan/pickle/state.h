/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's state, for its own files alone.
 *
 * An operation returns 0 to go on, RUN_ENDED where the run has ended (the result says how), or the negative errno that
 * an event returned.
 */
#ifndef LAZARET_GUEST_SCAN_PICKLE_STATE_H
#define LAZARET_GUEST_SCAN_PICKLE_STATE_H

#include "guest/scan/pickle/heap.h"
#include "guest/scan/pickle/machine.h"
#include "guest/scan/pickle/memo.h"
#include "guest/scan/pickle/names.h"
#include "guest/scan/pickle/opcodes.h"
#include "guest/scan/reader.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define RUN_ENDED 1
#define NO_FRAME  UINT64_MAX

struct pickle_machine {
    struct reader reader;
    struct pickle_options options;
    const struct pickle_events *events;
    struct pickle_memory memory;
    struct stack stack, marks; /* a mark is the depth of the stack below it, as an int */
    uint64_t fence;            /* the topmost mark, or 0 */
    struct memo memo;
    struct heap heap;
    struct names names;
    uint64_t frame_end;
    uint64_t opcode_offset;
    uint8_t opcode;
    uint64_t recent[PICKLE_RECENT_MAX]; /* a ring, by result.opcodes */
    unsigned protocol;
    double expansion_max; /* values that one may stand for before it is told: EXPANSION_MAX, then any number */
    bool expanded;        /* and one that stands for more, which has not been told */
    bool marked;          /* a value with a mark has been there */
    bool apart;           /* the argument at hand does not follow its opcode: a frame's rest was dropped */
    struct pickle_result result;
    struct error cause; /* of the source's failures */
    struct error *err;  /* of events */
};

/* Ends the run; both return RUN_ENDED. */
static inline int run_malformed(struct pickle_machine *machine, const char *cause)
{
    machine->result.end = PICKLE_END_MALFORMED;
    machine->result.cause = cause;
    return RUN_ENDED;
}
/* For what a reader returned: the data's end, or the source's failure. */
int run_failed(struct pickle_machine *machine, int code);
/* Reports an oddity. */
int run_odd(struct pickle_machine *machine, enum pickle_oddity oddity);
/* The outcome of this opcode depends on values that the machine does not know. */
void run_depends_on_values(struct pickle_machine *machine);

/* --- arguments (fetch.c) ------------------------------------------------------------------------------ */

/* The reader is about to read beyond a frame's end. */
int fetch_across(struct pickle_machine *machine, uint64_t size);

static inline int fetch(struct pickle_machine *machine, size_t size, const uint8_t **ret_bytes)
{
    struct reader *reader = &machine->reader;
    int r;

    if (reader->size - reader->used >= size && reader_offset(reader) + size <= machine->frame_end) {
        *ret_bytes = reader->bytes + reader->used;
        reader->used += size;
        return 0;
    }
    if (reader_offset(&machine->reader) + size > machine->frame_end) {
        r = fetch_across(machine, size);
        if (r != 0)
            return r;
    }
    r = reader_bytes(&machine->reader, size, ret_bytes);
    return r == 0 ? 0 : run_failed(machine, r);
}

/* Little-endian, at most 8 bytes. */
static inline __attribute__((always_inline)) int fetch_integer(struct pickle_machine *machine, unsigned size,
                                                               uint64_t *ret_value)
{
    const uint8_t *bytes;
    uint64_t value = 0;
    int r = fetch(machine, size, &bytes);

    if (r != 0)
        return r;
    memcpy(&value, bytes, size);
    *ret_value = le64toh(value);
    return 0;
}

/* The count before a text: 1, 4 or 8 bytes. */
static inline int fetch_count(struct pickle_machine *machine, unsigned size, uint64_t *ret_count)
{
    switch (size) { /* constants, so that each is a load */
    case 1:
        return fetch_integer(machine, 1, ret_count);
    case 4:
        return fetch_integer(machine, 4, ret_count);
    default:
        return fetch_integer(machine, 8, ret_count);
    }
}

/* A line with its newline; `have` is its size where it is at hand, 0 for one of more than SCAN_VIEW_MAX bytes. */
struct fetched_line {
    const uint8_t *bytes;
    uint64_t size;
    size_t have;
};

int fetch_line(struct pickle_machine *machine, struct fetched_line *ret_line);
/* fetch_text for a size that is none, or beyond the frame. */
int fetch_text_beyond(struct pickle_machine *machine, uint64_t size, bool joined);
/* Before a text of so many bytes. `joined`: a read that a frame's end does not stop (_Unpickler_ReadInto). */
static inline int fetch_text(struct pickle_machine *machine, uint64_t size, bool joined)
{
    if (size <= UINT64_MAX / 2 && reader_offset(&machine->reader) + size <= machine->frame_end)
        return 0;
    return fetch_text_beyond(machine, size, joined);
}

/* Moves past bytes, and checks their UTF-8. */
int fetch_past(struct pickle_machine *machine, uint64_t size, bool utf8);
int fetch_frame(struct pickle_machine *machine);
/* After events and reads elsewhere: views of the source do not last. */
static inline void fetch_again(struct pickle_machine *machine)
{
    reader_seek(&machine->reader, reader_offset(&machine->reader));
}

/* --- the stack ---------------------------------------------------------------------------------------- */

static inline int run_underflow(struct pickle_machine *machine)
{
    return run_malformed(machine, "the stack underflows");
}

static inline int run_push(struct pickle_machine *machine, pickle_value value)
{
    stack_push(&machine->stack, value);
    return 0;
}

static inline int run_pop(struct pickle_machine *machine, pickle_value *ret_value)
{
    if (stack_size(&machine->stack) <= machine->fence)
        return run_underflow(machine);
    *ret_value = stack_pop(&machine->stack);
    return 0;
}

/* Takes the topmost mark away, and says how deep it stood. */
int run_marker(struct pickle_machine *machine, uint64_t *ret_depth);
int run_mark(struct pickle_machine *machine);

/* --- operations --------------------------------------------------------------------------------------- */

int op_int(struct pickle_machine *machine);
int op_long(struct pickle_machine *machine);
int op_counted_long(struct pickle_machine *machine, unsigned size);
int op_float(struct pickle_machine *machine);
int op_string(struct pickle_machine *machine);
int op_unicode(struct pickle_machine *machine);
int op_counted(struct pickle_machine *machine, enum pickle_kind kind, unsigned size, bool is_binstring);
/* A text is where its opcode is; or, where its bytes do not follow the opcode, an object that says where they are. */
pickle_value make_text(struct pickle_machine *machine, enum pickle_kind kind, uint64_t offset, uint64_t size);
int op_readonly_buffer(struct pickle_machine *machine);

int op_tuple(struct pickle_machine *machine, uint64_t first);
int op_marked_tuple(struct pickle_machine *machine);
int op_empty(struct pickle_machine *machine, enum pickle_kind kind);
int op_list(struct pickle_machine *machine);
int op_dict(struct pickle_machine *machine);
int op_frozenset(struct pickle_machine *machine);
int op_append(struct pickle_machine *machine);
int op_appends(struct pickle_machine *machine);
int op_setitem(struct pickle_machine *machine);
int op_setitems(struct pickle_machine *machine);
int op_additems(struct pickle_machine *machine);
int op_pop(struct pickle_machine *machine);
int op_pop_mark(struct pickle_machine *machine);
int op_get(struct pickle_machine *machine);
int op_memo_get(struct pickle_machine *machine, uint64_t index);
int op_put(struct pickle_machine *machine);
int op_memo_put(struct pickle_machine *machine, uint64_t index);

int op_global(struct pickle_machine *machine);
int op_stack_global(struct pickle_machine *machine);
int op_inst(struct pickle_machine *machine);
int op_obj(struct pickle_machine *machine);
int op_reduce(struct pickle_machine *machine);
int op_newobj(struct pickle_machine *machine, bool keywords);
int op_build(struct pickle_machine *machine);
int op_persid(struct pickle_machine *machine);
int op_binpersid(struct pickle_machine *machine);
int op_extension(struct pickle_machine *machine, unsigned size);
/* A tuple of the values from `first` on, which stay where they are. */
pickle_value make_tuple(struct pickle_machine *machine, enum pickle_kind kind, uint64_t first);
int make_change(struct pickle_machine *machine, enum pickle_change how, pickle_value target, pickle_value state,
                uint64_t count);

#define EXPANSION_MAX 1e12 /* values that one stands for, each part counted as often as it is referred to */

/* --- heap objects ------------------------------------------------------------------------------------- */

/* The first cell of a container or result. */
static inline uint64_t heap_header(uint64_t count, unsigned kept, unsigned mark)
{
    return count << 16 | (uint64_t)kept << 8 | mark;
}

static inline uint64_t header_count(uint64_t header)
{
    return header >> 16;
}

static inline unsigned header_kept(uint64_t header)
{
    return (unsigned)(header >> 8 & 255);
}

static inline unsigned header_mark(uint64_t header)
{
    return (unsigned)(header & 255);
}

#define TUPLE_CELLS     2u /* of a tuple or frozen set, before its items: header, weight */
#define CONTAINER_CELLS 4u /* a list's, dict's or set's: header, weight, number of its items' cells, room there */
#define RESULT_CELLS    4u /* header, callable, arguments, state */
#define TEXT_CELLS      3u /* of a text that lies apart: opcode, offset, size (0 for a line) */

#endif
