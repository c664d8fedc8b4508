/* SPDX-License-Identifier: Apache-2.0 */
/* A microVM's life: boot, echo, crash, flood, kill -9, and that nothing is left of it. */
#include "vm/boot/helpers.h"

#include "base/io.h"
#include "host/vm/host_facts.h"
#include "unit/harness.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>

#define BOOT_MS     60000u
#define TALK_MS     10000u
#define CONSOLE_MAX 65536u
#define ECHO_SIZE   (4u << 20)
#define MEMORY_MIB  512u

static struct image *image;
static int console_fd = -1;

static struct vm_options default_options(void)
{
    return (struct vm_options){.isolation = VM_MICROVM,
                               .acceleration = VM_ACCEL_TCG,
                               .vcpus = 1,
                               .memory_mib = MEMORY_MIB,
                               .image = image,
                               .console_fd = console_fd,
                               .console_max = CONSOLE_MAX};
}

/* Starts, connects and sends the command; NULL, with a failed assertion, when that fails. */
static struct vm *boot(const struct vm_options *options, char command, int *ret_stream)
{
    struct error error = {.kind = ERROR_NONE};
    struct vm *vm = NULL;

    if (ftruncate(console_fd, 0) < 0 || lseek(console_fd, 0, SEEK_SET) < 0)
        CU_FAIL("console");
    if (vm_start(options, &vm, &error) < 0 || vm_connect(vm, io_deadline_ms(BOOT_MS), ret_stream, &error) < 0 ||
        io_write_full(*ret_stream, &command, 1, io_deadline_ms(TALK_MS)) < 0) {
        (void)printf("boot: %s\n", error.text);
        CU_FAIL("boot");
        vm_free(vm);
        return NULL;
    }
    return vm;
}

/* Destroys, prints and checks what every end has in common. */
static void finish(struct vm *vm, int stream, enum vm_exit expected, struct vm_record *ret_record)
{
    struct error error = {.kind = ERROR_NONE};
    uint64_t start = io_now_ns();

    CU_ASSERT_EQUAL(vm_destroy(vm, ret_record, &error), 0);
    (void)printf("[boot %.2f s, start %.2f s, destroy %.3f s, exit %s %s] ", (double)ret_record->boot_wall_ns / 1e9,
                 (double)ret_record->start_wall_ns / 1e9, (double)(io_now_ns() - start) / 1e9,
                 vm_exit_name(ret_record->exit_reason), ret_record->exit_detail);
    CU_ASSERT_EQUAL(ret_record->exit_reason, expected);
    CU_ASSERT_TRUE(ret_record->proof.processes_gone);
    CU_ASSERT_TRUE(ret_record->proof.mounts_gone);
    CU_ASSERT_TRUE(ret_record->proof.sockets_gone);
    CU_ASSERT_TRUE(ret_record->proof.cid_released);
    vm_free(vm);
    (void)close(stream);
}

static bool wait_exit(struct vm *vm, enum vm_exit expected)
{
    struct pollfd poller = {.fd = vm_exit_fd(vm), .events = POLLIN};

    (void)poll(&poller, 1, (int)TALK_MS);
    return vm_poll_exit(vm) == expected;
}

static void test_echo(void)
{
    static struct vm_record record;
    struct vm_options options = default_options();
    uint8_t *sent = malloc(ECHO_SIZE), *got = calloc(1, ECHO_SIZE), digest[SHA256_SIZE];
    int stream = -1;
    struct vm *vm = boot(&options, 'e', &stream);

    if (vm == NULL)
        return;
    for (size_t i = 0; i < ECHO_SIZE; i++)
        sent[i] = (uint8_t)(i * 2654435761u >> 24);
    for (size_t done = 0; done < ECHO_SIZE; done += 65536) {
        if (io_write_full(stream, sent + done, 65536, io_deadline_ms(TALK_MS)) < 0 ||
            io_read_full(stream, got + done, 65536, io_deadline_ms(TALK_MS)) < 0) {
            CU_FAIL("echo");
            break;
        }
    }
    CU_ASSERT_EQUAL(memcmp(sent, got, ECHO_SIZE), 0);
    finish(vm, stream, VM_EXIT_DESTROYED, &record);
    CU_ASSERT_EQUAL(record.acceleration, VM_ACCEL_TCG);
    CU_ASSERT_TRUE(record.peak_memory_kib > 0 && record.cpu_ns > 0);
    CU_ASSERT_NOT_EQUAL(record.qemu_version[0], '\0');
    CU_ASSERT_NOT_EQUAL(record.cpu_model[0], '\0');
    sha256_of(record.domain_xml, strlen(record.domain_xml), digest);
    CU_ASSERT_EQUAL(memcmp(digest, record.domain_xml_sha256, SHA256_SIZE), 0);
    free(sent);
    free(got);
}

static void test_two_cpus(void)
{
    static struct vm_record record;
    struct vm_options options = default_options();
    int stream = -1;
    struct vm *vm;

    options.vcpus = 2;
    options.acceleration = VM_ACCEL_AUTO;
    vm = boot(&options, 'e', &stream);
    if (vm != NULL)
        finish(vm, stream, VM_EXIT_DESTROYED, &record);
    CU_ASSERT_NOT_EQUAL(record.acceleration_reason[0], '\0');
}

static void test_power_off(void)
{
    static struct vm_record record;
    struct vm_options options = default_options();
    int stream = -1;
    struct vm *vm = boot(&options, 'o', &stream);

    if (vm == NULL)
        return;
    CU_ASSERT_TRUE(wait_exit(vm, VM_EXIT_GUEST));
    finish(vm, stream, VM_EXIT_GUEST, &record);
}

/* The death of PID 1 ends the VM at once, and the console says why. */
static void test_agent_dies(void)
{
    static struct vm_record record;
    static char console[CONSOLE_MAX + 1];
    struct vm_options options = default_options();
    int stream = -1;
    struct vm *vm = boot(&options, 'c', &stream);
    ssize_t size;

    if (vm == NULL)
        return;
    CU_ASSERT_TRUE(wait_exit(vm, VM_EXIT_GUEST));
    finish(vm, stream, VM_EXIT_GUEST, &record);
    size = pread(console_fd, console, CONSOLE_MAX, 0);
    console[size > 0 ? size : 0] = '\0';
    CU_ASSERT_PTR_NOT_NULL(strstr(console, "Kernel panic"));
}

static void test_console_flood(void)
{
    static struct vm_record record;
    struct vm_options options = default_options();
    int stream = -1;
    struct vm *vm = boot(&options, 'f', &stream);

    if (vm == NULL)
        return;
    (void)poll(NULL, 0, 2000);
    finish(vm, stream, VM_EXIT_DESTROYED, &record);
    (void)printf("[console %llu kept, %llu dropped] ", (unsigned long long)record.console_bytes,
                 (unsigned long long)record.console_dropped);
    CU_ASSERT_EQUAL(record.console_bytes, CONSOLE_MAX);
    CU_ASSERT_TRUE(record.console_dropped > 0);
    CU_ASSERT_EQUAL(lseek(console_fd, 0, SEEK_END), CONSOLE_MAX);
}

/* What dies under the VM is named. */
static void test_parts_die(void)
{
    static const struct {
        const char *name;
        enum vm_exit expected;
    } parts[] = {{"lazaret-vsock", VM_EXIT_DEVICE_BROKEN}, {"qemu-system-x86", VM_EXIT_CRASHED}};
    static struct vm_record record;
    struct vm_options options = default_options();

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        int stream = -1;
        struct vm *vm = boot(&options, 'h', &stream);

        if (vm == NULL)
            return;
        CU_ASSERT_TRUE(helper_kill_inside(parts[i].name));
        CU_ASSERT_TRUE(wait_exit(vm, parts[i].expected));
        finish(vm, stream, parts[i].expected, &record);
        CU_ASSERT_PTR_NOT_NULL(strstr(record.exit_detail, "killed by signal 9"));
    }
}

/* The supervisor is the one whose end nobody reports: it is seen by its absence. */
static void test_supervisor_dies(void)
{
    static struct vm_record record;
    struct vm_options options = default_options();
    int stream = -1;
    struct vm *vm = boot(&options, 'h', &stream);

    if (vm == NULL)
        return;
    CU_ASSERT_TRUE(helper_kill_supervisor());
    CU_ASSERT_TRUE(wait_exit(vm, VM_EXIT_CRASHED));
    finish(vm, stream, VM_EXIT_CRASHED, &record);
}

static void test_hanging_guest(void)
{
    static struct vm_record record;
    struct vm_options options = default_options();
    char byte;
    int stream = -1;
    struct vm *vm = boot(&options, 'h', &stream);

    if (vm == NULL)
        return;
    CU_ASSERT_EQUAL(io_read_full(stream, &byte, 1, io_deadline_ms(200)), -ETIMEDOUT);
    CU_ASSERT_EQUAL(vm_poll_exit(vm), VM_EXIT_NONE);
    finish(vm, stream, VM_EXIT_DESTROYED, &record);
}

/* ---- kill -9 of the monitor ---------------------------------------------------------------------- */

static void run_monitor(const void *context)
{
    const struct vm_options *options = context;
    struct error error = {.kind = ERROR_NONE};
    struct vm *vm = NULL;
    int stream = -1;

    if (vm_start(options, &vm, &error) == 0 && vm_connect(vm, io_deadline_ms(BOOT_MS), &stream, &error) == 0)
        (void)poll(NULL, 0, (int)BOOT_MS);
}

static void test_kill_monitor(void)
{
    static const int delays_ms[] = {0, 30, 150, 400, 1000, 4000};
    struct vm_options options = default_options();

    for (size_t i = 0; i < sizeof(delays_ms) / sizeof(delays_ms[0]); i++) {
        int gone_ms = helper_kill_monitor(run_monitor, &options, delays_ms[i]);

        (void)printf("[killed after %d ms: gone in %d ms] ", delays_ms[i], gone_ms);
        CU_ASSERT_TRUE(gone_ms >= 0);
    }
    test_echo();
}

/* ---- what can't start ---------------------------------------------------------------------------- */

static void test_bad_options(void)
{
    struct error error = {.kind = ERROR_NONE};
    struct vm_options options = default_options();
    struct vm *vm = NULL;

    options.vcpus = 0;
    CU_ASSERT_EQUAL(vm_start(&options, &vm, &error), -ERANGE);
    CU_ASSERT_EQUAL(error.kind, ERROR_USAGE);
    options = default_options();
    options.memory_mib = VM_MEMORY_MIB_MAX + 1;
    CU_ASSERT_EQUAL(vm_start(&options, &vm, &error), -ERANGE);
    options = default_options();
    options.image = NULL;
    CU_ASSERT_EQUAL(vm_start(&options, &vm, &error), -EINVAL);
    CU_ASSERT_PTR_NULL(vm);
}

/* More memory than there is is refused with the figure, before anything starts. */
static void test_too_much_memory(void)
{
    struct error error = {.kind = ERROR_NONE};
    struct vm_options options = default_options();
    struct vm *vm = NULL;

    options.memory_mib = VM_MEMORY_MIB_MAX;
    CU_ASSERT_EQUAL(vm_start(&options, &vm, &error), -ENOMEM);
    CU_ASSERT_EQUAL(error.kind, ERROR_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "MiB are available"));
}

/* QEMU starts and fails: its own words reach the message. */
static void test_broken_kernel(void)
{
    struct error error = {.kind = ERROR_NONE};
    struct vm_options options = default_options();
    struct image *broken = helper_open_broken_image();
    struct vm *vm = NULL;

    CU_ASSERT_PTR_NOT_NULL_FATAL(broken);
    options.image = broken;
    CU_ASSERT_TRUE(vm_start(&options, &vm, &error) < 0);
    (void)printf("[%.160s] ", error.text);
    CU_ASSERT_EQUAL(error.kind, ERROR_INTERNAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "libvirt"));
    image_free(broken);
}

/* In a child whose mount namespace has no QEMU. */
static void test_no_qemu(void)
{
    struct vm_options options = default_options();
    int status = -1;
    pid_t pid;

    if (geteuid() != 0)
        return;
    pid = fork();
    if (pid == 0) {
        struct error error = {.kind = ERROR_NONE};
        struct vm *vm = NULL;

        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("/dev/null", HOST_QEMU_PATH, NULL, MS_BIND, NULL) < 0)
            _exit(100);
        _exit(vm_start(&options, &vm, &error) < 0 && error.kind == ERROR_UNAVAILABLE &&
                      strstr(error.text, "qemu-system-x86") != NULL
                  ? 0
                  : 1);
    }
    (void)waitpid(pid, &status, 0);
    CU_ASSERT_EQUAL(status, 0);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"echo through vsock", test_echo},
        {"two CPUs, acceleration chosen", test_two_cpus},
        {"guest powers off", test_power_off},
        {"agent dies", test_agent_dies},
        {"console flood is capped", test_console_flood},
        {"hanging guest", test_hanging_guest},
        {"device and QEMU die", test_parts_die},
        {"supervisor dies", test_supervisor_dies},
        {"kill -9 of the monitor", test_kill_monitor},
        {"options out of range", test_bad_options},
        {"too much memory", test_too_much_memory},
        {"broken kernel", test_broken_kernel},
        {"no QEMU", test_no_qemu},
    };
    struct error error = {.kind = ERROR_NONE};
    int status;

    setvbuf(stdout, NULL, _IONBF, 0);
    if (host_check_qemu(&error) < 0) {
        (void)printf("skipped: %s\n", error.text);
        return HARNESS_SKIPPED;
    }
    helper_use_state();
    image = helper_open_image();
    if (image == NULL)
        return HARNESS_SKIPPED;
    console_fd = memfd_create("console", MFD_CLOEXEC);
    status = harness_run("vm boot", tests, HARNESS_COUNT(tests));
    image_free(image);
    return status;
}
