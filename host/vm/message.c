/* SPDX-License-Identifier: Apache-2.0 */
/* Records between monitor, supervisor and libvirt controller. */
#include "host/vm/message.h"

#include "base/io.h"
#include "host/vm/vm.h"

#include <errno.h>
#include <string.h>

#define HEADER_SIZE 8u

int message_send(int fd, enum message_type type, const struct buffer *payload, uint64_t deadline_ns)
{
    CLEANUP_BUFFER struct buffer record = buffer_with_limit(HEADER_SIZE + MESSAGE_PAYLOAD_MAX);
    uint32_t size = payload == NULL ? 0 : (uint32_t)payload->size;
    int r = buffer_append_u32le(&record, (uint32_t)type);

    if (r == 0)
        r = buffer_append_u32le(&record, size);
    if (r == 0 && size > 0)
        r = buffer_append(&record, payload->data, size);
    if (r == 0)
        r = io_write_full(fd, record.data, record.size, deadline_ns);
    return r;
}

int message_receive(int fd, struct message *ret_message, uint64_t deadline_ns)
{
    uint8_t header[HEADER_SIZE] = {0};
    struct cursor cursor = cursor_over(header, sizeof(header));
    uint32_t type, size;
    int r = io_read_full(fd, header, sizeof(header), deadline_ns);

    if (r < 0)
        return r;
    if (cursor_read_u32le(&cursor, &type) < 0 || cursor_read_u32le(&cursor, &size) < 0 || type < MESSAGE_STARTED ||
        type > MESSAGE_BOOT || size > MESSAGE_PAYLOAD_MAX)
        return -EBADMSG;
    r = size == 0 ? 0 : io_read_full(fd, ret_message->payload, size, deadline_ns);
    if (r < 0)
        return r;
    ret_message->type = (enum message_type)type;
    ret_message->size = size;
    return 0;
}

static int append_text(struct buffer *buffer, const char *text)
{
    size_t size = strlen(text);
    int r = buffer_append_u32le(buffer, (uint32_t)size);

    return r < 0 ? r : buffer_append(buffer, text, size);
}

/* Control characters become '?': the text may have passed through QEMU. */
static int read_text(struct cursor *cursor, char *ret_text, size_t room)
{
    uint32_t size;

    if (cursor_read_u32le(cursor, &size) < 0 || size >= room || cursor_left(cursor) < size)
        return -EBADMSG;
    if (cursor_copy(cursor, ret_text, size) < 0)
        return -EBADMSG;
    ret_text[size] = '\0';
    for (uint32_t i = 0; i < size; i++)
        if ((unsigned char)ret_text[i] < ' ' || ret_text[i] == 0x7f)
            ret_text[i] = '?';
    return 0;
}

static int at_end(const struct cursor *cursor)
{
    return cursor_left(cursor) == 0 ? 0 : -EBADMSG;
}

int message_send_started(int fd, const struct message_started *started, uint64_t deadline_ns)
{
    CLEANUP_BUFFER struct buffer payload = buffer_with_limit(MESSAGE_PAYLOAD_MAX);
    int r = buffer_append_u32le(&payload, started->qemu_pid);

    if (r == 0)
        r = buffer_append_u32le(&payload, started->cid);
    if (r == 0)
        r = buffer_append_u32le(&payload, started->qemu_version);
    if (r == 0)
        r = buffer_append_u32le(&payload, started->libvirt_version);
    return r < 0 ? r : message_send(fd, MESSAGE_STARTED, &payload, deadline_ns);
}

int message_parse_started(const struct message *message, struct message_started *ret)
{
    struct cursor cursor = cursor_over(message->payload, message->size);
    struct message_started started;

    if (message->type != MESSAGE_STARTED || cursor_read_u32le(&cursor, &started.qemu_pid) < 0 ||
        cursor_read_u32le(&cursor, &started.cid) < 0 || cursor_read_u32le(&cursor, &started.qemu_version) < 0 ||
        cursor_read_u32le(&cursor, &started.libvirt_version) < 0 || at_end(&cursor) < 0)
        return -EBADMSG;
    *ret = started;
    return 0;
}

int message_send_failed(int fd, const struct error *error, uint64_t deadline_ns)
{
    CLEANUP_BUFFER struct buffer payload = buffer_with_limit(MESSAGE_PAYLOAD_MAX);
    int r = buffer_append_u32le(&payload, (uint32_t)error->kind);

    if (r == 0)
        r = buffer_append_u32le(&payload, (uint32_t)-error->code);
    if (r == 0)
        r = append_text(&payload, error->text);
    return r < 0 ? r : message_send(fd, MESSAGE_FAILED, &payload, deadline_ns);
}

int message_parse_failed(const struct message *message, struct error *ret)
{
    struct cursor cursor = cursor_over(message->payload, message->size);
    struct error error;
    uint32_t kind, code;

    if (message->type != MESSAGE_FAILED || cursor_read_u32le(&cursor, &kind) < 0 ||
        cursor_read_u32le(&cursor, &code) < 0 || kind < ERROR_USAGE || kind > ERROR_MISMATCH || code == 0 ||
        code > 4095 || read_text(&cursor, error.text, sizeof(error.text)) < 0 || at_end(&cursor) < 0)
        return -EBADMSG;
    error.kind = (enum error_kind)kind;
    error.code = -(int)code;
    *ret = error;
    return 0;
}

static int append_exited(struct buffer *payload, const struct message_exited *exited)
{
    int r = buffer_append_u32le(payload, exited->reason);

    return r < 0 ? r : append_text(payload, exited->detail);
}

static int read_exited(struct cursor *cursor, struct message_exited *ret)
{
    if (cursor_read_u32le(cursor, &ret->reason) < 0 || ret->reason > VM_EXIT_DEVICE_BROKEN)
        return -EBADMSG;
    return read_text(cursor, ret->detail, sizeof(ret->detail));
}

int message_send_exited(int fd, const struct message_exited *exited, uint64_t deadline_ns)
{
    CLEANUP_BUFFER struct buffer payload = buffer_with_limit(MESSAGE_PAYLOAD_MAX);
    int r = append_exited(&payload, exited);

    return r < 0 ? r : message_send(fd, MESSAGE_EXITED, &payload, deadline_ns);
}

int message_parse_exited(const struct message *message, struct message_exited *ret)
{
    struct cursor cursor = cursor_over(message->payload, message->size);
    struct message_exited exited;

    if (message->type != MESSAGE_EXITED || read_exited(&cursor, &exited) < 0 || at_end(&cursor) < 0)
        return -EBADMSG;
    *ret = exited;
    return 0;
}

int message_send_destroyed(int fd, const struct message_destroyed *destroyed, uint64_t deadline_ns)
{
    CLEANUP_BUFFER struct buffer payload = buffer_with_limit(MESSAGE_PAYLOAD_MAX);
    const uint64_t numbers[] = {destroyed->peak_memory_kib, destroyed->cpu_ns, destroyed->console_bytes,
                                destroyed->console_dropped};
    int r = append_exited(&payload, &destroyed->exit);

    for (size_t i = 0; r == 0 && i < sizeof(numbers) / sizeof(numbers[0]); i++)
        r = buffer_append_u64le(&payload, numbers[i]);
    return r < 0 ? r : message_send(fd, MESSAGE_DESTROYED, &payload, deadline_ns);
}

int message_parse_destroyed(const struct message *message, struct message_destroyed *ret)
{
    struct cursor cursor = cursor_over(message->payload, message->size);
    struct message_destroyed destroyed;

    if (message->type != MESSAGE_DESTROYED || read_exited(&cursor, &destroyed.exit) < 0 ||
        cursor_read_u64le(&cursor, &destroyed.peak_memory_kib) < 0 ||
        cursor_read_u64le(&cursor, &destroyed.cpu_ns) < 0 || cursor_read_u64le(&cursor, &destroyed.console_bytes) < 0 ||
        cursor_read_u64le(&cursor, &destroyed.console_dropped) < 0 || at_end(&cursor) < 0)
        return -EBADMSG;
    *ret = destroyed;
    return 0;
}
