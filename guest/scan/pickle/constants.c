/* SPDX-License-Identifier: Apache-2.0 */
/* The opcodes that push numbers and texts. */
#include "guest/scan/pickle/state.h"

#include "guest/scan/pickle/literals.h"

#define LONG_READ_MAX 255u /* bytes of a long whose value is looked at */

static int push_int(struct pickle_machine *machine, bool fits, int64_t value)
{
    pickle_value word = pickle_word(PICKLE_INT, (uint64_t)value);

    if (!fits || pickle_signed_payload(word) != value)
        word = pickle_word(PICKLE_INT, 0) | PICKLE_APART;
    return run_push(machine, word);
}

static int push_number(struct pickle_machine *machine, const struct literal_int *number)
{
    int r = 0;

    if (number->too_long && machine->options.strict)
        return run_malformed(machine, "an int has too many digits");
    if (number->odd)
        r = run_odd(machine, PICKLE_ODD_NUMBER);
    if (r != 0)
        return r;
    if (number->is_bool)
        return run_push(machine, pickle_word(PICKLE_BOOL, (uint64_t)number->value));
    return push_int(machine, number->fits, number->value);
}

static int fetch_number_line(struct pickle_machine *machine, struct fetched_line *ret_line)
{
    struct fetched_line line;
    int r = fetch_line(machine, &line);

    if (r != 0)
        return r;
    if (line.size < 2)
        return run_malformed(machine, "an empty line stands for a number");
    *ret_line = line;
    return 0;
}

/* A line that one of the two readings of numbers takes. */
static int push_number_line(struct pickle_machine *machine, __typeof__(literal_int) *read, const char *cause)
{
    struct literal_int number;
    struct fetched_line line;
    int r = fetch_number_line(machine, &line);

    if (r != 0)
        return r;
    if (line.have < line.size)
        number = (struct literal_int){.too_long = true, .odd = true};
    else if (read(line.bytes, line.have, &number) < 0)
        return run_malformed(machine, cause);
    return push_number(machine, &number);
}

int op_int(struct pickle_machine *machine)
{
    return push_number_line(machine, literal_int, "the argument of INT is no number");
}

int op_long(struct pickle_machine *machine)
{
    return push_number_line(machine, literal_long, "the argument of LONG is no number");
}

int op_counted_long(struct pickle_machine *machine, unsigned size)
{
    const uint8_t *bytes;
    uint64_t count, value = 0;
    bool fits = true;
    int r = fetch_count(machine, size, &count);

    if (r != 0)
        return r;
    if (count > INT32_MAX)
        return run_malformed(machine, "a long's size is negative");
    if (count > LONG_READ_MAX) {
        r = fetch_text(machine, count, false);
        r = r == 0 ? fetch_past(machine, count, false) : r;
        return r != 0 ? r : push_int(machine, false, 0);
    }
    r = count > 0 ? fetch(machine, (size_t)count, &bytes) : 0;
    if (r != 0)
        return r;
    for (unsigned i = 0; i < count && i < 8; i++)
        value |= (uint64_t)bytes[i] << 8 * i;
    if (count > 0 && count < 8 && (bytes[count - 1] & 0x80) != 0)
        value |= UINT64_MAX << 8 * count;
    for (unsigned i = 8; i < count; i++) /* what is beyond is the sign, or it is too big */
        fits &= bytes[i] == ((int64_t)value < 0 ? 0xff : 0);
    return push_int(machine, fits, (int64_t)value);
}

int op_float(struct pickle_machine *machine)
{
    struct fetched_line line;
    int r = fetch_number_line(machine, &line);

    if (r != 0)
        return r;
    if (line.have == line.size && literal_float(line.bytes, line.have) < 0) {
        if (machine->options.strict)
            return run_malformed(machine, "the argument of FLOAT is no number");
        r = run_odd(machine, PICKLE_ODD_NUMBER); /* Python's float() takes blanks, underscores, and 1e999 */
    }
    return r != 0 ? r : run_push(machine, pickle_word(PICKLE_FLOAT, 0));
}

/* --- texts -------------------------------------------------------------------------------------------- */

pickle_value make_text(struct pickle_machine *machine, enum pickle_kind kind, uint64_t offset, uint64_t size)
{
    uint64_t number, *cells;
    uint8_t opcode;

    if (!machine->apart)
        return pickle_word(kind, machine->opcode_offset);
    opcode = (uint8_t)machine->opcode;
    number = heap_take(&machine->heap, TEXT_CELLS);
    cells = heap_at(&machine->heap, number);
    cells[0] = opcode;
    cells[1] = offset;
    cells[2] = size;
    return pickle_word(kind, number) | PICKLE_APART;
}

/* The event comes before the machine moves on: a source need not go back for it. */
static int tell_text(struct pickle_machine *machine, pickle_value text, uint64_t size)
{
    int r;

    if (machine->options.text_min == 0 || size < machine->options.text_min || machine->events->text == NULL)
        return 0;
    r = machine->events->text(machine->events->argument, machine, text, size, machine->opcode_offset, machine->err);
    fetch_again(machine);
    return r;
}

/* A line's text; of one that is longer than a view only the size is known. */
static int push_line(struct pickle_machine *machine, const struct fetched_line *line)
{
    pickle_value word = make_text(machine, PICKLE_STR, reader_offset(&machine->reader) - line->size, line->size);
    int r = line->have > 0 ? tell_text(machine, word, line->size) : 0;

    return r != 0 ? r : run_push(machine, word);
}

int op_string(struct pickle_machine *machine)
{
    struct fetched_line line;
    bool ascii = true;
    size_t used;
    int r = fetch_line(machine, &line);

    if (r != 0)
        return r;
    if (line.have == line.size && literal_string(line.bytes, line.have, NULL, 0, &used, &ascii) < 0)
        return run_malformed(machine, "the argument of STRING is not quoted, or has a bad escape");
    if (!ascii && machine->options.strict)
        return run_malformed(machine, "the argument of STRING is not ASCII");
    if (!ascii)
        r = run_odd(machine, PICKLE_ODD_ENCODING);
    return r != 0 ? r : push_line(machine, &line);
}

int op_unicode(struct pickle_machine *machine)
{
    struct fetched_line line;
    size_t used;
    int r = fetch_line(machine, &line);

    if (r != 0)
        return r;
    if (line.have == line.size && literal_unicode(line.bytes, line.have, NULL, 0, &used) < 0)
        return run_malformed(machine, "the argument of UNICODE has a bad escape");
    return push_line(machine, &line);
}

/* SHORT_BINSTRING and BINSTRING: in the unpickler's encoding, ASCII unless a loader says otherwise. */
static int check_binstring(struct pickle_machine *machine, uint64_t size)
{
    bool ascii = true;

    while (size > 0) {
        size_t part = size < SCAN_VIEW_MAX ? (size_t)size : SCAN_VIEW_MAX;
        const uint8_t *bytes;
        int r = reader_bytes(&machine->reader, part, &bytes);

        if (r < 0)
            return run_failed(machine, r);
        ascii = ascii && literal_is_ascii(bytes, part);
        size -= part;
    }
    if (ascii)
        return 0;
    return machine->options.strict ? run_malformed(machine, "a string is not ASCII")
                                   : run_odd(machine, PICKLE_ODD_ENCODING);
}

int op_counted(struct pickle_machine *machine, enum pickle_kind kind, unsigned size, bool is_binstring)
{
    pickle_value word;
    uint64_t count;
    int r = fetch_count(machine, size, &count);

    if (r == 0)
        r = fetch_text(machine, count, kind != PICKLE_STR);
    if (r != 0)
        return r;
    word = make_text(machine, kind, reader_offset(&machine->reader), count);
    if (kind == PICKLE_BYTEARRAY)
        word |= PICKLE_UNHASHABLE;
    r = tell_text(machine, word, count);
    if (r == 0)
        r = is_binstring ? check_binstring(machine, count) : fetch_past(machine, count, kind == PICKLE_STR);
    return r != 0 ? r : run_push(machine, word);
}

int op_readonly_buffer(struct pickle_machine *machine)
{
    pickle_value *last;

    if (stack_size(&machine->stack) <= machine->fence)
        return run_underflow(machine);
    last = stack_last(&machine->stack);
    switch (pickle_kind_of(*last)) {
    case PICKLE_BYTEARRAY:
        *last = pickle_word(PICKLE_BUFFER, 0) | PICKLE_UNHASHABLE;
        return 0;
    case PICKLE_BYTES:
    case PICKLE_BUFFER:
        return 0;
    default:
        return pickle_is_opaque(*last) && !machine->options.strict
                   ? 0
                   : run_malformed(machine, "READONLY_BUFFER needs an object with a buffer");
    }
}
