/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One VM's scan of files, one after the other, in a process of its own.
 *
 * Theory of operation. A process that has started a VM gives up what it would need to start another
 * (confine_monitor). So each VM has its process: it is forked, scans from a given file on, and tells its parent of each
 * file. A guest that dies takes the VM with it; the process reports the file as unscanned and ends, and the parent
 * forks another for the rest.
 */
#ifndef LAZARET_HOST_SCAN_SESSION_H
#define LAZARET_HOST_SCAN_SESSION_H

#include "host/scan/walk.h"
#include "host/vm/image.h"
#include "host/vm/vm.h"

#define SESSION_MEMORY_MIB 256u /* of a guest that scans */
#define SESSION_RECORD_MAX ((size_t)64 << 20)

struct session_machine {
    enum vm_isolation isolation;
    enum vm_acceleration acceleration;
    enum vm_transport transport;
    const struct image *image; /* microvm */
    const char *agent_path;    /* process isolation */
};

enum session_record_type {
    SESSION_RECORD_FILE = 1,  /* a file's report: JSON */
    SESSION_RECORD_ERROR = 2, /* nothing more can be done, and why: text */
};

/* What the process tells its parent, between two processes of one program. `size` bytes follow. */
struct session_record {
    uint32_t type;
    uint32_t entry; /* index in the walk */
    uint32_t kind;  /* ERROR: enum error_kind */
    int32_t code;   /* ERROR */
    uint32_t size;
};

/* Scans the files from entry `first` on; entries that are no files are passed over. Returns the exit status. */
int session_run(const struct session_machine *machine, const struct walk *walk, size_t first, int output_fd);

/*
 * {sha256, size, verdict, format, findings, coverage} of one file: a new reference, or NULL without memory. `sha256`
 * and `size` may be NULL where they are not known.
 */
json_t *session_document(const struct file_report *report, const uint8_t *sha256, const uint64_t *size);

#endif
