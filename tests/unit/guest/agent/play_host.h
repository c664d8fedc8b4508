/* SPDX-License-Identifier: Apache-2.0 */
/* Plays the host against a real agent over a socket pair, and keeps what the agent says. */
#ifndef LAZARET_TESTS_UNIT_GUEST_AGENT_PLAY_HOST_H
#define LAZARET_TESTS_UNIT_GUEST_AGENT_PLAY_HOST_H

#include "wire/session.h"

#include <stdbool.h>
#include <sys/types.h>

#define PLAY_POINTS_MAX  16u
#define PLAY_CLASSES_MAX 10u
#define PLAY_ROWS_MAX    64u
#define PLAY_TEST        450u
#define PLAY_TRAIN       1347u
#define PLAY_PIXELS      64u

#define PLAY_NO_AGENT 127 /* exit status where the agent could not be started */

struct play {
    unsigned uid; /* of the agent; 0: the test's own */
    int fd;
    pid_t pid;
    struct plan plan;
    struct session_host judge;
    uint8_t nonce[SHA256_SIZE];
    struct buffer payload;
    /* what is sent */
    uint8_t *model, *reference;    /* reference: NULL where the plan has none */
    const float *test_x, *train_x; /* whole sets; the test set is repeated to its count */
    const uint32_t *train_y;
    bool break_digest; /* of the next transfer */
    /* what was received */
    struct message_guest_hello hello;
    struct message_ready ready;
    int32_t predictions[PLAN_CHECKS_MAX][PLAY_POINTS_MAX][PLAY_TEST]; /* by check and point over all curves */
    struct message_cluster clusters[PLAY_CLASSES_MAX];
    struct message_row rows[PLAY_ROWS_MAX]; /* of the latest check, without their names */
    uint32_t row_count;
    struct message_check_done done[PLAN_CHECKS_MAX];
    char skipped[PLAN_CHECKS_MAX][MESSAGE_TEXT_MAX + 1];
    struct sha256 samples;              /* over all SAMPLE messages, in order */
    struct message_scan_done scan_done; /* of the latest scan, without its format */
    uint32_t finding_count;
    uint64_t sample_elements, progress_count, prediction_count;
    struct message_failure failure; /* of the first FAILURE */
    char failure_text[MESSAGE_TEXT_MAX + 1];
    bool failed;
};

/* Starts the agent with these further arguments (NULL-terminated, or NULL). */
int play_start(struct play *play, char *const *arguments);

/* A plan for the digits model at `path` with all three checks; call it before play_start. */
int play_plan_digits(struct play *play, const char *path);

/* Adds weight-drift to a plan, against the model at `path`. */
int play_plan_drift(struct play *play, const char *path);

/* HELLO to READY. 0, or -ECANCELED with the FAILURE kept. */
int play_import(struct play *play);

/* One check from CHECK to CHECK_DONE. */
int play_check(struct play *play, uint32_t check);

/* BYE to GOODBYE. */
int play_part(struct play *play);

/* Whole evaluation. */
int play_all(struct play *play);

/* Closes, reaps; returns the agent's wait status. */
int play_end(struct play *play);

/* One message, judged and kept. */
int play_receive(struct play *play, struct message *ret_message);

int play_send(struct play *play, const struct message *message);

/* Over everything that belongs to an evaluation's results. */
void play_digest(const struct play *play, uint8_t ret_digest[SHA256_SIZE]);

#endif
