/* SPDX-License-Identifier: Apache-2.0 */
/* Plays the host to an agent whose worker is taken over by the model (tests/vm/workers): one way an argument. */
#include "unit/guest/agent/play_host.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int take_over(const char *way)
{
    struct play play = {0};
    bool failed;

    if (play_plan_digits(&play, "examples/digits/clean.onnx") < 0)
        return 1;
    (void)snprintf((char *)play.model, play.plan.model_size, "take over: %s", way);
    play.plan.model_size = strlen((const char *)play.model);
    sha256_of(play.model, play.plan.model_size, play.plan.model_sha256);
    if (play_start(&play, NULL) < 0)
        return 1;
    failed = play_import(&play) < 0 && play.failed;
    (void)play_end(&play);
    free(play.model);
    printf("%s: %s\n", way, play.failure_text);
    return failed ? 0 : 1;
}

int main(int count, char **values)
{
    int r = 0;

    (void)signal(SIGPIPE, SIG_IGN);
    for (int i = 1; i < count; i++)
        r |= take_over(values[i]);
    return r;
}
