/* SPDX-License-Identifier: Apache-2.0 */
/* Messages out of order, too often, or for something that was not asked. */
#include "hostile.h"

#include <unistd.h>

#define ENDLESS 2000000u

static bool twice(struct puppet *puppet, struct message *message)
{
    puppet_send(puppet, message);
    return true;
}

static bool early_goodbye(struct puppet *puppet, struct message *message)
{
    (void)message;
    puppet_send(puppet, &(struct message){.type = MESSAGE_GOODBYE});
    return true;
}

/* Results before the model is imported. */
static bool early_predictions(struct puppet *puppet, struct message *message)
{
    struct message predictions = puppet_example(puppet, MESSAGE_PREDICTIONS);

    (void)message;
    puppet_send(puppet, &predictions);
    return true;
}

static bool early_done(struct puppet *puppet, struct message *message)
{
    struct message done = puppet_example(puppet, MESSAGE_CHECK_DONE);

    (void)message;
    puppet_send(puppet, &done);
    return true;
}

static bool other_check(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->predictions.check = (message->predictions.check + 1) % PLAN_CHECKS_MAX;
    return true;
}

static bool unplanned_check(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->check_done.check = PLAN_CHECKS_MAX - 1;
    return true;
}

static bool other_window(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->predictions.first += 1;
    return true;
}

/* A row of a table that clean-accuracy does not have. */
static bool unasked_row(struct puppet *puppet, struct message *message)
{
    struct message row = puppet_example(puppet, MESSAGE_ROW);

    (void)message;
    puppet_send(puppet, &row);
    return true;
}

static bool unasked_cluster(struct puppet *puppet, struct message *message)
{
    struct message cluster = puppet_example(puppet, MESSAGE_CLUSTER);

    (void)message;
    puppet_send(puppet, &cluster);
    return true;
}

/* A range of a file, in an evaluation. */
static bool unasked_read(struct puppet *puppet, struct message *message)
{
    struct message read = puppet_example(puppet, MESSAGE_READ);

    (void)message;
    puppet_send(puppet, &read);
    return true;
}

/* The guest's word that a check can't be made, after it was made in part. */
static bool half_skipped(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->check_done.skipped = (struct message_text){.data = "no more", .size = 7};
    return true;
}

/* The check whose predictions all others rest on, skipped at once. */
static bool skipped(struct puppet *puppet, struct message *message)
{
    struct message done = puppet_example(puppet, MESSAGE_CHECK_DONE);

    (void)message;
    done.check_done.skipped = (struct message_text){.data = "not today", .size = 9};
    puppet_send(puppet, &done);
    puppet_stay();
    return false;
}

/* Done with all but the predictions. */
static bool nothing_done(struct puppet *puppet, struct message *message)
{
    *message = puppet_example(puppet, MESSAGE_CHECK_DONE);
    return true;
}

static void flood(struct puppet *puppet, uint64_t done, uint64_t total)
{
    struct message progress = puppet_example(puppet, MESSAGE_PROGRESS);

    progress.progress.done = done;
    progress.progress.total = total;
    for (unsigned i = 0; i < ENDLESS; i++)
        puppet_send(puppet, &progress);
}

static bool progress(struct puppet *puppet, struct message *message)
{
    (void)message;
    flood(puppet, 0, 1);
    return true;
}

/* Each says that all is done: none of them may be worth a line of its own. */
static bool full_progress(struct puppet *puppet, struct message *message)
{
    (void)message;
    flood(puppet, UINT64_MAX, UINT64_MAX);
    return true;
}

/* As many as the protocol allows, all of them complete; then the truth. */
static bool most_progress(struct puppet *puppet, struct message *message)
{
    struct message report = puppet_example(puppet, MESSAGE_PROGRESS);

    (void)message;
    report.progress.done = report.progress.total;
    for (unsigned i = 0; i < 100000; i++)
        puppet_send(puppet, &report);
    return true;
}

/* One at a time, just fast enough never to be silent. */
static bool slow_progress(struct puppet *puppet, struct message *message)
{
    struct message report = puppet_example(puppet, MESSAGE_PROGRESS);

    (void)message;
    for (;;) {
        puppet_send(puppet, &report);
        (void)usleep(2000);
    }
    return false;
}

static bool backward_progress(struct puppet *puppet, struct message *message)
{
    struct message report = puppet_example(puppet, MESSAGE_PROGRESS);

    (void)message;
    report.progress = (struct message_progress){.check = puppet->check, .done = 5, .total = 9};
    puppet_send(puppet, &report);
    report.progress.done = 4;
    puppet_send(puppet, &report);
    return true;
}

/* After its last word, and without an end of its own. */
static bool talks_on(struct puppet *puppet, struct message *message)
{
    struct message report = puppet_example(puppet, MESSAGE_PROGRESS);

    puppet_send(puppet, message);
    for (;;)
        puppet_send(puppet, &report);
    return false;
}

static bool stays(struct puppet *puppet, struct message *message)
{
    puppet_send(puppet, message);
    puppet_stay();
    return false;
}

/* Everything is said but the last word. */
static bool mute(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    (void)message;
    puppet_stay();
    return false;
}

const struct hostile_lie lies_order[] = {
    {"ready-twice", MESSAGE_READY, twice},
    {"hello-twice", MESSAGE_GUEST_HELLO, twice},
    {"predictions-twice", MESSAGE_PREDICTIONS, twice},
    {"done-twice", MESSAGE_CHECK_DONE, twice},
    {"early-goodbye", MESSAGE_READY, early_goodbye},
    {"early-predictions", MESSAGE_READY, early_predictions},
    {"early-done", MESSAGE_READY, early_done},
    {"other-check", MESSAGE_PREDICTIONS, other_check},
    {"unplanned-check", MESSAGE_CHECK_DONE, unplanned_check},
    {"other-window", MESSAGE_PREDICTIONS, other_window},
    {"unasked-row", MESSAGE_PREDICTIONS, unasked_row},
    {"unasked-cluster", MESSAGE_PREDICTIONS, unasked_cluster},
    {"unasked-read", MESSAGE_PREDICTIONS, unasked_read},
    {"half-skipped", MESSAGE_CHECK_DONE, half_skipped},
    {"skipped", MESSAGE_PREDICTIONS, skipped},
    {"nothing-done", MESSAGE_PREDICTIONS, nothing_done},
    {"progress", MESSAGE_PREDICTIONS, progress},
    {"full-progress", MESSAGE_PREDICTIONS, full_progress},
    {"most-progress", MESSAGE_CHECK_DONE, most_progress},
    {"slow-progress", MESSAGE_CHECK_DONE, slow_progress},
    {"backward-progress", MESSAGE_CHECK_DONE, backward_progress},
    {"talks-on", MESSAGE_GOODBYE, talks_on},
    {"stays", MESSAGE_GOODBYE, stays},
    {"mute", MESSAGE_GOODBYE, mute},
    {0},
};
