/* SPDX-License-Identifier: Apache-2.0 */
/* The parent of the processes that have a VM each. */
#include "host/scan/scan.h"

#include "base/child.h"
#include "base/io.h"
#include "host/attest/text.h"
#include "host/json/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

struct scanning {
    const struct session_machine *machine;
    const struct walk *walk;
    const struct scan_progress *progress;
    json_t *files;
    size_t next;  /* entry whose report comes next */
    size_t bytes; /* of all reports so far */
    unsigned restarts;
    struct error *err;
};

static int no_memory(struct error *err)
{
    return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the scan's report");
}

/* --- entries --------------------------------------------------------------------------------------------- */

static void shorten(json_t *file)
{
    json_t *findings = json_object_get(file, "findings");
    json_int_t omitted = json_integer_value(json_object_get(file, "omitted"));

    while (json_array_size(findings) > SCAN_REPORT_FEW) {
        (void)json_array_remove(findings, json_array_size(findings) - 1);
        omitted++;
    }
    if (omitted > 0)
        (void)json_object_set_new(file, "omitted", json_integer(omitted));
}

/* Takes the reference. */
static int append(struct scanning *s, json_t *file, size_t bytes)
{
    CLEANUP_BUFFER struct buffer name = buffer_with_limit((size_t)4 * PATH_MAX + 1);
    int r = file == NULL ? -ENOMEM : text_escape(s->walk->entries[s->next].path, (size_t)4 * PATH_MAX, &name);

    s->bytes += bytes;
    if (r == 0 && s->bytes > SCAN_REPORT_MAX)
        shorten(file);
    if (r == 0 && (json_object_set_new(file, "name", json_stringn((const char *)name.data, name.size)) != 0 ||
                   json_array_append(s->files, file) != 0))
        r = -ENOMEM;
    json_decref(file);
    if (r < 0)
        return no_memory(s->err);
    s->next++;
    return 0;
}

/* An entry that no guest has seen. */
static int append_own(struct scanning *s, enum host_rule rule, const char *detail)
{
    CLEANUP_FILE_REPORT struct file_report report = {0};
    int r = file_report_start(&report, s->err);

    if (r == 0)
        r = file_report_add(&report, rule, 0, detail, s->err);
    return r < 0 ? r : append(s, session_document(&report, NULL, NULL), 0);
}

/* Entries up to `end`: those that are no files, and files that a session has passed over. */
static int append_until(struct scanning *s, size_t end, const char *missed)
{
    int r = 0;

    while (r == 0 && s->next < end && s->next < s->walk->count) {
        const struct walk_entry *entry = &s->walk->entries[s->next];

        r = entry->is_file ? append_own(s, HOST_RULE_SCAN_FAILED, missed) : append_own(s, entry->rule, entry->detail);
    }
    return r;
}

static void show_progress(const struct scanning *s)
{
    if (s->next < s->walk->count)
        s->progress->file(s->progress->argument, s->next, s->walk->count, s->walk->entries[s->next].path);
}

/* --- one session -------------------------------------------------------------------------------------------- */

struct child {
    pid_t pid;
    int output; /* of the session's records */
};

static int start(struct scanning *s, struct child *ret_child)
{
    pid_t parent = getpid();
    int pair[2];
    pid_t pid;

    if (pipe2(pair, O_CLOEXEC) < 0)
        return error_set(s->err, ERROR_INTERNAL, -errno, "pipe: %s", strerror(errno));
    pid = fork();
    if (pid < 0) {
        (void)close(pair[0]);
        (void)close(pair[1]);
        return error_set(s->err, ERROR_INTERNAL, -errno, "fork: %s", strerror(errno));
    }
    if (pid == 0) {
        (void)close(pair[0]);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        _exit(session_run(s->machine, s->walk, s->next, pair[1]));
    }
    (void)close(pair[1]);
    *ret_child = (struct child){.pid = pid, .output = pair[0]};
    return 0;
}

static int take_file(struct scanning *s, const struct session_record *record, const struct buffer *bytes)
{
    json_t *file;
    int r;

    if (record->entry < s->next || record->entry >= s->walk->count)
        return error_set(s->err, ERROR_INTERNAL, -EBADMSG, "the scan's own process reported a file twice");
    r = append_until(s, record->entry, "the file was passed over");
    if (r == 0)
        r = json_read(bytes->data, bytes->size, SESSION_RECORD_MAX, "a file's report", &file, s->err);
    if (r == 0)
        r = append(s, file, bytes->size);
    show_progress(s);
    return r;
}

static int take_error(const struct session_record *record, const struct buffer *bytes, struct error *err)
{
    return error_set(err, record->kind <= ERROR_MISMATCH ? (enum error_kind)record->kind : ERROR_INTERNAL,
                     record->code < 0 ? record->code : -EIO, "%.*s", (int)bytes->size, (const char *)bytes->data);
}

/* The session's next record; 1 with one, 0 at its end. */
static int read_record(struct child *child, struct session_record *ret_record, struct buffer *bytes, struct error *err)
{
    uint8_t *room;
    int r = io_read_full(child->output, ret_record, sizeof *ret_record, IO_NO_DEADLINE);

    if (r == -ECONNRESET)
        return 0;
    if (r == 0 && ret_record->size > SESSION_RECORD_MAX)
        r = -EMSGSIZE;
    bytes->size = 0;
    if (r == 0)
        r = buffer_reserve(bytes, ret_record->size > 0 ? ret_record->size : 1, &room);
    if (r == 0)
        r = io_read_full(child->output, room, ret_record->size, IO_NO_DEADLINE);
    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "the scan's own process broke off: %s", strerror(-r));
    bytes->size = ret_record->size;
    return 1;
}

static int drain(struct scanning *s, struct child *child)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(SESSION_RECORD_MAX + 1);
    struct session_record record;
    int r;

    while ((r = read_record(child, &record, &bytes, s->err)) > 0) {
        r = record.type == SESSION_RECORD_FILE ? take_file(s, &record, &bytes) : take_error(&record, &bytes, s->err);
        if (r < 0)
            return r;
    }
    return r;
}

/* Runs one session, from the next entry on to its end. */
static int run_session(struct scanning *s)
{
    struct child child = {.output = -1};
    size_t before = s->next;
    int r = start(s, &child), status = 0;

    if (r < 0)
        return r;
    r = drain(s, &child);
    (void)close(child.output);
    if (r < 0) {
        child_kill(child.pid);
        return r;
    }
    (void)!child_wait(child.pid, &status, IO_NO_DEADLINE);
    if (WIFSIGNALED(status))
        return s->next == before ? error_set(s->err, ERROR_INTERNAL, -ECHILD,
                                             "the scan's own process was killed by signal %d", WTERMSIG(status))
                                 : append_until(s, s->next + 1, "the scan's own process was killed");
    return 0;
}

static bool has_file_left(const struct scanning *s)
{
    for (size_t i = s->next; i < s->walk->count; i++)
        if (s->walk->entries[i].is_file)
            return true;
    return false;
}

static int run(struct scanning *s)
{
    int r = 0;

    show_progress(s);
    for (unsigned sessions = 0; r == 0 && has_file_left(s) && sessions <= SCAN_RESTARTS_MAX; sessions++)
        r = run_session(s);
    return r < 0 ? r : append_until(s, s->walk->count, "too many guests died on the files before this one");
}

int scan_files(const struct session_machine *machine, const struct walk *walk, const struct scan_progress *progress,
               json_t **ret_files, struct error *err)
{
    struct scanning s = {.machine = machine, .walk = walk, .progress = progress, .files = json_array(), .err = err};
    int r = s.files == NULL ? no_memory(err) : run(&s);

    if (r < 0) {
        json_decref(s.files);
        return r;
    }
    *ret_files = s.files;
    return 0;
}

enum scan_verdict scan_worst(const json_t *files)
{
    enum scan_verdict worst = SCAN_ALLOWED;
    const json_t *file;
    size_t i;

    json_array_foreach (files, i, file)
        for (unsigned verdict = SCAN_VERDICT_COUNT - 1; verdict > (unsigned)worst; verdict--)
            if (strcmp(json_string_value(json_object_get(file, "verdict")), scan_verdict_name(verdict)) == 0)
                worst = (enum scan_verdict)verdict;
    return worst;
}
