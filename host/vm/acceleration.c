/* SPDX-License-Identifier: Apache-2.0 */
/* Whether KVM works. */
#include "host/vm/acceleration.h"

#include "base/child.h"
#include "base/io.h"
#include "host/confine/place.h"
#include "host/vm/files.h"
#include "host/vm/kvm_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>

#define MEMORY_FILE  "kvm-does-not-work"
#define KEY_MAX      192u
#define REMEMBERED_S 600

/* What the child writes: its verdict, then the reason. */
struct answer {
    int result;
    char reason[ACCELERATION_REASON_MAX];
};

_Noreturn static void run_child(acceleration_run *run, int fd)
{
    struct answer answer;

    confine_close_own(&fd, 1);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    memset(&answer, 0, sizeof(answer));
    answer.result = run(answer.reason, sizeof(answer.reason));
    _exit(write(fd, &answer, sizeof(answer)) == (ssize_t)sizeof(answer) ? 0 : 1);
}

static void set_reason(struct acceleration_probe *probe, const char *text)
{
    (void)snprintf(probe->reason, sizeof(probe->reason), "%s", text);
}

/* The child's answer, or what became of it. A child that can't even be killed is left to init. */
static void collect(pid_t pid, int fd, unsigned limit_ms, struct acceleration_probe *probe)
{
    struct answer answer;
    int r = io_read_full(fd, &answer, sizeof(answer), io_deadline_ms(limit_ms));

    if (r == 0) {
        answer.reason[sizeof(answer.reason) - 1] = '\0';
        probe->kvm_works = answer.result == 0;
        set_reason(probe, answer.reason);
    } else if (r == -ETIMEDOUT) {
        (void)snprintf(probe->reason, sizeof(probe->reason),
                       "/dev/kvm is there, but a guest of a few instructions did not end within %u ms", limit_ms);
    } else {
        set_reason(probe, "the probe's process died");
    }
    (void)kill(pid, SIGKILL);
    (void)!child_wait(pid, NULL, io_deadline_ms(limit_ms));
}

void acceleration_probe_with(acceleration_run *run, unsigned limit_ms, struct acceleration_probe *ret_probe)
{
    uint64_t start = io_now_ns();
    int pair[2];
    pid_t pid;

    memset(ret_probe, 0, sizeof(*ret_probe));
    if (pipe2(pair, O_CLOEXEC) < 0) {
        set_reason(ret_probe, "no pipe for the probe");
        return;
    }
    pid = fork();
    if (pid == 0)
        run_child(run, pair[1]);
    (void)close(pair[1]);
    if (pid < 0 || io_set_nonblocking(pair[0]) < 0)
        set_reason(ret_probe, "no process for the probe");
    if (pid > 0)
        collect(pid, pair[0], limit_ms, ret_probe);
    (void)close(pair[0]);
    ret_probe->wall_ns = io_now_ns() - start;
}

void acceleration_probe(unsigned limit_ms, struct acceleration_probe *ret_probe)
{
    if (access("/dev/kvm", F_OK) < 0) {
        memset(ret_probe, 0, sizeof(*ret_probe));
        set_reason(ret_probe, "this machine has no /dev/kvm");
        return;
    }
    acceleration_probe_with(kvm_guest_run, limit_ms, ret_probe);
}

/* ---- what is remembered of a KVM that does not work -------------------------------------------- */

/* "BOOT-ID DEVICE INODE CTIME": changes with the kernel that runs and with the device node. */
static bool format_key(char *key, size_t room)
{
    char boot[64];
    struct stat status;
    struct error ignored;

    if (files_read_text("/proc/sys/kernel/random/boot_id", boot, sizeof(boot), &ignored) < 0 ||
        stat("/dev/kvm", &status) < 0)
        return false;
    boot[strcspn(boot, "\n")] = '\0';
    (void)snprintf(key, room, "%s %llu %llu %lld.%09ld\n", boot, (unsigned long long)status.st_rdev,
                   (unsigned long long)status.st_ino, (long long)status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
    return true;
}

/* A busy host may answer too late once: whether it does is tried again after REMEMBERED_S. */
static bool is_recent(int fd)
{
    struct stat status;
    time_t now = time(NULL);

    return fstat(fd, &status) == 0 && status.st_mtime <= now && now - status.st_mtime < REMEMBERED_S;
}

/* The file is the key's line, then the reason. */
static bool recall(int state_fd, const char *key, struct acceleration_probe *ret_probe)
{
    char text[KEY_MAX + ACCELERATION_REASON_MAX];
    CLEANUP_FD int fd = openat(state_fd, MEMORY_FILE, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : io_pread_full(fd, text, sizeof(text) - 1, 0);

    if (size < 0 || !is_recent(fd))
        return false;
    text[size] = '\0';
    if (strncmp(text, key, strlen(key)) != 0)
        return false;
    memset(ret_probe, 0, sizeof(*ret_probe));
    set_reason(ret_probe, text + strlen(key));
    return true;
}

/* Best effort; appears whole. */
static void remember(int state_fd, const char *key, const struct acceleration_probe *probe)
{
    static const char temporary[] = MEMORY_FILE ".new";
    char text[KEY_MAX + ACCELERATION_REASON_MAX];
    struct error ignored;
    int size = snprintf(text, sizeof(text), "%s%s", key, probe->reason);

    /* Always the same name: what a kill leaves of one is the next one's to replace. */
    (void)unlinkat(state_fd, temporary, 0);
    if (files_write_new(state_fd, temporary, text, (size_t)size, &ignored) < 0 ||
        renameat(state_fd, temporary, state_fd, MEMORY_FILE) < 0)
        (void)unlinkat(state_fd, temporary, 0);
}

void acceleration_probe_cached(int state_fd, unsigned limit_ms, struct acceleration_probe *ret_probe)
{
    char key[KEY_MAX];
    bool keyed = format_key(key, sizeof(key));

    if (keyed && recall(state_fd, key, ret_probe))
        return;
    acceleration_probe(limit_ms, ret_probe);
    if (keyed && !ret_probe->kvm_works)
        remember(state_fd, key, ret_probe);
}
