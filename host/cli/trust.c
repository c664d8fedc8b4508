/* SPDX-License-Identifier: Apache-2.0 */
/* What a user trusts besides keys of people. */
#include "host/cli/trust.h"

#include "base/time_text.h"
#include "host/cli/ledger_files.h"

#include <errno.h>

int cli_trust_complete(struct cli_trust *trust, struct error *err)
{
    int r = 0;

    if (trust->ledger_keys_text != NULL)
        r = ledger_files_read_keys(trust->ledger_keys_text, trust->ledger_keys, &trust->ledger_key_count, err);
    if (r == 0 && trust->time_text != NULL && time_text_parse(trust->time_text, &trust->time) < 0)
        r = error_set(err, ERROR_USAGE, -EINVAL,
                      "--at: a date as 2026-01-31, or a time as 2026-01-31T23:59:59Z, expected, not \"%s\"",
                      trust->time_text);
    return r;
}

void cli_trust_lend(const struct cli_trust *trust, struct verify_request *request)
{
    request->authorities_path = trust->authorities_path;
    request->ledger_keys = trust->ledger_keys;
    request->ledger_key_count = trust->ledger_key_count;
    request->has_time = trust->time_text != NULL;
    request->time = trust->time;
}
