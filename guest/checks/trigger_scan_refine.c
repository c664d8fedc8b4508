/* SPDX-License-Identifier: Apache-2.0 */
/* trigger-scan's walk from a good place to a better one. */
#include "guest/checks/trigger_scan_refine.h"

#include <string.h>

#define ROUNDS_MAX  8u
#define SAMPLES_FEW 64u
#define NEIGHBOURS  8u
#define WORTH_PARTS 2u /* of WORTH_WHOLE: a patch that turns this part of the samples is worth the walk */
#define WORTH_WHOLE 5u

uint64_t scan_refine_cost(uint32_t samples, uint32_t targets)
{
    uint32_t few = samples < SAMPLES_FEW ? samples : SAMPLES_FEW;

    return ((uint64_t)few * (ROUNDS_MAX * NEIGHBOURS + 1) + samples) * targets;
}

/* How many of the first `samples` samples in the search's order a patch turns into the target. */
static int count_flips(struct scan_search *search, const struct scan_place *place, uint32_t target, uint32_t samples,
                       uint32_t *ret_flips, struct error *err)
{
    size_t size = search->kept->size;
    uint32_t flips = 0;

    for (uint32_t first = 0; first < samples; first += search->predictor->slice) {
        uint32_t left = samples - first, count = left < search->predictor->slice ? left : search->predictor->slice;
        int r;

        for (uint32_t i = 0; i < count; i++) {
            memcpy(search->images + i * size, search->kept->x + search->order[first + i] * size,
                   size * sizeof *search->images);
            scan_places_paint(search->places, place, search->images + i * size);
        }
        r = predictor_run(search->predictor, search->images, count, search->classes, err);
        if (r == 0)
            r = meter_add(search->meter, count, err);
        if (r < 0)
            return r;
        for (uint32_t i = 0; i < count; i++)
            flips +=
                search->classes[i] == (int32_t)target && search->clean[search->order[first + i]] != (int32_t)target;
    }
    search->images_done += samples;
    if (search->budget != UINT64_MAX)
        search->budget -= samples;
    *ret_flips = flips;
    return 0;
}

/* The neighbour `number`, row by row; false where it would lie outside of the image. */
static bool neighbour_of(const struct scan_search *search, const struct scan_place *place, unsigned number,
                         struct scan_place *ret_place)
{
    unsigned cell = number < NEIGHBOURS / 2 ? number : number + 1; /* of the square of nine, without its middle */
    int32_t row = (int32_t)(place->row + cell / 3) - 1, col = (int32_t)(place->col + cell % 3) - 1;

    if (row < 0 || col < 0 || (uint32_t)row + place->side > search->places->shape.height ||
        (uint32_t)col + place->side > search->places->shape.width)
        return false;
    *ret_place = *place;
    ret_place->row = (uint16_t)row;
    ret_place->col = (uint16_t)col;
    return true;
}

/* Goes to the best neighbour where that is better than `flips`. */
static int step(struct scan_search *search, uint32_t target, uint32_t samples, struct scan_place *place,
                uint32_t *flips, bool *ret_moved, struct error *err)
{
    struct scan_place from = *place, next;
    bool moved = false;

    for (unsigned i = 0; i < NEIGHBOURS; i++) {
        uint32_t count;
        int r;

        if (!neighbour_of(search, &from, i, &next))
            continue;
        r = count_flips(search, &next, target, samples, &count, err);
        if (r < 0)
            return r;
        if (count > *flips) {
            *flips = count;
            *place = next;
            moved = true;
        }
    }
    *ret_moved = moved;
    return 0;
}

static int refine_target(struct scan_search *search, uint32_t target, struct scan_found *found, struct error *err)
{
    uint32_t few = search->samples < SAMPLES_FEW ? search->samples : SAMPLES_FEW, flips = 0;
    uint64_t round = (uint64_t)few * NEIGHBOURS;
    struct scan_place place = found->place;
    bool moved = true;
    int r;

    if (search->budget < few + round + search->samples)
        return 0;
    r = count_flips(search, &place, target, few, &flips, err);
    for (unsigned i = 0; r == 0 && moved && i < ROUNDS_MAX && search->budget >= round + search->samples; i++)
        r = step(search, target, few, &place, &flips, &moved, err);
    if (r < 0 || (place.row == found->place.row && place.col == found->place.col))
        return r;
    r = count_flips(search, &place, target, search->samples, &flips, err);
    if (r == 0 && flips > found->flips)
        *found = (struct scan_found){.place = place, .flips = flips};
    return r;
}

int scan_refine_run(struct scan_search *search, struct scan_found *found, struct error *err)
{
    int r = 0;

    for (uint32_t target = 0; r == 0 && target < search->targets; target++)
        if (found[target].flips > 0 &&
            (uint64_t)found[target].flips * WORTH_WHOLE >= (uint64_t)search->samples * WORTH_PARTS)
            r = refine_target(search, target, &found[target], err);
    return r;
}
