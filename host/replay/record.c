/* SPDX-License-Identifier: Apache-2.0 */
/* What a signed result records, verified. */
#include "host/replay/record.h"

#include "base/file.h"
#include "host/attest/replay.h"
#include "host/json/field.h"
#include "host/json/reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int path_in(char ret_path[PATH_MAX], const char *directory, const char *name, struct error *err)
{
    if ((size_t)snprintf(ret_path, PATH_MAX, "%s/%s", directory, name) >= PATH_MAX)
        return error_set(err, ERROR_NO_INPUT, -ENAMETOOLONG, "%s: the path is too long", directory);
    return 0;
}

static int set_paths(struct replay_record *record, struct error *err)
{
    int r = path_in(record->policy_path, record->directory, STATEMENT_POLICY, err);

    if (r == 0)
        r = path_in(record->spec_path, record->directory, STATEMENT_SPEC, err);
    if (r == 0)
        r = path_in(record->evaluation_path, record->directory, STATEMENT_EVALUATION, err);
    return r < 0 ? r : path_in(record->plan_path, record->directory, STATEMENT_PLAN, err);
}

/* --- the statement ----------------------------------------------------------------------------------------- */

/* A file that the recorded run had and the result does not hold must be given again, and only such a one. */
static int check_given(const char *directory, bool recorded, const char *option, const char *path, struct error *err)
{
    if (recorded && path == NULL)
        return error_set(err, ERROR_USAGE, -EINVAL, "%s: the recorded run had one; give it with %s", directory, option);
    if (!recorded && path != NULL)
        return error_set(err, ERROR_USAGE, -EINVAL, "%s: the recorded run had none; leave %s out", directory, option);
    return 0;
}

static int check_all_given(const struct replay_record *record, const struct verify_request *inputs, struct error *err)
{
    int r = check_given(record->directory, record->has_train, "--train", inputs->train_path, err);

    if (r == 0)
        r = check_given(record->directory, record->has_triggers, "--triggers", inputs->triggers_path, err);
    return r < 0 ? r
                 : check_given(record->directory, record->has_reference, "--reference", inputs->reference_path, err);
}

static struct replay_part find_part(const json_t *configuration, const char *name)
{
    struct replay_part part = {.named = false};

    part.named = statement_find_resource(configuration, name, part.sha256) == 0;
    return part;
}

/* Of a statement that has been checked: every field is there. */
static int read_statement(struct replay_record *record, const struct verify_report *report, struct error *err)
{
    CLEANUP_JSON json_t *statement = NULL;
    const json_t *configuration, *extension;
    unsigned isolation, acceleration;
    int r = statement_check(report->statement.data, report->statement.size, &statement, err);

    if (r < 0)
        return r;
    configuration = json_object_get(json_object_get(statement, "predicate"), "configuration");
    extension = statement_get_extension(statement);
    record->agent = find_part(configuration, "agent");
    record->kernel = find_part(configuration, "kernel");
    record->initramfs = find_part(configuration, "initramfs");
    record->disk = find_part(configuration, "disk");
    record->has_spec = find_part(configuration, STATEMENT_SPEC).named;
    record->has_train = find_part(configuration, "train").named;
    record->has_reference = find_part(configuration, STATEMENT_REFERENCE).named;
    record->has_triggers = find_part(configuration, STATEMENT_TRIGGERS).named;
    r = field_choice(extension, "extension", "isolation", statement_isolation_names, &isolation, err);
    if (r == 0)
        r = field_choice(extension, "extension", "acceleration", statement_acceleration_names, &acceleration, err);
    if (r < 0)
        return r;
    record->isolation = (enum statement_isolation)isolation;
    record->acceleration = (enum statement_acceleration)acceleration;
    (void)snprintf(record->producer, sizeof record->producer, "%s",
                   json_string_value(json_object_get(extension, "producer")));
    if (!find_part(configuration, STATEMENT_PLAN).named)
        return error_set(err, ERROR_BAD_INPUT, -ENODATA,
                         "%s: the result names no " STATEMENT_PLAN ", which a replay "
                         "goes by",
                         record->directory);
    return 0;
}

/* The first row that does not hold, with what it means for a replay. */
static int find_fault(const struct replay_record *record, const struct verify_report *report, struct error *err)
{
    for (size_t i = 0; i < report->item_count; i++) {
        const struct verify_item *item = &report->items[i];

        if (item->state != VERIFY_MISMATCH && item->state != VERIFY_MISSING)
            continue;
        if (item->section == VERIFY_INPUTS)
            return error_set(err, ERROR_MISMATCH, -EBADMSG, "%s: what was given is not what was evaluated: %s: %s",
                             record->directory, item->what, item->detail);
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "%s: the recorded result does not verify: %s: %s",
                         record->directory, item->what, item->detail);
    }
    return 0;
}

static int verify_recorded(struct replay_record *record, const struct verify_request *inputs, struct error *err)
{
    CLEANUP_VERIFY_REPORT struct verify_report *report = NULL;
    int r = verify_run(inputs, &report, err);

    if (r < 0)
        return r;
    if (!report->believed)
        return find_fault(record, report, err) < 0
                   ? -EBADMSG
                   : error_set(err, ERROR_MISMATCH, -EBADMSG, "%s: the recorded result does not verify",
                               record->directory);
    record->outcome = report->outcome;
    r = read_statement(record, report, err);
    if (r == 0)
        r = check_all_given(record, inputs, err);
    if (r == 0)
        r = find_fault(record, report, err);
    if (r == 0 && !outcome_has_evaluation(report->outcome))
        r = error_set(err, ERROR_BAD_INPUT, -ENODATA,
                      "%s: there is no evaluation to replay: the recorded outcome is %s", record->directory,
                      outcome_names[report->outcome]);
    return r;
}

/* --- documents ------------------------------------------------------------------------------------------------ */

static int read_json(const char *path, json_t **ret_value, struct error *err)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(REPLAY_DOCUMENT_MAX);
    int r = file_read_own(path, &bytes, err);

    return r < 0 ? r : json_read(bytes.data, bytes.size, REPLAY_DOCUMENT_MAX, path, ret_value, err);
}

int replay_record_open(const struct verify_request *inputs, struct replay_record **ret_record, struct error *err)
{
    CLEANUP_REPLAY_RECORD struct replay_record *record = calloc(1, sizeof *record);
    int r;

    if (record == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a record");
    record->directory = inputs->path;
    r = set_paths(record, err);
    if (r == 0)
        r = verify_recorded(record, inputs, err);
    if (r < 0)
        return r;
    record->evaluation = buffer_with_limit(REPLAY_EVALUATION_MAX);
    r = file_read_own(record->evaluation_path, &record->evaluation, err);
    if (r == 0)
        r = read_json(record->plan_path, &record->plan, err);
    if (r < 0)
        return r;
    *ret_record = TAKE_POINTER(record);
    return 0;
}

void replay_record_free(struct replay_record *record)
{
    if (record == NULL)
        return;
    buffer_free(&record->evaluation);
    json_decref(record->plan);
    free(record);
}
