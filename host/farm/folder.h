/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A farm's folder:
 *   farm.sqlite         the queue
 *   key.pub.pem         the key that signs its results
 *   results/ID/         the result of job ID
 *   attempts/ID.TOKEN   a result on its way there
 *   logs/ID.log         what the last attempt at job ID said
 *   workers/NAME        locked for as long as that worker lives
 *   index.html, summary.json, farm.prom
 */
#ifndef LAZARET_HOST_FARM_FOLDER_H
#define LAZARET_HOST_FARM_FOLDER_H

#include "base/error.h"
#include "host/farm/queue.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#define FOLDER_KEY      "key.pub.pem"
#define FOLDER_RESULTS  "results"
#define FOLDER_ATTEMPTS "attempts"
#define FOLDER_LOGS     "logs"
#define FOLDER_WORKERS  "workers"

/*
 * Makes the folder and those in it, where they are not there; its parent must be. *ret_path is absolute.
 * ERROR_NO_INPUT: no such parent; ERROR_UNAVAILABLE: can't be written.
 */
MUST_USE int folder_make(const char *path, char ret_path[PATH_MAX], struct error *err);

/* The absolute path of one that is there. ERROR_NO_INPUT. */
MUST_USE int folder_find(const char *path, char ret_path[PATH_MAX], struct error *err);

/* FOLDER/NAME, and FOLDER/PART/ID. ERROR_USAGE where it is too long. */
MUST_USE int folder_path(const char *folder, const char *name, char ret_path[PATH_MAX], struct error *err);
MUST_USE int folder_job_path(const char *folder, const char *part, const char *id, const char *ending,
                             char ret_path[PATH_MAX], struct error *err);

/* Syncs the folder FOLDER/PART; "" is FOLDER itself. ERROR_UNAVAILABLE. */
MUST_USE int folder_sync(const char *folder, const char *part, struct error *err);

/* A worker's name, and the lock that says it lives: held by the descriptor, in every process that has it. */
MUST_USE int folder_claim_worker(const char *folder, char ret_name[QUEUE_WORKER_SIZE], int *ret_fd, struct error *err);

/* Whether anybody holds the lock of that worker; removes the file where not. */
bool folder_worker_lives(const char *folder, const char *name);

/* Removes the files of workers that were killed while they held no lease. */
void folder_forget_dead_workers(const char *folder);

/* A file that is written whole or not at all: hidden beside its place, synced, renamed. */
struct folder_file {
    FILE *stream;
    char path[PATH_MAX], hidden[PATH_MAX];
};

MUST_USE int folder_file_begin(const char *folder, const char *name, struct folder_file *ret_file, struct error *err);

/* ERROR_UNAVAILABLE where anything that was written to the stream could not be. */
MUST_USE int folder_file_commit(struct folder_file *file, struct error *err);
void folder_file_drop(struct folder_file *file); /* also after a commit */
#define CLEANUP_FOLDER_FILE CLEANUP(folder_file_drop)

#endif
