/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: scan-files [-v] FILE...
 * The scanners alone, without confinement: for benches, fuzzing by hand and work on a format; users take `lazaret
 * scan`. Prints a line a file, verdict, format and rules; with -v each finding and gap.
 */
#include "guest/scan/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct listing {
    bool verbose;
    char rules[1024]; /* each once */
};

static void note_rule(struct listing *listing, const char *id)
{
    char word[72];
    size_t used = strlen(listing->rules);

    (void)snprintf(word, sizeof word, " %s", id);
    if (strstr(listing->rules, word) == NULL)
        (void)snprintf(listing->rules + used, sizeof listing->rules - used, "%s", word);
}

static int print_finding(void *argument, const struct scan_finding *finding, struct error *err)
{
    struct listing *listing = argument;

    (void)err;
    note_rule(listing, finding->rule->id);
    if (!listing->verbose)
        return 0;
    printf("  %s %s at %llu%s%s: %s\n", scan_severity_name(finding->rule->severity), finding->rule->id,
           (unsigned long long)finding->offset, finding->member[0] != '\0' ? " of " : "", finding->member,
           finding->detail);
    for (uint32_t i = 0; i < finding->context_count; i++)
        printf("    %8llu: %s\n", (unsigned long long)finding->context_offsets[i], finding->context[i]);
    return 0;
}

static void print_summary(const char *path, const struct scan_summary *summary, const struct listing *listing)
{
    for (unsigned i = 0; i < SCAN_SKIP_COUNT; i++) {
        const struct scan_gap *gap = &summary->gaps[i];

        if (gap->places > 0 && listing->verbose)
            printf("  %s %s: %llu bytes in %llu places, the first at %llu of '%s': %s\n",
                   scan_skip_is_gap(i) ? "gap" : "skipped", scan_skip_name(i), (unsigned long long)gap->bytes,
                   (unsigned long long)gap->places, (unsigned long long)gap->offset, gap->member, gap->detail);
    }
    printf("%s\t%s\t%s\t%s\n", path, scan_verdict_name(summary->verdict), summary->format,
           listing->rules[0] != '\0' ? listing->rules + 1 : "");
}

static int scan_path(const char *path, bool verbose)
{
    struct listing listing = {.verbose = verbose};
    const struct scan_sink sink = {.finding = print_finding, .argument = &listing};
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    CLEANUP_SOURCE struct source *source = NULL;
    struct scan_summary *summary = calloc(1, sizeof *summary);
    struct error err = {0};
    struct stat status;
    void *bytes = NULL;
    int r = -EINVAL;

    if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || summary == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    } else {
        if (status.st_size > 0)
            bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        source = bytes != MAP_FAILED ? source_of_memory(bytes, (uint64_t)status.st_size) : NULL;
        r = source != NULL ? scan_run(source, path, &sink, summary, &err) : -ENOMEM;
        if (r == 0)
            print_summary(path, summary, &listing);
        else
            fprintf(stderr, "%s: %s\n", path, err.text);
        if (bytes != NULL && bytes != MAP_FAILED)
            (void)munmap(bytes, (size_t)status.st_size);
    }
    free(summary);
    return r;
}

int main(int argc, char **argv)
{
    bool verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
    int status = 0;

    for (int i = verbose ? 2 : 1; i < argc; i++)
        if (scan_path(argv[i], verbose) < 0)
            status = 1;
    return status;
}
