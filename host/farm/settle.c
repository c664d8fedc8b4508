/* SPDX-License-Identifier: Apache-2.0 */
/* Ends of jobs. */
#include "host/farm/settle.h"

#include "host/farm/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int settle_abort(const struct settlement *s, const char *reason, uint64_t wall_ms, struct error *err)
{
    const struct queue_end end = {.state = QUEUE_ABORTED, .reason = reason, .wall_ms = wall_ms};
    int r = queue_finish(s->database, s->lease, &end, NULL, NULL, err);

    if (r == 0 && s->aborted != NULL)
        s->aborted(s->context, s->lease->id, reason);
    return r;
}

int settle_by_error(const struct settlement *s, const struct error *trouble, struct error *err)
{
    char reason[QUEUE_REASON_SIZE];
    int r;

    (void)snprintf(reason, sizeof reason, "%.*s", (int)sizeof reason - 1, trouble->text);
    if (trouble->kind != ERROR_UNAVAILABLE && trouble->kind != ERROR_INTERNAL)
        return settle_abort(s, reason, 0, err);
    r = queue_give_back(s->database, s->lease, reason, err);
    return r < 0 ? r : 1;
}

int settle_by_result(const struct settlement *s, const struct judgement *judgement, const char *reused,
                     uint64_t wall_ms, int (*publish)(void *context, struct error *err), void *context,
                     struct error *err)
{
    const struct queue_end end = {
        .state = judge_state(judgement->outcome),
        .has_outcome = true,
        .outcome = judgement->outcome,
        .reason = judgement->reason,
        .reused = reused,
        .content = s->facts->content,
        .wall_ms = wall_ms,
    };

    return queue_finish(s->database, s->lease, &end, publish, context, err);
}

int settle_in_place(const struct settlement *s, struct error *err)
{
    char path[PATH_MAX], reason[QUEUE_REASON_SIZE];
    struct judgement judgement;
    struct error trouble = {0};
    int r = folder_job_path(s->folder, FOLDER_RESULTS, s->lease->id, "", path, err);

    if (r < 0 || access(path, F_OK) < 0)
        return r;
    if (s->judge(s->context, path, &judgement, &trouble) == 0) {
        r = settle_by_result(s, &judgement, NULL, 0, NULL, NULL, err);
    } else {
        (void)snprintf(reason, sizeof reason, "%.200s: there already, and no result of this job (%.200s); move it away",
                       path, trouble.text);
        r = settle_abort(s, reason, 0, err);
    }
    return r < 0 ? r : 1;
}

int settle_by_twin(const struct settlement *s, struct error *err)
{
    char twin[QUEUE_ID_MAX + 1], path[PATH_MAX];
    struct judgement judgement;
    enum queue_content found;
    int r;

    if (s->force)
        return 0;
    r = queue_claim(s->database, s->lease, s->facts->content, &found, twin, err);
    if (r < 0 || found == QUEUE_FRESH)
        return r;
    if (found == QUEUE_UNDER_WAY)
        return 1;
    r = folder_job_path(s->folder, FOLDER_RESULTS, twin, "", path, err);
    if (r < 0 || s->judge(s->context, path, &judgement, NULL) < 0)
        return r;
    r = settle_by_result(s, &judgement, twin, 0, NULL, NULL, err);
    return r < 0 ? r : 1;
}

int settle_publish(const char *folder, const char *attempt, const char *id, struct error *err)
{
    char result[PATH_MAX];
    int r = folder_job_path(folder, FOLDER_RESULTS, id, "", result, err);

    if (r == 0 && attempt != NULL && renameat2(AT_FDCWD, attempt, AT_FDCWD, result, RENAME_NOREPLACE) < 0)
        r = error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", result, strerror(errno));
    if (r == 0)
        r = folder_sync(folder, FOLDER_RESULTS, err);
    return r < 0 ? r : folder_sync(folder, FOLDER_ATTEMPTS, err);
}
