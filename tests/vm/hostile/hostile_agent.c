/* SPDX-License-Identifier: Apache-2.0 */
/* An agent that misbehaves in one way, chosen when it is compiled. It runs where the real one does: VM or process. */
#include "base/io.h"
#include "guest/agent/listener.h"
#include "guest/init/init.h"
#include "wire/message.h"

#include <stdio.h>
#include <string.h>

enum hostile_mode {
    HOSTILE_DIES,      /* greets, then ends */
    HOSTILE_GARBAGE,   /* sends noise instead of frames */
    HOSTILE_SILENT,    /* accepts and never says a word */
    HOSTILE_TRUNCATED, /* announces a long frame and hangs up in its middle */
    HOSTILE_FORGED,    /* greets, is ready once it is told to import, and sends predictions that nobody asked for */
    HOSTILE_FLOOD,     /* greets, then sends progress without end */
    HOSTILE_FINDINGS,  /* told to scan a file, finds more than it may say */
    HOSTILE_VERDICT,   /* told to scan a file, finds an attack and calls it allowed */
    HOSTILE_RANGES,    /* told to scan a file, asks for bytes beyond its end */
};

static void send_message(int fd, const struct message *message)
{
    CLEANUP_BUFFER struct buffer frame = buffer_with_limit((size_t)2 * FRAME_PAYLOAD_MAX);

    if (message_encode(message, &frame) == 0)
        (void)!io_write_full(fd, frame.data, frame.size, IO_NO_DEADLINE);
}

/* Answers HELLO as the real agent does. */
static void greet(int fd)
{
    CLEANUP_BUFFER struct buffer payload = buffer_with_limit(FRAME_PAYLOAD_MAX);
    struct message message = {.type = MESSAGE_GUEST_HELLO,
                              .guest_hello = {.version = MESSAGE_VERSION, .processors = 1}};
    struct frame_header header;
    struct message hello;

    if (frame_read(fd, IO_NO_DEADLINE, &header, &payload, NULL) < 0 ||
        message_decode(&header, payload.data, &hello, NULL) < 0)
        return;
    memcpy(message.guest_hello.nonce, hello.hello.nonce, SHA256_SIZE);
    message.guest_hello.agent = (struct message_text){.data = "hostile", .size = 7};
    message.guest_hello.cpu = (struct message_text){.data = "none", .size = 4};
    send_message(fd, &message);
}

/* Reads the host's frames until one of this type. */
static void wait_for(int fd, enum message_type type)
{
    CLEANUP_BUFFER struct buffer payload = buffer_with_limit(FRAME_PAYLOAD_MAX);
    struct frame_header header = {0};

    while (header.type != type)
        if (frame_read(fd, IO_NO_DEADLINE, &header, &payload, NULL) < 0)
            return;
}

static void send_garbage(int fd)
{
    uint8_t noise[4096];

    for (unsigned i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)(i * 2654435761u >> 13);
    for (unsigned i = 0; i < 256; i++)
        if (io_write_full(fd, noise, sizeof noise, IO_NO_DEADLINE) < 0)
            break;
}

static void forge(int fd)
{
    static const uint8_t classes[4] = {0};
    struct message ready = {.type = MESSAGE_READY, .ready = {.classes = 10}};
    struct message predictions = {.type = MESSAGE_PREDICTIONS,
                                  .predictions = {.count = 1, .classes = {.data = classes, .size = sizeof classes}}};

    greet(fd);
    wait_for(fd, MESSAGE_IMPORT);
    send_message(fd, &ready);
    send_message(fd, &predictions);
}

static void flood(int fd)
{
    struct message progress = {.type = MESSAGE_PROGRESS, .progress = {.total = 1}};

    greet(fd);
    for (unsigned i = 0; i < 1000000; i++)
        send_message(fd, &progress);
}

/* Findings without end, or one and a verdict that does not follow. */
static void find(int fd, unsigned count, enum scan_severity severity)
{
    const struct message finding = {.type = MESSAGE_FINDING,
                                    .finding = {.severity = severity,
                                                .rule = {.data = "made-up", .size = 7},
                                                .detail = {.data = "nothing", .size = 7}}};
    struct message done = {.type = MESSAGE_SCAN_DONE, .scan_done = {.verdict = SCAN_ALLOWED}};

    greet(fd);
    wait_for(fd, MESSAGE_SCAN);
    for (unsigned i = 0; i < count; i++)
        send_message(fd, &finding);
    done.scan_done.counts[severity] = count;
    send_message(fd, &done);
}

static void reach_out(int fd)
{
    const struct message read = {.type = MESSAGE_READ, .read = {.offset = UINT64_C(1) << 40, .size = 1}};

    greet(fd);
    wait_for(fd, MESSAGE_SCAN);
    send_message(fd, &read);
}

static void misbehave(int fd)
{
    static const uint8_t torn[FRAME_HEADER_SIZE + 1] = {'L', 'A', 'Z', '1', MESSAGE_GUEST_HELLO, 0, 0, 0, 0, 0, 8, 0};

    switch (HOSTILE_MODE) {
    case HOSTILE_DIES:
        greet(fd);
        _exit(1);
    case HOSTILE_GARBAGE:
        send_garbage(fd);
        break;
    case HOSTILE_TRUNCATED:
        (void)!io_write_full(fd, torn, sizeof torn, IO_NO_DEADLINE);
        return;
    case HOSTILE_FORGED:
        forge(fd);
        break;
    case HOSTILE_FLOOD:
        flood(fd);
        break;
    case HOSTILE_FINDINGS:
        find(fd, 100000, SCAN_INFO);
        break;
    case HOSTILE_VERDICT:
        find(fd, 1, SCAN_CRITICAL);
        break;
    case HOSTILE_RANGES:
        reach_out(fd);
        break;
    case HOSTILE_SILENT:
        break;
    }
    for (;;)
        (void)pause();
}

int main(int count, char **values)
{
    int fd = -1;

    if (init_is_vm()) {
        if (init_prepare(NULL) < 0 || listener_accept_host(&fd, NULL) < 0)
            return 1;
    } else {
        for (int i = 1; i + 1 < count; i++)
            if (strcmp(values[i], "--stream-fd") == 0)
                fd = atoi(values[i + 1]);
    }
    misbehave(fd);
    return 0;
}
