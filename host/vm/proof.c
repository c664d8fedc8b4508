/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proof of destruction.
 *
 * Theory of operation. All that a job makes on the host is held by its processes: the tmpfs by their
 * mount namespace, the sockets by their network namespace and that tmpfs, the CID by QEMU's
 * descriptor. A namespace without processes is freed by the kernel, once the
 * monitor lets go of it: until then its number is nobody else's. So every process of the machine
 * is asked which namespaces it is in; and the CID, which is the machine's, is claimed and given back.
 */
#include "host/vm/proof.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

int proof_read_marks(pid_t pid, struct proof_marks *ret_marks, struct error *err)
{
    static const char *const names[] = {"pid", "mnt", "net"};
    struct proof_marks marks = {.held = true, .fds = {-1, -1, -1}};
    struct stat status[3];
    char path[64];

    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, names[i]);
        marks.fds[i] = open(path, O_RDONLY | O_CLOEXEC);
        if (marks.fds[i] < 0 || fstat(marks.fds[i], &status[i]) < 0) {
            int r = error_set(err, ERROR_INTERNAL, -errno, "%s: %s", path, strerror(errno));

            proof_release(&marks);
            return r;
        }
    }
    marks.pid_ns = status[0].st_ino;
    marks.mount_ns = status[1].st_ino;
    marks.network_ns = status[2].st_ino;
    marks.ns_device = status[0].st_dev;
    *ret_marks = marks;
    return 0;
}

void proof_release(struct proof_marks *marks)
{
    for (size_t i = 0; marks->held && i < 3; i++)
        if (marks->fds[i] >= 0)
            (void)close(marks->fds[i]);
    marks->held = false;
}

static bool is_in(int proc, const char *pid, const char *name, const struct proof_marks *marks, ino_t wanted)
{
    struct stat status;
    char path[64];

    (void)snprintf(path, sizeof(path), "%.16s/ns/%s", pid, name);
    return fstatat(proc, path, &status, 0) == 0 && status.st_dev == marks->ns_device && status.st_ino == wanted;
}

/*
 * A process that has ended and waits for its parent to look: it has no memory, no descriptor and no
 * namespace any more. After kill -9 of a monitor that parent is the machine's init, whenever it looks.
 */
static bool has_ended(const char *pid)
{
    char path[64], text[512];
    CLEANUP_FD int fd = -1;
    const char *end;
    ssize_t size;

    (void)snprintf(path, sizeof(path), "/proc/%.16s/stat", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (size <= 0)
        return true;
    text[size] = '\0';
    end = strrchr(text, ')'); /* the name, which may hold anything, ends here; the state follows */
    return end != NULL && (strncmp(end, ") Z", 3) == 0 || strncmp(end, ") X", 3) == 0);
}

static void note(struct vm_proof *proof, bool *fact, const char *pid, const char *what)
{
    *fact = false;
    if (proof->detail[0] == '\0')
        (void)snprintf(proof->detail, sizeof(proof->detail), "process %.16s is still in the job's %s namespace", pid,
                       what);
}

static void check_processes(const struct proof_marks *marks, struct vm_proof *proof)
{
    DIR *folder = opendir("/proc");
    struct dirent *entry;

    if (folder == NULL) {
        proof->processes_gone = proof->mounts_gone = proof->sockets_gone = false;
        (void)snprintf(proof->detail, sizeof(proof->detail), "/proc can't be read");
        return;
    }
    while ((entry = readdir(folder)) != NULL) {
        const char *pid = entry->d_name;

        if (!isdigit((unsigned char)pid[0]))
            continue;
        if (is_in(dirfd(folder), pid, "pid", marks, marks->pid_ns) && !has_ended(pid))
            note(proof, &proof->processes_gone, pid, "PID");
        if (is_in(dirfd(folder), pid, "mnt", marks, marks->mount_ns))
            note(proof, &proof->mounts_gone, pid, "mount");
        if (is_in(dirfd(folder), pid, "net", marks, marks->network_ns))
            note(proof, &proof->sockets_gone, pid, "network");
    }
    (void)closedir(folder);
}

/* A CID that another can claim is free. */
static bool can_claim(uint32_t cid)
{
    uint64_t wanted = cid;
    CLEANUP_FD int fd = open("/dev/vhost-vsock", O_RDWR | O_CLOEXEC);

    return fd >= 0 && ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &wanted) == 0;
}

void proof_check(const struct proof_marks *marks, bool reaped, uint32_t cid, struct vm_proof *ret_proof)
{
    struct vm_proof proof = {
        .processes_gone = true, .mounts_gone = true, .sockets_gone = true, .cid_released = true, .cid_used = cid != 0};

    check_processes(marks, &proof);
    if (!reaped) {
        proof.processes_gone = false;
        (void)snprintf(proof.detail, sizeof(proof.detail), "the supervisor could not be ended");
    }
    if (cid != 0 && !can_claim(cid)) {
        proof.cid_released = false;
        (void)snprintf(proof.detail, sizeof(proof.detail), "the CID %u is still taken", cid);
    }
    *ret_proof = proof;
}

bool proof_holds(const struct vm_proof *proof)
{
    return proof->processes_gone && proof->mounts_gone && proof->sockets_gone && proof->cid_released;
}
