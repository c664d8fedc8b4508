/* SPDX-License-Identifier: Apache-2.0 */
/* Telling systemd how a service is (sd_notify(3)'s protocol): a datagram to $NOTIFY_SOCKET; nothing where there is
 * none. */
#ifndef LAZARET_HOST_FARM_NOTIFY_H
#define LAZARET_HOST_FARM_NOTIFY_H

void notify_ready(void);    /* it works */
void notify_alive(void);    /* for the watchdog */
void notify_stopping(void); /* it is ending */

#endif
