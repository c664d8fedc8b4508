/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The opcodes that make and fill containers, and those of stack and memo.
 *
 * Of a container the first PICKLE_KEPT_MAX values are kept, and the count of all. Whether a value may be a key is known
 * of each: a wrong one ends a pickle.
 */
#include "guest/scan/pickle/state.h"

#include "guest/scan/pickle/literals.h"

#include <string.h>

int run_mark(struct pickle_machine *machine)
{
    machine->fence = stack_size(&machine->stack);
    stack_push(&machine->marks, pickle_word(PICKLE_INT, machine->fence));
    return 0;
}

static void set_fence(struct pickle_machine *machine)
{
    machine->fence = stack_size(&machine->marks) > 0 ? pickle_payload(*stack_last(&machine->marks)) : 0;
}

int run_marker(struct pickle_machine *machine, uint64_t *ret_depth)
{
    if (stack_size(&machine->marks) == 0)
        return run_malformed(machine, "there is no MARK");
    *ret_depth = pickle_payload(stack_pop(&machine->marks));
    set_fence(machine);
    return 0;
}

/* --- stack and memo ----------------------------------------------------------------------------------- */

int op_pop(struct pickle_machine *machine)
{
    uint64_t size = stack_size(&machine->stack);

    if (stack_size(&machine->marks) > 0 && pickle_payload(*stack_last(&machine->marks)) == size) {
        (void)stack_pop(&machine->marks);
        set_fence(machine);
        return 0;
    }
    if (size <= machine->fence)
        return run_underflow(machine);
    (void)stack_pop(&machine->stack);
    return 0;
}

int op_pop_mark(struct pickle_machine *machine)
{
    uint64_t first = 0;
    int r = run_marker(machine, &first);

    if (r == 0)
        stack_truncate(&machine->stack, first);
    return r;
}

int op_memo_get(struct pickle_machine *machine, uint64_t index)
{
    pickle_value value = memo_get(&machine->memo, index);

    if (value == PICKLE_ABSENT)
        return run_malformed(machine, "the memo has no such entry");
    return run_push(machine, value);
}

int op_memo_put(struct pickle_machine *machine, uint64_t index)
{
    if (stack_size(&machine->stack) <= machine->fence)
        return run_underflow(machine);
    memo_put(&machine->memo, index, *stack_last(&machine->stack));
    return 0;
}

static int fetch_index(struct pickle_machine *machine, int64_t *ret_index)
{
    struct fetched_line line;
    int r = fetch_line(machine, &line);

    if (r != 0)
        return r;
    if (line.size < 2 || line.have < line.size || literal_index(line.bytes, line.have, ret_index) < 0 || *ret_index < 0)
        return run_malformed(machine, "the memo has no such entry");
    return 0;
}

int op_get(struct pickle_machine *machine)
{
    int64_t index;
    int r = fetch_index(machine, &index);

    return r != 0 ? r : op_memo_get(machine, (uint64_t)index);
}

int op_put(struct pickle_machine *machine)
{
    int64_t index;
    int r = fetch_index(machine, &index);

    return r != 0 ? r : op_memo_put(machine, (uint64_t)index);
}

/* --- weights: what it takes to write a value out --- */

static bool has_weight(enum pickle_kind kind)
{
    return kind >= PICKLE_TUPLE && kind <= PICKLE_FROZENSET;
}

/* What heap_at goes by, for many values. */
struct scales {
    const struct heap *heap;
    uint64_t last, held; /* numbers last - held + 1 to last are not forgotten */
};

static struct scales scales_of(const struct pickle_machine *machine)
{
    const struct heap *heap = &machine->heap;
    uint64_t last = heap->next - 1;

    return (struct scales){.heap = heap, .last = last, .held = last < heap->count ? last : heap->count};
}

/* Without a branch on the kind, which in a row of values is anyone's guess: those that weigh 1 read a cell as well. */
static inline double weigh(const struct scales *scales, pickle_value value)
{
    uint64_t number = pickle_payload(value), mask, cell;
    double weight = 1;
    uint64_t one;

    mask = -(uint64_t)(has_weight(pickle_kind_of(value)) & (scales->last - number < scales->held));
    cell = scales->heap->cells[(number + 1) & mask & (scales->heap->count - 1)];
    memcpy(&one, &weight, sizeof one);
    cell = (cell & mask) | (one & ~mask);
    memcpy(&weight, &cell, sizeof weight);
    return weight;
}

static double weight_of(const struct pickle_machine *machine, pickle_value value)
{
    const struct scales scales = scales_of(machine);

    return weigh(&scales, value);
}

/* What the stack's values from `first` on stand for. */
static double weight_from(const struct pickle_machine *machine, uint64_t first)
{
    const struct scales scales = scales_of(machine);
    const uint64_t size = stack_size(&machine->stack);
    double weight = 0;

    for (uint64_t i = first; i < size; i++)
        weight += weigh(&scales, stack_at(&machine->stack, i));
    return weight;
}

static uint64_t weight_cell(struct pickle_machine *machine, double weight)
{
    uint64_t cell;

    machine->expanded |= weight > machine->expansion_max;
    memcpy(&cell, &weight, sizeof cell);
    return cell;
}

/* --- tuples and frozen sets --------------------------------------------------------------------------- */

pickle_value make_tuple(struct pickle_machine *machine, enum pickle_kind kind, uint64_t first)
{
    uint64_t count = stack_size(&machine->stack) - first, number, *cells;
    uint32_t kept = count < PICKLE_KEPT_MAX ? (uint32_t)count : PICKLE_KEPT_MAX;
    struct scales scales;
    pickle_value flags = 0;
    unsigned mark = 0;
    double weight = 1;

    if (count == 0)
        return pickle_word(kind, 0);
    number = heap_take(&machine->heap, kept + TUPLE_CELLS);
    cells = heap_at(&machine->heap, number);
    scales = scales_of(machine);
    for (uint64_t i = 0; i < count; i++) {
        pickle_value item = stack_at(&machine->stack, first + i);
        unsigned item_mark = machine->marked ? pickle_mark_of(machine, item) : 0;

        flags |= item;
        mark = item_mark > mark ? item_mark : mark;
        if (i < kept)
            cells[TUPLE_CELLS + i] = item;
        weight += weigh(&scales, item);
    }
    cells[0] = heap_header(count, kept, mark);
    cells[1] = weight_cell(machine, weight);
    return pickle_with_mark(pickle_word(kind, number), mark) | (kind == PICKLE_TUPLE ? flags & PICKLE_UNHASHABLE : 0);
}

int op_tuple(struct pickle_machine *machine, uint64_t first)
{
    pickle_value tuple = make_tuple(machine, PICKLE_TUPLE, first);

    stack_truncate(&machine->stack, first);
    return run_push(machine, tuple);
}

int op_marked_tuple(struct pickle_machine *machine)
{
    uint64_t first = 0;
    int r = run_marker(machine, &first);

    return r != 0 ? r : op_tuple(machine, first);
}

static bool are_hashable(const struct pickle_machine *machine, uint64_t first, uint64_t step)
{
    for (uint64_t i = first; i < stack_size(&machine->stack); i += step)
        if ((stack_at(&machine->stack, i) & PICKLE_UNHASHABLE) != 0)
            return false;
    return true;
}

static int unhashable(struct pickle_machine *machine)
{
    return run_malformed(machine, "a key or item is not hashable");
}

int op_frozenset(struct pickle_machine *machine)
{
    pickle_value set;
    uint64_t first = 0;
    int r = run_marker(machine, &first);

    if (r != 0)
        return r;
    if (!are_hashable(machine, first, 1))
        return unhashable(machine);
    set = make_tuple(machine, PICKLE_FROZENSET, first);
    stack_truncate(&machine->stack, first);
    return run_push(machine, set);
}

/* --- lists, dicts and sets ---------------------------------------------------------------------------- */

static pickle_value make_container(struct pickle_machine *machine, enum pickle_kind kind)
{
    uint64_t number = heap_take(&machine->heap, CONTAINER_CELLS), *cells = heap_at(&machine->heap, number);

    cells[0] = heap_header(0, 0, 0);
    cells[1] = weight_cell(machine, 1);
    cells[2] = cells[3] = 0;
    return pickle_word(kind, number) | PICKLE_UNHASHABLE;
}

int op_empty(struct pickle_machine *machine, enum pickle_kind kind)
{
    return run_push(machine, make_container(machine, kind));
}

/* Room for more kept items; the cells of the container, which may have moved. NULL: it is forgotten by now. */
static uint64_t *make_room(struct pickle_machine *machine, pickle_value container, unsigned kept, unsigned more)
{
    uint64_t *cells = heap_at(&machine->heap, pickle_payload(container)), *items, number;
    uint32_t room = kept + more < PICKLE_KEPT_MAX / 2 ? (kept + more) * 2 : PICKLE_KEPT_MAX;

    if (cells == NULL || cells[3] >= kept + more)
        return cells;
    number = heap_take(&machine->heap, room);
    cells = heap_at(&machine->heap, pickle_payload(container));
    if (cells == NULL)
        return NULL;
    items = heap_at(&machine->heap, cells[2]);
    if (items != NULL)
        memmove(heap_at(&machine->heap, number), items, kept * sizeof *items);
    else if (kept > 0)
        return NULL;
    cells[2] = number;
    cells[3] = room;
    return cells;
}

/* The greatest mark of the stack's values from `first` on. */
static unsigned mark_from(struct pickle_machine *machine, uint64_t first)
{
    unsigned mark = 0;

    if (machine->marked)
        for (uint64_t i = first; i < stack_size(&machine->stack); i++) {
            unsigned item_mark = pickle_mark_of(machine, stack_at(&machine->stack, i));

            mark = item_mark > mark ? item_mark : mark;
        }
    return mark;
}

/* The stack's values from `first` on become items of a container. */
static void fill(struct pickle_machine *machine, pickle_value container, uint64_t first, unsigned mark)
{
    uint64_t *cells = heap_at(&machine->heap, pickle_payload(container));
    uint64_t count = stack_size(&machine->stack) - first;
    double weight = weight_from(machine, first);
    unsigned kept, more;

    if (cells == NULL)
        return;
    kept = header_kept(cells[0]);
    more = count < PICKLE_KEPT_MAX - kept ? (unsigned)count : PICKLE_KEPT_MAX - kept;
    if (header_count(cells[0]) != kept)
        more = 0; /* there is a hole already */
    if (more > 0) {
        uint64_t *items;

        cells = make_room(machine, container, kept, more);
        if (cells == NULL)
            return;
        items = heap_at(&machine->heap, cells[2]);
        if (items == NULL)
            return;
        for (unsigned i = 0; i < more; i++)
            items[kept + i] = stack_at(&machine->stack, first + i);
    }
    mark = mark > header_mark(cells[0]) ? mark : header_mark(cells[0]);
    cells[0] = heap_header(header_count(cells[0]) + count, kept + more, mark);
    cells[1] = weight_cell(machine, weight_of(machine, container) + weight);
}

/* The values above a mark become a new container. */
static int fill_new(struct pickle_machine *machine, enum pickle_kind kind, uint64_t first)
{
    pickle_value container = make_container(machine, kind);
    unsigned mark = mark_from(machine, first);

    fill(machine, container, first, mark);
    stack_truncate(&machine->stack, first);
    return run_push(machine, pickle_with_mark(container, mark));
}

/* The values from `first` on go into the container below them. */
static int fill_below(struct pickle_machine *machine, uint64_t first)
{
    pickle_value container = stack_at(&machine->stack, first - 1);
    unsigned mark = mark_from(machine, first);

    fill(machine, container, first, mark);
    stack_truncate(&machine->stack, first);
    if (mark > pickle_word_mark(container))
        *stack_last(&machine->stack) = pickle_with_mark(container, mark);
    return 0;
}

int op_list(struct pickle_machine *machine)
{
    uint64_t first = 0;
    int r = run_marker(machine, &first);

    return r != 0 ? r : fill_new(machine, PICKLE_LIST, first);
}

int op_dict(struct pickle_machine *machine)
{
    uint64_t first = 0;
    int r = run_marker(machine, &first);

    if (r != 0)
        return r;
    if ((stack_size(&machine->stack) - first) % 2 != 0)
        return run_malformed(machine, "DICT has a key without a value");
    if (!are_hashable(machine, first, 2))
        return unhashable(machine);
    return fill_new(machine, PICKLE_DICT, first);
}

/* --- filling, whatever it is that is filled ----------------------------------------------------------- */

/* Whether there is something below `first` to be filled, within the fence. */
static bool has_target(const struct pickle_machine *machine, uint64_t first)
{
    return first <= stack_size(&machine->stack) && first > machine->fence;
}

/* An opaque target's own method is called. */
static int fill_opaque(struct pickle_machine *machine, enum pickle_change how, uint64_t first)
{
    uint64_t count = stack_size(&machine->stack) - first;
    pickle_value target = stack_at(&machine->stack, first - 1), items = make_tuple(machine, PICKLE_TUPLE, first);

    stack_truncate(&machine->stack, first);
    return make_change(machine, how, target, items, count);
}

static int append_from(struct pickle_machine *machine, uint64_t first)
{
    pickle_value target;

    if (!has_target(machine, first))
        return run_underflow(machine);
    if (stack_size(&machine->stack) == first)
        return 0;
    target = stack_at(&machine->stack, first - 1);
    if (pickle_kind_of(target) == PICKLE_LIST)
        return fill_below(machine, first);
    if (pickle_is_opaque(target))
        return fill_opaque(machine, PICKLE_CHANGE_APPEND, first);
    if (pickle_kind_of(target) != PICKLE_BYTEARRAY)
        return run_malformed(machine, "items are appended to what is no list");
    run_depends_on_values(machine); /* ints below 256 */
    stack_truncate(&machine->stack, first);
    return 0;
}

int op_append(struct pickle_machine *machine)
{
    uint64_t size = stack_size(&machine->stack);

    return size == 0 ? run_underflow(machine) : append_from(machine, size - 1);
}

int op_appends(struct pickle_machine *machine)
{
    uint64_t first = 0;
    int r = run_marker(machine, &first);

    return r != 0 ? r : append_from(machine, first);
}

/* list[key] and bytearray[key]: the key must be an int, and in range. */
static int set_by_index(struct pickle_machine *machine, uint64_t first)
{
    for (uint64_t i = first; i < stack_size(&machine->stack); i += 2) {
        pickle_value key = stack_at(&machine->stack, i);
        enum pickle_kind kind = pickle_kind_of(key);

        if (kind != PICKLE_INT && kind != PICKLE_BOOL && (!pickle_is_opaque(key) || machine->options.strict))
            return run_malformed(machine, "items are set in what is no dict");
    }
    run_depends_on_values(machine);
    stack_truncate(&machine->stack, first);
    return 0;
}

static int set_from(struct pickle_machine *machine, uint64_t first)
{
    pickle_value target;

    if (!has_target(machine, first))
        return run_underflow(machine);
    if (stack_size(&machine->stack) == first)
        return 0;
    if ((stack_size(&machine->stack) - first) % 2 != 0)
        return run_malformed(machine, "a key has no value");
    target = stack_at(&machine->stack, first - 1);
    switch (pickle_kind_of(target)) {
    case PICKLE_DICT:
        return are_hashable(machine, first, 2) ? fill_below(machine, first) : unhashable(machine);
    case PICKLE_LIST:
    case PICKLE_BYTEARRAY:
        return set_by_index(machine, first);
    default:
        return pickle_is_opaque(target) ? fill_opaque(machine, PICKLE_CHANGE_SETITEM, first)
                                        : run_malformed(machine, "items are set in what is no dict");
    }
}

int op_setitem(struct pickle_machine *machine)
{
    uint64_t size = stack_size(&machine->stack);

    return size < 2 ? run_underflow(machine) : set_from(machine, size - 2);
}

int op_setitems(struct pickle_machine *machine)
{
    uint64_t first = 0;
    int r = run_marker(machine, &first);

    return r != 0 ? r : set_from(machine, first);
}

int op_additems(struct pickle_machine *machine)
{
    pickle_value target;
    uint64_t first = 0;
    int r = run_marker(machine, &first);

    if (r != 0)
        return r;
    if (!has_target(machine, first))
        return run_underflow(machine);
    if (stack_size(&machine->stack) == first)
        return 0;
    target = stack_at(&machine->stack, first - 1);
    if (pickle_is_opaque(target))
        return fill_opaque(machine, PICKLE_CHANGE_ADD, first);
    if (pickle_kind_of(target) != PICKLE_SET)
        return run_malformed(machine, "items are added to what is no set");
    return are_hashable(machine, first, 1) ? fill_below(machine, first) : unhashable(machine);
}
