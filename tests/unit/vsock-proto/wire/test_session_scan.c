/* SPDX-License-Identifier: Apache-2.0 */
/* Scans in the two state machines: what the guest may say of a file, and what the host may answer. */
#include "unit/harness.h"
#include "unit/vsock-proto/wire/samples.h"
#include "wire/session.h"
#include "wire/session_scan.h"

#include <errno.h>
#include <string.h>

static const uint8_t nonce[SHA256_SIZE] = {9};

static int receive(struct session_host *session, struct message message)
{
    return session_host_receive(session, &message, NULL);
}

static struct message read_of(uint64_t offset, uint32_t size)
{
    return (struct message){.type = MESSAGE_READ, .read = {.offset = offset, .size = size}};
}

static struct message finding(enum scan_severity severity)
{
    return (struct message){.type = MESSAGE_FINDING,
                            .finding = {.rule = {.data = "a", .size = 1}, .severity = severity}};
}

static struct message coverage(enum scan_skip reason)
{
    return (struct message){.type = MESSAGE_COVERAGE, .coverage = {.reason = reason, .places = 1}};
}

static struct message scan_done(enum scan_verdict verdict, enum scan_severity severity, uint64_t count)
{
    struct message message = {.type = MESSAGE_SCAN_DONE, .scan_done = {.verdict = verdict}};

    message.scan_done.counts[severity] = count;
    return message;
}

/* A host session that has just asked for the scan of a file. */
static struct session_host serving(uint64_t size)
{
    struct session_host session;

    session_host_start(&session, NULL, nonce);
    CU_ASSERT_EQUAL(session_host_begin_scan(&session, 0, size), -EPROTO); /* before the greeting */
    CU_ASSERT_EQUAL(receive(&session, sample_messages()[5]), 0);
    CU_ASSERT_EQUAL(receive(&session, read_of(0, 1)), -EPROTO); /* before SCAN */
    CU_ASSERT_EQUAL(session_host_begin_scan(&session, 1, size), -EPROTO);
    CU_ASSERT_EQUAL(session_host_begin_scan(&session, 0, size), 0);
    return session;
}

static void test_host_takes_files(void)
{
    struct session_host session = serving(1000);

    CU_ASSERT_EQUAL(session_host_import(&session), -EPROTO);
    CU_ASSERT_EQUAL(session_host_part(&session), -EPROTO);
    for (unsigned i = 6; i < SAMPLES_GUEST_END; i++) /* an evaluation's, where there is no plan */
        if (sample_messages()[i].type != MESSAGE_FAILURE && sample_messages()[i].type < MESSAGE_READ)
            CU_ASSERT_EQUAL(receive(&session, sample_messages()[i]), -EPROTO);
    CU_ASSERT_EQUAL(receive(&session, read_of(0, 1000)), 0);
    CU_ASSERT_EQUAL(receive(&session, finding(SCAN_HIGH)), 0);
    CU_ASSERT_EQUAL(receive(&session, read_of(999, 1)), 0);
    CU_ASSERT_EQUAL(receive(&session, coverage(SCAN_SKIP_WEIGHTS)), 0);
    CU_ASSERT_EQUAL(receive(&session, coverage(SCAN_GAP_DAMAGED)), 0);
    CU_ASSERT_EQUAL(receive(&session, scan_done(SCAN_DANGEROUS, SCAN_HIGH, 1)), 0);
    CU_ASSERT_EQUAL(receive(&session, finding(SCAN_HIGH)), -EPROTO); /* between files */
    CU_ASSERT_EQUAL(session_host_begin_scan(&session, 0, 5), -EPROTO);
    CU_ASSERT_EQUAL(session_host_begin_scan(&session, 1, 5), 0);
    CU_ASSERT_EQUAL(receive(&session, scan_done(SCAN_ALLOWED, SCAN_INFO, 0)), 0);
    CU_ASSERT_EQUAL(session_host_begin_check(&session, 0), -EPROTO); /* there is no plan */
    CU_ASSERT_EQUAL(session_host_part(&session), 0);
    CU_ASSERT_EQUAL(receive(&session, (struct message){.type = MESSAGE_GOODBYE}), 0);
}

static void test_host_bounds_reads(void)
{
    struct session_host session = serving(1000);
    uint64_t reads = MESSAGE_SERVED_MIN / 1000;

    CU_ASSERT_EQUAL(receive(&session, read_of(1000, 1)), -EPROTO);
    CU_ASSERT_EQUAL(receive(&session, read_of(999, 2)), -EPROTO);
    CU_ASSERT_EQUAL(receive(&session, read_of(UINT64_MAX, 1)), -EPROTO);
    CU_ASSERT_EQUAL(session_scan_served_max(UINT64_MAX), UINT64_MAX);
    CU_ASSERT_EQUAL(session_scan_served_max(UINT64_C(1) << 40), (UINT64_C(1) << 40) * MESSAGE_SERVED_RATIO);
    for (uint64_t i = 0; i < reads; i++)
        if (receive(&session, read_of(0, 1000)) != 0) {
            CU_FAIL("a range within the budget was refused");
            break;
        }
    CU_ASSERT_EQUAL(receive(&session, read_of(0, 1000)), -EPROTO); /* endless */
}

static void test_host_bounds_findings(void)
{
    struct session_host session = serving(1000);

    for (unsigned i = 0; i < SCAN_FINDINGS_MAX; i++)
        CU_ASSERT_EQUAL(receive(&session, finding(SCAN_LOW)), 0);
    CU_ASSERT_EQUAL(receive(&session, finding(SCAN_LOW)), -EPROTO);
    CU_ASSERT_EQUAL(receive(&session, scan_done(SCAN_ALLOWED, SCAN_LOW, SCAN_FINDINGS_MAX - 1)), -EPROTO);
    CU_ASSERT_EQUAL(receive(&session, scan_done(SCAN_ALLOWED, SCAN_LOW, SCAN_FINDINGS_MAX + 1000)), 0);
    session = serving(1000);
    CU_ASSERT_EQUAL(receive(&session, coverage(SCAN_GAP_DAMAGED)), 0);
    CU_ASSERT_EQUAL(receive(&session, coverage(SCAN_GAP_DAMAGED)), -EPROTO);  /* twice */
    CU_ASSERT_EQUAL(receive(&session, coverage(SCAN_SKIP_WEIGHTS)), -EPROTO); /* backwards */
    CU_ASSERT_EQUAL(receive(&session, finding(SCAN_LOW)), -EPROTO);           /* after the coverage */
}

/* A verdict is what the findings and gaps come to, whatever the guest would like it to be. */
static void test_host_holds_verdicts(void)
{
    static const struct {
        enum scan_severity severity;
        uint64_t count;
        bool gap;
        enum scan_verdict verdict;
    } cases[] = {
        {SCAN_INFO, 0, false, SCAN_ALLOWED},       {SCAN_LOW, 1, false, SCAN_ALLOWED},
        {SCAN_MEDIUM, 1, false, SCAN_UNKNOWN},     {SCAN_MEDIUM, 1, true, SCAN_UNSCANNED},
        {SCAN_INFO, 0, true, SCAN_UNSCANNED},      {SCAN_HIGH, 1, true, SCAN_DANGEROUS},
        {SCAN_CRITICAL, 1, false, SCAN_DANGEROUS},
    };

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++)
        for (unsigned verdict = 0; verdict < SCAN_VERDICT_COUNT; verdict++) {
            struct session_host session = serving(1000);

            if (cases[i].count > 0)
                CU_ASSERT_EQUAL(receive(&session, finding(cases[i].severity)), 0);
            if (cases[i].gap)
                CU_ASSERT_EQUAL(receive(&session, coverage(SCAN_GAP_BUDGET)), 0);
            CU_ASSERT_EQUAL(receive(&session, scan_done(verdict, cases[i].severity, cases[i].count)),
                            verdict == cases[i].verdict ? 0 : -EPROTO);
        }
}

/* The sample plan with the scan before its checks. */
static struct plan *scanned_plan(void)
{
    static struct plan plan;

    plan = *sample_plan();
    memmove(plan.checks + 1, plan.checks, plan.check_count++ * sizeof plan.checks[0]);
    plan.checks[0] = (struct plan_check){.id = PLAN_SCAN, .version = 1};
    return &plan;
}

static void test_host_scans_before_the_import(void)
{
    const struct message done = {.type = MESSAGE_CHECK_DONE};
    struct message skipped = done;
    struct session_host session;

    session_host_start(&session, scanned_plan(), nonce);
    CU_ASSERT_EQUAL(receive(&session, sample_messages()[5]), 0);
    CU_ASSERT_EQUAL(session_host_import(&session), -EPROTO);
    CU_ASSERT_EQUAL(session_host_part(&session), -EPROTO);
    CU_ASSERT_EQUAL(session_host_begin_check(&session, 1), -EPROTO);
    CU_ASSERT_EQUAL(session_host_begin_check(&session, 0), 0);
    CU_ASSERT_EQUAL(receive(&session, read_of(0, 1)), -EPROTO); /* the guest has the model */
    CU_ASSERT_EQUAL(receive(&session, finding(SCAN_MEDIUM)), 0);
    CU_ASSERT_EQUAL(receive(&session, done), -EPROTO); /* before SCAN_DONE */
    CU_ASSERT_EQUAL(receive(&session, scan_done(SCAN_UNKNOWN, SCAN_MEDIUM, 1)), 0);
    CU_ASSERT_EQUAL(receive(&session, finding(SCAN_MEDIUM)), -EPROTO);
    skipped.check_done.skipped = (struct message_text){.data = "no", .size = 2};
    CU_ASSERT_EQUAL(receive(&session, skipped), -EPROTO);
    CU_ASSERT_EQUAL(receive(&session, done), 0);
    CU_ASSERT_EQUAL(session_host_begin_check(&session, 0), -EPROTO); /* once */
    CU_ASSERT_EQUAL(session_host_begin_check(&session, 1), -EPROTO); /* the model is not imported */
    CU_ASSERT_EQUAL(receive(&session, sample_messages()[6]), -EPROTO);
    CU_ASSERT_EQUAL(session_host_import(&session), 0);
    CU_ASSERT_EQUAL(receive(&session, sample_messages()[6]), 0);
    CU_ASSERT_EQUAL(session_host_begin_check(&session, 1), 0);
}

static void test_host_parts_instead_of_importing(void)
{
    struct session_host session;

    session_host_start(&session, scanned_plan(), nonce);
    CU_ASSERT_EQUAL(receive(&session, sample_messages()[5]), 0);
    CU_ASSERT_EQUAL(session_host_begin_check(&session, 0), 0);
    CU_ASSERT_EQUAL(receive(&session, finding(SCAN_CRITICAL)), 0);
    CU_ASSERT_EQUAL(receive(&session, scan_done(SCAN_DANGEROUS, SCAN_CRITICAL, 1)), 0);
    CU_ASSERT_EQUAL(receive(&session, (struct message){.type = MESSAGE_CHECK_DONE}), 0);
    CU_ASSERT_EQUAL(session_host_part(&session), 0);
}

/* --- the guest's side ------------------------------------------------------------------------------------ */

static int guest_receive(struct session_guest *session, struct message message)
{
    return session_guest_receive(session, &message, NULL);
}

static struct message scan(uint32_t index)
{
    return (struct message){.type = MESSAGE_SCAN, .scan = {.index = index, .size = 1000}};
}

static struct message chunk(uint32_t size)
{
    static const uint8_t bytes[64];

    return (struct message){.type = MESSAGE_CHUNK, .chunk = {.data = bytes, .size = size}};
}

static void test_guest_takes_files(void)
{
    const struct message_read reads[] = {{.offset = 0, .size = 10}, {.offset = 10, .size = 20}};
    const struct message unreadable = {.type = MESSAGE_UNREADABLE}, bye = {.type = MESSAGE_BYE};
    struct session_guest session;

    session_guest_start(&session);
    CU_ASSERT_EQUAL(guest_receive(&session, scan(0)), -EPROTO); /* before HELLO */
    CU_ASSERT_EQUAL(guest_receive(&session, sample_messages()[0]), 0);
    CU_ASSERT_EQUAL(guest_receive(&session, scan(1)), -EPROTO);
    CU_ASSERT_EQUAL(guest_receive(&session, scan(0)), 0);
    CU_ASSERT_EQUAL(session_guest_plan(&session, sample_plan()), -EPROTO);
    CU_ASSERT_EQUAL(guest_receive(&session, chunk(10)), -EPROTO); /* nothing was asked */
    CU_ASSERT_EQUAL(guest_receive(&session, unreadable), -EPROTO);
    CU_ASSERT_EQUAL(guest_receive(&session, scan(1)), -EPROTO); /* the first is under way */
    CU_ASSERT_EQUAL(guest_receive(&session, bye), -EPROTO);
    CU_ASSERT_EQUAL(session_guest_read(&session, &reads[0]), 0);
    CU_ASSERT_EQUAL(session_guest_read(&session, &reads[1]), 0);
    CU_ASSERT_EQUAL(guest_receive(&session, chunk(20)), -EPROTO); /* the other one's answer */
    CU_ASSERT_EQUAL(guest_receive(&session, chunk(10)), 0);
    CU_ASSERT_EQUAL(session_guest_scan_done(&session), -EPROTO); /* an answer is still due */
    CU_ASSERT_EQUAL(guest_receive(&session, unreadable), 0);
    CU_ASSERT_EQUAL(session_guest_scan_done(&session), 0);
    CU_ASSERT_EQUAL(session_guest_read(&session, &reads[0]), -EPROTO);
    CU_ASSERT_EQUAL(guest_receive(&session, scan(1)), 0);
    for (unsigned i = 0; i < MESSAGE_READS_MAX; i++)
        CU_ASSERT_EQUAL(session_guest_read(&session, &reads[0]), 0);
    CU_ASSERT_EQUAL(session_guest_read(&session, &reads[0]), -EPROTO);
    for (unsigned i = 0; i < MESSAGE_READS_MAX; i++)
        CU_ASSERT_EQUAL(guest_receive(&session, chunk(10)), 0);
    CU_ASSERT_EQUAL(session_guest_scan_done(&session), 0);
    CU_ASSERT_EQUAL(guest_receive(&session, bye), 0);
}

static void test_guest_scans_before_the_import(void)
{
    static const uint8_t bytes[12] = {5};
    const struct message import = {.type = MESSAGE_IMPORT}, check = {.type = MESSAGE_CHECK};
    struct message message = {.type = MESSAGE_TRANSFER, .transfer = {.size = 12}};
    struct plan *plan = scanned_plan();
    struct session_guest session;

    sha256_of(bytes, sizeof bytes, plan->model_sha256);
    session_guest_start(&session);
    CU_ASSERT_EQUAL(guest_receive(&session, sample_messages()[0]), 0);
    CU_ASSERT_EQUAL(session_guest_plan(&session, plan), 0);
    CU_ASSERT_EQUAL(guest_receive(&session, message), 0);
    message = (struct message){.type = MESSAGE_CHUNK, .chunk = {.data = bytes, .size = sizeof bytes}};
    CU_ASSERT_EQUAL(guest_receive(&session, message), 0);
    message = (struct message){.type = MESSAGE_TRANSFER_END};
    sha256_of(bytes, sizeof bytes, message.transfer_end.sha256);
    CU_ASSERT_EQUAL(guest_receive(&session, message), 0);
    CU_ASSERT_EQUAL(guest_receive(&session, import), -EPROTO); /* the scan comes first */
    CU_ASSERT_EQUAL(guest_receive(&session, check), 0);
    CU_ASSERT_EQUAL(session.state, SESSION_GUEST_COMPUTING);
    CU_ASSERT_EQUAL(session_guest_check_done(&session), 0);
    CU_ASSERT_EQUAL(guest_receive(&session, check), -EPROTO);
    CU_ASSERT_EQUAL(guest_receive(&session, import), 0);
    CU_ASSERT_EQUAL(session_guest_imported(&session), 0);
    message = (struct message){.type = MESSAGE_CHECK, .check = {.index = 1}};
    CU_ASSERT_EQUAL(guest_receive(&session, message), 0);
}

static void test_plan_has_its_scan_first(void)
{
    CLEANUP_BUFFER struct buffer frame = buffer_with_limit((size_t)4 << 20);
    static struct plan decoded;
    struct plan *plan = scanned_plan();
    struct frame_header header;

    CU_ASSERT_EQUAL(plan_encode(plan, &frame), 0);
    CU_ASSERT_EQUAL_FATAL(frame_decode_header(frame.data, &header, NULL), 0);
    CU_ASSERT_EQUAL(plan_decode(&header, frame.data + FRAME_HEADER_SIZE, &decoded, NULL), 0);
    CU_ASSERT_EQUAL(memcmp(&decoded, plan, sizeof decoded), 0);
    plan->checks[1] = plan->checks[0];
    frame.size = 0;
    CU_ASSERT_EQUAL(plan_encode(plan, &frame), 0);
    CU_ASSERT_EQUAL_FATAL(frame_decode_header(frame.data, &header, NULL), 0);
    CU_ASSERT_EQUAL(plan_decode(&header, frame.data + FRAME_HEADER_SIZE, &decoded, NULL), -EBADMSG);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"host takes files", test_host_takes_files},
        {"host bounds reads", test_host_bounds_reads},
        {"host bounds findings and coverage", test_host_bounds_findings},
        {"host holds verdicts against findings", test_host_holds_verdicts},
        {"host scans before the import", test_host_scans_before_the_import},
        {"host parts instead of importing", test_host_parts_instead_of_importing},
        {"guest takes files", test_guest_takes_files},
        {"guest scans before the import", test_guest_scans_before_the_import},
        {"a plan has its scan first", test_plan_has_its_scan_first},
    };

    return harness_run("wire: scans", tests, HARNESS_COUNT(tests));
}
