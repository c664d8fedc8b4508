/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the machine's time can be believed. */
#include "host/doctor/internal.h"

void doctor_check_clock(struct doctor *d)
{
    if (!d->facts.clock_known)
        doctor_advise(doctor_say(d, "clock", DOCTOR_NOTE, "the kernel does not tell whether it is synchronised"),
                      "results carry its time: see that it is right, or use --tsa");
    else if (!d->facts.clock_synced)
        doctor_advise(
            doctor_say(d, "clock", DOCTOR_NOTE, "not synchronised: keys, sign-offs and waivers are valid by it"),
            "apt-get install systemd-timesyncd or chrony; --tsa has an authority say the time");
    else
        (void)doctor_say(d, "clock", DOCTOR_OK, "synchronised");
}
