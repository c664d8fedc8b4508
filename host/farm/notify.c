/* SPDX-License-Identifier: Apache-2.0 */
/* Telling systemd how a service is. */
#include "host/farm/notify.h"

#include "base/cleanup.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* A name that begins with '@' is an abstract one (unix(7)). Who does not hear it loses nothing. */
static void tell(const char *text)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CLEANUP_FD int fd = -1;
    size_t size;

    if (name == NULL || (name[0] != '/' && name[0] != '@'))
        return;
    size = strlen(name);
    if (size >= sizeof address.sun_path)
        return;
    memcpy(address.sun_path, name, size);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&address,
                     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size));
}

void notify_ready(void)
{
    tell("READY=1");
}

void notify_alive(void)
{
    tell("WATCHDOG=1");
}

void notify_stopping(void)
{
    tell("STOPPING=1");
}
