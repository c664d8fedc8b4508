/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-ledger [FOLDER]: the ledger at 10, 10^4 and 10^7 leaves. For each size, the time of an inclusion proof (goal:
 * below 10 ms), of a consistency proof, and of an append (goal: flat), medians and worst.
 *
 * The trees are simulated: every leaf is made, hashed and put into its tile, but only the last entry bundle is written,
 * the only one that appends and proofs read. Appends are timed with their fsyncs; beside them stands what fsync itself
 * costs here, a file of 4 KiB written and synced as often as an append syncs.
 */
#include "host/ledger/edge.h"
#include "host/ledger/internal.h"

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define ROUNDS      64u
#define LEAF_SIZE   1500u /* as a signed result's */
#define ORIGIN      "example.org/bench"
#define SYNC_ROUNDS 8u /* fsyncs of an append: four files and their folders */

struct bench {
    char path[512], key_path[600];
    struct ledger *ledger;
    struct edge edge;
};

static void give_up(const char *what, const struct error *err)
{
    (void)fprintf(stderr, "bench-ledger: %s: %s\n", what, err != NULL ? err->text : strerror(errno));
    exit(1);
}

static void make_leaf(uint64_t index, uint8_t leaf[LEAF_SIZE])
{
    memset(leaf, 'x', LEAF_SIZE);
    (void)snprintf((char *)leaf, LEAF_SIZE, "leaf %" PRIu64, index);
}

/* Tiles without their fsyncs: they are made once, and nobody relies on them. */
static void put_tile(const struct bench *bench, unsigned level, uint64_t index, unsigned width)
{
    char path[TILE_PATH_SIZE], full[1024];
    size_t size = (size_t)width * SHA256_SIZE;
    int fd;

    tile_path(level, index, width, path);
    (void)snprintf(full, sizeof full, "%s/%s", bench->path, path);
    for (char *slash = full + strlen(bench->path) + 1; (slash = strchr(slash, '/')) != NULL; *slash++ = '/') {
        *slash = '\0';
        if (mkdir(full, 0755) < 0 && errno != EEXIST)
            give_up(full, NULL);
    }
    fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, bench->edge.hashes[level], size) != (ssize_t)size || close(fd) < 0)
        give_up(full, NULL);
}

static void put_last_bundle(const struct bench *bench, uint64_t size)
{
    CLEANUP_BUFFER struct buffer bundle = buffer_with_limit(TILE_BUNDLE_MAX);
    unsigned width = (unsigned)(size % TILE_WIDTH);
    uint8_t leaf[LEAF_SIZE];
    char path[TILE_PATH_SIZE];
    struct error err = {0};

    for (uint64_t i = size - width; i < size; i++) {
        make_leaf(i, leaf);
        if (tile_bundle_append(&bundle, leaf, sizeof leaf) < 0)
            give_up("a bundle", NULL);
    }
    tile_path(TILE_ENTRIES, size / TILE_WIDTH, width, path);
    if (width > 0 && store_write(&bench->ledger->store, path, bundle.data, bundle.size, &err) < 0)
        give_up("a bundle", &err);
}

static void build(struct bench *bench, uint64_t size)
{
    CLEANUP_BUFFER struct buffer note = buffer_with_limit(NOTE_SIZE_MAX);
    struct edge_change changes[TILE_LEVELS_MAX];
    struct checkpoint checkpoint = {.origin = ORIGIN, .size = size};
    uint8_t leaf[LEAF_SIZE], hash[SHA256_SIZE];
    struct error err = {0};

    bench->edge.size = 0;
    for (uint64_t i = 0; i < size; i++) {
        unsigned count;

        make_leaf(i, leaf);
        merkle_leaf(leaf, sizeof leaf, hash);
        count = edge_add(&bench->edge, hash, changes);
        for (unsigned k = 0; k < count; k++)
            if (changes[k].width == TILE_WIDTH)
                put_tile(bench, changes[k].level, changes[k].index, TILE_WIDTH);
    }
    for (unsigned level = 0; level < TILE_LEVELS_MAX; level++)
        if (edge_width(&bench->edge, level) > 0)
            put_tile(bench, level, size >> (TILE_BITS * (level + 1)), edge_width(&bench->edge, level));
    put_last_bundle(bench, size);
    edge_root(&bench->edge, checkpoint.root);
    if (ledger_commit(bench->ledger, &checkpoint, &note, &err) < 0)
        give_up("a checkpoint", &err);
}

/* --- timing ------------------------------------------------------------------------------------------------ */

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

/* This process's own CPU time, which other work on the machine does not touch. */
static uint64_t cpu_now_ns(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * IO_NS_PER_S + (uint64_t)time.tv_nsec;
}

static void print_times(const char *what, uint64_t times[ROUNDS])
{
    qsort(times, ROUNDS, sizeof times[0], compare);
    (void)printf("  %-22s median %8.3f ms, worst %8.3f ms\n", what, (double)times[ROUNDS / 2] / IO_NS_PER_MS,
                 (double)times[ROUNDS - 1] / IO_NS_PER_MS);
}

static void time_proofs(const struct bench *bench, uint64_t size)
{
    uint64_t inclusion[ROUNDS], consistency[ROUNDS], cpu[ROUNDS];
    struct error err = {0};

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t index = (uint64_t)i * 2654435761u % size, start = io_now_ns(), cpu_start = cpu_now_ns();
        struct ledger_receipt receipt = {0};

        if (ledger_prove(bench->ledger, index, &receipt, &err) < 0)
            give_up("an inclusion proof", &err);
        inclusion[i] = io_now_ns() - start;
        cpu[i] = cpu_now_ns() - cpu_start;
        ledger_receipt_free(&receipt);
        start = io_now_ns();
        if (ledger_prove_consistency(bench->ledger, index, &receipt, &err) < 0)
            give_up("a consistency proof", &err);
        consistency[i] = io_now_ns() - start;
        ledger_receipt_free(&receipt);
    }
    print_times("inclusion proof", inclusion);
    print_times("  its CPU time", cpu);
    print_times("consistency proof", consistency);
}

static uint64_t time_syncs(const struct bench *bench)
{
    static const uint8_t block[4096];
    char path[600];
    uint64_t start = io_now_ns();

    (void)snprintf(path, sizeof path, "%s/.sync", bench->path);
    for (unsigned i = 0; i < SYNC_ROUNDS; i++) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        if (fd < 0 || write(fd, block, sizeof block) != (ssize_t)sizeof block || fsync(fd) < 0 || close(fd) < 0)
            give_up(path, NULL);
    }
    (void)unlink(path);
    return io_now_ns() - start;
}

static void time_appends(const struct bench *bench, uint64_t size)
{
    uint64_t appends[ROUNDS], syncs[ROUNDS], cpu[ROUNDS];
    uint8_t leaf[LEAF_SIZE];
    struct error err = {0};

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t start = io_now_ns(), cpu_start = cpu_now_ns();

        make_leaf(size + i, leaf);
        if (ledger_append(bench->ledger, leaf, sizeof leaf, NULL, &err) < 0)
            give_up("an append", &err);
        appends[i] = io_now_ns() - start;
        cpu[i] = cpu_now_ns() - cpu_start;
        syncs[i] = time_syncs(bench);
    }
    print_times("append", appends);
    print_times("  its CPU time", cpu);
    print_times("fsyncs alone", syncs);
}

static void run(const char *folder, uint64_t size)
{
    struct bench *bench = calloc(1, sizeof *bench);
    const char *key_path;
    struct error err = {0};
    uint64_t start;

    if (bench == NULL)
        give_up("memory", NULL);
    (void)snprintf(bench->path, sizeof bench->path, "%s/%" PRIu64, folder, size);
    (void)snprintf(bench->key_path, sizeof bench->key_path, "%s.pem", bench->path);
    key_path = bench->key_path;
    if (ledger_create(bench->path, ORIGIN, key_path, &err) < 0 ||
        ledger_open(bench->path, &key_path, 1, &bench->ledger, &err) < 0)
        give_up("a ledger", &err);
    start = io_now_ns();
    build(bench, size);
    sync(); /* so that appends do not wait for what the simulation wrote */
    (void)printf("%" PRIu64 " leaves, simulated in %.1f s\n", size, (double)(io_now_ns() - start) / IO_NS_PER_S);
    time_proofs(bench, size);
    time_appends(bench, size);
    ledger_free(bench->ledger);
    free(bench);
}

int main(int argc, char **argv)
{
    static const uint64_t sizes[] = {10, 10000, 10000000};
    char made[] = "/tmp/lazaret-bench-ledger-XXXXXX";
    const char *folder = argc > 1 ? argv[1] : mkdtemp(made);

    if (folder == NULL)
        give_up("mkdtemp", NULL);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        run(folder, sizes[i]);
    (void)printf("the ledgers lie in %s (320 MB); remove them when done\n", folder);
    return 0;
}
