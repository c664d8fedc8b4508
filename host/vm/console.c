/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's console, capped. */
#include "host/vm/console.h"

#include "base/io.h"
#include "host/vm/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#define CONSOLE_PIECE     65536u
#define CONSOLE_DRAIN_MAX 16u

static int make_fifo(const char *path, uid_t owner, struct error *err)
{
    if (mkfifo(path, 0600) < 0 || chown(path, owner, owner) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "%s: %s", path, strerror(errno));
    return 0;
}

int console_open(struct console *ret_console, int file_fd, uint64_t max, uid_t owner, struct error *err)
{
    struct console console = {.pipe_fd = -1, .write_fd = -1, .file_fd = file_fd, .room = max};
    int r = make_fifo(SANDBOX_CONSOLE ".in", owner, err);

    if (r == 0)
        r = make_fifo(SANDBOX_CONSOLE ".out", owner, err);
    if (r < 0)
        return r;
    console.pipe_fd = open(SANDBOX_CONSOLE ".out", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    console.write_fd = open(SANDBOX_CONSOLE ".out", O_WRONLY | O_CLOEXEC);
    if (console.pipe_fd < 0 || console.write_fd < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "%s.out: %s", SANDBOX_CONSOLE, strerror(errno));
    *ret_console = console;
    return 0;
}

static bool read_piece(struct console *console)
{
    static char data[CONSOLE_PIECE];
    ssize_t size = read(console->pipe_fd, data, sizeof(data));
    uint64_t keep;

    if (size <= 0)
        return false;
    keep = (uint64_t)size < console->room ? (uint64_t)size : console->room;
    /* A file that can't take it (a full disk) loses the console, not the job. */
    if (console->file_fd < 0 || (keep > 0 && io_write_full(console->file_fd, data, (size_t)keep, io_now_ns()) < 0))
        keep = 0;
    console->room -= keep;
    console->written += keep;
    console->dropped += (uint64_t)size - keep;
    return true;
}

void console_read(struct console *console)
{
    (void)read_piece(console);
}

void console_drain(struct console *console)
{
    for (unsigned i = 0; i < CONSOLE_DRAIN_MAX && read_piece(console); i++)
        ;
}
