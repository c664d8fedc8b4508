/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest agent for the boot tests: echoes one stream, or misbehaves on demand.
 *
 * The first byte of the stream says what to do: 'e' echo until the end; 'c' PID 1 exits (a panic);
 * 'f' flood the console for ever; 'h' hang; 'o' power off at once; 'w' tell what is seen of the
 * machine.
 */
#include "guest/init/init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define AGENT_PORT 1024u
#define HOST_CID   2u

static int accept_host(void)
{
    struct sockaddr_vm address = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = AGENT_PORT};
    socklen_t size = sizeof(address);
    int listener = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int stream;

    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(listener, 1) < 0)
        return -errno;
    stream = accept(listener, (struct sockaddr *)&address, &size);
    if (stream < 0 || address.svm_cid != HOST_CID)
        return stream < 0 ? -errno : -EPERM;
    (void)close(listener);
    return stream;
}

static void echo(int stream)
{
    static char data[65536];
    ssize_t size;

    while ((size = read(stream, data, sizeof(data))) > 0)
        for (ssize_t done = 0; done < size;) {
            ssize_t r = write(stream, data + done, (size_t)(size - done));

            if (r <= 0)
                return;
            done += r;
        }
}

static void flood(void)
{
    static char line[4096];

    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\n';
    for (;;)
        (void)!write(STDOUT_FILENO, line, sizeof(line));
}

static void list(int stream, const char *folder, const char *title)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);

    (void)dprintf(stream, "%s", title);
    for (int i = 0; i < count; i++)
        if (entries[i]->d_name[0] != '.')
            (void)dprintf(stream, " %s", entries[i]->d_name);
}

/* The interfaces of the network namespace, from /proc/net/dev: two lines of titles, then one each. */
static void list_interfaces(int stream)
{
    FILE *file = fopen("/proc/net/dev", "re");
    char line[256], name[32];

    (void)dprintf(stream, " interfaces");
    for (int number = 0; file != NULL && fgets(line, sizeof(line), file) != NULL; number++)
        if (number >= 2 && sscanf(line, " %31[^:]:", name) == 1)
            (void)dprintf(stream, " %s", name);
}

static void tell_view(int stream)
{
    (void)dprintf(stream, "uid %u", getuid());
    list(stream, "/", " /");
    list_interfaces(stream);
    (void)dprintf(stream, " writable %s", open("/x", O_WRONLY | O_CREAT, 0600) >= 0 ? "yes" : "no");
    (void)dprintf(stream, " kill %s", kill(1, SIGTERM) == 0 ? "yes" : "no");
}

int main(int argc, char **argv)
{
    struct error error = {.kind = ERROR_NONE};
    char command = 'e';
    int stream;

    if (init_is_vm() && init_prepare(&error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        init_power_off();
    }
    if (argc >= 3 && strcmp(argv[1], "--stream-fd") == 0)
        stream = atoi(argv[2]);
    else
        stream = accept_host();
    if (stream < 0)
        fprintf(stderr, "echo-agent: %s\n", strerror(-stream));
    if (stream >= 0 && read(stream, &command, 1) == 1) {
        if (command == 'e')
            echo(stream);
        else if (command == 'c')
            _exit(7);
        else if (command == 'f')
            flood();
        else if (command == 'w')
            tell_view(stream);
        else if (command == 'h')
            pause();
    }
    init_power_off();
}
