/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What verification does with a bundle once its signature is believed: the attacker holds a trusted key, or has found a
 * hole before it. Timestamps, ledger entries, statement and report must stand whatever they say; what has no evidence
 * behind it must not be reported as holding.
 *
 * The input is a bundle, or else the payload of one; where that is no statement, it is taken for an evaluation, whose
 * figures are checked.
 */
#include "fuzz/verify_report.h"
#include "host/json/reader.h"
#include "host/ledger/ledger.h"
#include "host/verify/internal.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of no ledger that there is. */
static const char vkey[] = "example.org/fuzz+0d28c9f2+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
                          "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEA0VphkvuZeYhPOBGifXwZlj/fRQb\n"
                          "z449S/qDJhnB8kY1JtjVGExAVeDic/9Rm6NqEacqE7f78NdjBO8+2Kkf6A==\n"
                          "-----END PUBLIC KEY-----\n";

/* Nobody signed for this key, and no authority is given. */
static void expect_no_record(const struct verify_report *report)
{
    for (size_t i = 0; i < report->item_count; i++) {
        const struct verify_item *item = &report->items[i];

        if ((strcmp(item->what, "ledger") == 0 || strcmp(item->what, "timestamp") == 0) && item->state == VERIFY_HOLDS)
            abort();
    }
}

static void check_evidence(struct verify *verify)
{
    CLEANUP_JSON json_t *evaluation = NULL;
    const struct buffer *payload = &verify->bundle.payload;
    struct error err = {0};

    if (statement_check(payload->data, payload->size, &verify->statement, &err) < 0) {
        if (json_read(payload->data, payload->size, STATEMENT_SIZE_MAX, "evaluation", &evaluation, &err) == 0)
            verify_figures(verify, evaluation);
        return;
    }
    verify->report->believed = true;
    if (buffer_append(&verify->report->statement, payload->data, payload->size) < 0 || verify_time(verify, &err) < 0 ||
        verify_ledger(verify, &err) < 0 || verify_inputs(verify, &err) < 0 || verify_files(verify, &err) < 0 ||
        verify_verdict(verify, &err) < 0)
        abort();
    verify_key_standing(verify);
    verify_required(verify);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_VERIFY_REPORT struct verify_report *report = calloc(1, sizeof *report);
    struct note_key keys[CHECKPOINT_KEYS_MAX];
    struct verify_request request = {.path = "input", .ledger_keys = keys, .required = "ledger,model"};
    struct verify verify = {.request = &request, .report = report};

    if (report == NULL)
        return 0;
    if (bundle_decode(data, size, "input", &verify.bundle, NULL) < 0) {
        verify.bundle.payload = buffer_with_limit(STATEMENT_SIZE_MAX);
        if (buffer_append(&verify.bundle.payload, data, size) < 0)
            return 0;
    }
    report->statement = buffer_with_limit(STATEMENT_SIZE_MAX);
    if (ledger_keys_parse(vkey, sizeof vkey - 1, "vkey", keys, &request.ledger_key_count, NULL) < 0 ||
        crypto_public_key_parse(pem, sizeof pem - 1, "key", &verify.key, NULL) < 0)
        abort();
    check_evidence(&verify);
    expect_good_report(report);
    expect_no_record(report);
    bundle_free(&verify.bundle);
    crypto_public_key_free(verify.key);
    json_decref(verify.statement);
    return 0;
}
