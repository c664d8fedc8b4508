/* SPDX-License-Identifier: Apache-2.0 */
/* Texts for a terminal, a browser and an XML reader to trip over. */
#include "hostile.h"

#include <string.h>
#include <unistd.h>

/* Printable ASCII, which the protocol lets through: each sink has to escape it for itself. */
#define NASTY "</script></td>]]><img src=x onerror=alert(1)>&lt;\"'%s%n{{7*7}}${x}`id`\\u001b[31m"

#define TEXT(s)                                                                                                        \
    (struct message_text)                                                                                              \
    {                                                                                                                  \
        .data = (s), .size = sizeof(s) - 1                                                                             \
    }

/* Ends with a failure whose text has `bytes`, not cleaned as the encoder would. */
_Noreturn static void fail_with(struct puppet *puppet, const char *bytes)
{
    static const char place[] = "XXXXXXXX";
    struct message failure = puppet_example(puppet, MESSAGE_FAILURE);

    failure.failure.text = TEXT("a worker said XXXXXXXX and died");
    puppet_send_patched(puppet, &failure, place, bytes, sizeof place - 1);
    puppet_stay();
}

static bool escape_codes(struct puppet *puppet, struct message *message)
{
    (void)message;
    fail_with(puppet, "\x1b[2J\x1b]0;");
    return false;
}

static bool newline(struct puppet *puppet, struct message *message)
{
    (void)message;
    fail_with(puppet, "\r\nverdic");
    return false;
}

static bool nul(struct puppet *puppet, struct message *message)
{
    (void)message;
    fail_with(puppet, "ab\0cdefg");
    return false;
}

static bool bad_utf8(struct puppet *puppet, struct message *message)
{
    (void)message;
    fail_with(puppet, "\xc0\xaf\xff\xfe\xed\xa0\x80\xf8");
    return false;
}

/* Well-formed, and turns the line around: U+202E. */
static bool bidirectional(struct puppet *puppet, struct message *message)
{
    (void)message;
    fail_with(puppet, "ab\xe2\x80\xae"
                      "cde");
    return false;
}

static bool failure_markup(struct puppet *puppet, struct message *message)
{
    struct message failure = puppet_example(puppet, MESSAGE_FAILURE);

    (void)message;
    failure.failure.text = TEXT(NASTY);
    puppet_send(puppet, &failure);
    puppet_stay();
    return false;
}

static bool failure_longest(struct puppet *puppet, struct message *message)
{
    static char text[MESSAGE_TEXT_MAX];
    struct message failure = puppet_example(puppet, MESSAGE_FAILURE);

    (void)message;
    memset(text, 'A', sizeof text);
    failure.failure.text = (struct message_text){.data = text, .size = sizeof text};
    puppet_send(puppet, &failure);
    puppet_stay();
    return false;
}

/* A worker's end with figures that no kernel has. */
static bool failure_absurd(struct puppet *puppet, struct message *message)
{
    struct message failure = puppet_example(puppet, MESSAGE_FAILURE);

    (void)message;
    failure.failure = (struct message_failure){.code = MESSAGE_FAILURE_WORKER_CRASHED,
                                               .check = UINT32_MAX - 1,
                                               .signal = INT32_MAX,
                                               .system_call = INT32_MIN,
                                               .address = UINT64_MAX,
                                               .text = TEXT(NASTY)};
    puppet_send(puppet, &failure);
    puppet_stay();
    return false;
}

static bool forbidden_absurd(struct puppet *puppet, struct message *message)
{
    struct message failure = puppet_example(puppet, MESSAGE_FAILURE);

    (void)message;
    failure.failure = (struct message_failure){.code = MESSAGE_FAILURE_FORBIDDEN_CALL,
                                               .check = 0,
                                               .signal = INT32_MIN,
                                               .system_call = INT32_MAX,
                                               .address = UINT64_MAX,
                                               .text = TEXT(NASTY)};
    puppet_send(puppet, &failure);
    puppet_stay();
    return false;
}

/* --- what stays in a result that there is ---------------------------------------------------------------- */

static bool hello_markup(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->guest_hello.agent = TEXT(NASTY);
    message->guest_hello.cpu = TEXT(NASTY);
    return true;
}

static bool layer_markup(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->check_done.layer = TEXT(NASTY);
    return true;
}

/* Findings whose every text is markup, as many and as long as may be, of a severity that rejects. */
static bool findings_markup(struct puppet *puppet, struct message *message)
{
    static char longest[SCAN_DETAIL_MAX - 1];
    struct message finding = puppet_example(puppet, MESSAGE_FINDING);

    memset(longest, '<', sizeof longest);
    finding.finding.severity = SCAN_CRITICAL;
    finding.finding.member = TEXT(NASTY);
    finding.finding.effect = TEXT(NASTY);
    finding.finding.line_count = SCAN_CONTEXT_MAX;
    for (unsigned i = 0; i < SCAN_CONTEXT_MAX; i++)
        finding.finding.lines[i] = (struct message_finding_line){.offset = MESSAGE_NATURAL_MAX, .text = TEXT(NASTY)};
    finding.finding.detail = TEXT(NASTY);
    puppet_send(puppet, &finding);
    finding.finding.detail = (struct message_text){.data = longest, .size = sizeof longest};
    for (unsigned i = 1; i < SCAN_FINDINGS_MAX; i++)
        puppet_send(puppet, &finding);
    message->scan_done.verdict = SCAN_DANGEROUS;
    message->scan_done.counts[SCAN_CRITICAL] = SCAN_FINDINGS_MAX;
    return true;
}

static bool findings_flood(struct puppet *puppet, struct message *message)
{
    struct message finding = puppet_example(puppet, MESSAGE_FINDING);

    (void)message;
    for (unsigned i = 0; i < 100000; i++)
        puppet_send(puppet, &finding);
    return true;
}

static bool rule_markup(struct puppet *puppet, struct message *message)
{
    struct message finding = puppet_example(puppet, MESSAGE_FINDING);

    (void)message;
    finding.finding.rule = TEXT("<b>bold</b>");
    puppet_send(puppet, &finding);
    return true;
}

/* A range of a file that is not there. */
static bool far_read(struct puppet *puppet, struct message *message)
{
    struct message read = puppet_example(puppet, MESSAGE_READ);

    (void)message;
    read.read.offset = UINT64_C(1) << 40;
    puppet_send(puppet, &read);
    return true;
}

/* An attack found, and called harmless. */
static bool scan_verdict(struct puppet *puppet, struct message *message)
{
    struct message finding = puppet_example(puppet, MESSAGE_FINDING);

    finding.finding.severity = SCAN_CRITICAL;
    puppet_send(puppet, &finding);
    message->scan_done.counts[SCAN_CRITICAL] = 1;
    return true;
}

const struct hostile_lie lies_texts[] = {
    {"text-escape-codes", MESSAGE_READY, escape_codes},
    {"text-newline", MESSAGE_READY, newline},
    {"text-nul", MESSAGE_READY, nul},
    {"text-bad-utf8", MESSAGE_READY, bad_utf8},
    {"text-bidirectional", MESSAGE_READY, bidirectional},
    {"failure-markup", MESSAGE_READY, failure_markup},
    {"failure-longest", MESSAGE_READY, failure_longest},
    {"failure-absurd", MESSAGE_READY, failure_absurd},
    {"forbidden-absurd", MESSAGE_READY, forbidden_absurd},
    {"hello-markup", MESSAGE_GUEST_HELLO, hello_markup},
    {"layer-markup", MESSAGE_CHECK_DONE, layer_markup},
    {"findings-markup", MESSAGE_SCAN_DONE, findings_markup},
    {"findings-flood", MESSAGE_SCAN_DONE, findings_flood},
    {"rule-markup", MESSAGE_SCAN_DONE, rule_markup},
    {"far-read", MESSAGE_SCAN_DONE, far_read},
    {"scan-verdict", MESSAGE_SCAN_DONE, scan_verdict},
    {0},
};
