/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The credit arithmetic of the vsock device, tried with all there is: the same code with counters of 8 bits.
 *
 * Every function is of differences modulo the counter's width and of limits, and no constant of the width stands in it;
 * so what holds for all 8-bit figures is the rule itself. With LAZARET_PROOFS_LONG every local limit is tried (2^32
 * cases), else those at the borders.
 */
#define CREDIT_COUNT uint8_t
#include "host/vsock-device/credit.h"

#include <stdio.h>
#include <stdlib.h>

#define COUNTS 256

static unsigned long long cases, failures;

static void expect(bool good, const char *what, int a, int b, int c, int d)
{
    cases++;
    if (good)
        return;
    if (failures++ < 10)
        (void)printf("FAILED: %s at %d %d %d %d\n", what, a, b, c, d);
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* For one own limit, all limits of the peer and all pairs of counters: the figure is the specification's, in plain
   integers, and what is in flight after using it up is within both limits. */
static void prove_free(int own)
{
    for (int peer = 0; peer < COUNTS; peer++)
        for (int sent = 0; sent < COUNTS; sent++)
            for (int forwarded = 0; forwarded < COUNTS; forwarded++) {
                int in_flight = (sent - forwarded + COUNTS) % COUNTS, limit = smaller(peer, own);
                int right = limit - in_flight > 0 ? limit - in_flight : 0;
                int got = credit_free((uint8_t)peer, (uint8_t)own, (uint8_t)sent, (uint8_t)forwarded);

                expect(got == right, "free", peer, own, sent, forwarded);
                expect(got == 0 || in_flight + got <= limit, "beyond a limit", peer, own, sent, forwarded);
                expect(got == 0 ||
                           credit_free((uint8_t)peer, (uint8_t)own, (uint8_t)(sent + got), (uint8_t)forwarded) == 0,
                       "more after all was used", peer, own, sent, forwarded);
            }
}

/* A peer may say what it likes of its counter: over two packets with any two lies, no more is sent than the limits
   allow from what it confirmed last. */
static void prove_lies(void)
{
    for (int limit = 0; limit < COUNTS; limit += 5)
        for (int first = 0; first < COUNTS; first++)
            for (int second = 0; second < COUNTS; second++) {
                int sent = credit_free((uint8_t)limit, 200, 0, (uint8_t)first);

                sent += credit_free((uint8_t)limit, 200, (uint8_t)sent, (uint8_t)second);
                expect((sent - second + COUNTS) % COUNTS <= smaller(limit, 200) || sent <= smaller(limit, 200),
                       "a lie gains credit", limit, first, second, sent);
            }
}

/* The peer as Linux is: it limits itself to min(its buffer, ours). Once all its bytes are forwarded and no update is
   due, it can still send, wherever the counters stand. With a quarter of our own buffer as the threshold it can not: as
   many pairs of sizes as `*ret_stuck` says would stop for ever. */
static void prove_no_deadlock(unsigned *ret_stuck)
{
    unsigned stuck = 0;

    for (int own = 1; own < COUNTS; own++)
        for (int peer = 1; peer < COUNTS; peer++) {
            bool wrong_stops = false;

            for (int told = 0; told < COUNTS; told += 51)
                for (int untold = 0; untold <= smaller(own, peer); untold++) {
                    uint8_t forwarded = (uint8_t)(told + untold);
                    bool can_send = credit_free((uint8_t)own, (uint8_t)peer, forwarded, (uint8_t)told) > 0;

                    expect(can_send || credit_update_is_due((uint8_t)peer, (uint8_t)own, forwarded, (uint8_t)told),
                           "deadlock", own, peer, told, untold);
                    if (!can_send && !credit_update_is_due((uint8_t)own, (uint8_t)own, forwarded, (uint8_t)told))
                        wrong_stops = true;
                }
            stuck += wrong_stops ? 1 : 0;
        }
    *ret_stuck = stuck;
}

int main(void)
{
    static const int borders[] = {0, 1, 2, 3, 64, 127, 128, 255};
    unsigned stuck;

    if (getenv("LAZARET_PROOFS_LONG") != NULL)
        for (int own = 0; own < COUNTS; own++)
            prove_free(own);
    else
        for (size_t i = 0; i < sizeof borders / sizeof borders[0]; i++)
            prove_free(borders[i]);
    prove_lies();
    prove_no_deadlock(&stuck);
    expect(stuck > 0, "the wrong threshold must show its deadlock", 0, 0, 0, 0);
    (void)printf(
        "credit: %llu cases, %llu wrong; a quarter of the own buffer would stop %u of 65025 pairs of buffers\n", cases,
        failures, stuck);
    return failures == 0 ? 0 : 1;
}
