/* SPDX-License-Identifier: Apache-2.0 */
/* A pickle's opcodes as lines for people: "STACK_GLOBAL", "SHORT_BINUNICODE 'system'". */
#ifndef LAZARET_GUEST_SCAN_PICKLE_DISASSEMBLE_H
#define LAZARET_GUEST_SCAN_PICKLE_DISASSEMBLE_H

#include "guest/scan/pickle/machine.h"
#include "guest/scan/report.h"

#define DISASSEMBLE_AFTER 3u /* opcodes that are shown behind the one of a finding */

/* The opcode at an offset; *ret_next is where the next one is. false where there is none. */
bool disassemble_opcode(struct source *source, uint64_t offset, char ret_line[SCAN_CONTEXT_LINE], uint64_t *ret_next);

/* The lines around the opcode that the machine is at. */
void disassemble_around(const struct pickle_machine *machine, struct source *source, struct scan_finding *finding);

#endif
