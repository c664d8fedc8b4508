/* SPDX-License-Identifier: Apache-2.0 */
/* Results that dead workers left when a job is taken up again. */
#include "host/farm/folder.h"
#include "host/farm/task.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* An earlier attempt's whole result, whose worker died before it said so. 1 with its path, or 0. */
static int find_attempt(const struct task *task, char ret_path[PATH_MAX], struct error *err)
{
    char folder[PATH_MAX];
    size_t length = strlen(task->lease.id);
    const struct dirent *entry;
    int found = 0, r = folder_path(task->worker->options->folder, FOLDER_ATTEMPTS, folder, err);
    DIR *directory = r < 0 ? NULL : opendir(folder);

    if (directory == NULL)
        return r < 0 ? r : error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", folder, strerror(errno));
    while (found == 0 && (entry = readdir(directory)) != NULL)
        if (strncmp(entry->d_name, task->lease.id, length) == 0 && entry->d_name[length] == '.' &&
            strspn(entry->d_name + length + 1, "0123456789abcdef") == TASK_TOKEN_DIGITS &&
            entry->d_name[length + 1 + TASK_TOKEN_DIGITS] == '\0')
            found =
                folder_job_path(task->worker->options->folder, FOLDER_ATTEMPTS, entry->d_name, "", ret_path, err) == 0;
    (void)closedir(directory);
    return found;
}

void task_set_aside(const char *path)
{
    char kept[PATH_MAX];

    if ((size_t)snprintf(kept, sizeof kept, "%s.kept", path) < sizeof kept)
        (void)rename(path, kept);
}

int task_adopt(struct task *task, struct error *err)
{
    struct judgement judgement;
    char path[PATH_MAX];
    int r = task->lease.attempt == 1 ? 0 : find_attempt(task, path, err);

    if (r <= 0)
        return r;
    if (judge_result(path, task->worker->key_path, &task->facts, &judgement, NULL) < 0 ||
        (judgement.machine_failed && !task->lease.last_attempt)) {
        task_set_aside(path);
        return 0;
    }
    r = task_end_by(task, &judgement, path, 0, err);
    return r < 0 ? r : 1;
}
