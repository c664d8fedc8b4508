/* SPDX-License-Identifier: Apache-2.0 */
/* The processes that a traced program starts. */
#include "calls/tracee.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TRACEES_MAX   4096u
#define PROCESSES_MAX 4096u

static struct tracee tracees[TRACEES_MAX];
static struct tracee_process processes[PROCESSES_MAX];

/* A number of /proc/TID/status by its name, or 0. */
static pid_t read_number(pid_t tid, const char *name)
{
    char path[64], line[256];
    int number = 0;
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%d/status", tid);
    file = fopen(path, "re");
    while (file != NULL && number == 0 && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            (void)sscanf(line + strlen(name), ": %d", &number);
    if (file != NULL)
        (void)fclose(file);
    return number;
}

static struct tracee_process *find_process(pid_t pid)
{
    for (unsigned i = 0; i < PROCESSES_MAX; i++)
        if (processes[i].pid == pid)
            return &processes[i];
    return NULL;
}

static struct tracee_process *new_process(pid_t pid)
{
    struct tracee_process *process = find_process(0);
    const struct tracee_process *parent = find_process(read_number(pid, "PPid"));

    if (process == NULL)
        return NULL;
    *process = (struct tracee_process){.pid = pid};
    if (parent != NULL && parent->pid != 0 && parent->role == TRACEE_SUPERVISOR)
        process->role = TRACEE_ENTRY;
    return process;
}

struct tracee *tracee_find(pid_t tid)
{
    struct tracee *free_one = NULL;
    struct tracee_process *process;
    pid_t pid;

    for (unsigned i = 0; i < TRACEES_MAX; i++) {
        if (tracees[i].tid == tid)
            return &tracees[i];
        if (free_one == NULL && tracees[i].tid == 0)
            free_one = &tracees[i];
    }
    pid = read_number(tid, "Tgid");
    if (pid == 0 || free_one == NULL)
        return NULL;
    process = find_process(pid);
    if (process == NULL)
        process = new_process(pid);
    if (process == NULL)
        return NULL;
    process->threads++;
    *free_one = (struct tracee){.tid = tid, .process = process};
    return free_one;
}

void tracee_forget(pid_t tid)
{
    for (unsigned i = 0; i < TRACEES_MAX; i++)
        if (tracees[i].tid == tid) {
            if (--tracees[i].process->threads == 0)
                tracees[i].process->pid = 0;
            tracees[i] = (struct tracee){.tid = 0};
        }
}

void tracee_note_program(struct tracee *tracee)
{
    static const char *const agents[] = {"lazaret-agent", "compromised-agent", "init"};
    char path[64], program[PATH_MAX] = "";
    const char *name;

    (void)snprintf(path, sizeof path, "/proc/%d/exe", tracee->tid);
    if (readlink(path, program, sizeof program - 1) < 0)
        return;
    name = strrchr(program, '/');
    name = name != NULL ? name + 1 : program;
    tracee->process->role = TRACEE_OTHER;
    for (unsigned i = 0; i < sizeof agents / sizeof agents[0]; i++)
        if (strcmp(name, agents[i]) == 0)
            tracee->process->role = TRACEE_SETUP;
}

void tracee_note_filter(struct tracee *tracee)
{
    struct tracee_process *process = tracee->process;

    process->role = process->role == TRACEE_SETUP   ? TRACEE_SUPERVISOR
                    : process->role == TRACEE_ENTRY ? TRACEE_WORKER
                                                    : process->role;
}
