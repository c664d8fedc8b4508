/* SPDX-License-Identifier: Apache-2.0 */
/* One VM's scan of files. */
#include "host/scan/session.h"

#include "base/io.h"
#include "host/collect/collector.h"
#include "host/confine/monitor.h"
#include "host/json/canonical.h"
#include "host/json/digest.h"
#include "host/scan/deadlines.h"
#include "host/scan/served.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

struct session {
    const struct session_machine *machine;
    const struct walk *walk;
    int output_fd;
    struct vm *vm;
    int connection;
    struct collector *collector;
    uint32_t files; /* told to this guest so far */
    uint64_t deadline_ns;
};

/* One file under way. */
struct file {
    struct served *served;
    struct file_report report;
    bool spoiled; /* the host could not give the guest what it asked for */
    enum host_rule rule;
    struct error reason;
};

/* --- to the parent ------------------------------------------------------------------------------------ */

static int emit(struct session *s, const struct session_record *record, const void *bytes)
{
    int r = io_write_full(s->output_fd, record, sizeof *record, IO_NO_DEADLINE);

    return r < 0 ? r : io_write_full(s->output_fd, bytes, record->size, IO_NO_DEADLINE);
}

json_t *session_document(const struct file_report *report, const uint8_t *sha256, const uint64_t *size)
{
    json_t *json = file_report_document(report);

    if (json == NULL || json_object_set_new(json, "sha256", json_new_digest(sha256)) != 0 ||
        json_object_set_new(json, "size", size != NULL ? json_integer((json_int_t)*size) : json_null()) != 0) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static int emit_file(struct session *s, size_t entry, const struct file_report *report, const uint8_t *sha256,
                     const uint64_t *size, struct error *err)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(SESSION_RECORD_MAX);
    struct session_record record = {.type = SESSION_RECORD_FILE, .entry = (uint32_t)entry};
    json_t *json = session_document(report, sha256, size);
    int r = json == NULL ? -ENOMEM : json_canonical_encode(json, &bytes);

    json_decref(json);
    record.size = (uint32_t)bytes.size;
    if (r == 0)
        r = emit(s, &record, bytes.data);
    return r == 0 ? 0 : error_set(err, ERROR_INTERNAL, r, "can't hand a file's report on: %s", strerror(-r));
}

/* --- the guest ------------------------------------------------------------------------------------------ */

/* The guest's next message; its own failures and its end become errors. */
static int next_message(struct session *s, uint64_t deadline_ns, struct message *ret_message, struct error *err)
{
    int r = collector_next(s->collector, deadline_ns, ret_message, err);
    const char *fault;
    enum vm_exit reason;

    if (r < 0) {
        reason = vm_poll_exit(s->vm);
        fault = vm_stream_fault(s->vm);
        if (err->kind == ERROR_GUEST && reason == VM_EXIT_NONE && fault != NULL)
            return error_set(err, ERROR_GUEST, r, "the guest broke virtio-vsock's rules: %s", fault);
        return err->kind == ERROR_GUEST && reason != VM_EXIT_NONE
                   ? error_prefix(err, "the VM ended (%s)", vm_exit_name(reason))
                   : r;
    }
    if (ret_message->type == MESSAGE_FAILURE)
        return error_set(err, ERROR_GUEST, -ECANCELED, "%s: %.*s", message_failure_name(ret_message->failure.code),
                         (int)ret_message->failure.text.size, ret_message->failure.text.data);
    return 0;
}

static int wait_for(struct session *s, enum message_type type, uint64_t deadline_ns, struct error *err)
{
    struct message message = {0};
    int r;

    do
        r = next_message(s, deadline_ns, &message, err);
    while (r == 0 && message.type != type);
    return r;
}

/* A guest that hung up has said why, or has died: that tells more than our broken pipe. */
static int say(struct session *s, const struct message *message, struct error *err)
{
    CLEANUP_BUFFER struct buffer frame = buffer_with_limit((size_t)2 * FRAME_PAYLOAD_MAX);
    struct message answer;
    int r = message_encode(message, &frame);

    if (r == 0)
        r = io_write_full(s->connection, frame.data, frame.size, s->deadline_ns);
    if (r == 0)
        return 0;
    if (r == -EPIPE || r == -ECONNRESET) {
        uint64_t deadline_ns = io_deadline_ms(SCAN_DEADLINE_PART_MS);
        int said = 0;

        while (said == 0)
            said = next_message(s, deadline_ns, &answer, err);
        return said;
    }
    return error_set(err, ERROR_GUEST, r, "can't send %s to the guest: %s", message_type_name(message->type),
                     strerror(-r));
}

static int greet(struct session *s, struct error *err)
{
    struct message hello = {.type = MESSAGE_HELLO, .hello = {.version = MESSAGE_VERSION}};
    int r;

    if (getrandom(hello.hello.nonce, sizeof hello.hello.nonce, 0) != sizeof hello.hello.nonce)
        return error_set(err, ERROR_INTERNAL, -errno, "getrandom: %s", strerror(errno));
    r = collector_start(s->collector, s->connection, NULL, hello.hello.nonce, err);
    s->deadline_ns = io_deadline_ms(SCAN_DEADLINE_HELLO_MS);
    if (r == 0)
        r = say(s, &hello, err);
    return r < 0 ? r : wait_for(s, MESSAGE_GUEST_HELLO, s->deadline_ns, err);
}

static int boot(struct session *s, struct error *err)
{
    char memory[24], *arguments[] = {"--memory", memory, NULL};
    const struct vm_options options = {
        .isolation = s->machine->isolation,
        .acceleration = s->machine->acceleration,
        .transport = s->machine->transport,
        .vcpus = 1,
        .memory_mib = SESSION_MEMORY_MIB,
        .image = s->machine->image,
        .agent_path = s->machine->agent_path,
        .agent_arguments = arguments,
        .console_fd = -1,
    };
    int r;

    (void)snprintf(memory, sizeof memory, "%u", SESSION_MEMORY_MIB);
    r = collector_prepare(&s->collector, err);
    if (r == 0)
        r = vm_start(&options, &s->vm, err);
    if (r == 0)
        r = confine_monitor(err);
    if (r == 0)
        r = vm_connect(s->vm, io_deadline_ms(SCAN_DEADLINE_CONNECT_MS), &s->connection, err);
    return r < 0 ? r : greet(s, err);
}

/* --- one file ---------------------------------------------------------------------------------------------- */

static void spoil(struct file *file, const struct error *reason)
{
    if (file->spoiled)
        return;
    file->spoiled = true;
    file->rule = reason->code == -ESTALE ? HOST_RULE_FILE_CHANGED : HOST_RULE_UNREADABLE;
    file->reason = *reason;
}

static int answer_read(struct session *s, struct file *file, const struct message_read *read, struct error *err)
{
    static uint8_t bytes[FRAME_CHUNK_MAX];
    const struct message unreadable = {.type = MESSAGE_UNREADABLE};
    struct frame_header header = {.type = MESSAGE_CHUNK, .size = read->size};
    struct error reason = {0};

    if (served_read(file->served, read->offset, read->size, bytes, &reason) < 0) {
        if (reason.kind == ERROR_INTERNAL) {
            *err = reason;
            return reason.code;
        }
        spoil(file, &reason);
        return say(s, &unreadable, err);
    }
    return frame_write(s->connection, s->deadline_ns, &header, bytes, err);
}

/* From SCAN to SCAN_DONE. */
static int talk(struct session *s, struct file *file, const char *path, struct error *err)
{
    uint64_t size = served_size(file->served);
    struct message message = {.type = MESSAGE_SCAN, .scan = {.index = s->files, .size = size}};
    int r;

    message.scan.name = (struct message_text){.data = path, .size = (uint32_t)strnlen(path, SCAN_NAME_MAX - 1)};
    s->deadline_ns = io_deadline_ms(SCAN_DEADLINE_FILE_MS + (size >> 20) * SCAN_DEADLINE_MIB_MS);
    r = collector_begin_scan(s->collector, s->files++, size, err);
    if (r == 0)
        r = say(s, &message, err);
    do {
        if (r == 0)
            r = next_message(s, s->deadline_ns, &message, err);
        if (r == 0)
            r = message.type == MESSAGE_READ ? answer_read(s, file, &message.read, err)
                                             : file_report_take(&file->report, &message, err);
    } while (r == 0 && message.type != MESSAGE_SCAN_DONE);
    return r;
}

/* The report of a file whose scan came to its end: only now its digest is known, and whether it stayed the same. */
static int conclude(struct session *s, size_t entry, struct file *file, struct error *err)
{
    uint64_t size = served_size(file->served);
    uint8_t sha256[SHA256_SIZE];
    struct error reason = {0};
    int r = 0;

    if (!file->spoiled && served_finish(file->served, sha256, &reason) < 0)
        spoil(file, &reason);
    if (file->spoiled)
        r = file_report_add(&file->report, file->rule, size, file->reason.text, err);
    return r < 0 ? r : emit_file(s, entry, &file->report, file->spoiled ? NULL : sha256, &size, err);
}

/* The report of a file that never reached the guest. */
static int refuse(struct session *s, size_t entry, struct file *file, enum host_rule rule, const uint64_t *size,
                  const char *detail, struct error *err)
{
    static const uint8_t nothing[1];
    uint8_t sha256[SHA256_SIZE];
    int r = file_report_add(&file->report, rule, size != NULL ? *size : 0, detail, err);

    sha256_of(nothing, 0, sha256);
    return r < 0 ? r : emit_file(s, entry, &file->report, rule == HOST_RULE_EMPTY ? sha256 : NULL, size, err);
}

/* ERROR_GUEST, after the report has gone out: the guest is of no use any more. */
static int scan_file(struct session *s, size_t index, struct file *file, struct error *err)
{
    const struct walk_entry *entry = &s->walk->entries[index];
    struct error reason = {0}, trouble = {0};
    CLEANUP_FD int fd = -1;
    uint64_t size;
    int r;

    if (walk_open(s->walk, entry, &fd, &reason) < 0)
        return refuse(s, index, file, reason.code == -EINVAL ? HOST_RULE_NOT_A_FILE : HOST_RULE_UNREADABLE, NULL,
                      reason.text, err);
    if (served_open(&fd, &file->served, &reason) < 0) {
        if (reason.kind != ERROR_BAD_INPUT) {
            *err = reason;
            return reason.code;
        }
        return refuse(s, index, file, HOST_RULE_TOO_LARGE, NULL, reason.text, err);
    }
    size = served_size(file->served);
    if (size == 0)
        return refuse(s, index, file, HOST_RULE_EMPTY, &size, "", err);
    if (s->vm == NULL) {
        r = boot(s, err);
        if (r < 0)
            return r;
    }
    r = talk(s, file, entry->path, &trouble);
    if (r == 0)
        return conclude(s, index, file, err);
    if (trouble.kind != ERROR_GUEST) {
        *err = trouble;
        return r;
    }
    r = file_report_add(&file->report, HOST_RULE_SCAN_FAILED, size, trouble.text, err);
    if (r == 0)
        r = emit_file(s, index, &file->report, NULL, &size, err);
    if (r < 0)
        return r;
    *err = trouble;
    return trouble.code;
}

static int scan_entry(struct session *s, size_t index, struct error *err)
{
    struct file file = {0};
    int r = file_report_start(&file.report, err);

    if (r == 0)
        r = scan_file(s, index, &file, err);
    file_report_free(&file.report);
    served_free(file.served);
    return r;
}

/* --- the session -------------------------------------------------------------------------------------------- */

static int part(struct session *s, struct error *err)
{
    const struct message bye = {.type = MESSAGE_BYE};
    int r = collector_part(s->collector, err);

    s->deadline_ns = io_deadline_ms(SCAN_DEADLINE_PART_MS);
    if (r == 0)
        r = say(s, &bye, err);
    return r < 0 ? r : wait_for(s, MESSAGE_GOODBYE, s->deadline_ns, err);
}

/* Ends the VM and looks whether anything is left. */
static int destroy(struct session *s, struct error *err)
{
    CLEANUP_FREE struct vm_record *record = calloc(1, sizeof *record);
    int r = 0;

    collector_free(s->collector);
    if (s->connection >= 0)
        (void)close(take_fd(&s->connection));
    if (record == NULL)
        r = error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for the VM's record");
    else if (s->vm != NULL)
        r = vm_destroy(s->vm, record, err);
    vm_free(s->vm);
    return r;
}

static void report_error(struct session *s, const struct error *error)
{
    const struct session_record record = {
        .type = SESSION_RECORD_ERROR, .kind = error->kind, .code = error->code, .size = (uint32_t)strlen(error->text)};

    (void)!emit(s, &record, error->text);
}

int session_run(const struct session_machine *machine, const struct walk *walk, size_t first, int output_fd)
{
    struct session s = {.machine = machine, .walk = walk, .output_fd = output_fd, .connection = -1};
    struct error error = {0}, left = {0};
    bool booted;
    int r = 0;

    for (size_t i = first; r == 0 && i < walk->count; i++)
        if (walk->entries[i].is_file)
            r = scan_entry(&s, i, &error);
    if (r == 0 && s.vm != NULL)
        r = part(&s, &error);
    booted = s.files > 0;
    if (destroy(&s, &left) < 0) {
        report_error(&s, &left);
        return 1;
    }
    /* A guest that failed at a file has been reported as that file's. */
    if (r < 0 && (error.kind != ERROR_GUEST || !booted))
        report_error(&s, &error);
    return r < 0 ? 1 : 0;
}
