/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine knows of a value, for events. */
#include "guest/scan/pickle/state.h"

#include "guest/scan/pickle/literals.h"

#include <string.h>

#define KEY_MAX 64u /* bytes of a key that is looked up */

static bool is_container(enum pickle_kind kind)
{
    return kind >= PICKLE_TUPLE && kind <= PICKLE_FROZENSET;
}

unsigned pickle_mark_of(struct pickle_machine *machine, pickle_value value)
{
    enum pickle_kind kind = pickle_kind_of(value);
    unsigned mark = pickle_word_mark(value);
    const uint64_t *cells;

    if (kind != PICKLE_RESULT && kind != PICKLE_LIST && kind != PICKLE_DICT && kind != PICKLE_SET)
        return mark;
    cells = heap_at(&machine->heap, pickle_payload(value));
    return cells != NULL && header_mark(cells[0]) > mark ? header_mark(cells[0]) : mark;
}

bool pickle_global_of(struct pickle_machine *machine, pickle_value value, struct pickle_global *ret_global)
{
    return pickle_kind_of(value) == PICKLE_GLOBAL && names_get(&machine->names, pickle_payload(value), ret_global);
}

bool pickle_result_of(struct pickle_machine *machine, pickle_value value, pickle_value *ret_callable,
                      pickle_value *ret_arguments, pickle_value *ret_state)
{
    const uint64_t *cells =
        pickle_kind_of(value) == PICKLE_RESULT ? heap_at(&machine->heap, pickle_payload(value)) : NULL;

    if (cells == NULL)
        return false;
    *ret_callable = cells[1];
    *ret_arguments = cells[2];
    *ret_state = cells[3];
    return true;
}

pickle_value pickle_persistent_of(struct pickle_machine *machine, pickle_value value)
{
    const uint64_t *cells =
        pickle_kind_of(value) == PICKLE_PERSISTENT ? heap_at(&machine->heap, pickle_payload(value)) : NULL;

    return cells != NULL ? cells[0] : PICKLE_ABSENT;
}

/* The cells of a container's items, and its header. */
static const uint64_t *items_of(struct pickle_machine *machine, pickle_value value, uint64_t *ret_header)
{
    enum pickle_kind kind = pickle_kind_of(value);
    const uint64_t *cells = heap_at(&machine->heap, pickle_payload(value));

    if (!is_container(kind) || cells == NULL)
        return NULL;
    *ret_header = cells[0];
    if (kind == PICKLE_TUPLE || kind == PICKLE_FROZENSET)
        return cells + TUPLE_CELLS;
    return header_kept(cells[0]) > 0 ? heap_at(&machine->heap, cells[2]) : cells;
}

bool pickle_items_of(struct pickle_machine *machine, pickle_value value, uint64_t *ret_count, uint32_t *ret_kept)
{
    enum pickle_kind kind = pickle_kind_of(value);
    uint64_t header;

    if ((kind == PICKLE_TUPLE || kind == PICKLE_FROZENSET) && pickle_payload(value) == 0) {
        *ret_count = *ret_kept = 0;
        return true;
    }
    if (items_of(machine, value, &header) == NULL)
        return false;
    *ret_count = header_count(header);
    *ret_kept = header_kept(header);
    return true;
}

pickle_value pickle_item_of(struct pickle_machine *machine, pickle_value value, uint32_t index)
{
    uint64_t header = 0;
    const uint64_t *items = items_of(machine, value, &header);

    return items != NULL && index < header_kept(header) ? items[index] : PICKLE_ABSENT;
}

pickle_value pickle_lookup(struct pickle_machine *machine, pickle_value dict, const char *key)
{
    pickle_value found = PICKLE_ABSENT;
    uint64_t count;
    uint32_t kept;

    if (pickle_kind_of(dict) != PICKLE_DICT || !pickle_items_of(machine, dict, &count, &kept))
        return PICKLE_ABSENT;
    for (uint32_t i = 0; i + 1 < kept; i += 2) { /* the last one of a key stands */
        pickle_value name = pickle_item_of(machine, dict, i);
        char text[KEY_MAX];
        bool whole = false;
        size_t size;

        if (pickle_kind_of(name) == PICKLE_STR &&
            pickle_text_of(machine, name, text, sizeof text, &size, &whole, NULL) == 0 && whole &&
            size == strlen(key) && memcmp(text, key, size) == 0)
            found = pickle_item_of(machine, dict, i + 1);
    }
    return found;
}

bool pickle_int_of(pickle_value value, int64_t *ret_value)
{
    enum pickle_kind kind = pickle_kind_of(value);

    if ((kind != PICKLE_INT && kind != PICKLE_BOOL) || (value & PICKLE_APART) != 0)
        return false;
    *ret_value = pickle_signed_payload(value);
    return true;
}

/* --- texts -------------------------------------------------------------------------------------------- */

struct place {
    uint8_t opcode;
    uint64_t offset, size; /* of the argument's bytes; size 0 for a line that must be looked for */
};

static bool is_line(uint8_t opcode)
{
    return opcode == OP_STRING || opcode == OP_UNICODE || opcode == OP_PERSID;
}

static unsigned size_bytes(uint8_t opcode)
{
    switch (pickle_opcode_info(opcode)->argument) {
    case ARGUMENT_COUNTED8:
        return 1;
    case ARGUMENT_COUNTED32:
        return 4;
    case ARGUMENT_COUNTED64:
        return 8;
    default:
        return 0;
    }
}

/* -EINVAL for what is no text; -ENOENT for one that is forgotten. */
static int place_of(struct pickle_machine *machine, pickle_value value, struct place *ret_place, struct error *err)
{
    enum pickle_kind kind = pickle_kind_of(value);
    struct place place = {.offset = pickle_payload(value)};
    uint8_t size[8] = {0};
    int r;

    if (kind != PICKLE_STR && kind != PICKLE_BYTES && kind != PICKLE_BYTEARRAY)
        return -EINVAL;
    if ((value & PICKLE_APART) != 0) {
        const uint64_t *cells = heap_at(&machine->heap, place.offset);

        if (cells == NULL)
            return -ENOENT;
        *ret_place = (struct place){.opcode = (uint8_t)cells[0], .offset = cells[1], .size = cells[2]};
        return 0;
    }
    r = source_copy(machine->reader.source, place.offset, &place.opcode, 1, err);
    if (r < 0)
        return r;
    if (place.opcode == OP_NEXT_BUFFER)
        return -ENOENT;
    r = source_copy(machine->reader.source, place.offset + 1, size, size_bytes(place.opcode), err);
    if (r < 0)
        return r;
    place.offset += 1 + size_bytes(place.opcode);
    for (unsigned i = 0; i < 8; i++)
        place.size |= (uint64_t)size[i] << 8 * i;
    *ret_place = place;
    return 0;
}

static int line_text(struct pickle_machine *machine, const struct place *place, void *ret_bytes, size_t size,
                     size_t *ret_size, bool *ret_whole, struct error *err)
{
    const uint8_t *bytes, *newline;
    size_t got;
    bool ascii;
    int r = source_view(machine->reader.source, place->offset, SCAN_VIEW_MAX, &bytes, &got, err);

    if (r < 0)
        return r;
    newline = memchr(bytes, '\n', got);
    *ret_whole = newline != NULL;
    if (newline == NULL) {
        *ret_size = 0; /* too long to be of use */
        return 0;
    }
    got = (size_t)(newline - bytes) + 1;
    if (place->opcode == OP_PERSID) {
        *ret_size = got - 1 < size ? got - 1 : size;
        memcpy(ret_bytes, bytes, *ret_size);
        r = 0;
    } else if (place->opcode == OP_STRING)
        r = literal_string(bytes, got, ret_bytes, size, ret_size, &ascii);
    else
        r = literal_unicode(bytes, got, ret_bytes, size, ret_size);
    *ret_whole = r == 0 && *ret_size < size;
    return r;
}

int pickle_text_of(struct pickle_machine *machine, pickle_value value, void *ret_bytes, size_t size, size_t *ret_size,
                   bool *ret_whole, struct error *err)
{
    struct place place;
    bool whole = true;
    size_t got;
    int r = place_of(machine, value, &place, err);

    if (r == 0 && is_line(place.opcode)) {
        r = line_text(machine, &place, ret_bytes, size, &got, &whole, err);
    } else if (r == 0) {
        whole = place.size <= size;
        got = whole ? (size_t)place.size : size;
        r = source_copy(machine->reader.source, place.offset, ret_bytes, got, err);
    }
    fetch_again(machine);
    if (r < 0)
        return r;
    *ret_size = got;
    if (ret_whole != NULL)
        *ret_whole = whole;
    return 0;
}

bool pickle_text_range(struct pickle_machine *machine, pickle_value value, uint64_t *ret_offset, uint64_t *ret_size)
{
    struct place place;
    int r = place_of(machine, value, &place, NULL);

    fetch_again(machine);
    if (r < 0 || is_line(place.opcode))
        return false;
    *ret_offset = place.offset;
    *ret_size = place.size;
    return true;
}

unsigned pickle_recent(const struct pickle_machine *machine, uint64_t ret_offsets[PICKLE_RECENT_MAX])
{
    uint64_t last = machine->result.opcodes;
    unsigned count = last + 1 < PICKLE_RECENT_MAX ? (unsigned)last + 1 : PICKLE_RECENT_MAX;

    for (unsigned i = 0; i < count; i++)
        ret_offsets[i] = machine->recent[(last - count + 1 + i) % PICKLE_RECENT_MAX];
    return count;
}

struct source *pickle_source(struct pickle_machine *machine)
{
    return machine->reader.source;
}

unsigned pickle_protocol(const struct pickle_machine *machine)
{
    return machine->protocol;
}
