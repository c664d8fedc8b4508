/* SPDX-License-Identifier: Apache-2.0 */
/* The machine alone: where it ends, what it says of values, and the hooks that loaders need. */
#include "guest/scan/pickle/machine.h"
#include "unit/harness.h"

#include <stdlib.h>
#include <string.h>

#define PICKLE(text) (text), sizeof(text) - 1

struct record {
    char log[512];
    uint64_t skip;
    pickle_value shape;
};

static int note_global(void *argument, struct pickle_machine *machine, const struct pickle_global *global,
                       unsigned *ret_mark, struct error *err)
{
    struct record *record = argument;
    size_t used = strlen(record->log);

    (void)machine;
    (void)err;
    (void)snprintf(record->log + used, sizeof record->log - used, "%.*s.%.*s ", (int)global->module_size,
                   global->module, (int)global->name_size, global->name);
    *ret_mark = 2;
    return 0;
}

static int note_call(void *argument, struct pickle_machine *machine, const struct pickle_call_event *call,
                     unsigned *ret_mark, struct error *err)
{
    struct record *record = argument;
    size_t used = strlen(record->log);

    (void)machine;
    (void)err;
    (void)snprintf(record->log + used, sizeof record->log - used, "call%u/%u ", call->count, *ret_mark);
    return 0;
}

static int note_built(void *argument, struct pickle_machine *machine, pickle_value target, uint64_t offset,
                      uint64_t *ret_skip, struct error *err)
{
    struct record *record = argument;
    pickle_value callable, arguments, state, shape;
    int64_t rows = 0, columns = 0;
    size_t used = strlen(record->log);

    (void)offset;
    (void)err;
    CU_ASSERT_FATAL(pickle_result_of(machine, target, &callable, &arguments, &state));
    shape = pickle_lookup(machine, state, "shape");
    (void)pickle_int_of(pickle_item_of(machine, shape, 0), &rows);
    (void)pickle_int_of(pickle_item_of(machine, shape, 1), &columns);
    (void)snprintf(record->log + used, sizeof record->log - used, "built%lldx%lld ", (long long)rows,
                   (long long)columns);
    *ret_skip = record->skip;
    return 0;
}

static struct pickle_result run(const char *bytes, size_t size, bool strict, struct record *record)
{
    const struct pickle_options options = {.strict = strict};
    const struct pickle_events events = {
        .argument = record, .global = note_global, .call = note_call, .built = note_built};
    struct source *source = source_of_memory(bytes, size);
    struct pickle_result result = {0};

    CU_ASSERT_PTR_NOT_NULL_FATAL(source);
    CU_ASSERT_EQUAL(pickle_run(source, 0, &options, &events, &result, NULL), 0);
    source_free(source);
    return result;
}

static void check_end(const char *bytes, size_t size, enum pickle_end end, uint64_t offset)
{
    struct record record = {0};
    struct pickle_result result = run(bytes, size, true, &record);

    CU_ASSERT_EQUAL(result.end, end);
    CU_ASSERT_EQUAL(result.offset, offset);
}

static void test_ends(void)
{
    check_end(PICKLE("N."), PICKLE_END_STOP, 2);
    check_end(PICKLE("N.N."), PICKLE_END_STOP, 2);
    check_end(PICKLE("."), PICKLE_END_MALFORMED, 0);
    check_end(PICKLE("N"), PICKLE_END_DATA, 1);
    check_end(PICKLE("(N."), PICKLE_END_STOP, 3);
    check_end(PICKLE("N(."), PICKLE_END_MALFORMED, 2); /* the fence under the mark */
    check_end(PICKLE("N(2"), PICKLE_END_MALFORMED, 2);
    check_end(PICKLE("N(R"), PICKLE_END_MALFORMED, 2);
    check_end(PICKLE("\x80\x06N."), PICKLE_END_MALFORMED, 0);
    check_end(PICKLE("h\x01."), PICKLE_END_MALFORMED, 0);
    check_end(PICKLE("Nq\x01h\x01\x86."), PICKLE_END_STOP, 7);
    check_end(PICKLE("K\x01K\x02"
                     "a."),
              PICKLE_END_MALFORMED, 4);
    check_end(PICKLE("}]K\x01s."), PICKLE_END_MALFORMED, 4); /* a list is no key */
    check_end(PICKLE("}]\x85K\x01s."), PICKLE_END_MALFORMED, 5);
}

static void test_lenient(void)
{
    static const char frame[] = "\x80\x04\x95\x40\0\0\0\0\0\0\0N.";
    struct record record = {0};

    CU_ASSERT_EQUAL(run(frame, sizeof frame - 1, true, &record).end, PICKLE_END_DATA);
    CU_ASSERT_EQUAL(run(frame, sizeof frame - 1, false, &record).end, PICKLE_END_STOP);
    CU_ASSERT_EQUAL(run(PICKLE("ca\nb\n]R."), true, &record).end, PICKLE_END_MALFORMED);
    CU_ASSERT_EQUAL(run(PICKLE("ca\nb\n]R."), false, &record).end, PICKLE_END_STOP);
}

static void test_marks(void)
{
    struct record record = {0};

    /* A mark travels with what holds it: through a tuple, a list, and the result of a call. */
    (void)run(PICKLE("ca\nb\n(cc\nd\nK\x01tR\x85\x94(lh\0a\x85Ncd\ne\nh\0R."), false, &record);
    CU_ASSERT_STRING_EQUAL(record.log, "a.b c.d call2/2 d.e call1/2 ");
}

static void test_skip(void)
{
    static const char bytes[] = "\x80\x02"
                                "cm\nWrapper\n)\x81}U\x05shapeK\x02K\x03\x86sb......ca\nb\n.";
    struct record record = {.skip = 6};
    struct pickle_result result = run(bytes, sizeof bytes - 1, false, &record);

    CU_ASSERT_EQUAL(result.end, PICKLE_END_STOP);
    CU_ASSERT_EQUAL(result.offset, sizeof bytes - 1);
    CU_ASSERT_EQUAL(result.skipped, 6);
    CU_ASSERT_STRING_EQUAL(record.log, "m.Wrapper call0/2 built2x3 a.b ");
    record = (struct record){.skip = 1000};
    CU_ASSERT_EQUAL(run(bytes, sizeof bytes - 1, false, &record).end, PICKLE_END_DATA);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"ends", test_ends},
        {"what lenient loaders take", test_lenient},
        {"marks", test_marks},
        {"bytes that the loader reads", test_skip},
    };

    return harness_run("scan-pickle-machine", tests, HARNESS_COUNT(tests));
}
