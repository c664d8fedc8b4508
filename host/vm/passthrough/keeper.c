/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper of a device.
 *
 * Theory of operation. One loop: an order is one byte on a socket, the answer a struct of fixed size; both ends are the
 * same program, and no guest's byte comes near. Of root it keeps the user, to whom the attributes of sysfs belong, and
 * no capability. It has no deadline of its own: taking a device from vfio-pci waits in the kernel until the VM has let
 * go of it, which is just the order that is wanted. Orders are answered late rather than left undone.
 */
#include "host/vm/passthrough/keeper.h"

#include "base/io.h"
#include "host/confine/confine.h"
#include "host/confine/place.h"
#include "host/vm/deadlines.h"
#include "host/vm/passthrough/loan.h"
#include "host/vm/passthrough/pci_driver.h"

#include <errno.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define READY 'k' /* the order that it gives itself, whose answer says that it is confined */

struct keeper {
    pid_t pid;
    int pidfd, socket;
    int lost; /* what ended the talk with it; 0: it answers */
};

struct answer {
    uint64_t ns;
    int32_t kind, code; /* of the error; ERROR_NONE: done */
    char text[ERROR_TEXT_MAX];
};

struct place { /* of the keeper's side */
    int sysfs, loan_fd, group_fd, socket;
    const struct pci_group *group;
    struct loan loan;
    char boot[LOAN_BOOT_SIZE];
    bool taken;
};

/* ---- the keeper's side --------------------------------------------------------------------------- */

static int confine(const struct place *place, struct error *err)
{
    static const int calls[] = {
        SCMP_SYS(openat),    SCMP_SYS(pread64),    SCMP_SYS(readlinkat), /* attributes of sysfs */
        SCMP_SYS(faccessat), SCMP_SYS(faccessat2),                       /* whether one is there */
        SCMP_SYS(ftruncate), SCMP_SYS(pwrite64),   SCMP_SYS(fsync),      /* the record */
        SCMP_SYS(prctl),                                                 /* to outlive the monitor: see below */
    };
    const int keep[] = {place->sysfs, place->loan_fd, place->group_fd, place->socket};
    const struct confine_profile profile = {
        .name = "lazaret-keeper",
        .folder_fd = &place->sysfs,
        .keep_fds = keep,
        .keep_fd_count = sizeof keep / sizeof keep[0],
        .system_calls = calls,
        .system_call_count = sizeof calls / sizeof calls[0],
        .file_size_max = LOAN_SIZE_MAX,
    };
    int r = confine_self(&profile, err);

    (void)close(STDERR_FILENO); /* it speaks to nobody but the monitor */
    /* Nothing is taken yet; from now on the end of the monitor must not be ours. */
    if (r == 0 && prctl(PR_SET_PDEATHSIG, 0) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "the keeper of a device: prctl: %s", strerror(errno));
    return r;
}

static int take(struct place *place, struct error *err)
{
    const struct pci_group *group = place->group;
    int r = 0;

    if (!place->taken) {
        loan_of_group(group, place->boot, &place->loan);
        r = loan_write(place->loan_fd, &place->loan, err);
        place->taken = r == 0;
    }
    for (unsigned i = 0; r == 0 && i < group->count; i++)
        r = pci_driver_bind_guest(place->sysfs, group->functions[i].name, err);
    return r < 0 ? r : pci_driver_reset(place->sysfs, &group->functions[0], err);
}

static int give_back(struct place *place, struct error *err)
{
    int r = place->taken ? loan_give_back(place->sysfs, &place->loan, err) : 0;

    if (r == 0 && place->taken)
        r = loan_clear(place->loan_fd, err);
    if (r == 0)
        place->taken = false;
    return r;
}

static int follow(struct place *place, char order, struct error *err)
{
    switch (order) {
    case READY:
        return confine(place, err);
    case KEEPER_TAKE:
        return take(place, err);
    case KEEPER_RESET:
        return pci_driver_reset(place->sysfs, &place->group->functions[0], err);
    case KEEPER_RETURN:
        return give_back(place, err);
    default:
        return error_set(err, ERROR_INTERNAL, -EINVAL, "the keeper of a device: no such order");
    }
}

static bool answer(struct place *place, char order)
{
    static struct answer reply;
    struct error error = {0};
    uint64_t start = io_now_ns();
    bool done = follow(place, order, &error) == 0;

    reply = (struct answer){.ns = io_now_ns() - start};
    if (!done) {
        reply.kind = (int32_t)error.kind;
        reply.code = error.code;
        memcpy(reply.text, error.text, sizeof reply.text);
    }
    (void)!io_write_full(place->socket, &reply, sizeof reply, IO_NO_DEADLINE);
    return done;
}

_Noreturn static void run(struct place *place)
{
    struct error ignored;
    char order = READY;

    (void)setsid(); /* an interrupt at the terminal is the monitor's, not ours */
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    if (!answer(place, order))
        _exit(1);
    while (io_read_full(place->socket, &order, 1, IO_NO_DEADLINE) == 0)
        if (answer(place, order) && order == KEEPER_RETURN)
            _exit(0);
    _exit(give_back(place, &ignored) < 0);
}

/* ---- the monitor's side -------------------------------------------------------------------------- */

static int await(struct keeper *keeper, uint64_t deadline_ns, uint64_t *ret_ns, struct error *err)
{
    static struct answer reply;
    int r = io_read_full(keeper->socket, &reply, sizeof reply, deadline_ns);

    keeper->lost = r; /* an answer that comes late must not be taken for the next one */
    if (r == -ETIMEDOUT)
        return error_set(err, ERROR_INTERNAL, r,
                         "the host's driver does not let go of the device in time, or the device "
                         "does not answer; end what uses it");
    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "the keeper of the device is gone: %s", strerror(-r));
    *ret_ns = reply.ns;
    if (reply.kind == ERROR_NONE)
        return 0;
    reply.text[sizeof reply.text - 1] = '\0';
    return error_set(err, (enum error_kind)reply.kind, reply.code < 0 ? reply.code : -EBADMSG, "%s", reply.text);
}

int keeper_start(int sysfs, int loan_fd, int group_fd, const struct pci_group *group, struct keeper **ret_keeper,
                 struct error *err)
{
    char boot[LOAN_BOOT_SIZE];
    int r = loan_read_boot(boot, err), pair[2], lent[4];
    struct keeper *keeper;
    uint64_t unused;

    if (r < 0)
        return r;
    keeper = calloc(1, sizeof *keeper);
    if (keeper == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for the keeper of a device");
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        free(keeper);
        return error_set(err, ERROR_INTERNAL, -errno, "socketpair: %s", strerror(errno));
    }
    lent[0] = sysfs, lent[1] = loan_fd, lent[2] = group_fd, lent[3] = pair[1];
    *keeper = (struct keeper){.pid = confine_fork(lent, sizeof lent / sizeof lent[0]), .pidfd = -1, .socket = pair[0]};
    if (keeper->pid == 0) {
        struct place place = {
            .sysfs = sysfs, .loan_fd = loan_fd, .group_fd = group_fd, .socket = pair[1], .group = group};

        memcpy(place.boot, boot, sizeof place.boot); /* of /proc, which the keeper has not */
        run(&place);
    }
    (void)close(pair[1]);
    if (keeper->pid > 0)
        keeper->pidfd = (int)syscall(SYS_pidfd_open, keeper->pid, 0);
    r = keeper->pid < 0 || keeper->pidfd < 0 || io_set_nonblocking(keeper->socket) < 0
            ? error_set(err, ERROR_INTERNAL, -EIO, "no process for the keeper of a device")
            : await(keeper, io_deadline_ms(VM_DEADLINE_KEEPER_MS), &unused, err);
    if (r < 0)
        keeper_free(keeper, io_deadline_ms(VM_DEADLINE_KEEPER_MS));
    else
        *ret_keeper = keeper;
    return r;
}

int keeper_order(struct keeper *keeper, enum keeper_order order, uint64_t deadline_ns, uint64_t *ret_ns,
                 struct error *err)
{
    const char byte = (char)order;
    int r = keeper->lost;

    if (r == -ETIMEDOUT)
        return error_set(err, ERROR_INTERNAL, r, "the keeper of the device is not done with what it was told before");
    if (r == 0)
        r = io_write_full(keeper->socket, &byte, 1, deadline_ns);
    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "the keeper of the device is gone: %s", strerror(-r));
    return await(keeper, deadline_ns, ret_ns, err);
}

bool keeper_has_ended(const struct keeper *keeper, uint64_t deadline_ns)
{
    return io_wait(keeper->pidfd, POLLIN, deadline_ns) == 0;
}

void keeper_free(struct keeper *keeper, uint64_t deadline_ns)
{
    if (keeper == NULL)
        return;
    (void)close(keeper->socket);
    if (keeper->pid > 0 && keeper->pidfd >= 0 && io_wait(keeper->pidfd, POLLIN, deadline_ns) == 0)
        (void)waitpid(keeper->pid, NULL, 0);
    cleanup_close_fd(&keeper->pidfd);
    free(keeper);
}
