/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vsock device against Linux's own driver: boots the test guest under QEMU's TCG, or as a process by
 * user-mode-linux, with the confined device beside it and checks streams both ways. Prints rates; they are no test.
 *
 *   vsock-guest KERNEL INITRAMFS q35|microvm|uml [MIB]
 */
#include "base/io.h"
#include "host/link/link.h"
#include "host/vsock-device/device.h"
#include "service.h"
#include "uml.h"

#include <errno.h>
#include <linux/virtio_ids.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define BOOT_MS     UINT64_C(90000)
#define STEP_MS     UINT64_C(60000)
#define ROUND_TRIPS 500
#define GUEST_LIFE  "150" /* seconds for timeout(1) around QEMU */

static uint8_t chunk[SERVICE_CHUNK];
static struct link *link_to_guest;
static int failures;

static void check(bool good, const char *what)
{
    (void)printf("%s: %s\n", good ? "ok" : "FAILED", what);
    failures += good ? 0 : 1;
}

static int connect_guest(uint32_t port, uint64_t milliseconds)
{
    struct error err = {.kind = ERROR_NONE};
    int fd = -1;

    if (link_connect(link_to_guest, port, io_deadline_ms(milliseconds), &fd, &err) < 0) {
        (void)printf("connect: %s\n", err.text);
        return -1;
    }
    return fd;
}

/* A stream with an order on it, which the guest has understood. */
static int order(uint64_t what, uint64_t count, uint64_t buffer_size)
{
    const struct service_request request = {.order = what, .count = count, .buffer_size = buffer_size};
    CLEANUP_FD int fd = connect_guest(SERVICE_PORT, STEP_MS);
    uint8_t ready;

    if (fd < 0 || io_write_full(fd, &request, sizeof request, io_deadline_ms(STEP_MS)) < 0 ||
        io_read_full(fd, &ready, 1, io_deadline_ms(STEP_MS)) < 0)
        return -1;
    return take_fd(&fd);
}

static double rate(uint64_t bytes, uint64_t start_ns)
{
    return (double)bytes / 1e6 / ((double)(io_now_ns() - start_ns) / 1e9);
}

/* Guest to host: every byte is compared. `pause_ms` lets the buffers fill first. */
static void receive(uint64_t total, uint64_t buffer_size, unsigned pause_ms)
{
    CLEANUP_FD int fd = order(SERVICE_SOURCE, total, buffer_size);
    uint64_t start = io_now_ns(), done = 0, right = 0;

    (void)usleep(pause_ms * 1000);
    while (done < total && io_wait(fd, POLLIN, io_deadline_ms(STEP_MS)) == 0) {
        ssize_t count = read(fd, chunk, SERVICE_CHUNK);

        if (count <= 0)
            break;
        if (memcmp(chunk, service_pattern(done), (size_t)count) == 0)
            right += (uint64_t)count;
        done += (uint64_t)count;
    }
    (void)printf("guest to host, guest buffer %llu: %.1f MB/s\n", (unsigned long long)buffer_size, rate(done, start));
    check(right == total, "guest to host, every byte");
    check(io_wait(fd, POLLIN, io_deadline_ms(STEP_MS)) == 0 && read(fd, chunk, 1) == 0, "end of the guest's stream");
}

/* Host to guest: the guest counts right bytes. */
static void transmit(enum service_order what, uint64_t total, uint64_t buffer_size)
{
    CLEANUP_FD int fd = order(what, total, buffer_size);
    uint64_t start = io_now_ns(), right = 0;

    for (uint64_t done = 0; done < total;) {
        size_t size = total - done < SERVICE_CHUNK ? (size_t)(total - done) : SERVICE_CHUNK;

        if (io_write_full(fd, service_pattern(done), size, io_deadline_ms(STEP_MS)) < 0)
            break;
        done += size;
    }
    if (io_read_full(fd, &right, sizeof right, io_deadline_ms(STEP_MS)) < 0)
        right = 0;
    (void)printf("host to guest, guest buffer %llu: %.1f MB/s\n", (unsigned long long)buffer_size, rate(total, start));
    check(right == total, "host to guest, every byte");
}

static void echo(void)
{
    CLEANUP_FD int fd = order(SERVICE_ECHO, 0, 0);
    uint8_t out[64], back[64];
    uint64_t start = io_now_ns();
    bool good = fd >= 0;

    for (int i = 0; i < ROUND_TRIPS && good; i++) {
        memset(out, i, sizeof out);
        good = io_write_full(fd, out, sizeof out, io_deadline_ms(STEP_MS)) == 0 &&
               io_read_full(fd, back, sizeof back, io_deadline_ms(STEP_MS)) == 0 && memcmp(out, back, sizeof out) == 0;
    }
    (void)printf("round trip of 64 bytes: %.0f us\n", (double)(io_now_ns() - start) / 1e3 / ROUND_TRIPS);
    check(good, "echo");
    check(fd >= 0 && shutdown(fd, SHUT_WR) == 0 && io_wait(fd, POLLIN, io_deadline_ms(STEP_MS)) == 0 &&
              read(fd, back, 1) == 0,
          "half-close reaches the guest and comes back");
}

static void refusals(void)
{
    CLEANUP_FD int nobody = connect_guest(SERVICE_PORT + 1, 300);
    CLEANUP_FD int fd = order(SERVICE_CALL, 9000, 0);
    uint64_t result = 0;

    check(nobody < 0, "a port without listener is refused until the deadline");
    if (io_read_full(fd, &result, sizeof result, io_deadline_ms(STEP_MS)) < 0)
        result = 0;
    check(result == ECONNRESET, "a stream of the guest's own is reset");
}

static void together(uint64_t total)
{
    pid_t child;
    int status = 0;
    CLEANUP_FD int source = order(SERVICE_SOURCE, total, 0);
    CLEANUP_FD int sink = order(SERVICE_SINK, total, 0);
    uint64_t done = 0, right = 0;

    child = fork();
    if (child == 0) {
        for (uint64_t sent = 0; sent < total;) {
            size_t size = total - sent < SERVICE_CHUNK ? (size_t)(total - sent) : SERVICE_CHUNK;

            if (io_write_full(sink, service_pattern(sent), size, io_deadline_ms(STEP_MS)) < 0)
                break;
            sent += size;
        }
        if (io_read_full(sink, &right, sizeof right, io_deadline_ms(STEP_MS)) < 0)
            right = 0;
        _exit(right == total ? 0 : 1);
    }
    while (done < total && io_wait(source, POLLIN, io_deadline_ms(STEP_MS)) == 0) {
        ssize_t count = read(source, chunk, SERVICE_CHUNK);

        if (count <= 0)
            break;
        if (memcmp(chunk, service_pattern(done), (size_t)count) == 0)
            right += (uint64_t)count;
        done += (uint64_t)count;
    }
    check(right == total && waitpid(child, &status, 0) == child && status == 0, "two streams at once, every byte");
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1) < 0) {
        perror(path);
        exit(1);
    }
    return fd;
}

static pid_t start_device(int listener, int control)
{
    pid_t pid = fork();

    if (pid == 0) {
        const struct vsock_device_config config = {
            .vhost_listener = listener, .control = control, .guest_cid = 42, .report = dup(STDERR_FILENO)};
        struct error err = {.kind = ERROR_NONE};
        int r = vsock_device_run(&config, &err);

        if (r < 0) { /* not by dprintf, which seeks: that is forbidden here */
            size_t size = strlen(err.text);

            err.text[size] = '\n';
            (void)!write(config.report, err.text, size + 1);
        }
        _exit(r < 0 ? 1 : 0);
    }
    return pid;
}

static pid_t start_guest(const char *kernel, const char *initramfs, const char *machine, const char *socket_path)
{
    bool q35 = strcmp(machine, "q35") == 0;
    char chardev[256];
    pid_t pid;

    (void)snprintf(chardev, sizeof chardev, "socket,id=vs,path=%s", socket_path);
    pid = fork();
    if (pid == 0) {
        (void)execlp("timeout", "timeout", "-k", "1", GUEST_LIFE, "qemu-system-x86_64", "-nodefaults",
                     "-no-user-config", "-display", "none", "-no-reboot", "-m", "256", "-smp", "1", "-accel", "tcg",
                     "-cpu", "max", "-machine",
                     q35 ? "q35,memory-backend=ram"
                         : "microvm,pit=on,pic=on,rtc=on,"
                           "memory-backend=ram",
                     "-object", "memory-backend-memfd,id=ram,size=256M,share=on", "-kernel", kernel, "-initrd",
                     initramfs, "-append",
                     "console=ttyS0 quiet reboot=t panic=-1 tsc=reliable no_timer_check "
                     "cryptomgr.notests mitigations=off tsc_early_khz=2000000",
                     "-serial", "stdio", "-chardev", chardev, "-device",
                     q35 ? "vhost-user-vsock-pci,chardev=vs" : "vhost-user-vsock-device,chardev=vs", "-global",
                     "virtio-mmio.force-legacy=false", (char *)NULL);
        perror("timeout");
        _exit(127);
    }
    return pid;
}

/* The kernel is a program here; uml_preload.c says why it needs one. */
static pid_t start_uml(const char *kernel, const char *initramfs, const char *socket_path)
{
    char device[160], initrd[256], adapted[108];
    pid_t pid;

    (void)snprintf(adapted, sizeof adapted, "%s.uml", socket_path);
    uml_adapt(adapted, socket_path);
    (void)snprintf(device, sizeof device, "virtio_uml.device=%s:%d", adapted, VIRTIO_ID_VSOCK);
    (void)snprintf(initrd, sizeof initrd, "initrd=%s", initramfs);
    pid = fork();
    if (pid == 0) {
        (void)execlp("unshare", "unshare", "--pid", "--fork", "--kill-child", "timeout", "-k", "1", GUEST_LIFE, kernel,
                     "mem=128M", initrd, "con=null", "con0=fd:0,fd:1", "quiet", device, (char *)NULL);
        perror("unshare");
        _exit(127);
    }
    return pid;
}

static void run_checks(uint64_t total)
{
    uint64_t start = io_now_ns();
    int fd = connect_guest(SERVICE_PORT, BOOT_MS);

    (void)printf("boot to connection: %.2f s\n", (double)(io_now_ns() - start) / 1e9);
    check(fd >= 0, "first connection");
    if (fd < 0)
        return;
    (void)close(fd);
    echo();
    refusals();
    receive(total, 0, 0);
    receive(total, 1 << 20, 0);
    receive(total / 4, 4 << 20, 500); /* a host that reads late */
    receive(1 << 20, 4096, 0);        /* a guest with hardly any buffer */
    transmit(SERVICE_SINK, total, 0);
    transmit(SERVICE_SINK, total, 1 << 20);
    transmit(SERVICE_SLOW, total / 4, 4 << 20); /* a guest buffer larger than the device's */
    transmit(SERVICE_SINK, 1 << 20, 4096);
    together(total / 4);
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/lazaret-vsock-XXXXXX", path[64];
    uint64_t total = (argc > 4 ? strtoull(argv[4], NULL, 10) : 32) << 20;
    int control[2], status = 0, listener;
    struct error err;
    struct rusage usage;
    pid_t device, guest;
    bool uml = argc > 3 && strcmp(argv[3], "uml") == 0;

    if (argc < 4 || mkdtemp(folder) == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0)
        return 64;
    service_init();
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)snprintf(path, sizeof path, "%s/vhost", folder);
    listener = listen_at(path);
    device = start_device(listener, control[1]);
    (void)close(control[1]);
    (void)close(listener);
    guest = uml ? start_uml(argv[1], argv[2], path) : start_guest(argv[1], argv[2], argv[3], path);
    if (link_open_vhost_user(control[0], &link_to_guest, &err) < 0)
        return 70;
    run_checks(total);
    if (!uml)
        (void)close(order(SERVICE_POWEROFF, 0, 0));
    if (uml) /* it faults as it halts, and what it then leaves in its rings ends the device, rightly */
        (void)kill(guest, SIGKILL);
    else if (failures > 0)
        (void)kill(guest, SIGTERM);
    (void)waitpid(guest, &status, 0);
    (void)wait4(device, &status, 0, &usage);
    (void)printf("device: %.2f s CPU user, %.2f system, %ld KiB at most\n",
                 (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6,
                 (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6, usage.ru_maxrss);
    check(status == 0, "the device ended well with its front end");
    link_free(link_to_guest);
    (void)unlink(path);
    (void)unlink(strcat(path, ".uml"));
    (void)rmdir(folder);
    return failures == 0 ? 0 : 1;
}
