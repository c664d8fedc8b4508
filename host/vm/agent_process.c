/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Process isolation: the guest's agent without a VM.
 *
 * Theory of operation. The agent is PID 1 of a VM and root there; here it gets as much of that as
 * a process can: a mount namespace whose root holds itself, /proc, /dev and /tmp and nothing else,
 * and a user namespace whose root and users are identities that own nothing outside. The child
 * makes the namespace, the parent, which has the right, writes its maps, and then it goes on.
 */
#include "host/vm/agent_process.h"

#include "host/vm/driver_view.h"
#include "host/vm/state.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define ARGUMENTS_MAX 32u
#define OLD_ROOT      "/old"

static int fail_with(struct error *err, const char *what)
{
    return error_set(err, ERROR_UNAVAILABLE, -errno, "agent process: %s: %s", what, strerror(errno));
}

/* The tree below SANDBOX_AGENT_ROOT, where the sandbox has put the agent as init. */
static int build_root(bool driver, struct error *err)
{
    static const char *const folders[] = {"/proc", "/dev", "/tmp", OLD_ROOT};
    char path[64];

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        (void)snprintf(path, sizeof(path), SANDBOX_AGENT_ROOT "%s", folders[i]);
        if (mkdir(path, 0755) < 0)
            return fail_with(err, path);
    }
    if (mount("proc", SANDBOX_AGENT_ROOT "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 ||
        mount("/dev", SANDBOX_AGENT_ROOT "/dev", NULL, MS_BIND, NULL) < 0 ||
        mount("tmpfs", SANDBOX_AGENT_ROOT "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777,size=25%") < 0)
        return fail_with(err, SANDBOX_AGENT_ROOT);
    return driver ? driver_view_build(SANDBOX_AGENT_ROOT, err) : 0;
}

static int enter_root(struct error *err)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(SANDBOX_AGENT_ROOT, SANDBOX_AGENT_ROOT, NULL, MS_BIND | MS_REC, NULL) < 0 ||
        chdir(SANDBOX_AGENT_ROOT) < 0 || syscall(SYS_pivot_root, ".", "." OLD_ROOT) < 0 || chdir("/") < 0 ||
        umount2(OLD_ROOT, MNT_DETACH) < 0 || rmdir(OLD_ROOT) < 0 ||
        mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID, NULL) < 0)
        return fail_with(err, "root");
    return 0;
}

/* Waits for the parent's byte: the maps are written. */
static int become_mapped_root(int from_parent, int to_parent, struct error *err)
{
    char byte = 0;

    if (unshare(CLONE_NEWUSER) < 0 || write(to_parent, &byte, 1) != 1 || read(from_parent, &byte, 1) != 1 ||
        setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        return fail_with(err, "user namespace");
    return 0;
}

static int place_descriptors(int stream_fd, int output_fd, struct error *err)
{
    CLEANUP_FD int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    /* Out of the way of the places 0 to 3 first. */
    CLEANUP_FD int stream = fcntl(stream_fd, F_DUPFD_CLOEXEC, AGENT_STREAM_FD + 1);
    CLEANUP_FD int output = fcntl(output_fd, F_DUPFD_CLOEXEC, AGENT_STREAM_FD + 1);

    if (null < 0 || stream < 0 || output < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
        dup2(output, STDERR_FILENO) < 0 || dup2(stream, AGENT_STREAM_FD) < 0)
        return fail_with(err, "descriptors");
    return 0;
}

_Noreturn static void execute(char *const *more)
{
    static char *const environment[] = {NULL};
    char *arguments[ARGUMENTS_MAX + 1] = {"/init", "--stream-fd", "3"};
    size_t count = 3;

    while (more != NULL && *more != NULL && count < ARGUMENTS_MAX)
        arguments[count++] = *more++;
    (void)close_range(AGENT_STREAM_FD + 1, ~0u, 0);
    (void)execve("/init", arguments, environment);
    _exit(127);
}

_Noreturn static void run_child(const struct supervisor_options *options, int output_fd, int from_parent, int to_parent)
{
    struct error error = {.kind = ERROR_NONE};
    bool user = options->outer_uid == 0;
    sigset_t none;

    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    if (enter_root(&error) < 0 || (user && become_mapped_root(from_parent, to_parent, &error) < 0) ||
        place_descriptors(options->stream_fd, output_fd, &error) < 0) {
        (void)!write(output_fd, error.text, strlen(error.text));
        (void)!write(to_parent, error.text, strlen(error.text));
        _exit(126);
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a change of identity clears it: last */
    execute(options->agent_arguments);
}

static int write_map(pid_t pid, const char *name, uid_t first, struct error *err)
{
    char path[64], text[64];
    int size = snprintf(text, sizeof(text), "0 %u %u\n", first, STATE_JOB_ID_RANGE);
    CLEANUP_FD int fd = -1;

    (void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, (size_t)size) != size)
        return fail_with(err, path);
    return 0;
}

/* The child's zero byte, or the text of what it could not do. */
static int await_child(int from_child, struct error *err)
{
    char text[ERROR_TEXT_MAX] = "";
    ssize_t size = read(from_child, text, sizeof(text) - 1);

    if (size == 1 && text[0] == '\0')
        return 0;
    return error_set(err, ERROR_UNAVAILABLE, -EPERM,
                     "process isolation can't start here: %s; user namespaces must be allowed (not in a chroot, and "
                     "user.max_user_namespaces above 0)",
                     text);
}

int agent_process_start(const struct supervisor_options *options, int output_fd, pid_t *ret_pid, struct error *err)
{
    int up[2], down[2];
    char byte = 0;
    pid_t pid;
    int r = build_root(options->driver, err);

    if (r < 0)
        return r;
    if (pipe2(up, O_CLOEXEC) < 0 || pipe2(down, O_CLOEXEC) < 0)
        return fail_with(err, "pipe");
    pid = fork();
    if (pid == 0) {
        (void)close(up[0]);
        (void)close(down[1]);
        run_child(options, output_fd, down[0], up[1]);
    }
    (void)close(up[1]);
    (void)close(down[0]);
    if (pid < 0)
        r = fail_with(err, "fork");
    if (r == 0 && options->outer_uid == 0)
        r = await_child(up[0], err);
    if (r == 0 && options->outer_uid == 0) {
        r = write_map(pid, "uid_map", options->job_uid, err);
        if (r == 0)
            r = write_map(pid, "gid_map", options->job_uid, err);
        if (r == 0 && write(down[1], &byte, 1) != 1)
            r = fail_with(err, "pipe");
    }
    (void)close(up[0]);
    (void)close(down[1]);
    if (r == 0)
        *ret_pid = pid;
    return r;
}
