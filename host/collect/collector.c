/* SPDX-License-Identifier: Apache-2.0 */
/* The collector: confined process, and the monitor's side of its socket. */
#include "host/collect/collector.h"

#include "base/child.h"
#include "base/io.h"
#include "host/collect/handover.h"
#include "host/collect/record.h"
#include "host/confine/confine.h"
#include "host/confine/place.h"

#include <errno.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define COLLECTOR_ADDRESS_SPACE ((uint64_t)256 << 20)
#define COLLECTOR_COMMAND_MS    10000u
#define COLLECTOR_END_MS        1000u /* for one that has closed its socket to end */
#define COLLECTOR_FILES_MAX     16u

/* The first byte that the collector says: nobody has to take it at its word later. */
enum confinement_word { COLLECTOR_UNCONFINED = 'u', COLLECTOR_CONFINED = 'c' };

struct collector {
    pid_t pid;
    int socket;
    int connection; /* to the guest; borrowed */
    struct buffer storage;
};

/* --- the confined process ------------------------------------------------------------------------ */

struct collecting {
    int connection, monitor;
    struct session_host session;
    struct buffer payload, storage;
};

static int obey_command(struct collecting *c, struct error *err)
{
    struct record record;
    int r = record_read(c->monitor, &c->storage, &record, IO_NO_DEADLINE);

    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "the monitor is gone");
    switch (record.type) {
    case RECORD_BEGIN_CHECK:
        r = session_host_begin_check(&c->session, (uint32_t)record.numbers[0]);
        break;
    case RECORD_BEGIN_SCAN:
        r = session_host_begin_scan(&c->session, (uint32_t)record.numbers[0], record.numbers[1]);
        break;
    case RECORD_IMPORT:
        r = session_host_import(&c->session);
        break;
    default:
        r = session_host_part(&c->session);
        break;
    }
    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "the monitor's command came out of order");
    return 0;
}

/* The monitor commands before it writes to the guest: so whatever a frame answers has been commanded by now. */
static int obey_pending(struct collecting *c, struct error *err)
{
    int r;

    while ((r = io_wait(c->monitor, POLLIN, 0)) == 0) {
        r = obey_command(c, err);
        if (r < 0)
            return r;
    }
    return r == -ETIMEDOUT ? 0 : error_set(err, ERROR_INTERNAL, r, "poll: %s", strerror(-r));
}

/* The codecs serve both sides and say what is wrong, not with whom. */
static int blame_guest(int code, struct error *err)
{
    if (err->kind != ERROR_GUEST)
        return code;
    return error_prefix(err, code == -EBADMSG ? "the guest broke the protocol" : "the guest hung up");
}

static int collect_frame(struct collecting *c, struct error *err)
{
    struct frame_header header;
    struct message message;
    struct record record;
    int r = frame_read(c->connection, IO_NO_DEADLINE, &header, &c->payload, err);

    if (r < 0)
        return blame_guest(r, err);
    r = obey_pending(c, err);
    if (r < 0)
        return r;
    r = message_decode(&header, c->payload.data, &message, err);
    if (r < 0)
        return blame_guest(r, err);
    r = session_host_receive(&c->session, &message, err);
    if (r < 0)
        return r;
    r = record_from_message(&message, &c->storage, &record);
    if (r == 0)
        r = record_write(c->monitor, &record, IO_NO_DEADLINE);
    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "can't report to the monitor: %s", strerror(-r));
    return 0;
}

/* Until the guest has parted, failed, or broken the protocol. */
static int collect(struct collecting *c, struct error *err)
{
    while (c->session.state != SESSION_HOST_ENDED) {
        struct pollfd pollers[] = {{.fd = c->connection, .events = POLLIN}, {.fd = c->monitor, .events = POLLIN}};
        int r = 0;

        if (poll(pollers, 2, -1) < 0 && errno != EINTR)
            return error_set(err, ERROR_INTERNAL, -errno, "poll: %s", strerror(errno));
        if (pollers[1].revents != 0)
            r = obey_command(c, err);
        if (r == 0 && pollers[0].revents != 0)
            r = collect_frame(c, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static void report_error(int monitor, const struct error *error)
{
    struct record record = {.type = RECORD_ERROR,
                            .numbers = {error->kind, (uint64_t)-error->code},
                            .texts = {{.data = error->text, .size = (uint32_t)strlen(error->text)}}};

    (void)!record_write(monitor, &record, IO_NO_DEADLINE);
}

static int confine(int monitor, struct error *err)
{
    static const int system_calls[] = {
        SCMP_SYS(recvmsg), /* the connection, from the monitor */
    };
    const struct confine_profile profile = {
        .name = "lazaret-collect",
        .uid = CONFINE_UID_COLLECTOR,
        .keep_fds = &monitor,
        .keep_fd_count = 1,
        .system_calls = system_calls,
        .system_call_count = sizeof system_calls / sizeof system_calls[0],
        .address_space_max = COLLECTOR_ADDRESS_SPACE,
        .open_files_max = COLLECTOR_FILES_MAX,
    };

    return confine_self(&profile, err);
}

static int run_collector(int monitor)
{
    static struct handover handover;
    static struct collecting c;
    struct error error = {0};
    int r = confine(monitor, &error);
    const char word = r < 0 ? COLLECTOR_UNCONFINED : COLLECTOR_CONFINED;

    if (io_write_full(monitor, &word, 1, IO_NO_DEADLINE) < 0)
        return 1;
    c = (struct collecting){.monitor = monitor,
                            .payload = buffer_with_limit(FRAME_PAYLOAD_MAX),
                            .storage = buffer_with_limit((size_t)2 * FRAME_PAYLOAD_MAX)};
    if (r == 0 && handover_receive(monitor, &handover, &c.connection) < 0)
        return 1; /* there is no guest, and no monitor to tell it */
    if (r == 0) {
        session_host_start(&c.session, handover.has_plan ? &handover.plan : NULL, handover.nonce);
        r = collect(&c, &error);
    }
    if (r < 0)
        report_error(monitor, &error);
    return r < 0 ? 1 : 0;
}

/* --- the monitor's side ---------------------------------------------------------------------------- */

/* No guest is there yet: what the collector says is still its own. */
static int await_confinement(struct collector *collector, struct error *err)
{
    uint64_t deadline_ns = io_deadline_ms(COLLECTOR_COMMAND_MS);
    struct record record;
    char word = 0;
    int r = io_read_full(collector->socket, &word, 1, deadline_ns);

    if (r == 0 && word == COLLECTOR_CONFINED)
        return 0;
    if (r == 0)
        r = record_read(collector->socket, &collector->storage, &record, deadline_ns);
    if (r == 0 && record.type == RECORD_ERROR)
        return error_set(err, ERROR_INTERNAL, -EPERM, "%.*s", (int)record.texts[0].size, record.texts[0].data);
    return error_set(err, ERROR_INTERNAL, r < 0 ? r : -EBADMSG, "the collector did not say that it is confined: %s",
                     strerror(r < 0 ? -r : EBADMSG));
}

int collector_prepare(struct collector **ret_collector, struct error *err)
{
    CLEANUP_COLLECTOR struct collector *collector = calloc(1, sizeof *collector);
    CLEANUP_FD int theirs = -1;
    int pair[2], r;

    if (collector == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for the collector");
    collector->socket = -1;
    collector->connection = -1;
    collector->storage = buffer_with_limit((size_t)2 * FRAME_PAYLOAD_MAX);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "socketpair: %s", strerror(errno));
    collector->socket = pair[0];
    theirs = pair[1];
    collector->pid = confine_fork(&theirs, 1);
    if (collector->pid < 0)
        return confine_fork_failed("the collector", err);
    if (collector->pid == 0)
        _exit(run_collector(theirs));
    (void)close(take_fd(&theirs)); /* or its end could not be seen */
    r = await_confinement(collector, err);
    if (r == 0)
        *ret_collector = TAKE_POINTER(collector);
    return r;
}

/* Whether the collector ended by itself within COLLECTOR_END_MS, and how; one that did not is ended. */
static bool await_end(struct collector *collector, int *ret_status)
{
    int r = child_wait(collector->pid, ret_status, io_deadline_ms(COLLECTOR_END_MS));

    if (r == -ETIMEDOUT)
        child_kill(collector->pid);
    collector->pid = 0;
    return r == 0;
}

/* The collector is gone without a word: its exit status says why. Once taken over, it may close its socket and live. */
static int explain_death(struct collector *collector, struct error *err)
{
    int status = 0;

    if (collector->pid <= 0 || !await_end(collector, &status))
        return error_set(err, ERROR_GUEST, -ECHILD, "the collector closed its socket");
    if (WIFSIGNALED(status))
        return error_set(err, ERROR_GUEST, -ECHILD, "the collector was killed by signal %d%s", WTERMSIG(status),
                         WTERMSIG(status) == SIGSYS ? ": a system call outside its allowlist" : "");
    return error_set(err, ERROR_GUEST, -ECHILD, "the collector ended with status %d", WEXITSTATUS(status));
}

/*
 * Why the collector ended. It has read hostile bytes, so neither its kind of error nor its text is believed: whatever
 * it says, the job goes on to a signed result without figures.
 */
static int take_error(const struct record *record, struct error *err)
{
    int code = record->numbers[1] > 0 && record->numbers[1] < 4096 ? -(int)record->numbers[1] : -EIO;

    return error_set(err, ERROR_GUEST, code, "%.*s", (int)record->texts[0].size, record->texts[0].data);
}

/* Whose silence it was: a guest whose words lie there unread was not the one. */
static int blame_silence(const struct collector *collector, struct error *err)
{
    int unread = 0;

    if (ioctl(collector->connection, FIONREAD, &unread) == 0 && unread > 0)
        return error_set(err, ERROR_GUEST, -ETIMEDOUT,
                         "the deadline passed while the collector had not read what the guest said");
    return error_set(err, ERROR_GUEST, -ETIMEDOUT, "the guest kept silent beyond the deadline");
}

int collector_next(struct collector *collector, uint64_t deadline_ns, struct message *ret_message, struct error *err)
{
    struct record record;
    int r = record_read(collector->socket, &collector->storage, &record, deadline_ns);

    if (r == -ECONNRESET)
        return explain_death(collector, err);
    if (r == -ETIMEDOUT)
        return blame_silence(collector, err);
    if (r < 0)
        return error_set(err, ERROR_GUEST, r, "the collector's record can't be read: %s", strerror(-r));
    if (record.type == RECORD_ERROR)
        return take_error(&record, err);
    r = record_to_message(&record, ret_message);
    if (r < 0)
        return error_set(err, ERROR_GUEST, r, "the collector sent a record that can't be");
    return 0;
}

int collector_wait(struct collector *collector, uint64_t deadline_ns)
{
    return io_wait(collector->socket, POLLIN, deadline_ns);
}

/* The collector has ended before a command reached it: what it said last tells why. */
static int explain_silence(struct collector *collector, struct error *err)
{
    uint64_t deadline_ns = io_deadline_ms(COLLECTOR_COMMAND_MS);
    struct message message;
    int r = 0;

    while (r == 0)
        r = collector_next(collector, deadline_ns, &message, err);
    return r;
}

int collector_start(struct collector *collector, int connection, const struct plan *plan,
                    const uint8_t nonce[SHA256_SIZE], struct error *err)
{
    CLEANUP_FREE struct handover *handover = calloc(1, sizeof *handover);
    int r;

    if (handover == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for the collector");
    collector->connection = connection;
    handover->has_plan = plan != NULL;
    if (plan != NULL)
        handover->plan = *plan;
    memcpy(handover->nonce, nonce, SHA256_SIZE);
    collector->connection = connection;
    r = handover_send(collector->socket, connection, handover, io_deadline_ms(COLLECTOR_COMMAND_MS));
    if (r == -EPIPE || r == -ECONNRESET)
        return explain_silence(collector, err);
    return r < 0 ? error_set(err, ERROR_INTERNAL, r, "the collector does not answer: %s", strerror(-r)) : 0;
}

static int command(struct collector *collector, uint32_t type, uint64_t first, uint64_t second, struct error *err)
{
    struct record record = {.type = type, .numbers = {first, second}};
    int r = record_write(collector->socket, &record, io_deadline_ms(COLLECTOR_COMMAND_MS));

    if (r == -EPIPE || r == -ECONNRESET)
        return explain_silence(collector, err);
    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "the collector does not answer: %s", strerror(-r));
    return 0;
}

int collector_begin_check(struct collector *collector, uint32_t check, struct error *err)
{
    return command(collector, RECORD_BEGIN_CHECK, check, 0, err);
}

int collector_begin_scan(struct collector *collector, uint32_t index, uint64_t size, struct error *err)
{
    return command(collector, RECORD_BEGIN_SCAN, index, size, err);
}

int collector_import(struct collector *collector, struct error *err)
{
    return command(collector, RECORD_IMPORT, 0, 0, err);
}

int collector_part(struct collector *collector, struct error *err)
{
    return command(collector, RECORD_PART, 0, 0, err);
}

void collector_free(struct collector *collector)
{
    if (collector == NULL)
        return;
    child_kill(collector->pid);
    if (collector->socket >= 0)
        (void)close(collector->socket);
    buffer_free(&collector->storage);
    free(collector);
}
