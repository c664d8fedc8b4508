/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the machine reads its arguments, frames included.
 *
 * A frame is a prefetch of _pickle.c (load_frame, _Unpickler_ReadFromFile): from bytes it changes nothing. From a file
 * its bytes are read into a buffer; a read that needs more than what is left there goes to the file, behind the frame,
 * and the rest of the buffer is dropped. Large bytes objects are put together of both (_Unpickler_ReadInto).
 */
#include "guest/scan/pickle/state.h"

#include "guest/scan/pickle/literals.h"

#include <string.h>

int run_failed(struct pickle_machine *machine, int code)
{
    machine->result.end = code == -ENODATA ? PICKLE_END_DATA : PICKLE_END_SOURCE;
    machine->result.code = code;
    machine->result.cause = code == -ENODATA ? "the data end within a pickle" : "the bytes can't be had";
    return RUN_ENDED;
}

int run_odd(struct pickle_machine *machine, enum pickle_oddity oddity)
{
    int r = 0;

    if (machine->events->odd != NULL) {
        r = machine->events->odd(machine->events->argument, machine, oddity, machine->opcode_offset, machine->err);
        fetch_again(machine);
    }
    return r;
}

void run_depends_on_values(struct pickle_machine *machine)
{
    if (machine->result.value_offset == UINT64_MAX)
        machine->result.value_offset = machine->opcode_offset;
}

int fetch_across(struct pickle_machine *machine, uint64_t size)
{
    uint64_t offset = reader_offset(&machine->reader), end = machine->frame_end;

    (void)size;
    machine->frame_end = NO_FRAME;
    if (offset >= end) /* the frame was over; it must have been so before the opcode */
        return offset == end && offset != machine->opcode_offset ? run_odd(machine, PICKLE_ODD_FRAME_JOIN) : 0;
    machine->result.frame_conflict = true;
    if (machine->options.file_load) {
        reader_seek(&machine->reader, end);
        machine->apart = true;
    }
    return run_odd(machine, PICKLE_ODD_FRAME);
}

/*
 * Where the newline is; -ENODATA. Afterwards the reader stands at the line's beginning again, or, where the line is
 * longer than a view, behind it: sources do not like to go back far.
 */
static int find_newline(struct pickle_machine *machine, struct fetched_line *ret_line)
{
    struct reader *reader = &machine->reader;
    uint64_t first = reader_offset(reader);
    const uint8_t *newline = NULL;
    int r = reader_fill(reader, 1);

    if (r < 0)
        return r;
    newline = memchr(reader->bytes + reader->used, '\n', reader->size - reader->used);
    if (newline == NULL && reader->size - reader->used < SCAN_VIEW_MAX) {
        r = reader_fill(reader, SCAN_VIEW_MAX);
        if (r < 0 && r != -ENODATA)
            return r;
        newline = memchr(reader->bytes + reader->used, '\n', reader->size - reader->used);
    }
    if (newline != NULL && newline - (reader->bytes + reader->used) < (ptrdiff_t)SCAN_VIEW_MAX) {
        ret_line->size = ret_line->have = (size_t)(newline - (reader->bytes + reader->used)) + 1;
        return 0;
    }
    while (newline == NULL) {
        reader->used = reader->size;
        r = reader_fill(reader, 1);
        if (r < 0)
            return r;
        newline = memchr(reader->bytes, '\n', reader->size);
    }
    reader->used = (size_t)(newline - reader->bytes) + 1;
    ret_line->size = reader_offset(reader) - first;
    ret_line->have = 0;
    return 0;
}

/* A frame's end that a line meets; *ret_again where the line is another one now. */
static int line_across(struct pickle_machine *machine, uint64_t first, uint64_t size, bool *ret_again)
{
    if (machine->frame_end == NO_FRAME || first > machine->frame_end || first + size <= machine->frame_end)
        return 0;
    *ret_again = machine->options.file_load && first < machine->frame_end;
    reader_seek(&machine->reader, first);
    return fetch_across(machine, size);
}

int fetch_line(struct pickle_machine *machine, struct fetched_line *ret_line)
{
    struct reader *reader = &machine->reader;
    uint64_t first = reader_offset(reader), after;
    struct fetched_line line = {0};
    bool again = false;
    int r = find_newline(machine, &line), across;

    after = reader_offset(reader);
    across = line_across(machine, first, r == -ENODATA ? UINT64_MAX / 2 : line.size, &again);
    if (across != 0)
        return across;
    if (again)
        r = find_newline(machine, &line);
    else if (reader_offset(reader) != after)
        reader_seek(reader, after);
    if (r < 0)
        return run_failed(machine, r);
    if (line.have > 0)
        r = reader_bytes(reader, line.have, &line.bytes);
    if (r < 0)
        return run_failed(machine, r);
    *ret_line = line;
    return 0;
}

static uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof word);
    return le64toh(word);
}

/* Whether a short text, of which `readable` bytes can be read, is ASCII, with no branch for each byte; false: ask on.
 */
static bool is_short_ascii(const uint8_t *bytes, uint64_t size, size_t readable)
{
    uint64_t word;

    if (size == 0)
        return true;
    if (size > 16 || readable < 8)
        return false;
    word = size <= 8 ? word_at(bytes) << (64 - 8 * size) : word_at(bytes) | word_at(bytes + size - 8);
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

static int check_pieces(struct pickle_machine *machine, uint64_t size)
{
    const size_t readable = machine->reader.size - machine->reader.used;
    struct literal_utf8 utf8 = {0};
    int r = 0;

    if (size <= readable && is_short_ascii(machine->reader.bytes + machine->reader.used, size, readable)) {
        machine->reader.used += (size_t)size;
        return 0;
    }
    if (size <= machine->reader.size - machine->reader.used) { /* at hand, as most are */
        r = literal_utf8_feed(&utf8, machine->reader.bytes + machine->reader.used, (size_t)size);
        machine->reader.used += (size_t)size;
        size = 0;
    }
    while (r == 0 && size > 0) {
        size_t part = size < SCAN_VIEW_MAX ? (size_t)size : SCAN_VIEW_MAX;
        const uint8_t *bytes;

        r = reader_bytes(&machine->reader, part, &bytes);
        if (r < 0)
            return run_failed(machine, r);
        r = literal_utf8_feed(&utf8, bytes, part);
        size -= part;
    }
    return r == 0 && utf8.left == 0 ? 0 : run_malformed(machine, "a text is no UTF-8");
}

int fetch_text_beyond(struct pickle_machine *machine, uint64_t size, bool joined)
{
    bool within = reader_offset(&machine->reader) <= machine->frame_end;

    if (size > UINT64_MAX / 2)
        return run_malformed(machine, "a size is negative");
    if (!joined)
        return fetch_across(machine, size);
    machine->frame_end = NO_FRAME;
    return within ? run_odd(machine, PICKLE_ODD_FRAME_JOIN) : 0;
}

int fetch_past(struct pickle_machine *machine, uint64_t size, bool utf8)
{
    int r;

    if (utf8)
        return check_pieces(machine, size);
    r = reader_skip(&machine->reader, size);
    return r == 0 ? 0 : run_failed(machine, r);
}

/* Whether the data have `size` bytes from here on. */
static int has_bytes(struct pickle_machine *machine, uint64_t size)
{
    struct reader *reader = &machine->reader;
    uint64_t offset = reader_offset(reader), whole;
    int r;

    if (size <= SCAN_VIEW_MAX)
        return reader_fill(reader, (size_t)size);
    if (size <= reader->size - reader->used)
        return 0;
    r = source_size(reader->source, &whole, reader->err);
    fetch_again(machine);
    if (r < 0)
        return r;
    return whole < offset || whole - offset < size ? -ENODATA : 0;
}

int fetch_frame(struct pickle_machine *machine)
{
    uint64_t size, offset;
    int r = fetch_integer(machine, 8, &size);

    if (r != 0)
        return r;
    if (size > INT64_MAX)
        return run_malformed(machine, "a frame's size is negative");
    offset = reader_offset(&machine->reader);
    if (size == 0 || (machine->frame_end != NO_FRAME && offset + size <= machine->frame_end))
        return 0; /* within what is read already */
    if (machine->frame_end != NO_FRAME) {
        r = fetch_across(machine, size);
        if (r != 0)
            return r;
    }
    r = has_bytes(machine, size);
    if (r == -ENODATA && !machine->options.strict)
        return run_odd(machine, PICKLE_ODD_FRAME_END);
    if (r < 0)
        return run_failed(machine, r);
    machine->frame_end = reader_offset(&machine->reader) + size;
    return 0;
}
