/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a text is code that would do something: run a command, import what can, reach out, unpickle.
 *
 * Theory of operation. One lexer cuts the text of any language into words and single marks; quotes are marks too, so
 * that code within a string within code is seen, and a word that is put together from literals ('sys'+'tem') is one.
 * A table of token sequences (code_patterns.h) says what each language's ways to act look like. Texts within the
 * text, in base64, hex or \x escapes, are decoded once and judged the same way.
 *
 * It is meant for places where text has no business to be code: metadata, configuration, names, constants. A README
 * that shows how to download a model would be judged too; so don't ask about one.
 */
#ifndef LAZARET_GUEST_SCAN_CODE_TEXT_H
#define LAZARET_GUEST_SCAN_CODE_TEXT_H

#include "guest/scan/source.h"

#include <stddef.h>

enum code_text {
    CODE_TEXT_NONE,
    CODE_TEXT_SUSPICIOUS, /* names what code needs to act, or is written to hide something */
    CODE_TEXT_EXECUTES,   /* would act: calls os.system, pipes curl into a shell, opens a <script> */
};

/*
 * Judges a text in ASCII or UTF-8, at once; what lies beyond SCAN_VIEW_MAX bytes is not looked at. Where the judgement
 * is not NONE, *ret_offset is where in the text the first such thing stands and *ret_what says in a few words what it
 * is (constant, lives for ever).
 */
enum code_text code_text_judge(const void *bytes, size_t size, size_t *ret_offset, const char **ret_what);

/* The same of any length: [offset, offset + size) of a source, in windows that overlap. Errors are the source's. */
MUST_USE int code_text_judge_source(struct source *source, uint64_t offset, uint64_t size, enum code_text *ret_judged,
                                    uint64_t *ret_offset, const char **ret_what, struct error *err);

#endif
