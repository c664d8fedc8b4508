/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pickles: by content, whatever they are called; the first, and those that follow it.
 *
 * Theory of operation. Protocol 0 has no magic: any text is opcodes for a while. So the machine runs first without
 * findings, for a bounded number of opcodes, and what it meets says whether the object is a pickle. Then each pickle is
 * judged. Loaders that call load again read on behind STOP, and others look for the next one: padding is skipped, what
 * is neither padding nor a pickle is a gap, and a pickle behind it is looked for all the same.
 */
#include "guest/scan/formats.h"
#include "guest/scan/pickle/globals.h"
#include "guest/scan/pickle/joblib_array.h"
#include "guest/scan/pickle/judge_state.h"
#include "guest/scan/pickle/opcodes.h"
#include "guest/scan/pickle/torch_legacy.h"
#include "guest/scan/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PROBE_OPCODES 4096u /* executed to see whether it is a pickle */
#define PROBES_MAX    2048u /* places behind pickles that are tried, of an object */
#define NEAR_MAX      4096u /* bytes in which a pickle is looked for before there was one */
#define RESYNC_MAX    (UINT64_C(64) << 20)
#define NAME_SHOWN    128u /* bytes of a line that may be a name */

/* --- is it one? ----------------------------------------------------------------------------------------- */

struct evidence {
    /* Names that could be modules and functions; those of them that are listed; those that are dangerous. */
    uint64_t names, known, dangerous;
    uint64_t calls;
};

static bool is_name(const char *text, size_t size)
{
    if (size == 0 || (text[0] >= '0' && text[0] <= '9'))
        return false;
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)text[i], letter = byte | 0x20;

        if (!(letter >= 'a' && letter <= 'z') && !(byte >= '0' && byte <= '9') && byte != '_' && byte != '.' &&
            byte != '<' && byte != '>' && byte < 0x80)
            return false;
    }
    return true;
}

/* Two lines of a text are no global: no module has a blank in its name, and dots are followed from protocol 4 on. */
static bool could_be_global(const struct pickle_global *global)
{
    return is_name(global->module, global->module_size) && is_name(global->name, global->name_size) &&
           (global->protocol >= 4 || memchr(global->name, '.', global->name_size) == NULL);
}

static int probe_global(void *argument, struct pickle_machine *machine, const struct pickle_global *global,
                        unsigned *ret_mark, struct error *err)
{
    struct evidence *evidence = argument;
    enum global_class class = global_judge(global->module, global->module_size, global->name, global->name_size, NULL);

    (void)machine;
    (void)ret_mark;
    (void)err;
    if (global->how != PICKLE_BY_VALUE && !could_be_global(global))
        return 0;
    evidence->names++;
    evidence->known += class != GLOBAL_UNKNOWN;
    evidence->dangerous += class == GLOBAL_DANGEROUS;
    return 0;
}

static int probe_call(void *argument, struct pickle_machine *machine, const struct pickle_call_event *call,
                      unsigned *ret_mark, struct error *err)
{
    struct evidence *evidence = argument;

    (void)machine;
    (void)call;
    (void)ret_mark;
    (void)err;
    evidence->calls++;
    return 0;
}

static bool has_header(struct source *source, uint64_t offset)
{
    const uint8_t *bytes;
    size_t size;

    return source_view(source, offset, 2, &bytes, &size, NULL) == 0 && size >= 2 && bytes[0] == OP_PROTO &&
           bytes[1] <= PICKLE_PROTOCOL_MAX;
}

/* Where zeros and blanks end; the size of the whole where nothing else follows. */
static uint64_t skip_padding(struct source *source, uint64_t offset)
{
    struct reader reader = reader_over(source, offset, NULL);
    uint8_t byte;

    while (reader_u8(&reader, &byte) == 0)
        if (byte != 0 && byte != '\n' && byte != '\r' && byte != ' ')
            return reader_offset(&reader) - 1;
    return reader_offset(&reader);
}

static bool is_end(struct source *source, uint64_t offset)
{
    const uint8_t *bytes;
    size_t size;

    return source_view(source, offset, 1, &bytes, &size, NULL) < 0 || size == 0;
}

static int gather(struct scan *scan, struct source *source, uint64_t offset, struct evidence *ret_evidence,
                  struct pickle_result *ret_result, struct error *err)
{
    const struct pickle_events events = {.argument = ret_evidence, .global = probe_global, .call = probe_call};
    const struct pickle_options options = {.scan = scan, .opcodes_max = PROBE_OPCODES};

    return pickle_run(source, offset, &options, &events, ret_result, err);
}

/* Whether a loader would see a pickle at an offset: `sure` where nothing else is asked for than that it runs. */
static int probe(struct scan *scan, struct source *source, uint64_t offset, bool sure, bool *ret_is, struct error *err)
{
    struct evidence evidence = {0};
    struct pickle_result result;
    bool headed = has_header(source, offset);
    int r = gather(scan, source, offset, &evidence, &result, err);

    if (r < 0)
        return r;
    switch (result.end) {
    case PICKLE_END_STOP:
        *ret_is = (sure && headed) || (evidence.names > 0 && evidence.calls > 0) || evidence.known > 0 ||
                  is_end(source, skip_padding(source, result.offset));
        break;
    case PICKLE_END_LIMIT:
        *ret_is = true;
        break;
    default:
        *ret_is =
            evidence.known > 0 || (evidence.names > 0 && evidence.calls > 0) || (sure && headed && result.opcodes > 1);
        break;
    }
    return 0;
}

static enum scan_match match_pickle(struct scan *scan, const struct scan_object *object)
{
    const uint8_t *bytes;
    size_t size;

    (void)scan;
    if (object->role == SCAN_ROLE_PICKLE)
        return SCAN_MATCH_YES;
    if (source_view(object->source, 0, 4, &bytes, &size, NULL) < 0 || size < 2)
        return SCAN_MATCH_NO;
    if (size >= 4 && memcmp(bytes, "PK\3\4", 4) == 0) /* a zip, and no persistent id that begins with K */
        return SCAN_MATCH_NO;
    if (object->role == SCAN_ROLE_WEIGHTS && bytes[0] != OP_PROTO)
        return SCAN_MATCH_NO;
    return pickle_opcode_info(bytes[0])->name != NULL ? SCAN_MATCH_MAYBE : SCAN_MATCH_NO;
}

/* --- what follows ----------------------------------------------------------------------------------------- */

/* A line that could be a name: its size with the newline, or 0. */
static size_t name_line(const uint8_t *bytes, size_t size)
{
    const uint8_t *newline = memchr(bytes, '\n', size < NAME_SHOWN ? size : NAME_SHOWN);

    return newline != NULL && is_name((const char *)bytes, (size_t)(newline - bytes)) ? (size_t)(newline - bytes) + 1
                                                                                      : 0;
}

/* Whether bytes could begin a pickle: a header, or a global's opcode with two names. */
static bool could_begin(const uint8_t *bytes, size_t size)
{
    size_t module;

    if (bytes[0] == OP_PROTO)
        return size > 2 && bytes[1] <= PICKLE_PROTOCOL_MAX && pickle_opcode_info(bytes[2])->name != NULL;
    if (bytes[0] == OP_MARK && size > 1) { /* before INST, or before what an OBJ calls */
        bytes++;
        size--;
    }
    if (bytes[0] != OP_GLOBAL && bytes[0] != OP_INST)
        return false;
    module = name_line(bytes + 1, size - 1);
    return module > 0 && name_line(bytes + 1 + module, size - 1 - module) > 0;
}

/* The next pickle from an offset on. Where there is none, *ret_offset is UINT64_MAX. */
static int find_next(struct judge *judge, uint64_t offset, uint64_t *ret_offset, struct error *err)
{
    struct source *source = judge->object->source;
    uint64_t first = offset;

    *ret_offset = UINT64_MAX;
    while (offset - first < RESYNC_MAX && judge->probes < PROBES_MAX) {
        const uint8_t *bytes;
        size_t size, done;

        if (source_view(source, offset, SCAN_VIEW_MAX, &bytes, &size, NULL) < 0 || size == 0)
            return 0;
        size = size < SCAN_VIEW_MAX ? size : SCAN_VIEW_MAX;
        for (done = 0; done < size && !could_begin(bytes + done, size - done);)
            done++;
        offset += done;
        if (done < size) {
            bool is = false;
            int r = probe(judge->scan, source, offset, false, &is, err);

            if (r < 0)
                return r;
            if (is) {
                *ret_offset = offset;
                return 0;
            }
            judge->probes++;
            offset++;
        }
    }
    return 0;
}

/*
 * A pickle near the beginning of what is none: a first opcode that today's loaders refuse, and a payload behind it.
 * Only one that calls something dangerous counts: text may well speak of pickles.
 */
static int find_near(struct scan *scan, struct source *source, uint64_t *ret_offset, struct error *err)
{
    const uint8_t *bytes;
    size_t size, done;

    if (source_view(source, 0, NEAR_MAX, &bytes, &size, NULL) < 0)
        return 0;
    size = size < NEAR_MAX ? size : NEAR_MAX;
    for (done = 1; done < size; done++) {
        struct evidence evidence = {0};
        struct pickle_result result;
        int r;

        if (!could_begin(bytes + done, size - done))
            continue;
        r = gather(scan, source, done, &evidence, &result, err);
        if (r < 0)
            return r;
        if (evidence.dangerous > 0 && evidence.calls > 0) {
            *ret_offset = done;
            return 0;
        }
        if (source_view(source, 0, NEAR_MAX, &bytes, &size, NULL) < 0)
            return 0;
        size = size < NEAR_MAX ? size : NEAR_MAX;
    }
    return 0;
}

/* --- the object ------------------------------------------------------------------------------------------- */

static uint64_t bytes_from(struct source *source, uint64_t offset)
{
    uint64_t size;

    return source_size(source, &size, NULL) == 0 && size > offset ? size - offset : 0;
}

/* What could not be read of a pickle, or behind it. */
static void note_gap(struct judge *judge, const struct pickle_result *result, uint64_t offset)
{
    const struct scan_object *object = judge->object;
    struct error cause = {0};

    if (object->role == SCAN_ROLE_GUESS && judge->globals == 0)
        return;
    if (result->end == PICKLE_END_SOURCE) {
        (void)error_set(&cause, ERROR_BAD_INPUT, result->code, "%s", result->cause);
        scan_skipped_for(judge->scan, object, result->code, result->offset, &cause);
    } else if (result->end == PICKLE_END_STOP) {
        scan_skipped(judge->scan, object, SCAN_GAP_UNRECOGNISED, offset, bytes_from(object->source, offset), "%s",
                     "bytes behind the end of a pickle");
    } else {
        scan_skipped(judge->scan, object, SCAN_GAP_DAMAGED, result->offset, bytes_from(object->source, result->offset),
                     "%s", result->cause);
    }
}

/* Where what belongs to a pickle ends: PyTorch's storages follow the last one of its older files. */
static uint64_t end_of(struct judge *judge, uint64_t offset)
{
    if (offset != judge->storages || offset == 0)
        return offset;
    scan_skipped(judge->scan, judge->object, SCAN_SKIP_WEIGHTS, offset, judge->storages_end - offset, "%s", "");
    return judge->storages_end;
}

/* What comes after a pickle: *ret_offset is where the next one is, UINT64_MAX for none. */
static int look_behind(struct judge *judge, const struct pickle_result *result, uint64_t *ret_offset, struct error *err)
{
    struct source *source = judge->object->source;
    bool stopped = result->end == PICKLE_END_STOP, is = false;
    uint64_t end = stopped ? end_of(judge, result->offset) : result->offset;
    uint64_t offset = stopped ? skip_padding(source, end) : end + 1;
    int r;

    *ret_offset = UINT64_MAX;
    if (result->end == PICKLE_END_SOURCE) {
        note_gap(judge, result, offset);
        return 0;
    }
    if (stopped && is_end(source, offset)) {
        if (offset > end)
            scan_skipped(judge->scan, judge->object, SCAN_SKIP_PADDING, end, offset - end, "%s", "");
        return 0;
    }
    if (stopped) {
        r = probe(judge->scan, source, offset, true, &is, err);
        if (r < 0)
            return r;
        if (is) {
            *ret_offset = offset;
            return 0;
        }
    }
    note_gap(judge, result, offset);
    r = find_next(judge, offset, ret_offset, err);
    if (r < 0 || *ret_offset == UINT64_MAX)
        return r;
    return judge_find(judge, NULL, RULE_APPENDED, *ret_offset, err, "a pickle behind %s",
                      stopped ? "other bytes" : "a damaged one");
}

static int scan_pickles(struct judge *judge, uint64_t offset, struct error *err)
{
    judge->built = joblib_array_built;
    while (offset != UINT64_MAX) {
        struct pickle_result result;
        int r;

        judge->arrays = 0;
        r = judge_pickle(judge, offset, &result, err);
        if (r == 0 && judge->arrays > 0)
            r = joblib_array_unskipped(judge, offset, err);

        if (r < 0)
            return r;
        scan_looked(judge->scan, result.consumed - offset - result.skipped);
        if (result.forgot)
            scan_skipped(judge->scan, judge->object, SCAN_GAP_MEMORY, offset, result.consumed - offset, "%s",
                         "a pickle holds more values than fit the scan's memory");
        r = look_behind(judge, &result, &offset, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int scan_pickle(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    bool is = object->role == SCAN_ROLE_PICKLE;
    bool headed;
    struct judge *judge;
    uint64_t first = 0;
    int r;

    if (!is) {
        r = probe(scan, object->source, 0, object->role == SCAN_ROLE_FILE, &is, err);
        /* Archives hand on what they hold; a piece of a member is no pickle of theirs. */
        if (r == 0 && !is && object->role == SCAN_ROLE_FILE && !scan_is_recognised(scan)) {
            r = find_near(scan, object->source, &first, err);
            is = first != 0;
        }
        if (r < 0 || !is)
            return r;
    }
    *ret_recognised = true;
    headed = has_header(object->source, 0);
    judge = calloc(1, sizeof *judge);
    if (judge == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to judge a pickle");
    judge->scan = scan;
    judge->object = object;
    r = object->role == SCAN_ROLE_GUESS && headed && !torch_legacy_is(object->source)
            ? judge_find(judge, NULL, RULE_NESTED, 0, err, "%s", "a whole pickle within a string")
            : 0;
    if (r == 0)
        r = torch_legacy_storages(scan, object->source, &judge->storages, &judge->storages_end, err);
    if (r == 0)
        r = scan_pickles(judge, first, err);
    free(judge->line);
    free(judge);
    return r;
}

const struct scan_format scan_format_pickle = {
    .name = "pickle",
    .rules = judge_rules,
    .rule_count = RULE_COUNT,
    .match = match_pickle,
    .scan = scan_pickle,
};
