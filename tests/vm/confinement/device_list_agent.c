/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In the agent's place: prints every device that the kernel finds on a bus, between two lines of its own, and stays.
 * What the kernel makes itself, one a processor or a node of memory, is left out.
 */
#include "guest/init/init.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORD_SIZE 64u

static const char *const made_by_kernel[] = {"clockevents",  "clocksource", "container", "cpu",      "event_source",
                                             "machinecheck", "memory",      "node",      "workqueue"};

/* A file of one short line, or "-". */
static void read_word(const char *folder, const char *name, const char *file, char ret_word[WORD_SIZE])
{
    char path[512];
    FILE *stream;

    (void)snprintf(path, sizeof path, "%s/%s/%s", folder, name, file);
    (void)snprintf(ret_word, WORD_SIZE, "-");
    stream = fopen(path, "re");
    if (stream == NULL)
        return;
    if (fgets(ret_word, WORD_SIZE, stream) == NULL)
        (void)snprintf(ret_word, WORD_SIZE, "-");
    (void)fclose(stream);
    ret_word[strcspn(ret_word, "\n")] = '\0';
}

static void print_device(const char *bus, const char *folder, const char *name)
{
    char first[WORD_SIZE], second[WORD_SIZE], class[WORD_SIZE];

    if (strcmp(bus, "pci") == 0) {
        read_word(folder, name, "vendor", first);
        read_word(folder, name, "device", second);
        read_word(folder, name, "class", class);
        printf("%s %s vendor %s device %s class %s\n", bus, name, first, second, class);
    } else if (strcmp(bus, "virtio") == 0) {
        read_word(folder, name, "device", first);
        printf("%s %s device %s\n", bus, name, first);
    } else {
        printf("%s %s\n", bus, name);
    }
}

static void print_bus(const char *bus)
{
    struct dirent **entries = NULL;
    char folder[300];
    int count;

    (void)snprintf(folder, sizeof folder, "/sys/bus/%s/devices", bus);
    count = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++)
        if (entries[i]->d_name[0] != '.')
            print_device(bus, folder, entries[i]->d_name);
}

static void print_all(void)
{
    struct dirent **entries = NULL;
    int count = scandir("/sys/bus", &entries, NULL, alphasort);

    for (int i = 0; i < count; i++) {
        bool skipped = entries[i]->d_name[0] == '.';

        for (size_t j = 0; j < sizeof made_by_kernel / sizeof made_by_kernel[0]; j++)
            skipped = skipped || strcmp(entries[i]->d_name, made_by_kernel[j]) == 0;
        if (!skipped)
            print_bus(entries[i]->d_name);
    }
}

int main(void)
{
    struct error error = {.kind = ERROR_NONE};

    if (init_prepare(&error) < 0) {
        (void)fprintf(stderr, "%s\n", error.text);
        init_power_off();
    }
    (void)mkdir("/sys", 0555);
    (void)mount("sysfs", "/sys", "sysfs", MS_RDONLY, NULL); /* may be there */
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    printf("\nDEVICES BEGIN\n");
    print_all();
    printf("DEVICES END\n");
    for (;;)
        (void)pause();
}
