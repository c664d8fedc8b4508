/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest does to its machine: memory, processes, processors, console, power. */
#include "hostile.h"

#include <fcntl.h>
#include <linux/reboot.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONSOLE_FLOOD ((size_t)5 << 18) /* bytes: more than the host keeps; an emulated serial line is slow */
#define STEP          ((size_t)1 << 20)

static void exits(struct puppet *puppet)
{
    (void)puppet;
    _exit(7);
}

static void crashes(struct puppet *puppet)
{
    (void)puppet;
    (void)signal(SIGSEGV, SIG_DFL);
    (void)raise(SIGSEGV);
    __builtin_trap();
}

static void deaf(struct puppet *puppet)
{
    (void)puppet;
    for (;;)
        (void)pause();
}

/* --- memory and processes --------------------------------------------------------------------------------- */

/* All memory there is, locked, in this process and in as many others as can be had. */
static void memory_bomb(struct puppet *puppet)
{
    (void)puppet;
    for (;;) {
        void *piece = mmap(NULL, STEP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

        if (piece != MAP_FAILED)
            memset(piece, 0x5a, STEP);
        else
            (void)sched_yield();
    }
}

static void fork_bomb(struct puppet *puppet)
{
    (void)puppet;
    for (;;)
        if (fork() < 0)
            (void)sched_yield();
}

/* Files in every writable place until it is full, again and again. */
static void file_bomb(struct puppet *puppet)
{
    static char block[65536];

    (void)puppet;
    for (unsigned i = 0;; i++) {
        char path[32];
        int fd;

        (void)snprintf(path, sizeof path, "/tmp/%u", i);
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        while (fd >= 0 && write(fd, block, sizeof block) > 0)
            ;
        if (fd < 0)
            deaf(puppet);
    }
}

static void *spin_thread(void *argument)
{
    for (volatile uint64_t i = 0;; i++)
        ;
    return argument;
}

/* On every processor, before everything else. */
static void spin(struct puppet *puppet)
{
    const struct sched_param priority = {.sched_priority = 99};
    pthread_t thread;

    (void)puppet;
    (void)sched_setscheduler(0, SCHED_FIFO, &priority);
    for (long i = 1; i < sysconf(_SC_NPROCESSORS_ONLN); i++)
        (void)pthread_create(&thread, NULL, spin_thread, NULL);
    (void)spin_thread(NULL);
}

/* --- the console ----------------------------------------------------------------------------------------------- */

/* Every byte there is, escape sequences among them; then the session goes on. */
static void console_flood(struct puppet *puppet)
{
    static char block[65536];

    (void)puppet;
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (char)(i * 7);
    memcpy(block, "\x1b[2J\x1b]0;owned\a</pre><script>alert(1)</script>", 46);
    for (size_t done = 0; done < CONSOLE_FLOOD; done += sizeof block)
        if (write(STDERR_FILENO, block, sizeof block) < 0)
            break;
}

static void console_endless(struct puppet *puppet)
{
    for (;;)
        console_flood(puppet);
}

/* --- power -------------------------------------------------------------------------------------------------------- */

static void power_off(struct puppet *puppet)
{
    (void)puppet;
    (void)reboot(RB_POWER_OFF);
}

/* The image's command line says reboot=t: the kernel resets by a triple fault. */
static void triple_fault(struct puppet *puppet)
{
    (void)puppet;
    (void)reboot(RB_AUTOBOOT);
}

/* Stops every processor; the machine stays. */
static void halt(struct puppet *puppet)
{
    (void)puppet;
    (void)reboot((int)RB_HALT_SYSTEM);
}

static void write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd >= 0 && write(fd, text, strlen(text)) < 0)
        (void)close(fd);
}

/* Crashes the kernel itself. */
static void panic(struct puppet *puppet)
{
    write_text("/proc/sys/kernel/sysrq", "1");
    write_text("/proc/sysrq-trigger", "c");
    deaf(puppet);
}

/* A panic after which the kernel neither resets nor stops. */
static void panic_stays(struct puppet *puppet)
{
    write_text("/proc/sys/kernel/panic", "0");
    panic(puppet);
}

/* Sleeps, as a laptop does; nothing wakes it. */
static void suspend(struct puppet *puppet)
{
    write_text("/sys/power/state", "mem");
    deaf(puppet);
}

const struct hostile_action actions_machine[] = {
    {"exits", exits},
    {"crashes", crashes},
    {"deaf", deaf},
    {"memory-bomb", memory_bomb},
    {"fork-bomb", fork_bomb},
    {"file-bomb", file_bomb},
    {"spin", spin},
    {"console-flood", console_flood},
    {"console-endless", console_endless},
    {"power-off", power_off},
    {"triple-fault", triple_fault},
    {"halt", halt},
    {"panic", panic},
    {"panic-stays", panic_stays},
    {"suspend", suspend},
    {0},
};
