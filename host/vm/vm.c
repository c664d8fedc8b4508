/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's side of one VM: start, connect, destroy. */
#include "host/vm/vm.h"

#include "base/file.h"
#include "base/io.h"
#include "host/link/link.h"
#include "host/vm/deadlines.h"
#include "host/vm/host_facts.h"
#include "host/vm/image.h"
#include "host/vm/message.h"
#include "host/vm/passthrough/passthrough.h"
#include "host/vm/plan.h"
#include "host/vm/proof.h"
#include "host/vm/state.h"
#include "host/vm/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

struct vm {
    struct vm_record record; /* what is known so far */
    pid_t supervisor;        /* 0: none, or reaped */
    int supervisor_pidfd;
    struct passthrough *passthrough; /* NULL: none; borrowed */
    uint64_t memory_mib;             /* of the guest */
    int control_fd;                  /* records to and from the supervisor */
    int stream_fd;                   /* vhost-user: the device's control socket; process: the agent's stream */
    struct proof_marks marks;
    uint32_t cid;      /* of the host's kernel, or 0 */
    uint64_t start_ns; /* when vm_boot() was called */
    bool reaped;
};

/* ---- start ------------------------------------------------------------------------------------- */

/* What the child inherits; the monitor closes its copies once the child runs. */
struct inheritance {
    int control_fd, stream_fd, agent_fd, cache_fd, job_ids_fd;
};

static void inheritance_close(struct inheritance *inheritance)
{
    const int fds[] = {inheritance->control_fd, inheritance->stream_fd, inheritance->agent_fd, inheritance->cache_fd,
                       inheritance->job_ids_fd};

    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
}

static int open_cache(int state_fd, enum vm_acceleration acceleration, int cpu, int *ret_fd, struct error *err)
{
    char name[64];

    /* libvirt's knowledge depends on whether KVM is there and on the CPU that it was asked on. */
    (void)snprintf(name, sizeof(name), "cache/capabilities-%s-%d", vm_acceleration_name(acceleration), cpu);
    return state_open_folder(state_fd, name, ret_fd, err);
}

static int make_sockets(struct vm *vm, struct inheritance *child, struct error *err)
{
    int pair[2];
    /* The device's control socket keeps the bounds of its records; the agent's is a stream. */
    int type = vm->record.isolation == VM_PROCESS ? SOCK_STREAM : SOCK_SEQPACKET;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "socketpair: %s", strerror(errno));
    vm->control_fd = pair[0];
    child->control_fd = pair[1];
    if (vm->record.transport == VM_TRANSPORT_VHOST_VSOCK)
        return 0;
    if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "socketpair: %s", strerror(errno));
    vm->stream_fd = pair[0];
    child->stream_fd = pair[1];
    return io_set_nonblocking(vm->stream_fd);
}

static int prepare(struct vm *vm, const struct vm_options *options, struct inheritance *child,
                   struct supervisor_options *supervisor, struct error *err)
{
    CLEANUP_FD int state_fd = -1;
    bool process = options->isolation == VM_PROCESS;
    int r = make_sockets(vm, child, err);

    if (r == 0)
        r = state_open(&state_fd, err);
    if (r == 0 && geteuid() == 0)
        r = state_claim_job_ids(state_fd, &supervisor->job_uid, &child->job_ids_fd, err);
    supervisor->cpu = host_first_cpu();
    if (r == 0 && !process)
        r = open_cache(state_fd, vm->record.acceleration, supervisor->cpu, &child->cache_fd, err);
    if (r < 0)
        return r;
    if (process) {
        child->agent_fd = open(options->agent_path, O_RDONLY | O_CLOEXEC);
        if (child->agent_fd < 0)
            return error_set(err, file_error_kind(-errno), -errno, "%s: %s", options->agent_path, strerror(errno));
        supervisor->files[0] = (struct sandbox_file){
            .path = options->agent_path, .fd = child->agent_fd, .target = SANDBOX_AGENT_ROOT "/init"};
        supervisor->file_count = 1;
        return 0;
    }
    supervisor->files[supervisor->file_count++] = (struct sandbox_file){
        .path = image_kernel_path(options->image), .fd = image_kernel_fd(options->image), .target = SANDBOX_KERNEL};
    supervisor->files[supervisor->file_count++] = (struct sandbox_file){.path = image_initramfs_path(options->image),
                                                                        .fd = image_initramfs_fd(options->image),
                                                                        .target = SANDBOX_INITRAMFS};
    if (options->scratch_path != NULL)
        supervisor->files[supervisor->file_count++] = (struct sandbox_file){
            .path = options->scratch_path, .fd = options->scratch_fd, .target = SANDBOX_SCRATCH, .writable = true};
    if (image_disk_path(options->image) != NULL)
        supervisor->files[supervisor->file_count++] = (struct sandbox_file){
            .path = image_disk_path(options->image), .fd = image_disk_fd(options->image), .target = SANDBOX_DISK};
    return 0;
}

static void fill_version(char text[32], uint32_t version)
{
    (void)snprintf(text, 32, "%u.%u.%u", version / 1000000u, version / 1000u % 1000u, version % 1000u);
}

static int wait_started(struct vm *vm, struct error *err)
{
    static struct message message;
    struct message_started started;
    struct error failure;
    uint64_t allowed_ms = VM_DEADLINE_START_MS + (vm->passthrough != NULL ? vm_deadline_pin_ms(vm->memory_mib) : 0);
    int r = message_receive(vm->control_fd, &message, vm->start_ns + allowed_ms * IO_NS_PER_MS);

    if (r == 0 && message_parse_failed(&message, &failure) == 0)
        return error_set(err, failure.kind, failure.code, "%s", failure.text);
    if (r == 0 && message_parse_started(&message, &started) < 0)
        r = -EBADMSG;
    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "the VM's supervisor did not start it: %s",
                         r == -ETIMEDOUT ? "no answer in time" : strerror(-r));
    vm->cid = started.cid;
    if (vm->record.isolation == VM_MICROVM) {
        fill_version(vm->record.qemu_version, started.qemu_version);
        fill_version(vm->record.libvirt_version, started.libvirt_version);
    }
    vm->record.start_wall_ns = io_now_ns() - vm->start_ns;
    return 0;
}

static int launch(struct vm *vm, const struct vm_options *options, struct error *err)
{
    struct inheritance child = {-1, -1, -1, -1, -1};
    struct supervisor_options supervisor = {
        .isolation = options->isolation,
        .acceleration = vm->record.acceleration,
        .transport = vm->record.transport,
        .xml = vm->record.domain_xml,
        .agent_arguments = options->agent_arguments,
        .driver = options->driver && options->isolation == VM_PROCESS,
        .files = {{.fd = -1}, {.fd = -1}, {.fd = -1}, {.fd = -1}},
        .console_fd = options->console_fd,
        .console_max = options->console_max,
        .passthrough = options->passthrough != NULL ? passthrough_facts(options->passthrough) : NULL,
        .memory_mib = options->memory_mib,
        .outer_uid = geteuid(),
        .outer_gid = getegid(),
    };
    int r = prepare(vm, options, &child, &supervisor, err);

    if (r == 0)
        r = sandbox_fork(&vm->supervisor, &vm->supervisor_pidfd, err);
    if (r == 0 && vm->supervisor == 0) {
        supervisor.control_fd = child.control_fd;
        supervisor.stream_fd = child.stream_fd;
        supervisor.cache_fd = child.cache_fd;
        supervisor.job_ids_fd = child.job_ids_fd;
        supervisor_run(&supervisor);
    }
    inheritance_close(&child);
    return r < 0 ? r : proof_read_marks(vm->supervisor, &vm->marks, err);
}

int vm_prepare(const struct vm_options *options, struct vm **ret_vm, struct error *err)
{
    CLEANUP_VM struct vm *vm = calloc(1, sizeof(*vm));
    int r;

    if (vm == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "vm: out of memory");
    vm->supervisor_pidfd = vm->control_fd = vm->stream_fd = -1;
    vm->passthrough = options->passthrough;
    vm->memory_mib = options->memory_mib;
    r = plan_decide(options, &vm->record, err);
    if (r == 0)
        r = launch(vm, options, err);
    if (r == 0)
        *ret_vm = TAKE_POINTER(vm);
    return r;
}

/* A domain that is refused with a device most often is so for the device: that is a result, not a fault of ours. */
static int fail_with_device(const struct vm *vm, int r, struct error *err)
{
    if (r < 0 && vm->passthrough != NULL && err->kind == ERROR_INTERNAL) {
        err->kind = ERROR_GUEST;
        return error_prefix(err, "with the PCI device %s passed through",
                            passthrough_facts(vm->passthrough)->device.name);
    }
    return r;
}

int vm_boot(struct vm *vm, struct error *err)
{
    int r = vm->passthrough != NULL ? passthrough_take(vm->passthrough, err) : 0;

    if (r < 0)
        return r;
    vm->start_ns = io_now_ns();
    /* Where the supervisor has ended already, what it said before tells why. */
    (void)!message_send(vm->control_fd, MESSAGE_BOOT, NULL, io_deadline_ms(VM_DEADLINE_QUIT_MS));
    return fail_with_device(vm, wait_started(vm, err), err);
}

int vm_start(const struct vm_options *options, struct vm **ret_vm, struct error *err)
{
    CLEANUP_VM struct vm *vm = NULL;
    uint64_t start_ns = io_now_ns();
    int r = vm_prepare(options, &vm, err);

    if (r == 0)
        r = vm_boot(vm, err);
    if (r < 0)
        return r;
    vm->record.start_wall_ns += vm->start_ns - start_ns;
    vm->start_ns = start_ns;
    *ret_vm = TAKE_POINTER(vm);
    return 0;
}

int vm_supervisor(const struct vm *vm)
{
    return vm->supervisor;
}

bool vm_is_translated(const struct vm *vm)
{
    return vm->record.isolation == VM_MICROVM && vm->record.acceleration != VM_ACCEL_KVM;
}

/* ---- while it runs ------------------------------------------------------------------------------- */

int vm_exit_fd(const struct vm *vm)
{
    return vm->control_fd;
}

enum vm_exit vm_poll_exit(struct vm *vm)
{
    static struct message message;
    struct message_exited exited;
    struct pollfd poller = {.fd = vm->control_fd, .events = POLLIN};
    int r;

    if (vm->record.exit_reason != VM_EXIT_NONE || poll(&poller, 1, 0) <= 0)
        return vm->record.exit_reason;
    r = message_receive(vm->control_fd, &message, io_deadline_ms(VM_DEADLINE_QUIT_MS));
    if (r == 0 && message_parse_exited(&message, &exited) == 0) {
        vm->record.exit_reason = (enum vm_exit)exited.reason;
        (void)snprintf(vm->record.exit_detail, VM_TEXT_MAX, "%s", exited.detail);
    } else {
        vm->record.exit_reason = VM_EXIT_CRASHED;
        (void)snprintf(vm->record.exit_detail, VM_TEXT_MAX, "the VM's supervisor died");
    }
    return vm->record.exit_reason;
}

static int connect_once(struct vm *vm, uint64_t deadline_ns, int *ret_fd, struct error *err)
{
    if (vm->record.isolation == VM_PROCESS) {
        if (vm->stream_fd < 0)
            return error_set(err, ERROR_GUEST, -EISCONN, "the agent's one stream is taken");
        *ret_fd = take_fd(&vm->stream_fd);
        return 0;
    }
    if (vm->record.transport == VM_TRANSPORT_VHOST_USER)
        return link_connect_vhost_user(vm->stream_fd, VM_AGENT_PORT, deadline_ns, ret_fd, err);
    return link_connect_vhost_vsock(vm->cid, VM_AGENT_PORT, deadline_ns, ret_fd, err);
}

/* Gives the supervisor the moment it needs to tell why a device or QEMU went away. */
enum vm_exit vm_await_exit(struct vm *vm)
{
    if (vm->record.exit_reason == VM_EXIT_NONE)
        (void)!io_wait(vm->control_fd, POLLIN, io_deadline_ms(VM_DEADLINE_EXIT_TOLD_MS));
    return vm_poll_exit(vm);
}

const char *vm_stream_fault(const struct vm *vm)
{
    return vm->record.isolation == VM_MICROVM && vm->record.transport == VM_TRANSPORT_VHOST_USER && vm->stream_fd >= 0
               ? link_vhost_user_fault(vm->stream_fd)
               : NULL;
}

const char *vm_exit_detail(const struct vm *vm)
{
    return vm->record.exit_detail;
}

int vm_connect(struct vm *vm, uint64_t deadline_ns, int *ret_fd, struct error *err)
{
    struct error cause = {.kind = ERROR_NONE};
    int r;

    for (;;) {
        uint64_t slice = io_deadline_ms(VM_DEADLINE_CONNECT_ATTEMPT_MS);

        /* The kernel's transport does not tell that QEMU is gone: look in between. */
        if (vm->record.transport != VM_TRANSPORT_VHOST_VSOCK || slice > deadline_ns)
            slice = deadline_ns;
        r = connect_once(vm, slice, ret_fd, &cause);
        if (r == 0) {
            if (vm->record.boot_wall_ns == 0)
                vm->record.boot_wall_ns = io_now_ns() - vm->start_ns;
            return 0;
        }
        if (r != -ETIMEDOUT || io_now_ns() >= deadline_ns || vm_poll_exit(vm) != VM_EXIT_NONE)
            break;
    }
    if ((r == -ETIMEDOUT ? vm_poll_exit(vm) : vm_await_exit(vm)) != VM_EXIT_NONE)
        return error_set(err, ERROR_GUEST, -ECONNRESET, "the VM ended before its agent answered: %s: %s",
                         vm_exit_name(vm->record.exit_reason), vm->record.exit_detail);
    return error_set(err, cause.kind, cause.code, "the VM's agent: %s", cause.text);
}

/* ---- the end ------------------------------------------------------------------------------------ */

static bool reap(struct vm *vm, uint64_t deadline_ns)
{
    if (vm->supervisor == 0)
        return vm->reaped;
    if (io_wait(vm->supervisor_pidfd, POLLIN, deadline_ns) < 0)
        return false;
    vm->reaped = waitpid(vm->supervisor, NULL, 0) == vm->supervisor;
    vm->supervisor = 0;
    return vm->reaped;
}

static void take_destroyed(struct vm *vm, const struct message_destroyed *destroyed)
{
    struct vm_record *record = &vm->record;

    record->exit_reason = (enum vm_exit)destroyed->exit.reason;
    (void)snprintf(record->exit_detail, VM_TEXT_MAX, "%s", destroyed->exit.detail);
    record->peak_memory_kib = destroyed->peak_memory_kib;
    record->cpu_ns = destroyed->cpu_ns;
    record->console_bytes = destroyed->console_bytes;
    record->console_dropped = destroyed->console_dropped;
}

/* Orders the end and takes the supervisor's last record; reports of an end before it are skipped. */
static void order_end(struct vm *vm)
{
    static struct message message;
    struct message_destroyed destroyed;
    uint64_t deadline = io_deadline_ms(VM_DEADLINE_DESTROY_MS);

    if (message_send(vm->control_fd, MESSAGE_DESTROY, NULL, deadline) < 0)
        return;
    /* The device lets go of the guest's memory now: whoever does so last has all of its pages to give back, and that is
     * QEMU's to do. */
    if (vm->stream_fd >= 0)
        (void)close(take_fd(&vm->stream_fd));
    while (message_receive(vm->control_fd, &message, deadline) == 0)
        if (message_parse_destroyed(&message, &destroyed) == 0) {
            take_destroyed(vm, &destroyed);
            return;
        }
}

static void end(struct vm *vm)
{
    if (vm->supervisor == 0)
        return;
    if (!reap(vm, io_deadline_ms(VM_DEADLINE_KILL_MS))) {
        (void)kill(vm->supervisor, SIGKILL);
        (void)reap(vm, io_deadline_ms(VM_DEADLINE_KILL_MS));
    }
}

int vm_destroy(struct vm *vm, struct vm_record *ret_record, struct error *err)
{
    if (vm->supervisor != 0)
        order_end(vm);
    end(vm);
    if (vm->record.exit_reason == VM_EXIT_NONE) {
        vm->record.exit_reason = VM_EXIT_CRASHED;
        (void)snprintf(vm->record.exit_detail, VM_TEXT_MAX, "the VM's supervisor died");
    }
    proof_check(&vm->marks, vm->reaped, vm->cid, &vm->record.proof);
    proof_release(&vm->marks);
    if (vm->passthrough != NULL)
        passthrough_reset(vm->passthrough);
    *ret_record = vm->record;
    if (!proof_holds(&vm->record.proof))
        return error_set(err, ERROR_INTERNAL, -EBUSY, "the VM is not gone: %s", vm->record.proof.detail);
    return 0;
}

void vm_free(struct vm *vm)
{
    if (vm == NULL)
        return;
    if (vm->supervisor != 0) {
        (void)kill(vm->supervisor, SIGKILL);
        (void)reap(vm, io_deadline_ms(VM_DEADLINE_KILL_MS));
    }
    cleanup_close_fd(&vm->supervisor_pidfd);
    cleanup_close_fd(&vm->control_fd);
    cleanup_close_fd(&vm->stream_fd);
    proof_release(&vm->marks);
    free(vm);
}
