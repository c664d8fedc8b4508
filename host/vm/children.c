/* SPDX-License-Identifier: Apache-2.0 */
/* The processes that the supervisor starts. */
#include "host/vm/children.h"

#include "base/io.h"
#include "host/vm/agent_process.h"
#include "host/vm/confinement.h"
#include "host/vm/controller.h"
#include "host/vm/deadlines.h"
#include "host/vm/message.h"
#include "host/vsock-device/device.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define QEMU_LOG     SANDBOX_LIBVIRT "/log/qemu/" CONTROLLER_DOMAIN ".log"
#define QEMU_LOG_MAX 65536u

/* The guest's CID behind our own device: private to this VM, so the same in each. */
#define DEVICE_GUEST_CID 3u

static int fail_with(struct error *err, const char *what)
{
    return error_set(err, ERROR_INTERNAL, -errno, "supervisor: %s: %s", what, strerror(errno));
}

/* What every child starts from: default signals, and an end with the supervisor. */
static void reset_child(const char *name)
{
    sigset_t none;

    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)prctl(PR_SET_NAME, name);
}

/* ---- the vsock device -------------------------------------------------------------------------- */

static int listen_for_qemu(uid_t qemu, int *ret_fd, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SANDBOX_VSOCK};
    CLEANUP_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(SANDBOX_VSOCK, 0600) < 0 ||
        chown(SANDBOX_VSOCK, qemu, qemu) < 0 || listen(fd, 1) < 0)
        return fail_with(err, SANDBOX_VSOCK);
    *ret_fd = take_fd(&fd);
    return 0;
}

_Noreturn static void run_device(const struct supervisor_options *options, int listener, int text_fd)
{
    struct vsock_device_config config = {
        .vhost_listener = listener,
        .control = options->stream_fd,
        .guest_cid = DEVICE_GUEST_CID,
        .report = text_fd,
    };
    struct error error = {.kind = ERROR_NONE};
    int r;

    reset_child("lazaret-vsock");
    r = sandbox_become_user(options->outer_uid, options->outer_gid, &error);
    if (r == 0)
        r = vsock_device_run(&config, &error);
    if (r < 0)
        (void)!write(text_fd, error.text, strlen(error.text));
    _exit(r < 0 ? 1 : 0);
}

static int start_device(struct children *children, const struct supervisor_options *options, struct error *err)
{
    CLEANUP_FD int listener = -1;
    int text[2];
    int r = listen_for_qemu(options->job_uid, &listener, err);

    if (r < 0)
        return r;
    if (pipe2(text, O_CLOEXEC | O_NONBLOCK) < 0)
        return fail_with(err, "pipe");
    children->device_text_fd = text[0];
    children->device_pid = fork();
    if (children->device_pid == 0)
        run_device(options, listener, text[1]);
    r = children->device_pid < 0 ? fail_with(err, "fork") : 0;
    (void)close(text[1]);
    (void)close(options->stream_fd);
    return r;
}

void children_read_device_text(struct children *children, int status)
{
    char text[VM_TEXT_MAX - 64];
    ssize_t size = read(children->device_text_fd, text, sizeof(text) - 1);

    text[size > 0 ? size : 0] = '\0';
    if (WIFSIGNALED(status))
        (void)snprintf(children->device_text, sizeof(children->device_text),
                       "the vsock device was killed by signal %d %s", WTERMSIG(status), text);
    else
        (void)snprintf(children->device_text, sizeof(children->device_text), "the vsock device ended: %s", text);
}

/* ---- the libvirt controller -------------------------------------------------------------------- */

static int start_controller(struct children *children, const struct supervisor_options *options, struct error *err)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
        return fail_with(err, "socketpair");
    children->controller_fd = pair[0];
    children->controller_pid = fork();
    if (children->controller_pid == 0) {
        struct controller_options controller = {
            .xml = options->xml,
            .file_size_max = confinement_largest_file(options),
            .control_fd = pair[1],
            .cache_fd = options->cache_fd,
            .cpu = options->cpu,
            .job_uid = options->job_uid,
            .outer_uid = options->outer_uid,
            .outer_gid = options->outer_gid,
            .vhost_vsock = options->transport == VM_TRANSPORT_VHOST_VSOCK,
        };

        reset_child("lazaret-libvirt");
        (void)close(pair[0]);
        (void)close(options->control_fd);
        if (children->device_text_fd >= 0)
            (void)close(children->device_text_fd);
        _exit(controller_run(&controller));
    }
    (void)close(pair[1]);
    return children->controller_pid < 0 ? fail_with(err, "fork") : 0;
}

void children_add_qemu_log(struct error *error)
{
    static char log[QEMU_LOG_MAX];
    CLEANUP_FD int fd = open(QEMU_LOG, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? 0 : io_pread_full(fd, log, sizeof(log) - 1, 0);
    size_t used = strlen(error->text);
    char *line;

    while (size > 0 && (log[size - 1] == '\n' || log[size - 1] == '\0'))
        size--;
    if (size <= 0)
        return;
    log[size] = '\0';
    line = strrchr(log, '\n');
    (void)snprintf(error->text + used, sizeof(error->text) - used, " (QEMU's log ends with: %.300s)",
                   line == NULL ? log : line + 1);
}

/* ---- all --------------------------------------------------------------------------------------- */

static int start_agent(struct children *children, const struct supervisor_options *options,
                       const struct console *console, struct error *err)
{
    int r = agent_process_start(options, console->write_fd, &children->main_pid, err);

    (void)close(options->stream_fd);
    return r;
}

int children_start(struct children *children, const struct supervisor_options *options, const struct console *console,
                   struct error *err)
{
    int r = 0;

    *children = (struct children){.controller_fd = -1, .device_text_fd = -1};
    if (options->isolation == VM_PROCESS)
        return start_agent(children, options, console, err);
    if (options->transport == VM_TRANSPORT_VHOST_USER)
        r = start_device(children, options, err);
    return r < 0 ? r : start_controller(children, options, err);
}

void children_quit_main(struct children *children)
{
    if (children->controller_pid > 0 && children->controller_fd >= 0 &&
        message_send(children->controller_fd, MESSAGE_DESTROY, NULL, io_deadline_ms(VM_DEADLINE_QUIT_MS)) == 0)
        return;
    (void)kill(children->main_pid, SIGKILL);
}
