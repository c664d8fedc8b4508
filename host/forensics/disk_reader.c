/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a scratch disk in a process of its own. */
#include "host/forensics/disk_reader.h"

#include "base/child.h"
#include "base/io.h"
#include "host/confine/confine.h"
#include "host/confine/helper.h"
#include "host/forensics/disk_listing.h"
#include "host/forensics/guestfs_calls.h"
#include "host/forensics/reader_place.h"
#include "host/json/canonical.h"
#include "host/json/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define REPLY_MAX ((size_t)4 << 20) /* a listing's JSON */

struct disk_reader {
    struct reader_place place;
    struct helper *helper;
};

/* --- in the child of the waiting process ------------------------------------------------------------------- */

/* Nothing of the monitor's: the signer's socket and others' must not be there where a hostile disk is read. */
static int keep_only(int fd, struct error *err)
{
    int null;

    if (confine_close_others(&fd, 1) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "can't close what the disk's reader does not need: %s",
                         strerror(errno));
    /* Programs that are run from here take 0 and 1 for what they are, and must find no pipe there. */
    do
        null = open("/dev/null", O_RDWR); /* inherited, hence not O_CLOEXEC */
    while (null >= 0 && null <= STDERR_FILENO);
    if (null < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "/dev/null: %s", strerror(errno));
    (void)close(null);
    return 0;
}

/* A first byte says which of the two follows: 'L' a listing, 'E' an error's text. */
_Noreturn static void list_into(int pipe_fd, const struct reader_place *place)
{
    CLEANUP_BUFFER struct buffer reply = buffer_with_limit(REPLY_MAX + 1);
    CLEANUP_JSON json_t *listing = NULL;
    struct error err = {0};
    int r = keep_only(pipe_fd, &err);

    if (r == 0)
        r = reader_place_enter(place, &err);
    if (r == 0)
        r = disk_listing_make(READER_PLACE_DISK, READER_PLACE_SUMS, &listing, &err);
    if (r == 0)
        r = buffer_append(&reply, "L", 1);
    if (r == 0)
        r = json_canonical_encode(listing, &reply);
    if (r == 0)
        r = io_write_full(pipe_fd, reply.data, reply.size, IO_NO_DEADLINE);
    else if (write(pipe_fd, "E", 1) == 1)
        (void)!write(pipe_fd, err.text, strlen(err.text));
    _exit(0);
}

/* --- the waiting process ------------------------------------------------------------------------------------ */

/* What the child writes, to its end. */
static int read_all(int fd, struct buffer *ret_bytes, struct error *err)
{
    uint64_t deadline = io_deadline_ms(DISK_READER_DEADLINE_MS);
    ssize_t size = 1;

    while (size != 0) {
        uint8_t *room;
        int r = buffer_reserve(ret_bytes, 65536, &room);

        if (r == 0)
            r = io_wait(fd, POLLIN, deadline);
        if (r == 0 && (size = read(fd, room, 65536)) < 0)
            r = errno == EINTR ? 0 : -errno;
        if (r < 0)
            return error_set(err, ERROR_UNAVAILABLE, r, "the scratch disk could not be read: %s",
                             r == -ETIMEDOUT ? "libguestfs took too long" : strerror(-r));
        if (size > 0)
            ret_bytes->size += (size_t)size;
    }
    return 0;
}

static int answer(void *state, const void *request, size_t size, struct buffer *ret_reply, struct error *err)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(REPLY_MAX + 65536 + 1);
    const struct reader_place *place = state;
    int ends[2], r;
    pid_t child = -1;

    (void)request;
    (void)size;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "no pipe: %s", strerror(errno));
    r = reader_place_fork(&child, err);
    if (r == 0 && child == 0)
        list_into(ends[1], place);
    (void)close(ends[1]);
    if (r == 0)
        r = read_all(ends[0], &bytes, err);
    (void)close(ends[0]);
    child_kill(child); /* PID 1 of its namespace: the appliance dies with it */
    if (r < 0)
        return r;
    if (bytes.size < 1 || bytes.data[0] != 'L')
        return error_set(err, ERROR_UNAVAILABLE, -EIO, "%.*s", bytes.size > 1 ? (int)bytes.size - 1 : 0,
                         bytes.size > 1 ? (const char *)bytes.data + 1 : "");
    return buffer_append(ret_reply, bytes.data + 1, bytes.size - 1);
}

/* Finds out now, while nothing has booted, whether it could work later. */
static int open_service(void *state, int socket, struct buffer *ret_greeting, struct error *err)
{
    struct guestfs_calls calls;
    int r = keep_only(socket, err);

    (void)state;
    (void)ret_greeting;
    if (r < 0)
        return r;
    if (geteuid() != 0)
        return error_set(err, ERROR_UNAVAILABLE, -EPERM,
                         "the policy asks for a scratch disk, which only root can have read in a VM of its own");
    (void)signal(SIGPIPE, SIG_IGN);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_NAME, "lazaret-disk") < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "prctl: %s", strerror(errno));
    return guestfs_calls_load(&calls, err);
}

static const struct helper_service service = {
    .name = "the reader of the scratch disk",
    .request_max = 1,
    .reply_max = REPLY_MAX,
    .open = open_service,
    .answer = answer,
};

/* --- the monitor's side -------------------------------------------------------------------------------------- */

int disk_reader_start(const char *path, const char *recipe, struct disk_reader **ret_reader, struct error *err)
{
    CLEANUP_BUFFER struct buffer greeting = buffer_with_limit(REPLY_MAX);
    struct disk_reader *reader = calloc(1, sizeof *reader);
    int r;

    if (reader == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the scratch disk's reader");
    r = reader_place_prepare(path, recipe, &reader->place, err);
    if (r == 0)
        r = helper_start(&service, &reader->place, &reader->helper, &greeting, err);
    if (r < 0) {
        disk_reader_free(reader);
        return r;
    }
    *ret_reader = reader;
    return 0;
}

int disk_reader_read(struct disk_reader *reader, json_t **ret_listing, struct error *err)
{
    CLEANUP_BUFFER struct buffer reply = buffer_with_limit(REPLY_MAX);
    int r = helper_call(reader->helper, "", 1, &reply, io_deadline_ms(DISK_READER_DEADLINE_MS + 5000), err);

    return r < 0 ? r : json_read(reply.data, reply.size, REPLY_MAX, "the scratch disk's listing", ret_listing, err);
}

void disk_reader_free(struct disk_reader *reader)
{
    if (reader == NULL)
        return;
    helper_free(reader->helper);
    free(reader);
}
