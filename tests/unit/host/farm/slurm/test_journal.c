/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: orders through their states, arrays, leases that pass on, results that are taken back. */
#include "unit/harness.h"

#include "host/farm/queue_internal.h"
#include "host/farm/slurm/journal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static char folder[64], batch[JOURNAL_BATCH_SIZE];
static struct database *database;

#define OK(call) CU_ASSERT_EQUAL_FATAL((call), 0)

static void begin(unsigned jobs)
{
    const struct queue_resources needs = {.memory_mib = 100, .cores = 1};
    struct error error = {0};
    int64_t settings, number;

    (void)snprintf(folder, sizeof folder, "/tmp/lazaret-journal-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    OK(database_open(folder, true, &database, &error));
    OK(journal_open(database, batch, &error));
    OK(database_begin(database, &error));
    OK(queue_begin_batch(&number, &error));
    OK(queue_settings(database, "[]", &settings, &error));
    OK(database_commit(database, &error));
    for (unsigned i = 0; i < jobs; i++) {
        char id[16];
        struct queue_entry entry = {
            .id = id, .description = "{\"model\":\"m\"}", .settings = settings, .batch = number, .needs = needs};
        enum queue_added added;

        (void)snprintf(id, sizeof id, "job-%u", i);
        OK(queue_add(database, &entry, 1, &added, &error));
    }
}

static void finish(void)
{
    char command[128];

    database_close(database);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    CU_ASSERT_EQUAL(system(command), 0);
}

static void take(const char *worker, struct queue_lease *ret_lease)
{
    static const struct queue_resources all = {.memory_mib = 1 << 20, .cores = 1 << 10, .gpus = 0};
    const struct queue_machine machine = {.now = all, .whole = all};
    struct error error = {0};

    CU_ASSERT_EQUAL_FATAL(queue_take(database, worker, &machine, ret_lease, &error), 1);
}

static void order(const struct queue_lease *lease, enum order_kind kind, struct order_row *ret_row)
{
    struct error error = {0};

    *ret_row = (struct order_row){.seq = lease->seq, .token = lease->token, .kind = kind};
    (void)snprintf(ret_row->id, sizeof ret_row->id, "%s", lease->id);
    OK(order_draw_nonce(ret_row->nonce, &error));
    OK(journal_add_order(database, ret_row, &error));
}

static void test_batch_number_stays(void)
{
    char again[JOURNAL_BATCH_SIZE];
    struct error error = {0};

    begin(0);
    OK(journal_open(database, again, &error));
    CU_ASSERT_STRING_EQUAL(again, batch);
    finish();
}

static void test_arrays(void)
{
    struct order_row rows[2], found, listed[8];
    struct array_row array, arrays[JOURNAL_ARRAYS_MAX];
    struct queue_lease leases[2] = {0};
    char name[SLURM_NAME_SIZE];
    struct error error = {0};
    unsigned tasks;
    size_t count;

    begin(2);
    for (unsigned i = 0; i < 2; i++) {
        take("w", &leases[i]);
        order(&leases[i], ORDER_FIRST, &rows[i]);
    }
    OK(journal_list_waiting(database, listed, 8, &count, &error));
    CU_ASSERT_EQUAL(count, 2);
    OK(journal_prepare_array(database, batch, rows, 2, &array, &error));
    CU_ASSERT_PTR_NOT_NULL(strstr(array.name, batch));
    OK(journal_list_waiting(database, listed, 8, &count, &error));
    CU_ASSERT_EQUAL(count, 0);
    OK(journal_list_arrays(database, arrays, &count, &error));
    CU_ASSERT_EQUAL_FATAL(count, 1);
    CU_ASSERT_EQUAL(arrays[0].state, ARRAY_PREPARED);
    OK(journal_set_submitted(database, array.id, 77, &error));
    CU_ASSERT_EQUAL(journal_find_array(database, array.id, &array, &error), 1);
    CU_ASSERT_EQUAL(array.slurm_id, 77);
    CU_ASSERT_EQUAL(journal_find_ordered(database, array.id, 1, &found, &error), 1);
    CU_ASSERT_STRING_EQUAL(found.nonce, rows[1].nonce);
    CU_ASSERT_EQUAL(journal_find_ordered(database, array.id, 2, &found, &error), 0);
    CU_ASSERT_EQUAL(journal_end_array(database, name, &tasks, &error), 0);
    for (unsigned i = 0; i < 2; i++)
        OK(journal_set_state(database, rows[i].nonce, ORDER_LOST, &error));
    CU_ASSERT_EQUAL(journal_end_array(database, name, &tasks, &error), 1);
    CU_ASSERT_EQUAL(tasks, 2);
    CU_ASSERT_EQUAL(journal_end_array(database, name, &tasks, &error), 0);
    for (unsigned i = 0; i < 2; i++)
        queue_lease_clear(&leases[i]);
    finish();
}

static bool nobody(void *context, const char *worker)
{
    (void)context;
    return strcmp(worker, "next") == 0;
}

/* What Slurm still runs goes to the next controller; what it does not is nobody's. */
static void test_leases_pass_on(void)
{
    struct queue_lease ordered = {0}, idle = {0}, again = {0};
    struct order_row row, stale[4];
    struct error error = {0};
    size_t count;

    begin(2);
    take("dead", &ordered);
    take("dead", &idle);
    order(&ordered, ORDER_FIRST, &row);
    OK(journal_adopt_leases(database, "next", &error));
    CU_ASSERT_EQUAL(queue_reap(database, nobody, NULL, &error), 1);
    CU_ASSERT_EQUAL(queue_beat(database, &ordered, &error), 0);
    CU_ASSERT_EQUAL(queue_beat(database, &idle, &error), -ESTALE);
    OK(journal_list_stale(database, stale, 4, &count, &error));
    CU_ASSERT_EQUAL(count, 0);
    OK(database_begin(database, &error));
    OK(journal_lose_lease(database, &row, true, "its node died", &error));
    OK(database_commit(database, &error));
    OK(journal_list_stale(database, stale, 4, &count, &error));
    CU_ASSERT_EQUAL_FATAL(count, 1);
    CU_ASSERT_STRING_EQUAL(stale[0].nonce, row.nonce);
    take("next", &again);
    CU_ASSERT_EQUAL(again.attempt, 2);
    CU_ASSERT_EQUAL(journal_read_lease(database, &row, &ordered, &error), -ESTALE);
    queue_lease_clear(&ordered);
    queue_lease_clear(&idle);
    queue_lease_clear(&again);
    finish();
}

static int count_moves(void *context, const char *id, struct error *err)
{
    (void)id;
    (void)err;
    ++*(unsigned *)context;
    return 0;
}

static void end_job(const struct queue_lease *lease, struct order_row *row, const char *node, const char *reused)
{
    const struct queue_end end = {
        .state = QUEUE_DONE, .has_outcome = true, .outcome = OUTCOME_PASSED, .reason = "", .reused = reused};
    struct error error = {0};

    (void)snprintf(row->node, sizeof row->node, "%s", node);
    OK(journal_note_answer(database, row, &error));
    OK(queue_finish(database, lease, &end, NULL, NULL, &error));
    OK(journal_set_state(database, row->nonce, reused != NULL ? ORDER_CLOSED : ORDER_ACCEPTED, &error));
}

/* Of a distrusted node: its own word, and what rests on it; not what another node has confirmed. */
static void test_taken_back(void)
{
    struct queue_lease leases[4] = {0};
    struct order_row rows[4];
    struct queue_counts counts;
    struct error error = {0};
    unsigned moves = 0;

    begin(4);
    for (unsigned i = 0; i < 4; i++) {
        take("w", &leases[i]);
        order(&leases[i], ORDER_FIRST, &rows[i]);
    }
    end_job(&leases[0], &rows[0], "bad", NULL);
    end_job(&leases[1], &rows[1], "bad", leases[0].id); /* reused the first */
    end_job(&leases[2], &rows[2], "bad", NULL);
    OK(journal_confirm(database, rows[2].nonce, "good", &error));
    end_job(&leases[3], &rows[3], "good", NULL);
    OK(journal_set_standing(database, "bad", NODE_DISTRUSTED, "lied", &error));
    CU_ASSERT_EQUAL(journal_take_back(database, "bad", "again", count_moves, &moves, &error), 1);
    CU_ASSERT_EQUAL(journal_take_back(database, "bad", "again", count_moves, &moves, &error), 0);
    CU_ASSERT_EQUAL(moves, 1);
    OK(queue_count(database, &counts, &error));
    CU_ASSERT_EQUAL(counts.states[QUEUE_QUEUED], 2);
    CU_ASSERT_EQUAL(counts.states[QUEUE_DONE], 2);
    CU_ASSERT_EQUAL(counts.total, 4);
    OK(journal_set_standing(database, "good", NODE_DISTRUSTED, "lied too", &error)); /* then nobody has confirmed it */
    CU_ASSERT_EQUAL(journal_take_back(database, "good", "again", count_moves, &moves, &error), 1);
    CU_ASSERT_EQUAL(journal_take_back(database, "good", "again", count_moves, &moves, &error), 1);
    CU_ASSERT_EQUAL(journal_take_back(database, "good", "again", count_moves, &moves, &error), 0);
    for (unsigned i = 0; i < 4; i++)
        queue_lease_clear(&leases[i]);
    finish();
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"the batch's number", test_batch_number_stays},
        {"arrays", test_arrays},
        {"leases pass on", test_leases_pass_on},
        {"results taken back", test_taken_back},
    };

    return harness_run("host-farm-slurm-journal", tests, HARNESS_COUNT(tests));
}
