/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real agent with a hole in its importer: a model that begins with "take over: WAY" takes over the worker that
 * opens it, in the place where the model's bytes are first read, when the confinement stands. Linked with
 * --wrap=model_open and
 * --wrap=worker_run (which says what descriptors there are); whatever else the agent does is its own.
 */
#include "guest/agent/worker.h"
#include "guest/model/model.h"
#include "wire/message.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
/* after sys/socket.h, whose sockaddr it needs */
#include <linux/vm_sockets.h>

#define MARK "take over: "

int __real_worker_run(const struct worker_task *task);
int __wrap_worker_run(const struct worker_task *task);
int __real_model_open(const void *data, size_t size, struct model **ret_model, struct error *err);
int __wrap_model_open(const void *data, size_t size, struct model **ret_model, struct error *err);
int __real_setrlimit(__rlimit_resource_t resource, const struct rlimit *limits);
int __wrap_setrlimit(__rlimit_resource_t resource, const struct rlimit *limits);

static const struct worker_task *task;

int __wrap_worker_run(const struct worker_task *own)
{
    task = own;
    return __real_worker_run(own);
}

/* One way takes as given that the limit of the address space has been got round: the control group is left. */
int __wrap_setrlimit(__rlimit_resource_t resource, const struct rlimit *limits)
{
    static const char way[] = MARK "eats-unlimited";
    char start[sizeof way] = "";

    if (resource == RLIMIT_AS && pread(task->model_fd, start, sizeof way - 1, 0) > 0 && strcmp(start, way) == 0)
        return 0;
    return __real_setrlimit(resource, limits);
}

/* --- forbidden calls --------------------------------------------------------------------------------------- */

static void opens(void)
{
    (void)syscall(SYS_openat, AT_FDCWD, "/proc/1/mem", O_RDWR);
}

/* A channel of the guest's own to the host. */
static void connects(void)
{
    const struct sockaddr_vm host = {.svm_family = AF_VSOCK, .svm_port = 1024, .svm_cid = VMADDR_CID_HOST};
    int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

    (void)!connect(fd, (const struct sockaddr *)&host, sizeof host);
}

static void forks(void)
{
    for (;;)
        (void)!fork();
}

static void executes(void)
{
    char *arguments[] = {(char[]){"/init"}, NULL};

    (void)execve("/init", arguments, arguments + 1);
}

static void traces(void)
{
    (void)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static void traces_parent(void)
{
    (void)syscall(SYS_ptrace, PTRACE_SEIZE, 1, 0, 0);
}

static void kills(void)
{
    (void)syscall(SYS_kill, -1, SIGKILL);
}

static void signals_supervisor(void)
{
    (void)syscall(SYS_tgkill, 1, 1, SIGKILL);
}

static void closes(void)
{
    (void)close(task->output_fd);
    (void)close(task->input_fd);
}

static void maps_code(void)
{
    (void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void calls_by_x32(void)
{
    (void)syscall(SANDBOX_CALL_X32 | SYS_getpid);
}

static void calls_by_32_bit(void)
{
    __asm__ volatile("int $0x80" ::"a"(11) : "memory"); /* execve */
}

/* --- faults ------------------------------------------------------------------------------------------------- */

static void faults(void)
{
    *(volatile int *)(uintptr_t)0xabc0 = 1;
}

static unsigned deeper(unsigned depth)
{
    volatile unsigned frame[1024];

    frame[depth % 1024] = 1;
    return depth == 0 ? 0 : frame[depth % 1024] + deeper(depth + 1) + frame[0];
}

static void overflows(void)
{
    (void)deeper(1);
}

static void divides(void)
{
    volatile int zero = 0, seven = 7;

    zero = seven / zero;
}

static void breaks(void)
{
    __asm__ volatile("ud2");
}

static void misaligns(void)
{
    static const long words[2];

    __asm__ volatile("pushfq\n orq $0x40000, (%%rsp)\n popfq\n mov (%0), %%rax\n" ::"r"((const char *)words + 1)
                     : "rax", "memory", "cc");
}

static void aborts(void)
{
    abort();
}

static void leaves(void)
{
    _exit(0);
}

/* The page that the report stands in is the worker's to write: it can lie about itself, and no more. */
static void forges_a_report(void)
{
    *task->report = (struct sandbox_report){
        .event = INT32_MAX, .signal = INT32_MIN, .system_call = -1, .address = UINT64_MAX, .instruction = UINT64_MAX};
    _exit(SANDBOX_EXIT_TRAP);
}

/* --- what it writes ------------------------------------------------------------------------------------------- */

static void put(const void *data, size_t size)
{
    const char *bytes = data;

    for (size_t done = 0; done < size;) {
        ssize_t count = write(task->output_fd, bytes + done, size - done);

        if (count <= 0)
            _exit(1);
        done += (size_t)count;
    }
}

static void put_message(const struct message *message)
{
    struct buffer frame = buffer_with_limit(FRAME_HEADER_SIZE + FRAME_PAYLOAD_MAX);

    if (message_encode(message, &frame) < 0)
        _exit(1);
    put(frame.data, frame.size);
    buffer_free(&frame);
}

static void floods(void)
{
    static char noise[65536];

    memset(noise, 0x5a, sizeof noise);
    for (;;)
        put(noise, sizeof noise);
}

/* Well-formed messages, without end. */
static void floods_well(void)
{
    const struct message progress = {.type = MESSAGE_PROGRESS, .progress = {.done = 1, .total = 2}};

    for (;;)
        put_message(&progress);
}

/* A frame that says to be of four gigabytes. */
static void forges_a_size(void)
{
    static const uint8_t header[FRAME_HEADER_SIZE] = {'L', 'A', 'Z',  '1',  MESSAGE_READY, 0,
                                                      0,   0,   0xff, 0xff, 0xff,          0xff};

    put(header, sizeof header);
    floods();
}

/* The largest frame that there may be, of a message that has no such size. */
static void forges_a_frame(void)
{
    const struct frame_header header = {.type = MESSAGE_READY, .size = FRAME_PAYLOAD_MAX};
    uint8_t bytes[FRAME_HEADER_SIZE];

    frame_encode_header(&header, bytes);
    put(bytes, sizeof bytes);
    floods();
}

/* A frame that never ends. */
static void stalls(void)
{
    const struct frame_header header = {.type = MESSAGE_READY, .size = 1024};
    uint8_t bytes[FRAME_HEADER_SIZE];

    frame_encode_header(&header, bytes);
    put(bytes, sizeof bytes);
    for (;;)
        (void)!read(task->input_fd, bytes, sizeof bytes);
}

/* Results that nobody asked for. */
static void forges_results(void)
{
    put_message(&(struct message){.type = MESSAGE_CHECK_DONE});
    for (;;)
        ;
}

/* What only the host says. */
static void plays_the_host(void)
{
    put_message(&(struct message){.type = MESSAGE_BYE});
    for (;;)
        ;
}

/* Blames the host and the supervisor for its own end. */
static void blames(void)
{
    static const char text[] = "the host broke the protocol";

    put_message(&(struct message){.type = MESSAGE_FAILURE,
                                  .failure = {.code = MESSAGE_FAILURE_PROTOCOL,
                                              .signal = SIGKILL,
                                              .text = {.data = text, .size = sizeof text - 1}}});
    for (;;)
        ;
}

/* --- what it uses up -------------------------------------------------------------------------------------------- */

static void spins(void)
{
    for (volatile unsigned i = 0;; i++)
        ;
}

static void eats_memory(void)
{
    for (size_t size = (size_t)16 << 20; size >= 4096;) {
        void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (bytes == MAP_FAILED)
            size /= 2;
        else
            memset(bytes, 1, size);
    }
    abort();
}

static const struct {
    const char *name;
    void (*take_over)(void);
} ways[] = {
    {"opens", opens},
    {"connects", connects},
    {"forks", forks},
    {"executes", executes},
    {"traces", traces},
    {"traces-1", traces_parent},
    {"kills", kills},
    {"signals", signals_supervisor},
    {"closes", closes},
    {"maps-code", maps_code},
    {"x32", calls_by_x32},
    {"int80", calls_by_32_bit},
    {"faults", faults},
    {"overflows", overflows},
    {"divides", divides},
    {"breaks", breaks},
    {"misaligns", misaligns},
    {"aborts", aborts},
    {"leaves", leaves},
    {"forges-report", forges_a_report},
    {"floods", floods},
    {"floods-well", floods_well},
    {"forges-size", forges_a_size},
    {"forges-frame", forges_a_frame},
    {"forges-results", forges_results},
    {"plays-host", plays_the_host},
    {"blames", blames},
    {"stalls", stalls},
    {"spins", spins},
    {"eats", eats_memory},
    {"eats-unlimited", eats_memory},
};

int __wrap_model_open(const void *data, size_t size, struct model **ret_model, struct error *err)
{
    for (size_t i = 0; size > strlen(MARK) && memcmp(data, MARK, strlen(MARK)) == 0 && i < sizeof ways / sizeof ways[0];
         i++) {
        size_t length = strlen(ways[i].name);

        if (size == strlen(MARK) + length && memcmp((const char *)data + strlen(MARK), ways[i].name, length) == 0)
            ways[i].take_over();
    }
    return __real_model_open(data, size, ret_model, err);
}
