/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lazaret-agent: the guest's only program. As PID 1 of a VM it listens on vsock and powers off at the
 * end; under process isolation it gets one end of a socket pair and exits.
 */
#include "guest/agent/driver.h"
#include "guest/agent/listener.h"
#include "guest/agent/parting.h"
#include "guest/agent/supervisor.h"
#include "guest/init/disk.h"
#include "guest/init/init.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXIT_USAGE 64

#ifdef AGENT_DRIVER
static const struct agent_driver *const driver = &AGENT_DRIVER;
#define DRIVER_USAGE "       lazaret-agent --device       (says which device it would take)\n"
#else
static const struct agent_driver *const driver = NULL;
#define DRIVER_USAGE ""
#endif

static const char usage[] =
    "usage: lazaret-agent --stream-fd N [--memory MIB]\n"
    "       lazaret-agent --version\n" DRIVER_USAGE "Without options it must be PID 1 of a virtual machine.\n";

struct arguments {
    int stream; /* -1: none */
    uint64_t memory_mib;
    bool version, device;
};

static int parse_number(const char *text, uint64_t maximum, uint64_t *ret_number)
{
    char *end = NULL;
    unsigned long long number;

    if (text == NULL || text[0] < '0' || text[0] > '9')
        return -EINVAL;
    errno = 0;
    number = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || number > maximum)
        return -EINVAL;
    *ret_number = number;
    return 0;
}

static int parse_arguments(int count, char **values, struct arguments *ret_arguments)
{
    struct arguments arguments = {.stream = -1};
    uint64_t number = 0;

    for (int i = 1; i < count; i++) {
        const char *value = i + 1 < count ? values[i + 1] : NULL;

        if (strcmp(values[i], "--version") == 0) {
            arguments.version = true;
            continue;
        }
        if (strcmp(values[i], "--device") == 0 && driver != NULL) {
            arguments.device = true;
            continue;
        }
        if (strcmp(values[i], "--stream-fd") == 0 && parse_number(value, INT_MAX, &number) == 0)
            arguments.stream = (int)number;
        else if (strcmp(values[i], "--memory") == 0 && parse_number(value, UINT64_MAX >> 20, &number) == 0)
            arguments.memory_mib = number;
        else
            return -EINVAL;
        i++;
    }
    if (!arguments.version && !arguments.device && arguments.stream < 0)
        return -EINVAL;
    *ret_arguments = arguments;
    return 0;
}

/* Everything that comes before the host; where the image has a disk, in two parts (guest/init/disk.h). */
static int prepare_vm(bool from_disk, struct supervisor_options *options, struct error *err)
{
    int r = from_disk ? disk_prepare(err) : init_prepare(err);

    if (r == 0 && !from_disk)
        r = disk_enter(err);
    if (r == 0 && init_mount_groups())
        r = group_open(INIT_GROUPS, &options->group, err);
    return r < 0 ? r : init_mount_scratch(&options->scratch, err);
}

static int run_in_vm(bool from_disk, struct error *err)
{
    struct supervisor_options options = {.stream = -1, .scratch = -1, .group = group_none(), .driver = driver};
    int r = prepare_vm(from_disk, &options, err);

    if (r < 0)
        parting_tell(err);
    if (r == 0)
        r = listener_accept_host(&options.stream, err);
    if (r == 0)
        r = supervisor_run(&options, err);
    if (options.scratch >= 0) {
        (void)close(options.scratch);
        init_save_scratch();
    }
    return r;
}

static int run_as_process(const struct arguments *arguments, struct error *err)
{
    const struct supervisor_options options = {.stream = arguments->stream,
                                               .memory_bytes = arguments->memory_mib << 20,
                                               .scratch = -1,
                                               .group = group_none(),
                                               .driver = driver};

    return supervisor_run(&options, err);
}

int main(int count, char **values)
{
    struct arguments arguments;
    struct error err = {0};
    int r;

    (void)signal(SIGPIPE, SIG_IGN);
    if (init_is_vm()) {
        r = run_in_vm(count > 1 && strcmp(values[1], DISK_ARGUMENT_ENTERED) == 0, &err);
        if (r < 0)
            fprintf(stderr, "lazaret-agent: %s\n", err.text);
        init_power_off();
    }
    if (parse_arguments(count, values, &arguments) < 0) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
#ifdef AGENT_DRIVER
    if (arguments.device)
        return driver_print_device(driver);
#endif
    if (arguments.version) {
        puts("lazaret-agent " LAZARET_VERSION);
        return 0;
    }
    r = run_as_process(&arguments, &err);
    if (r < 0)
        fprintf(stderr, "lazaret-agent: %s\n", err.text);
    return r < 0 ? error_exit_status(err.kind) : 0;
}
