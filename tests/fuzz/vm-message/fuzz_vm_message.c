/* SPDX-License-Identifier: Apache-2.0 */
/* A supervisor or controller that QEMU has taken over: its records as the monitor reads them from their socket. */
#include "fuzz/stream_file.h"
#include "host/vm/message.h"
#include "host/vm/vm.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t room)
{
    if (strnlen(text, room) == room)
        abort();
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct message message;
    int fd = stream_of(data, size);

    while (message_receive(fd, &message, UINT64_MAX) == 0) {
        struct message_started started;
        struct message_exited exited;
        struct message_destroyed destroyed;
        struct error error;
        unsigned taken = 0;

        taken += message_parse_started(&message, &started) == 0;
        if (message_parse_failed(&message, &error) == 0) {
            taken++;
            if (error.code >= 0 || error.kind == ERROR_NONE || error.kind > ERROR_MISMATCH)
                abort();
            check_text(error.text, sizeof error.text);
        }
        if (message_parse_exited(&message, &exited) == 0) {
            taken++;
            if (exited.reason > VM_EXIT_DEVICE_BROKEN)
                abort();
            check_text(exited.detail, sizeof exited.detail);
        }
        if (message_parse_destroyed(&message, &destroyed) == 0) {
            taken++;
            check_text(destroyed.exit.detail, sizeof destroyed.exit.detail);
        }
        if (taken > 1) /* a record is of one kind */
            abort();
    }
    return 0;
}
