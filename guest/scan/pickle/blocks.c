/* SPDX-License-Identifier: Apache-2.0 */
/* Packing of values, and the stack. */
#include "guest/scan/pickle/blocks.h"

#include <stdlib.h>
#include <string.h>

/* --- memory ------------------------------------------------------------------------------------------- */

#define ALLOCATION_OVERHEAD 16u /* what malloc adds */

static bool reserve(struct pickle_memory *memory, uint64_t size)
{
    if (memory->scan != NULL ? scan_reserve(memory->scan, size, NULL) < 0 : memory->used + size > SCAN_MEMORY_MAX)
        return false;
    memory->used += size;
    return true;
}

static void release(struct pickle_memory *memory, uint64_t size)
{
    if (memory->scan != NULL)
        scan_release(memory->scan, size);
    memory->used -= size;
}

void *memory_get(struct pickle_memory *memory, size_t size)
{
    void *bytes;

    if (!reserve(memory, size + ALLOCATION_OVERHEAD))
        return NULL;
    bytes = malloc(size);
    if (bytes == NULL)
        release(memory, size + ALLOCATION_OVERHEAD);
    return bytes;
}

void *memory_resize(struct pickle_memory *memory, void *bytes, size_t old_size, size_t size)
{
    void *resized = memory_get(memory, size); /* both are there for a moment, and both are reserved */

    if (resized == NULL)
        return NULL;
    if (bytes != NULL)
        memcpy(resized, bytes, old_size < size ? old_size : size);
    memory_put(memory, bytes, old_size);
    return resized;
}

void memory_put(struct pickle_memory *memory, void *bytes, size_t size)
{
    if (bytes == NULL)
        return;
    free(bytes);
    release(memory, size + ALLOCATION_OVERHEAD);
}

/* --- blocks ------------------------------------------------------------------------------------------- */

/*
 * A value is its head (kind, mark, flags) and its payload. The block has a palette: a word for each head, with the
 * least payload that it has here. A value is a place in the palette (4 bits) and what its payload has more.
 */
enum form {
    FORM_UNIFORM, /* all values are palette[0] */
    FORM_PLACES,  /* 4 bits: nothing more */
    FORM_16,      /* 4 + 12 bits */
    FORM_32,      /* 4 + 28 bits */
    FORM_RAW,
};

#define PALETTE_MAX 16u

struct block {
    uint16_t size; /* of the whole */
    uint8_t form, palette_size;
    uint32_t unused;
    pickle_value palette[];
};

static const unsigned form_bits[] = {
    [FORM_UNIFORM] = 0, [FORM_PLACES] = 4, [FORM_16] = 16, [FORM_32] = 32, [FORM_RAW] = 64};

#define HEADS (1u << 9) /* kind, mark and flags */
_Static_assert((PICKLE_APART | PICKLE_UNHASHABLE) >> PICKLE_HEAD_SHIFT < HEADS, "a head is an index");

struct survey {
    pickle_value palette[PALETTE_MAX];
    unsigned palette_size;
    uint64_t most[PALETTE_MAX];
    uint8_t places[BLOCK_VALUES];
    uint8_t place_of[HEADS]; /* plus one; 0: the palette has no such head */
};

/* No branch depends on what values follow each other, which often nothing foretells. */
static enum form survey_values(const pickle_value values[BLOCK_VALUES], struct survey *survey)
{
    uint64_t span = 0;

    survey->palette_size = 0;
    memset(survey->place_of, 0, sizeof survey->place_of);
    for (unsigned i = 0; i < BLOCK_VALUES; i++) {
        const pickle_value value = values[i];
        uint8_t *place_of = &survey->place_of[value >> PICKLE_HEAD_SHIFT & (HEADS - 1)];
        unsigned place;

        if (*place_of == 0) {
            if (survey->palette_size == PALETTE_MAX)
                return FORM_RAW;
            survey->palette[survey->palette_size] = survey->most[survey->palette_size] = value;
            *place_of = (uint8_t)++survey->palette_size;
        }
        place = *place_of - 1u;
        survey->places[i] = (uint8_t)place;
        survey->palette[place] = value < survey->palette[place] ? value : survey->palette[place];
        survey->most[place] = value > survey->most[place] ? value : survey->most[place];
    }
    for (unsigned i = 0; i < survey->palette_size; i++)
        if (survey->most[i] - survey->palette[i] > span)
            span = survey->most[i] - survey->palette[i];
    if (span == 0)
        return survey->palette_size == 1 ? FORM_UNIFORM : FORM_PLACES;
    return span < 1u << 12 ? FORM_16 : span < 1u << 28 ? FORM_32 : FORM_RAW;
}

static void write_places(struct block *block, const struct survey *survey, const pickle_value values[BLOCK_VALUES])
{
    void *data = block->palette + block->palette_size;

    for (unsigned i = 0; i < BLOCK_VALUES; i++) {
        uint64_t word = survey->places[i] | (values[i] - survey->palette[survey->places[i]]) << 4;

        if (block->form == FORM_16)
            ((uint16_t *)data)[i] = (uint16_t)word;
        else if (block->form == FORM_32)
            ((uint32_t *)data)[i] = (uint32_t)word;
        else if (i % 2 == 0)
            ((uint8_t *)data)[i / 2] = (uint8_t)word;
        else
            ((uint8_t *)data)[i / 2] = (uint8_t)(((uint8_t *)data)[i / 2] | word << 4);
    }
}

struct block *block_pack(struct pickle_memory *memory, const pickle_value values[BLOCK_VALUES])
{
    struct survey survey;
    enum form form = survey_values(values, &survey);
    unsigned palette_size = form == FORM_RAW ? 0 : survey.palette_size;
    size_t size = sizeof(struct block) + palette_size * sizeof *values + BLOCK_VALUES / 8 * form_bits[form];
    struct block *block = memory_get(memory, size);

    if (block == NULL)
        return NULL;
    *block = (struct block){.form = (uint8_t)form, .palette_size = (uint8_t)palette_size, .size = (uint16_t)size};
    memcpy(block->palette, survey.palette, palette_size * sizeof *values);
    if (form == FORM_RAW)
        memcpy(block->palette, values, BLOCK_VALUES * sizeof *values);
    else if (form != FORM_UNIFORM)
        write_places(block, &survey, values);
    return block;
}

pickle_value block_get(const struct block *block, unsigned index)
{
    const void *data = block->palette + block->palette_size;
    uint64_t word;

    switch ((enum form)block->form) {
    case FORM_UNIFORM:
        return block->palette[0];
    case FORM_PLACES:
        word = (uint32_t)((const uint8_t *)data)[index / 2] >> (index % 2 * 4) & 15u;
        break;
    case FORM_16:
        word = ((const uint16_t *)data)[index];
        break;
    case FORM_32:
        word = ((const uint32_t *)data)[index];
        break;
    default:
        return block->palette[index];
    }
    return block->palette[word & 15] + (word >> 4);
}

void block_unpack(const struct block *block, pickle_value ret_values[BLOCK_VALUES])
{
    for (unsigned i = 0; i < BLOCK_VALUES; i++)
        ret_values[i] = block_get(block, i);
}

void block_free(struct pickle_memory *memory, struct block *block)
{
    if (block != NULL)
        memory_put(memory, block, block->size);
}

/* --- the stack ---------------------------------------------------------------------------------------- */

void stack_init(struct stack *stack, struct pickle_memory *memory)
{
    stack->memory = memory;
    stack->used = stack->block_count = stack->block_room = 0;
    stack->blocks = NULL;
    stack->forgot = false;
}

void stack_free(struct stack *stack)
{
    for (size_t i = 0; i < stack->block_count; i++)
        block_free(stack->memory, stack->blocks[i]);
    memory_put(stack->memory, stack->blocks, stack->block_room * sizeof *stack->blocks);
}

static bool grow_blocks(struct stack *stack)
{
    size_t room = stack->block_room + stack->block_room / 4 + 64;
    struct block **blocks =
        memory_resize(stack->memory, stack->blocks, stack->block_room * sizeof *blocks, room * sizeof *blocks);

    if (blocks == NULL)
        return false;
    stack->blocks = blocks;
    stack->block_room = room;
    return true;
}

void stack_spill(struct stack *stack)
{
    if (stack->block_count == stack->block_room && !grow_blocks(stack)) {
        stack->memory->exhausted = true; /* the run ends with this opcode */
    } else {
        struct block *block = block_pack(stack->memory, stack->top);

        stack->forgot |= block == NULL;
        stack->blocks[stack->block_count++] = block;
    }
    memmove(stack->top, stack->top + BLOCK_VALUES, BLOCK_VALUES * sizeof *stack->top);
    stack->used = BLOCK_VALUES;
}

void stack_refill(struct stack *stack)
{
    struct block *block = stack->blocks[--stack->block_count];

    stack->used = BLOCK_VALUES;
    if (block != NULL)
        block_unpack(block, stack->top);
    else
        for (unsigned i = 0; i < BLOCK_VALUES; i++)
            stack->top[i] = pickle_word(PICKLE_OPAQUE, 0);
    block_free(stack->memory, block);
}

pickle_value stack_packed(const struct stack *stack, uint64_t index)
{
    const struct block *block = stack->blocks[index / BLOCK_VALUES];

    return block != NULL ? block_get(block, (unsigned)(index % BLOCK_VALUES)) : pickle_word(PICKLE_OPAQUE, 0);
}

void stack_cut(struct stack *stack, uint64_t size)
{
    size_t keep = (size_t)(size / BLOCK_VALUES);

    while (stack->block_count > keep + 1)
        block_free(stack->memory, stack->blocks[--stack->block_count]);
    stack_refill(stack);
    stack->used = (size_t)(size % BLOCK_VALUES);
}
