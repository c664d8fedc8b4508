/* SPDX-License-Identifier: Apache-2.0 */
/* A job's data files, opened by their names. */
#ifndef LAZARET_HOST_DATA_FILES_H
#define LAZARET_HOST_DATA_FILES_H

#include "host/data/reader.h"

struct data_names {
    const char *test;                    /* a set, as set_path.h takes it */
    const char *train, *spec, *triggers; /* NULL: none */
};

/*
 * Opens them, with labels in files of their own and the folder in which files lie that a spec names. The names are
 * borrowed. ERROR_NO_INPUT, ERROR_BAD_INPUT (-ENODATA: empty), ERROR_UNAVAILABLE, naming the file.
 */
MUST_USE int data_files_open(const struct data_names *names, struct data_files *ret_files, struct error *err);

void data_files_close(struct data_files *files);

#define CLEANUP_DATA_FILES CLEANUP(data_files_close)

#endif
