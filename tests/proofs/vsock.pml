/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stream between the vsock device and Linux's driver, for spin: connecting, data both ways under credit, half-closing and
 * the end (VIRTIO 1.2, section 5.10.6; host/vsock-device/connection.c; Linux 6.1's virtio_transport_common.c).
 *
 * Proven for the buffers and amounts of the macros below, over every order of events: neither side ever has more in its
 * buffer than it advertised, no state is left in which all wait (spin's invalid end states), and when a stream has ended, every
 * byte came through. With -DOWN_QUARTER the device tells its progress after a quarter of its own buffer, with
 * -DNO_REQUEST it never asks for credit, and with -DASK_ONCE not again: spin must then find the deadlocks that these rules
 * are there for.
 *
 * A byte stands for a unit of data. Each channel holds CAPACITY packets, as the rings hold so many buffers. What is left out:
 * time (a connection that nobody answers ends by its deadline, in the code), and lies, for which the exhaustive tests are.
 */
#ifndef DEVICE_BUFFER
#define DEVICE_BUFFER 8
#endif
#ifndef GUEST_BUFFER
#define GUEST_BUFFER 4
#endif
#ifndef UPDATE_ROOM
#define UPDATE_ROOM 2 /* Linux tells its progress when less than this is left: 64 KiB there */
#endif
#ifndef TO_HOST /* units that the guest sends in all, and the host */
#define TO_HOST 3
#endif
#ifndef TO_GUEST
#define TO_GUEST 3
#endif
#define CAPACITY 2

#if DEVICE_BUFFER < GUEST_BUFFER
#define SMALLER DEVICE_BUFFER
#else
#define SMALLER GUEST_BUFFER
#endif
#ifdef OWN_QUARTER
#define THRESHOLD (DEVICE_BUFFER / 4)
#else
#define THRESHOLD (SMALLER / 4)
#endif

#define RECEIVE 1 /* bits of SHUTDOWN */
#define SEND    2
#define BOTH    3

/* What the device may send next (connection_has_packet). It asks when its own figure holds it back, for the guest may not
   know that it waits. */
#define OPEN     (nfull(to_guest) && !(guest_shut == BOTH && backlog == 0))
#define CREDIT   (SMALLER - (sent - peer_forwarded))
#define HAS_DATA (stage > 0 && CREDIT > 0)
#define BITS     ((stage == 0 -> SEND : 0) | (host_reads_no_more -> RECEIVE : 0))
#define HAS_END  ((BITS | own_shut) != own_shut)
#ifdef NO_REQUEST
#define MUST_ASK false
#else
#define MUST_ASK (stage > 0 && CREDIT == 0 && GUEST_BUFFER > DEVICE_BUFFER && !asked)
#endif

mtype = { REQUEST, RESPONSE, RST, RW, CREDIT_UPDATE, CREDIT_REQUEST, SHUTDOWN };

/* operation, its amount or bits, and the sender's fwd_cnt; buf_alloc is constant */
chan to_guest = [CAPACITY] of { mtype, byte, byte };
chan to_device = [CAPACITY] of { mtype, byte, byte };

byte host_got, guest_got; /* what the applications at both ends have read */
bool refused;

/* How many of `wanted` may go, under the credit and as much as one likes of it. */
inline choose(amount, wanted, credit)
{
    amount = 1;
    do
    :: amount < wanted && amount < credit -> amount++
    :: break
    od
}

/* When both have ended. It stands first, for spin lets processes go last born first. */
active proctype witness()
{
    (_nr_pr == 1) -> assert(refused || (host_got == TO_HOST && guest_got == TO_GUEST))
}

active proctype device()
{
    byte stage = TO_GUEST, sent, peer_forwarded;           /* host to guest */
    byte backlog, forwarded, told, guest_shut, own_shut;   /* guest to host */
    byte amount, credit;
    bool due, asked, again, host_reads_no_more;
    mtype operation;

    to_guest!REQUEST, 0, 0;
    to_device?operation, amount, peer_forwarded;
    if
    :: operation == RST -> refused = true; goto over
    :: else -> assert(operation == RESPONSE)
    fi;
    do
    /* A packet of the guest's, also while nothing can be sent. */
    :: to_device?operation, amount, peer_forwarded ->
        if
        :: operation == RW ->
            assert((guest_shut & SEND) == 0);
            assert(backlog + amount <= DEVICE_BUFFER);
            backlog = backlog + amount
        :: operation == CREDIT_REQUEST -> due = true
        :: operation == SHUTDOWN -> guest_shut = guest_shut | amount
        :: operation == RST -> goto over
        :: else
        fi;
#ifndef ASK_ONCE
        again = asked && CREDIT == 0
#endif
    /* Asked for credit, told of none: after a while it asks again. */
    :: asked && again -> atomic { asked = false; again = false }
    /* The host's application takes some. */
    :: backlog > 0 ->
        d_step {
            backlog--;
            host_got++;
            forwarded++;
            if
            :: forwarded - told >= THRESHOLD -> due = true
            :: else
            fi
        }
    /* It closes when it has all it waits for. */
    :: atomic { host_got == TO_HOST && stage == 0 && !host_reads_no_more -> host_reads_no_more = true }
    /* The guest has ended both ways and its data is drained. */
    :: guest_shut == BOTH && backlog == 0 && nfull(to_guest) -> to_guest!RST, 0, forwarded; goto over
    /* A packet for the guest, where there is a buffer: data, else the end, else a question, else an update. */
    :: OPEN && HAS_DATA ->
        atomic {
            credit = CREDIT;
            choose(amount, stage, credit);
            stage = stage - amount;
            sent = sent + amount;
            asked = false;
            again = false;
            due = false;
            told = forwarded;
            to_guest!RW, amount, forwarded
        }
    :: OPEN && !HAS_DATA && HAS_END ->
        atomic {
            own_shut = own_shut | BITS;
            due = false;
            told = forwarded;
            to_guest!SHUTDOWN, own_shut, forwarded
        }
    :: OPEN && !HAS_END && MUST_ASK ->
        atomic {
            asked = true;
            due = false;
            told = forwarded;
            to_guest!CREDIT_REQUEST, 0, forwarded
        }
    :: OPEN && due && !HAS_DATA && !HAS_END && !MUST_ASK ->
        atomic {
            due = false;
            told = forwarded;
            to_guest!CREDIT_UPDATE, 0, forwarded
        }
    od;
over:
    skip
}

active proctype guest()
{
    byte left = TO_HOST, sent, peer_forwarded; /* guest to host */
    byte buffer, forwarded, told, peer_shut;   /* host to guest */
    byte amount, credit;
    bool due, closed;
    mtype operation;

    to_guest?operation, amount, peer_forwarded;
    assert(operation == REQUEST);
    if
    :: to_device!RST, 0, 0; goto over /* nobody listens */
    :: to_device!RESPONSE, 0, 0
    fi;
    do
    :: to_guest?operation, amount, peer_forwarded ->
        if
        :: operation == RW ->
            assert(buffer + amount <= GUEST_BUFFER); /* Linux would drop it without a word */
            buffer = buffer + amount
        :: operation == CREDIT_REQUEST -> due = true
        :: operation == SHUTDOWN -> peer_shut = peer_shut | amount
        :: operation == RST -> goto over
        :: else
        fi
    :: peer_shut == BOTH && buffer == 0 && nfull(to_device) -> to_device!RST, 0, forwarded; goto over
    :: buffer > 0 -> /* the application reads */
        d_step {
            buffer--;
            guest_got++;
            forwarded++;
            if
            :: GUEST_BUFFER - (forwarded - told) < UPDATE_ROOM -> due = true
            :: else
            fi
        }
    :: due && nfull(to_device) -> atomic { due = false; told = forwarded; to_device!CREDIT_UPDATE, 0, forwarded }
    :: left > 0 && nfull(to_device) && (peer_shut & RECEIVE) == 0 && CREDIT > 0 ->
        atomic {
            credit = CREDIT;
            choose(amount, left, credit);
            left = left - amount;
            sent = sent + amount;
            told = forwarded;
            to_device!RW, amount, forwarded
        }
    /* All sent, and the host's end seen: the application closes, and waits for the RST. */
    :: left == 0 && (peer_shut & SEND) != 0 && buffer == 0 && !closed && nfull(to_device) ->
        atomic { closed = true; to_device!SHUTDOWN, BOTH, forwarded }
    od;
over:
    skip
}
