/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A data reader lent to another process: a farm's worker opens, checks and hashes data sets once, and lends the process
 * that has done so to one evaluation after another.
 *
 * A loan is two descriptors: the reader's socket, and a sealed memory file with the description and with what tells the
 * files apart (device, inode, size, both times). The borrower opens the files by their names as ever and takes the loan
 * only where they are these. Both ends are the same program, one forked from the other.
 */
#ifndef LAZARET_HOST_DATA_READER_LOAN_H
#define LAZARET_HOST_DATA_READER_LOAN_H

#include "host/data/reader.h"

struct data_loan { /* -1: none */
    int record_fd, socket_fd;
};

/*
 * Lends a reader that has been described: *ret_loan's socket is the reader's own, the record the caller's to close.
 * ERROR_UNAVAILABLE. -ENOTSUP where the spec names files: such a reader is lent to nobody.
 */
MUST_USE int data_reader_lend(const struct data_reader *reader, const struct data_description *description,
                              struct data_loan *ret_loan, struct error *err);

/*
 * A reader for these files by a loan: 1; 0 where the loan is of others or of none, and *ret_reader is untouched. Takes
 * neither descriptor over. data_reader_describe() on it costs nothing, and data_reader_free() ends the loan alone.
 */
MUST_USE int data_reader_borrow(const struct data_loan *loan, const struct data_files *files,
                                struct data_reader **ret_reader, struct error *err);

/*
 * Whether the reader can be lent once more: it is alive, its files are as they were, and no answer to the last borrower
 * is on its way.
 */
bool data_reader_is_idle(struct data_reader *reader);

#endif
