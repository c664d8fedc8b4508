/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that share a range of independent work; the caller is one of them.
 *
 * A job is announced by a new value of `generation`, which idle threads sleep on (a futex). Each
 * runs its share, which follows from its index alone, and counts itself out in `running`; the
 * caller sleeps on that. Both spin for a few microseconds before they sleep: layers follow one
 * another quickly.
 */
#include "pool.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

#define POOL_SPINS        200u         /* pauses before sleeping: some microseconds */
#define POOL_SIGNAL_BYTES (32u << 10)  /* of a thread's stack, for handlers of faults: touched only by them */
#define POOL_STACK_BYTES  (288u << 10) /* the kernels keep their memory on the heap */

struct pool_thread {
    struct pool *pool;
    unsigned index;
    pthread_t thread;
};

struct pool {
    unsigned threads;
    _Atomic uint32_t generation;
    _Atomic uint32_t running; /* threads that have not finished the current job */
    bool stopping;
    pool_work work;
    void *argument;
    size_t count;
    unsigned started;
    struct pool_thread workers[];
};

static void futex_wait(_Atomic uint32_t *word, uint32_t value)
{
    /* SYSTEM-CALL worker futex: the engine's threads wait for work and wake each other; locks in the C library */
    (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int threads)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, threads, NULL, NULL, 0);
}

/* Waits until the word is (`wanted`) or is not (otherwise) `value`; returns what it is then. */
static uint32_t wait_word(_Atomic uint32_t *word, uint32_t value, bool wanted)
{
    for (unsigned spin = 0;; spin++) {
        uint32_t now = atomic_load_explicit(word, memory_order_acquire);

        if ((now == value) == wanted)
            return now;
        if (spin < POOL_SPINS)
            __builtin_ia32_pause();
        else
            futex_wait(word, now);
    }
}

/* Share `index` of `threads` equal ones; the first count % threads are longer by one. */
static void run_share(const struct pool *pool, unsigned index)
{
    size_t share = pool->count / pool->threads, longer = pool->count % pool->threads;
    size_t first = index * share + (index < longer ? index : longer);
    size_t last = first + share + (index < longer ? 1 : 0);

    if (first < last)
        pool->work(pool->argument, index, first, last);
}

/* One thread less that pool_create() or pool_run() waits for. */
static void report_done(struct pool *pool)
{
    if (atomic_fetch_sub_explicit(&pool->running, 1, memory_order_acq_rel) == 1)
        futex_wake(&pool->running, 1);
}

static void *run_thread(void *argument)
{
    struct pool_thread *self = argument;
    struct pool *pool = self->pool;
    uint32_t seen = 0;
    char signals[POOL_SIGNAL_BYTES] __attribute__((aligned(16)));
    const stack_t alternate = {.ss_sp = signals, .ss_size = sizeof signals};

    /* An overflow of this stack is reported on its other end, which an overflow does not reach. */
    (void)sigaltstack(&alternate, NULL);
    report_done(pool);
    for (;;) {
        seen = wait_word(&pool->generation, seen, false);
        if (pool->stopping)
            return NULL;
        run_share(pool, self->index);
        report_done(pool);
    }
}

int pool_create(unsigned threads, struct pool **ret_pool, struct error *err)
{
    pthread_attr_t attributes;
    struct pool *pool = calloc(1, sizeof(*pool) + threads * sizeof(pool->workers[0]));
    int r;

    if (pool == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for %u threads", threads);
    pool->threads = threads;
    r = pthread_attr_init(&attributes);
    if (r == 0)
        r = pthread_attr_setstacksize(&attributes, POOL_STACK_BYTES);
    for (unsigned i = 1; r == 0 && i < threads; i++) {
        pool->workers[i] = (struct pool_thread){.pool = pool, .index = i};
        atomic_fetch_add_explicit(&pool->running, 1, memory_order_relaxed);
        r = pthread_create(&pool->workers[i].thread, &attributes, run_thread, &pool->workers[i]);
        if (r == 0)
            pool->started = i;
    }
    (void)pthread_attr_destroy(&attributes);
    if (r != 0) {
        pool_free(pool);
        return error_set(err, ERROR_UNAVAILABLE, -r, "could not start %u threads: %s", threads, strerror(r));
    }
    /*
     * A new thread makes system calls of its own before it comes to our code, which a filter that is
     * installed next would not let through.
     */
    (void)wait_word(&pool->running, 0, true);
    *ret_pool = pool;
    return 0;
}

void pool_free(struct pool *pool)
{
    if (pool == NULL)
        return;
    pool->stopping = true;
    atomic_fetch_add_explicit(&pool->generation, 1, memory_order_release);
    futex_wake(&pool->generation, (int)pool->threads);
    for (unsigned i = 1; i <= pool->started; i++)
        (void)pthread_join(pool->workers[i].thread, NULL);
    free(pool);
}

unsigned pool_threads(const struct pool *pool)
{
    return pool->threads;
}

void pool_run(struct pool *pool, size_t count, pool_work work, void *argument)
{
    if (count == 0)
        return;
    if (pool->threads == 1 || count == 1) {
        work(argument, 0, 0, count);
        return;
    }
    pool->work = work;
    pool->argument = argument;
    pool->count = count;
    atomic_store_explicit(&pool->running, pool->threads - 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&pool->generation, 1, memory_order_release);
    futex_wake(&pool->generation, (int)pool->threads);
    run_share(pool, 0);
    (void)wait_word(&pool->running, 0, true);
}
