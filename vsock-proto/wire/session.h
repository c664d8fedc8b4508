/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which message may come when: one state machine a side, without any I/O. PROTOCOL.md, section 6.
 *
 * Each side feeds it every message, sent and received, in order. It answers 0, or -EPROTO for a
 * message that may not come now or whose numbers contradict the plan.
 */
#ifndef LAZARET_WIRE_SESSION_H
#define LAZARET_WIRE_SESSION_H

#include "wire/message.h"

#define SESSION_PROGRESS_MAX 100000u /* reports of one check */

/* Where a check stands in its walk through the windows of its sets. */
struct session_walk {
    enum plan_set_id set;
    uint64_t first; /* of the next window, or of the one under way */
    bool finished;  /* every window has gone by */
};

/* What has come of the scan under way: of the check, or of a served file. */
struct session_scan {
    uint64_t size;        /* of a served file */
    uint64_t served_left; /* bytes that READs may still ask for; 0 in the check, which reads the model in memory */
    uint64_t findings[SCAN_SEVERITY_COUNT];
    uint32_t next_reason; /* COVERAGE comes by ascending reason, after all findings */
    bool gap, done;
};

/* --- the host's side: checks what the guest sends ------------------------------------------- */

enum session_host_state {
    SESSION_HOST_GREETING,  /* waits for GUEST_HELLO */
    SESSION_HOST_LOADING,   /* plan and model under way, or the next file: nothing may come but FAILURE */
    SESSION_HOST_SERVING,   /* a file is scanned: READ, results, SCAN_DONE */
    SESSION_HOST_SERVED,    /* between files: nothing may come but FAILURE */
    SESSION_HOST_IMPORTING, /* IMPORT sent: waits for READY */
    SESSION_HOST_IDLE,      /* between checks: nothing may come but FAILURE */
    SESSION_HOST_CHECKING,  /* results, then CHECK_DONE */
    SESSION_HOST_PARTING,   /* BYE sent: waits for GOODBYE */
    SESSION_HOST_ENDED,     /* GOODBYE or FAILURE came */
};

struct session_host {
    const struct plan *plan; /* borrowed */
    uint8_t nonce[SHA256_SIZE];
    enum session_host_state state;
    uint32_t classes;    /* from READY */
    uint32_t check;      /* under way */
    uint64_t next_first; /* predictions: the window expected next */
    uint32_t next_curve, next_point;
    uint32_t next_label;                                                                 /* clusters */
    enum { SESSION_POINTS_NONE, SESSION_POINTS_TRAIN, SESSION_POINTS_TEST } next_points; /* of the label before */
    uint64_t cluster_sizes[2][2]; /* of it: training, test samples in each cluster */
    uint32_t table;               /* rows: the table under way, and its rows so far */
    uint64_t table_rows;
    uint64_t progress_done;
    uint64_t sample_elements; /* that may still come, over all points */
    uint32_t progress_left;   /* reports that this check may still send */
    uint32_t next_file;       /* of a session that scans files */
    bool scanned;             /* the plan's scan is done */
    struct session_scan scan;
};

/* `plan` is NULL for a session that scans files. */
void session_host_start(struct session_host *session, const struct plan *plan, const uint8_t nonce[SHA256_SIZE]);
/* The host told the guest to begin a check, to scan a file, to import the model, or to part; -EPROTO out of order. */
MUST_USE int session_host_begin_check(struct session_host *session, uint32_t check);
MUST_USE int session_host_begin_scan(struct session_host *session, uint32_t index, uint64_t size);
MUST_USE int session_host_import(struct session_host *session);
MUST_USE int session_host_part(struct session_host *session);
/* Judges one message from the guest. */
MUST_USE int session_host_receive(struct session_host *session, const struct message *message, struct error *err);

/* --- the guest's side: checks what the host sends ------------------------------------------- */

enum session_guest_state {
    SESSION_GUEST_GREETING,  /* waits for HELLO */
    SESSION_GUEST_PLANNING,  /* waits for PLAN, or for the first SCAN */
    SESSION_GUEST_SERVING,   /* a file is scanned: waits for the answers to READs */
    SESSION_GUEST_SERVED,    /* waits for the next SCAN, or BYE */
    SESSION_GUEST_LOADING,   /* waits for the model's TRANSFER, then the reference's */
    SESSION_GUEST_RECEIVING, /* chunks of a transfer, then TRANSFER_END */
    SESSION_GUEST_LOADED,    /* the model is here: waits for the scan's CHECK, then IMPORT, or BYE after the scan */
    SESSION_GUEST_IMPORTING, /* nothing may come until the model is imported */
    SESSION_GUEST_IDLE,      /* waits for CHECK or BYE */
    SESSION_GUEST_CHECKING,  /* waits for the next window's TRANSFER, until all have come */
    SESSION_GUEST_COMPUTING, /* all windows are here: nothing may come until the check is done */
    SESSION_GUEST_ENDED,     /* BYE came */
};

struct session_guest {
    const struct plan *plan; /* borrowed; set by session_guest_plan */
    enum session_guest_state state;
    uint32_t check; /* under way */
    uint32_t next_check;
    bool model_here;
    struct session_walk walk;
    struct message_transfer transfer; /* under way */
    uint64_t received;                /* bytes of it */
    struct sha256 hash;
    /* of a session that scans files */
    uint32_t next_file;
    uint64_t file_size;
    uint32_t asked[MESSAGE_READS_MAX]; /* bytes of each READ without an answer, the oldest first */
    uint32_t asked_count;
};

void session_guest_start(struct session_guest *session);
/* The plan was received and decoded. */
MUST_USE int session_guest_plan(struct session_guest *session, const struct plan *plan);
/*
 * Judges one message from the host. For CHUNK it counts and hashes the bytes; for TRANSFER_END it
 * compares the digest (-EBADMSG where it differs).
 */
MUST_USE int session_guest_receive(struct session_guest *session, const struct message *message, struct error *err);
/* The guest has sent READY, CHECK_DONE, READ, SCAN_DONE of a served file; -EPROTO out of order. */
MUST_USE int session_guest_imported(struct session_guest *session);
MUST_USE int session_guest_check_done(struct session_guest *session);
MUST_USE int session_guest_read(struct session_guest *session, const struct message_read *read);
MUST_USE int session_guest_scan_done(struct session_guest *session);

#endif
