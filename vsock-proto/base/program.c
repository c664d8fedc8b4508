/* SPDX-License-Identifier: Apache-2.0 */
/* Running programs. */
#include "base/program.h"

#include "base/child.h"
#include "base/io.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIGNAL_STATUS 128

extern char **environ;

static int arrange(const struct program *program, posix_spawn_file_actions_t *actions)
{
    int r = program->input < 0 ? 0 : posix_spawn_file_actions_adddup2(actions, program->input, STDIN_FILENO);

    if (r == 0 && program->output >= 0)
        r = posix_spawn_file_actions_adddup2(actions, program->output, STDOUT_FILENO);
    if (r == 0 && program->alone)
        r = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    return r;
}

static int start(const struct program *program, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    int r = posix_spawn_file_actions_init(&actions);

    if (r != 0)
        return -r;
    r = arrange(program, &actions);
    if (r == 0)
        r = posix_spawnp(ret_pid, program->file, &actions, NULL, (char *const *)program->arguments,
                         program->environment != NULL ? program->environment : environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return -r;
}

int program_run(const struct program *program, int *ret_status)
{
    int status = 0, r;
    pid_t pid = 0;

    r = start(program, &pid);
    if (r < 0)
        return r;
    r = child_wait(pid, &status, IO_NO_DEADLINE);
    if (r < 0)
        return r;
    *ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : SIGNAL_STATUS + WTERMSIG(status);
    return 0;
}
