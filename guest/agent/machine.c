/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent runs on. */
#include "guest/agent/machine.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>

#if defined(__x86_64__)
#include <cpuid.h>

/* The brand string of CPUID leaves 0x80000002 to 0x80000004 (Intel SDM, volume 2, CPUID). */
static void describe_processor(char ret_name[MACHINE_NAME_MAX])
{
    unsigned words[12] = {0};
    char name[sizeof words + 1] = {0};
    const char *first = name;

    for (unsigned leaf = 0; leaf < 3; leaf++)
        if (!__get_cpuid(0x80000002u + leaf, &words[4 * leaf], &words[4 * leaf + 1], &words[4 * leaf + 2],
                         &words[4 * leaf + 3]))
            return;
    memcpy(name, words, sizeof words);
    while (*first == ' ')
        first++;
    if (*first != '\0')
        (void)snprintf(ret_name, MACHINE_NAME_MAX, "%s", first);
}
#else
static void describe_processor(char ret_name[MACHINE_NAME_MAX])
{
    (void)ret_name;
}
#endif

/* The kernel's own estimate; free memory alone leaves out what it would give back. */
static uint64_t available_memory(const struct sysinfo *info)
{
    unsigned long long kib = 0;
    char line[128];
    FILE *file = fopen("/proc/meminfo", "re");

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
            break;
    if (file != NULL)
        (void)fclose(file);
    return kib > 0 ? (uint64_t)kib << 10 : (uint64_t)info->freeram * info->mem_unit;
}

void machine_describe(struct machine *ret_machine)
{
    struct sysinfo info = {0};
    cpu_set_t processors;

    *ret_machine = (struct machine){.processor = "unknown", .processors = 1};
    describe_processor(ret_machine->processor);
    if (sched_getaffinity(0, sizeof processors, &processors) == 0 && CPU_COUNT(&processors) > 0)
        ret_machine->processors = (uint32_t)CPU_COUNT(&processors);
    if (sysinfo(&info) == 0) {
        ret_machine->memory_bytes = (uint64_t)info.totalram * info.mem_unit;
        ret_machine->available_bytes = available_memory(&info);
    }
}
