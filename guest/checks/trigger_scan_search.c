/* SPDX-License-Identifier: Apache-2.0 */
/* trigger-scan's search by successive halving. */
#include "guest/checks/trigger_scan_search.h"

#include <errno.h>
#include <string.h>

#define RUNGS_MAX   4u
#define RUNG_FACTOR 4u
#define DIVISOR_MAX (1u << 24)

/* A target's best places so far, the best first. */
struct board {
    uint32_t width; /* entries a target */
    uint32_t *used; /* targets */
    struct scan_entry *entries;
};

/* --- rungs ----------------------------------------------------------------------------------------- */

/* What is tried on how many samples, and how many places each target keeps of it. */
struct rung {
    uint32_t samples, width;
};

struct ladder {
    struct rung rungs[RUNGS_MAX];
    unsigned count;
};

static uint32_t most(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t width_after(uint32_t samples, uint64_t places, uint32_t targets)
{
    uint64_t quarter = (places + 4 * (uint64_t)targets - 1) / (4 * (uint64_t)targets);

    if (samples == SCAN_SCREEN_SAMPLES)
        return most(16, (uint32_t)quarter);
    if (samples == SCAN_SCREEN_SAMPLES * RUNG_FACTOR)
        return most(1, least(8, 256 / targets));
    return most(1, least(3, 96 / targets));
}

static void ladder_make(struct ladder *ladder, uint64_t places, uint32_t samples, uint32_t targets, uint32_t divisor)
{
    ladder->count = 0;
    for (uint32_t n = SCAN_SCREEN_SAMPLES; ladder->count < RUNGS_MAX - 1 && 2 * n <= samples; n *= RUNG_FACTOR)
        ladder->rungs[ladder->count++] =
            (struct rung){.samples = n, .width = most(1, width_after(n, places, targets) / divisor)};
    ladder->rungs[ladder->count++] = (struct rung){.samples = samples, .width = 1};
}

/* Forward passes of the rungs from `first` on, at most. */
static uint64_t ladder_cost(const struct ladder *ladder, unsigned first, uint64_t places, uint32_t targets)
{
    uint64_t cost = 0;

    for (unsigned i = first; i < ladder->count; i++) {
        uint64_t promoted = i == 0 ? places : (uint64_t)ladder->rungs[i - 1].width * targets;

        cost += (promoted < places ? promoted : places) * ladder->rungs[i].samples;
    }
    return cost;
}

/* The ladder whose later rungs take no more than half of the budget: narrower ones, then ones of fewer samples. */
static void ladder_fit(struct ladder *ladder, uint64_t places, uint32_t samples, uint32_t targets, uint64_t budget)
{
    ladder_make(ladder, places, samples, targets, 1);
    for (uint32_t divisor = 2; ladder_cost(ladder, 1, places, targets) > budget / 2 && divisor <= DIVISOR_MAX;
         divisor *= 2)
        ladder_make(ladder, places, samples, targets, divisor);
    while (ladder_cost(ladder, 1, places, targets) > budget / 2 && samples > SCAN_SCREEN_SAMPLES) {
        samples = most(samples / 2, SCAN_SCREEN_SAMPLES);
        ladder_make(ladder, places, samples, targets, DIVISOR_MAX);
    }
}

uint64_t scan_search_cost(uint64_t places, uint32_t samples, uint32_t targets)
{
    struct ladder ladder;

    ladder_make(&ladder, places, samples, targets, 1);
    return ladder_cost(&ladder, 0, places, targets);
}

/* --- the board ------------------------------------------------------------------------------------------ */

static bool is_better(const struct scan_entry *a, const struct scan_entry *b)
{
    if (a->flips != b->flips)
        return a->flips > b->flips;
    return a->extent != b->extent ? a->extent < b->extent : a->place < b->place;
}

static void board_offer(struct board *board, uint32_t target, struct scan_entry entry)
{
    struct scan_entry *entries = board->entries + (size_t)target * board->width;
    uint32_t at = board->used[target];

    if (at == board->width) {
        if (!is_better(&entry, &entries[at - 1]))
            return;
        at--;
    } else {
        board->used[target]++;
    }
    for (; at > 0 && is_better(&entry, &entries[at - 1]); at--)
        entries[at] = entries[at - 1];
    entries[at] = entry;
}

static void board_close(struct board *board)
{
    free(board->used);
    free(board->entries);
}

static int board_open(struct board *board, uint32_t width, uint32_t targets)
{
    *board = (struct board){.width = width,
                            .used = calloc(targets, sizeof *board->used),
                            .entries = calloc((size_t)width * targets, sizeof *board->entries)};
    if (board->used != NULL && board->entries != NULL)
        return 0;
    board_close(board);
    return -ENOMEM;
}

/*
 * The places of the board, each once: every target's best, in the order of targets, then every target's second, and so
 * on. `seen` has a byte a place.
 */
static uint32_t board_list(const struct board *board, uint32_t targets, uint8_t *seen, uint32_t *ret_list)
{
    uint32_t count = 0;

    for (uint32_t rank = 0; rank < board->width; rank++)
        for (uint32_t target = 0; target < targets; target++) {
            uint32_t place = board->entries[(size_t)target * board->width + rank].place;

            if (rank >= board->used[target] || seen[place] != 0)
                continue;
            seen[place] = 1;
            ret_list[count++] = place;
        }
    for (uint32_t i = 0; i < count; i++)
        seen[ret_list[i]] = 0;
    return count;
}

/* --- trying places ------------------------------------------------------------------------------------------ */

/* One rung under way. Forward passes are numbered place by place, sample by sample. */
struct trial {
    struct scan_search *search;
    const uint32_t *list; /* places; NULL: all, in their order */
    uint32_t count, samples;
    struct board *board;
    uint32_t *flips; /* targets: of the place under way; all zero between places */
};

static uint32_t trial_place(const struct trial *trial, uint64_t pass)
{
    uint32_t i = (uint32_t)(pass / trial->samples);

    return trial->list == NULL ? i : trial->list[i];
}

static uint32_t trial_sample(const struct trial *trial, uint64_t pass)
{
    return trial->search->order[pass % trial->samples];
}

static void paint(const struct trial *trial, uint64_t pass, float *ret_x)
{
    const struct scan_search *search = trial->search;

    memcpy(ret_x, search->kept->x + trial_sample(trial, pass) * search->kept->size, search->kept->size * sizeof *ret_x);
    scan_places_paint(search->places, &search->places->items[trial_place(trial, pass)], ret_x);
}

/* The place whose last sample is done goes on the boards of the classes that it flips to. */
static void finish_place(const struct trial *trial, uint64_t pass)
{
    uint32_t place = trial_place(trial, pass);
    struct scan_entry entry = {.place = place, .extent = trial->search->places->items[place].side};

    for (uint32_t target = 0; target < trial->search->targets; target++) {
        entry.flips = trial->flips[target];
        if (entry.flips > 0)
            board_offer(trial->board, target, entry);
        trial->flips[target] = 0;
    }
}

static void count_pass(const struct trial *trial, uint64_t pass, int32_t class)
{
    if (class != trial->search->clean[trial_sample(trial, pass)])
        trial->flips[class]++;
    if ((pass + 1) % trial->samples == 0)
        finish_place(trial, pass);
}

static int trial_run(const struct trial *trial, struct error *err)
{
    struct scan_search *search = trial->search;
    uint64_t total = (uint64_t)trial->count * trial->samples;

    for (uint64_t first = 0; first < total; first += search->predictor->slice) {
        uint64_t left = total - first;
        uint32_t count = left < search->predictor->slice ? (uint32_t)left : search->predictor->slice;
        int r;

        for (uint32_t i = 0; i < count; i++)
            paint(trial, first + i, search->images + i * search->kept->size);
        r = predictor_run(search->predictor, search->images, count, search->classes, err);
        if (r == 0)
            r = meter_add(search->meter, count, err);
        if (r < 0)
            return r;
        for (uint32_t i = 0; i < count; i++)
            count_pass(trial, first + i, search->classes[i]);
        search->images_done += count;
        if (search->budget != UINT64_MAX)
            search->budget -= count;
    }
    return 0;
}

/* --- the search ------------------------------------------------------------------------------------------------ */

/* Places that a rung can try, when the later rungs' cost, or half of the budget, is put aside. */
static uint32_t affordable(const struct scan_search *search, uint32_t samples, uint64_t later)
{
    uint64_t aside = later < search->budget / 2 ? later : search->budget / 2;
    uint64_t count = (search->budget - aside) / samples;

    return count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

/* What one search allocates. */
struct search_work {
    uint32_t *list, *flips;
    uint8_t *seen;
};

static void search_work_free(struct search_work *work)
{
    free(work->list);
    free(work->flips);
    free(work->seen);
}

static int search_work_open(const struct scan_search *search, struct search_work *work)
{
    size_t places = search->places->count + (size_t)1;

    work->list = calloc(places, sizeof *work->list);
    work->flips = calloc(search->targets, sizeof *work->flips);
    work->seen = calloc(places, 1);
    return work->list == NULL || work->flips == NULL || work->seen == NULL ? -ENOMEM : 0;
}

/* One rung: tries what the list holds or the budget allows, and leaves the promoted places in the list. */
static int climb(struct scan_search *search, const struct rung *rung, uint64_t later, struct search_work *work,
                 bool screening, uint32_t *count, struct scan_entry *ret_best, struct error *err)
{
    uint32_t wanted = *count, tried = least(wanted, affordable(search, rung->samples, later));
    struct board board;
    struct trial trial = {.search = search,
                          .list = screening ? NULL : work->list,
                          .count = tried,
                          .samples = rung->samples,
                          .board = &board,
                          .flips = work->flips};
    int r = board_open(&board, rung->width, search->targets);

    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "no memory for the best places of %u classes", search->targets);
    search->tried = screening ? tried : search->tried - (wanted - tried);
    r = trial_run(&trial, err);
    if (r == 0 && ret_best != NULL)
        memcpy(ret_best, board.entries, search->targets * sizeof *ret_best);
    *count = board_list(&board, search->targets, work->seen, work->list);
    board_close(&board);
    return r;
}

int scan_search_run(struct scan_search *search, struct scan_entry *ret_best, struct error *err)
{
    uint64_t places = search->places->total;
    uint32_t count = search->places->count;
    struct search_work work = {0};
    struct ladder ladder;
    int r = search_work_open(search, &work);

    if (r < 0)
        r = error_set(err, ERROR_UNAVAILABLE, r, "no memory for a search of %u places", count);
    ladder_fit(&ladder, places, search->kept->count, search->targets, search->budget);
    search->samples = ladder.rungs[ladder.count - 1].samples;
    search->tried = 0;
    for (unsigned i = 0; r == 0 && i < ladder.count; i++) {
        uint64_t later = ladder_cost(&ladder, i + 1, places, search->targets);
        bool last = i == ladder.count - 1;

        r = climb(search, &ladder.rungs[i], later, &work, i == 0, &count, last ? ret_best : NULL, err);
    }
    search_work_free(&work);
    return r;
}
