/* SPDX-License-Identifier: Apache-2.0 */
/* What no file tells of the running machine. */
#include "host/doctor/internal.h"

#include "host/vm/host_facts.h"
#include "host/vm/image.h"

#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

static void read_qemu(char *ret_line, size_t room)
{
    FILE *pipe = popen(HOST_QEMU_PATH " --version 2>/dev/null", "re");

    if (pipe == NULL || fgets(ret_line, (int)room, pipe) == NULL)
        ret_line[0] = '\0';
    if (pipe != NULL)
        (void)pclose(pipe);
    ret_line[strcspn(ret_line, "\n")] = '\0';
}

void doctor_facts_gather(struct doctor_facts *ret_facts)
{
    struct timex clock = {.modes = 0};
    struct rlimit memlock;
    int state = adjtimex(&clock);

    *ret_facts = (struct doctor_facts){
        .root = geteuid() == 0,
        .landlock_abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION),
        .clock_known = state >= 0,
        .clock_synced = state >= 0 && state != TIME_ERROR && (clock.status & STA_UNSYNC) == 0,
        .memlock = getrlimit(RLIMIT_MEMLOCK, &memlock) == 0 && memlock.rlim_cur != RLIM_INFINITY ? memlock.rlim_cur
                                                                                                 : UINT64_MAX,
    };
    read_qemu(ret_facts->qemu, sizeof ret_facts->qemu);
    for (int gpu = 0; gpu < MANIFEST_GPU_COUNT; gpu++)
        ret_facts->gpu_image[gpu] = image_has_gpu((enum manifest_gpu)gpu);
}
