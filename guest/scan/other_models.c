/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers of models that are known by their first bytes and not read to their end: R's and Torch7's objects, which
 * may hold functions, and ggml's files from before GGUF, which hold numbers.
 *
 * Of the first two, texts in them are judged, and the rest stays a gap: R's promises and Torch7's functions run when
 * they are read or used (R Internals, "Serialization Formats", CVE-2024-27322; torch7's File.lua and serialization.md).
 */
#include "guest/scan/formats.h"

#include "guest/scan/code_text.h"
#include "guest/scan/text.h"

#include <errno.h>
#include <string.h>

enum { CODE, LUA_CODE, RULE_COUNT };

static const struct scan_rule model_rules[RULE_COUNT] = {
    [CODE] = {"r-code", SCAN_HIGH, "An object of R's holds code that runs commands or reaches out."},
    [LUA_CODE] = {"torch7-code", SCAN_HIGH, "An object of Torch7's holds Lua that runs commands, or a function."},
};

static uint64_t size_of(const struct scan_object *object)
{
    uint64_t size;

    return source_size(object->source, &size, NULL) == 0 ? size : 0;
}

static bool has_any(const struct scan_object *object, const char *const *starts, const uint8_t *sizes, size_t count)
{
    if (object->role != SCAN_ROLE_FILE)
        return false;
    for (size_t i = 0; i < count; i++)
        if (source_has(object->source, 0, starts[i], sizes[i]))
            return true;
    return false;
}

/* Texts that act are told; the rest is a gap. */
static int judge_rest(struct scan *scan, const struct scan_object *object, unsigned rule, const char *what,
                      struct error *err)
{
    enum code_text judged = CODE_TEXT_NONE;
    struct error cause = {0};
    const char *code = "";
    uint64_t at = 0, size = size_of(object);
    int r = code_text_judge_source(object->source, 0, size, &judged, &at, &code, &cause);

    if (r < 0) {
        scan_skipped_for(scan, object, r, 0, &cause);
        return 0;
    }
    scan_skipped(scan, object, SCAN_GAP_UNSUPPORTED, 0, size, "%s", what);
    return judged == CODE_TEXT_EXECUTES ? scan_find(scan, object, &model_rules[rule], at, err, "%s", code) : 0;
}

/* --- R ---------------------------------------------------------------------------------------------------- */

static enum scan_match match_r(struct scan *scan, const struct scan_object *object)
{
    static const char *const starts[] = {"RDX2\n", "RDX3\n",      "RDA2\n",      "RDA3\n", "RDB2\n",
                                         "RDB3\n", "X\n\0\0\0\2", "X\n\0\0\0\3", "A\n2\n", "A\n3\n"};
    static const uint8_t sizes[] = {5, 5, 5, 5, 5, 5, 6, 6, 4, 4};

    (void)scan;
    return has_any(object, starts, sizes, sizeof sizes) ? SCAN_MATCH_YES : SCAN_MATCH_NO;
}

static int scan_r(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    (void)ret_recognised;
    return judge_rest(scan, object, CODE, "R's objects may hold promises and functions", err);
}

const struct scan_format scan_format_r = {
    .name = "r", .rules = model_rules, .rule_count = RULE_COUNT, .match = match_r, .scan = scan_r};

/* --- Torch7 ------------------------------------------------------------------------------------------------ */

/* A Torch object, of index 1, version "V 1": in text, or in binary numbers of 32 or 64 bits. */
static enum scan_match match_torch7(struct scan *scan, const struct scan_object *object)
{
    static const char *const starts[] = {"4\n1\n3\nV 1\n",
                                         "\4\0\0\0\1\0\0\0\3\0\0\0V 1",
                                         "\4\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0V 1",
                                         "6\n1\n",
                                         "7\n1\n",
                                         "8\n1\n"};
    static const uint8_t sizes[] = {10, 15, 27, 4, 4, 4};

    (void)scan;
    return has_any(object, starts, sizes, sizeof sizes) ? SCAN_MATCH_YES : SCAN_MATCH_NO;
}

static int scan_torch7(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    const uint8_t *bytes;
    size_t size;

    (void)ret_recognised;
    /* Functions are types 6 to 8, in the text's first line. */
    if (source_view(object->source, 0, 2, &bytes, &size, NULL) == 0 && size >= 2 && bytes[0] >= '6' &&
        bytes[0] <= '8' && bytes[1] == '\n') {
        int r = scan_find(scan, object, &model_rules[LUA_CODE], 0, err, "%s", "a function");

        if (r < 0)
            return r;
    }
    return judge_rest(scan, object, LUA_CODE, "Torch7's objects may hold functions", err);
}

const struct scan_format scan_format_torch7 = {.name = "torch7", .match = match_torch7, .scan = scan_torch7};

/* --- ggml before GGUF ---------------------------------------------------------------------------------------- */

static enum scan_match match_ggml(struct scan *scan, const struct scan_object *object)
{
    static const char *const starts[] = {"lmgg", "fmgg", "tjgg", "algg", "nsgg"};
    static const uint8_t sizes[] = {4, 4, 4, 4, 4};

    return !scan_is_recognised(scan) && has_any(object, starts, sizes, sizeof sizes) ? SCAN_MATCH_YES : SCAN_MATCH_NO;
}

static int scan_ggml(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    (void)ret_recognised;
    (void)err;
    scan_skipped(scan, object, SCAN_SKIP_WEIGHTS, 0, size_of(object), "%s", "numbers and a vocabulary");
    return 0;
}

const struct scan_format scan_format_ggml = {.name = "ggml", .match = match_ggml, .scan = scan_ggml};
