/* SPDX-License-Identifier: Apache-2.0 */
/* The span of an array by what its wrapper says. */
#include "guest/scan/pickle/joblib_array.h"

#include "guest/scan/pickle/globals.h"
#include "guest/scan/pickle/judge_state.h"
#include "guest/scan/text.h"
#include "guest/scan/text/names.h"
#include "guest/scan/weights/npy_header.h"

#include <errno.h>
#include <string.h>

#define TYPE_MAX      64u      /* bytes of a type's text, "f8" */
#define FILE_NAME_MAX 256u     /* bytes of the name of an array's file */
#define OPCODES_MAX   16777216 /* executed by joblib_array_unskipped */

enum wrapper { WRAPPER_NONE, WRAPPER_STREAM, WRAPPER_FILE };

/* --- what the wrapper says ------------------------------------------------------------------------------ */

static bool is_text(const char *text, size_t size, const char *other)
{
    return size == strlen(other) && memcmp(text, other, size) == 0;
}

/* The wrappers of joblib itself, and of the copy that scikit-learn once had. */
static enum wrapper wrapper_named(struct pickle_machine *machine, pickle_value class)
{
    struct pickle_global global;

    if (!pickle_global_of(machine, class, &global))
        return WRAPPER_NONE;
    if (is_text(global.name, global.name_size, "NumpyArrayWrapper") &&
        names_end_with(global.module, global.module_size, "joblib.numpy_pickle"))
        return WRAPPER_STREAM;
    if ((is_text(global.name, global.name_size, "NDArrayWrapper") ||
         is_text(global.name, global.name_size, "ZNDArrayWrapper")) &&
        (names_end_with(global.module, global.module_size, "joblib.numpy_pickle") ||
         names_end_with(global.module, global.module_size, "joblib.numpy_pickle_compat")))
        return WRAPPER_FILE;
    return WRAPPER_NONE;
}

/* Made by NEWOBJ or a call of the class, or by copyreg._reconstructor, whose first argument it is. */
static enum wrapper wrapper_of(struct pickle_machine *machine, pickle_value target, pickle_value *ret_state)
{
    pickle_value callable, arguments;
    enum wrapper wrapper;

    if (!pickle_result_of(machine, target, &callable, &arguments, ret_state))
        return WRAPPER_NONE;
    wrapper = wrapper_named(machine, callable);
    return wrapper != WRAPPER_NONE ? wrapper : wrapper_named(machine, pickle_item_of(machine, arguments, 0));
}

static bool number_of(struct pickle_machine *machine, pickle_value tuple, uint32_t index, int64_t *ret_value)
{
    return pickle_int_of(pickle_item_of(machine, tuple, index), ret_value);
}

/* The dtype: numpy.dtype(text, ...) with a state, whose sixth item is the size of sized types and eighth the flags. */
static bool read_type(struct pickle_machine *machine, pickle_value type, uint64_t *ret_size, bool *ret_object)
{
    pickle_value callable, arguments, state;
    struct pickle_global global;
    char text[TYPE_MAX];
    int64_t number;
    size_t size;
    bool whole;

    if (!pickle_result_of(machine, type, &callable, &arguments, &state) ||
        !pickle_global_of(machine, callable, &global) || !is_text(global.name, global.name_size, "dtype") ||
        pickle_text_of(machine, pickle_item_of(machine, arguments, 0), text, sizeof text, &size, &whole, NULL) < 0 ||
        !whole || !npy_type_size(text, size, ret_size, ret_object))
        return false;
    if (state == PICKLE_ABSENT)
        return true;
    if (size > 0 && strchr("SUVa", text[0]) != NULL && number_of(machine, state, 5, &number)) {
        if (number < 0)
            return false;
        *ret_size = (uint64_t)number;
    }
    if (number_of(machine, state, 7, &number) && (number & 1) != 0) /* NPY_ITEM_HASOBJECT: of a field, too */
        *ret_object = true;
    return true;
}

static bool read_count(struct pickle_machine *machine, pickle_value shape, uint64_t *ret_count)
{
    uint64_t rank, count = 1;
    uint32_t kept;

    if (pickle_kind_of(shape) != PICKLE_TUPLE || !pickle_items_of(machine, shape, &rank, &kept) || kept < rank ||
        rank > NPY_RANK_MAX)
        return false;
    for (uint32_t i = 0; i < rank; i++) {
        int64_t dimension;

        if (!number_of(machine, shape, i, &dimension) || dimension < 0 ||
            __builtin_mul_overflow(count, (uint64_t)dimension, &count))
            return false;
    }
    *ret_count = count;
    return true;
}

/* --- what follows it -------------------------------------------------------------------------------------- */

static int unknown_span(struct judge *judge, uint64_t offset, const char *what)
{
    scan_skipped(judge->scan, judge->object, SCAN_GAP_DAMAGED, offset, 0, "an array in the stream: %s", what);
    return 0;
}

/* Objects: a pickle in place, read by Python's own loader. */
static int skip_pickle(struct judge *judge, uint64_t offset, uint64_t *ret_skip, struct error *err)
{
    int (*built)(struct judge *, struct pickle_machine *, pickle_value, uint64_t, uint64_t *, struct error *) =
        judge->built;
    struct pickle_result result;
    int r;

    judge->built = NULL;
    r = judge_pickle(judge, offset, &result, err);
    judge->built = built;
    if (r != 0)
        return r;
    scan_looked(judge->scan, result.consumed - offset);
    if (result.end != PICKLE_END_STOP)
        return unknown_span(judge, offset, "the pickle of its objects does not end");
    *ret_skip = result.offset - offset;
    return 0;
}

static int skip_items(struct judge *judge, struct pickle_machine *machine, pickle_value state, uint64_t size,
                      uint64_t offset, uint64_t *ret_skip)
{
    pickle_value alignment = pickle_lookup(machine, state, "numpy_array_alignment_bytes");
    uint64_t padding = 0;

    if (alignment != PICKLE_ABSENT && pickle_kind_of(alignment) != PICKLE_NONE) {
        uint8_t count;

        if (source_copy(judge->object->source, offset, &count, 1, NULL) < 0)
            return unknown_span(judge, offset, "the data end before it");
        padding = 1 + (uint64_t)count;
    }
    if (__builtin_add_overflow(size, padding, ret_skip)) {
        *ret_skip = 0;
        return unknown_span(judge, offset, "its size overflows");
    }
    if (padding > 0)
        scan_skipped(judge->scan, judge->object, SCAN_SKIP_PADDING, offset, padding, "%s", "");
    scan_skipped(judge->scan, judge->object, SCAN_SKIP_WEIGHTS, offset + padding, size, "%s", "");
    return 0;
}

static int file_wrapper(struct judge *judge, struct pickle_machine *machine, pickle_value state, uint64_t offset,
                        struct error *err)
{
    char name[FILE_NAME_MAX];
    size_t size = 0;
    bool whole = false, path;

    if (pickle_text_of(machine, pickle_lookup(machine, state, "filename"), name, sizeof name, &size, &whole, NULL) < 0)
        whole = false;
    path = !whole || size == 0 || memchr(name, '/', size) != NULL || memchr(name, '\\', size) != NULL ||
           memmem(name, size, "..", 2) != NULL;
    return judge_find(judge, machine, path ? RULE_ARRAY_PATH : RULE_ARRAY_FILE, offset, err, "'%s'",
                      TEXT(name, whole ? size : 0));
}

int joblib_array_built(struct judge *judge, struct pickle_machine *machine, pickle_value target, uint64_t offset,
                       uint64_t *ret_skip, struct error *err)
{
    pickle_value state = PICKLE_ABSENT;
    uint64_t item_size, count, size;
    bool object;

    switch (wrapper_of(machine, target, &state)) {
    case WRAPPER_NONE:
        return 0;
    case WRAPPER_FILE:
        return file_wrapper(judge, machine, state, offset, err);
    case WRAPPER_STREAM:
        break;
    }
    judge->arrays++;
    if (pickle_kind_of(state) != PICKLE_DICT)
        return unknown_span(judge, offset, "its wrapper has no state");
    if (!read_type(machine, pickle_lookup(machine, state, "dtype"), &item_size, &object))
        return unknown_span(judge, offset, "its type is not known");
    if (object)
        return skip_pickle(judge, offset, ret_skip, err);
    if (!read_count(machine, pickle_lookup(machine, state, "shape"), &count))
        return unknown_span(judge, offset, "its shape is not known");
    if (__builtin_mul_overflow(count, item_size, &size))
        return unknown_span(judge, offset, "its size overflows");
    return skip_items(judge, machine, state, size, offset, ret_skip);
}

/* --- other loaders ------------------------------------------------------------------------------------------ */

static int note_dangerous(void *argument, struct pickle_machine *machine, const struct pickle_global *global,
                          unsigned *ret_mark, struct error *err)
{
    struct judge *judge = argument;
    const char *reason;

    (void)ret_mark;
    if (global->how == PICKLE_BY_VALUE ||
        global_judge(global->module, global->module_size, global->name, global->name_size, &reason) != GLOBAL_DANGEROUS)
        return 0;
    return judge_find(judge, machine, RULE_DANGEROUS_GLOBAL, global->offset, err, "%s.%s: %s",
                      TEXT(global->module, global->module_size), TEXT(global->name, global->name_size), reason);
}

int joblib_array_unskipped(struct judge *judge, uint64_t offset, struct error *err)
{
    const struct pickle_events events = {.argument = judge, .global = note_dangerous};
    const struct pickle_options options = {.scan = judge->scan, .opcodes_max = OPCODES_MAX};
    struct pickle_result result;

    return pickle_run(judge->object->source, offset, &options, &events, &result, err);
}
