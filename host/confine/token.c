/* SPDX-License-Identifier: Apache-2.0 */
/* The confinement of a signer whose key is in a token. */
#include "host/confine/token.h"

#include "host/confine/confine.h"
#include "host/confine/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

int confine_token_begin(int socket, struct error *err)
{
    if (confine_close_others(&socket, 1) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "lazaret-token: can't confine this process: close_range: %s",
                         strerror(errno));
    return 0;
}

int confine_token(struct error *err)
{
    (void)prctl(PR_SET_NAME, "lazaret-token");
    return confine_without_changes("lazaret-token", err);
}
