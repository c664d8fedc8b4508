/* SPDX-License-Identifier: Apache-2.0 */
/* Lines around a finding. */
#include "guest/scan/pickle/disassemble.h"

#include "guest/scan/pickle/opcodes.h"
#include "guest/scan/text.h"

#include <stdio.h>
#include <string.h>

#define ARGUMENT_SHOWN 96u /* bytes of a text */

struct shown {
    struct source *source;
    uint64_t offset; /* of what comes next */
    char text[2 * SCAN_CONTEXT_LINE];
};

static bool read_integer(struct shown *shown, unsigned size, uint64_t *ret_value)
{
    uint8_t bytes[8];
    uint64_t value = 0;

    if (source_copy(shown->source, shown->offset, bytes, size, NULL) < 0)
        return false;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << 8 * i;
    shown->offset += size;
    *ret_value = value;
    return true;
}

static void show_bytes(struct shown *shown, uint64_t size)
{
    const uint8_t *bytes;
    size_t got, used = strlen(shown->text), want = size < ARGUMENT_SHOWN ? (size_t)size : ARGUMENT_SHOWN;

    if (source_view(shown->source, shown->offset, want, &bytes, &got, NULL) < 0)
        return;
    got = got < want ? got : want;
    (void)snprintf(shown->text + used, sizeof shown->text - used, " '%s'%s", TEXT(bytes, got), size > got ? "..." : "");
}

static bool show_counted(struct shown *shown, unsigned size)
{
    uint64_t count;

    if (!read_integer(shown, size, &count) || count > UINT64_MAX / 2)
        return false;
    show_bytes(shown, count);
    shown->offset += count;
    return true;
}

static bool show_line(struct shown *shown)
{
    const uint8_t *bytes, *newline;
    size_t got;

    if (source_view(shown->source, shown->offset, SCAN_VIEW_MAX, &bytes, &got, NULL) < 0)
        return false;
    newline = memchr(bytes, '\n', got);
    if (newline == NULL)
        return false;
    got = (size_t)(newline - bytes);
    show_bytes(shown, got);
    shown->offset += got + 1;
    return true;
}

static bool show_number(struct shown *shown, unsigned size, bool is_signed)
{
    size_t used = strlen(shown->text);
    uint64_t value;

    if (!read_integer(shown, size, &value))
        return false;
    if (is_signed)
        value = (uint64_t)(int64_t)(int32_t)value;
    (void)snprintf(shown->text + used, sizeof shown->text - used, " %lld", (long long)value);
    return true;
}

static bool show_argument(struct shown *shown, enum pickle_argument argument)
{
    switch (argument) {
    case ARGUMENT_NONE:
        return true;
    case ARGUMENT_U8:
        return show_number(shown, 1, false);
    case ARGUMENT_U16:
        return show_number(shown, 2, false);
    case ARGUMENT_U32:
    case ARGUMENT_I32:
        return show_number(shown, 4, argument == ARGUMENT_I32);
    case ARGUMENT_U64:
        return show_number(shown, 8, false);
    case ARGUMENT_F64:
        shown->offset += 8;
        return true;
    case ARGUMENT_LINE:
        return show_line(shown);
    case ARGUMENT_LINES:
        return show_line(shown) && show_line(shown);
    case ARGUMENT_COUNTED8:
        return show_counted(shown, 1);
    case ARGUMENT_COUNTED32:
        return show_counted(shown, 4);
    default:
        return show_counted(shown, 8);
    }
}

bool disassemble_opcode(struct source *source, uint64_t offset, char ret_line[SCAN_CONTEXT_LINE], uint64_t *ret_next)
{
    struct shown shown = {.source = source, .offset = offset + 1};
    const struct pickle_opcode_info *info;
    uint8_t opcode;
    bool whole;

    if (source_copy(source, offset, &opcode, 1, NULL) < 0)
        return false;
    info = pickle_opcode_info(opcode);
    if (info->name == NULL) {
        (void)snprintf(ret_line, SCAN_CONTEXT_LINE, "no opcode: 0x%02x", opcode);
        return false;
    }
    (void)snprintf(shown.text, sizeof shown.text, "%s", info->name);
    whole = show_argument(&shown, info->argument);
    (void)snprintf(ret_line, SCAN_CONTEXT_LINE, "%s", shown.text);
    *ret_next = shown.offset;
    return whole && opcode != OP_STOP;
}

void disassemble_around(const struct pickle_machine *machine, struct source *source, struct scan_finding *finding)
{
    uint64_t offsets[PICKLE_RECENT_MAX], next = 0;
    unsigned count = pickle_recent(machine, offsets), line = 0;
    bool more = true;

    for (unsigned i = 0; i < count; i++, line++) {
        finding->context_offsets[line] = offsets[i];
        more = disassemble_opcode(source, offsets[i], finding->context[line], &next);
    }
    for (unsigned i = 0; i < DISASSEMBLE_AFTER && more && line < SCAN_CONTEXT_MAX; i++, line++) {
        finding->context_offsets[line] = next;
        finding->context[line][0] = '\0';
        more = disassemble_opcode(source, next, finding->context[line], &next);
        if (finding->context[line][0] == '\0')
            break;
    }
    finding->context_count = line;
}
