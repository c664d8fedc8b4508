/* SPDX-License-Identifier: Apache-2.0 */
/* The hostile agent: finds its mode, and misbehaves. */
#include "hostile.h"
#include "rings.h"

#include "guest/agent/listener.h"
#include "guest/init/init.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct hostile_lie *const lies[] = {lies_frames, lies_figures, lies_samples, lies_texts, lies_order};
static const struct hostile_action *const actions[] = {actions_machine, actions_ports};

/* Names of stages, as the table of cases writes them. */
static const struct stage {
    const char *name;
    enum message_type at;
} stages[] = {
    {"hello", MESSAGE_GUEST_HELLO},     {"ready", MESSAGE_READY},         {"predictions", MESSAGE_PREDICTIONS},
    {"sample", MESSAGE_SAMPLE},         {"cluster", MESSAGE_CLUSTER},     {"row", MESSAGE_ROW},
    {"check-done", MESSAGE_CHECK_DONE}, {"scan-done", MESSAGE_SCAN_DONE}, {"goodbye", MESSAGE_GOODBYE},
};

static const struct hostile_lie *lie;
static const struct hostile_action *action;
static enum message_type stage;
static bool is_done;

/* --- the mode ----------------------------------------------------------------------------------------- */

static void read_trailer(char ret_mode[HOSTILE_TRAILER + 1])
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    if (fd < 0 || lseek(fd, -(off_t)HOSTILE_TRAILER, SEEK_END) < 0 ||
        read(fd, ret_mode, HOSTILE_TRAILER) != (ssize_t)HOSTILE_TRAILER)
        ret_mode[0] = '\0';
    ret_mode[HOSTILE_TRAILER] = '\0';
    if (fd >= 0)
        (void)close(fd);
}

/* Splits NAME@STAGE; the name of the stage, or NULL. */
static const char *split(char *mode)
{
    char *at = strchr(mode, '@');

    if (at == NULL)
        return NULL;
    *at = '\0';
    return at + 1;
}

static const struct hostile_lie *find_lie(const char *name)
{
    for (size_t i = 0; i < COUNT(lies); i++)
        for (const struct hostile_lie *l = lies[i]; l->name != NULL; l++)
            if (strcmp(l->name, name) == 0)
                return l;
    return NULL;
}

static const struct hostile_action *find_action(const char *name)
{
    for (size_t i = 0; i < COUNT(actions); i++)
        for (const struct hostile_action *a = actions[i]; a->name != NULL; a++)
            if (strcmp(a->name, name) == 0)
                return a;
    return NULL;
}

static enum message_type find_stage(const char *name)
{
    for (size_t i = 0; name != NULL && i < COUNT(stages); i++)
        if (strcmp(stages[i].name, name) == 0)
            return stages[i].at;
    return 0;
}

/* --- the session ----------------------------------------------------------------------------------------- */

static bool before(struct puppet *puppet, struct message *message)
{
    if (is_done)
        return true;
    if (lie != NULL && message->type == (stage != 0 ? stage : lie->at)) {
        is_done = true;
        return lie->tell(puppet, message);
    }
    if (action != NULL && message->type == stage) {
        is_done = true;
        action->act(puppet);
    }
    return true;
}

_Noreturn static void converse(int fd, const char *at)
{
    static struct puppet puppet;

    puppet.fd = fd;
    puppet.before = before;
    if (at != NULL && strcmp(at, "connected") == 0 && action != NULL)
        action->act(&puppet);
    puppet_run(&puppet);
    init_power_off();
}

/* How a VM without the mode's session ends: with a line that the test finds on the console. */
_Noreturn static void fail(const char *what, const char *mode)
{
    (void)fprintf(stderr, "hostile agent: %s: %s\n", mode, what);
    init_power_off();
}

_Noreturn static void run(char *mode, int stream)
{
    const char *at;
    int fd = stream;

    if (rings_run(mode, converse, stream))
        fail("the mode has ended", mode);
    at = split(mode);
    lie = find_lie(mode);
    action = find_action(mode);
    stage = find_stage(at);
    if (lie == NULL && action == NULL && strcmp(mode, "honest") != 0)
        fail("no such mode", mode);
    if (stream < 0 && init_prepare(NULL) < 0)
        fail("no machine", mode);
    if (at != NULL && strcmp(at, "boot") == 0 && action != NULL)
        action->act(NULL);
    if (stream < 0 && listener_accept_host(&fd, NULL) < 0)
        fail("no connection", mode);
    converse(fd, at);
}

int main(int count, char **values)
{
    char trailer[HOSTILE_TRAILER + 1];
    char *mode = getenv("hostile");
    int fd = -1;

    (void)signal(SIGPIPE, SIG_IGN);
    if (getpid() == 1 && mode != NULL)
        run(mode, -1);
    for (int i = 1; i + 1 < count; i++)
        if (strcmp(values[i], "--stream-fd") == 0)
            fd = atoi(values[i + 1]);
    read_trailer(trailer);
    run(trailer, fd);
}
