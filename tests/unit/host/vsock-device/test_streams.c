/* SPDX-License-Identifier: Apache-2.0 */
/* Streams through the device: bytes, credit, ends, several at once, pauses, confinement. */
#include "front_end.h"

#include "base/io.h"
#include "host/vsock-device/connection.h"
#include "unit/harness.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>

#define STREAM_BYTES ((size_t)6 << 20) /* each way */
#define GUEST_BUFFER ((uint32_t)256 * 1024)
#define PORT         1024u

static struct front_end fe;
static struct front_end_packet packet;
static uint8_t out[STREAM_BYTES], in[STREAM_BYTES];

static void fill(uint8_t *data, size_t size, uint32_t seed)
{
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525u + 1013904223u;
        data[i] = (uint8_t)(seed >> 24);
    }
}

static void join_well(void)
{
    struct error err;

    CU_ASSERT_EQUAL(front_end_join(&fe, &err), 0);
}

/* A guest that echoes a whole stream, as careful with credit as Linux is. */
static void echo_stream(const struct front_end_options *options)
{
    struct virtio_vsock_hdr request;
    size_t written = 0, read_back = 0, got = 0, sent = 0;
    uint32_t device_alloc, device_fwd = 0, told = 0;
    uint64_t deadline = io_deadline_ms(60000);
    int fd;

    front_end_start(&fe, options);
    fd = front_end_open(&fe, PORT, GUEST_BUFFER, &request);
    device_alloc = request.buf_alloc;
    fill(out, sizeof out, 7);
    while (read_back < sizeof out && io_now_ns() < deadline) {
        ssize_t count = written < sizeof out ? write(fd, out + written, sizeof out - written) : 0;
        uint32_t room;

        written += count > 0 ? (size_t)count : 0;
        while (front_end_receive(&fe, &packet, 0)) {
            if (packet.header.op == VIRTIO_VSOCK_OP_RW) {
                CU_ASSERT_FATAL(got + packet.header.len <= sizeof in);
                memcpy(in + got, packet.payload, packet.header.len);
                got += packet.header.len;
                CU_ASSERT((uint32_t)got - told <= GUEST_BUFFER); /* never over-sent */
            }
            device_alloc = packet.header.buf_alloc;
            device_fwd = packet.header.fwd_cnt;
        }
        /* Linux caps its credit at its own buffer's size, too. */
        room = (device_alloc < GUEST_BUFFER ? device_alloc : GUEST_BUFFER) - ((uint32_t)sent - device_fwd);
        while (sent < got && room > 0) {
            uint32_t size = got - sent < 60000 ? (uint32_t)(got - sent) : 60000;
            struct virtio_vsock_hdr header;

            size = size < room ? size : room;
            header = front_end_header(&request, VIRTIO_VSOCK_OP_RW, size);
            header.fwd_cnt = told = (uint32_t)sent + size;
            CU_ASSERT_FATAL(front_end_transmit(&fe, &header, in + sent));
            sent += size;
            room -= size;
        }
        count = read(fd, in + read_back, sent - read_back);
        if (count > 0) {
            CU_ASSERT(memcmp(in + read_back, out + read_back, (size_t)count) == 0);
            read_back += (size_t)count;
        }
    }
    CU_ASSERT_EQUAL(read_back, sizeof out);
    CU_ASSERT(memcmp(in, out, sizeof out) == 0);
    (void)close(fd);
    join_well();
}

static void test_echo_single(void)
{
    echo_stream(&(struct front_end_options){0});
}

static void test_echo_split(void)
{
    echo_stream(&(struct front_end_options){.rx_style = STYLE_SPLIT, .tx_style = STYLE_SPLIT});
}

static void test_echo_indirect(void)
{
    echo_stream(&(struct front_end_options){.rx_style = STYLE_INDIRECT, .tx_style = STYLE_INDIRECT});
}

static void test_echo_without_event_idx(void)
{
    echo_stream(&(struct front_end_options){.no_event_idx = true, .tx_style = STYLE_SPLIT});
}

static void test_echo_confined(void)
{
    echo_stream(&(struct front_end_options){.confined = true});
}

/* Who gives up is told at once; who does not, once it has been long enough. */
static void test_not_ready(void)
{
    uint64_t start_ns;
    int fd;

    front_end_start(&fe, &(struct front_end_options){.no_start = true});
    (void)close(front_end_ask(&fe, PORT, 5));
    CU_ASSERT_EQUAL(front_end_answer(&fe, 5), -ECANCELED);
    start_ns = io_now_ns();
    fd = front_end_ask(&fe, PORT, 6);
    CU_ASSERT_EQUAL(front_end_answer(&fe, 6), -ENOTCONN);
    CU_ASSERT(io_now_ns() - start_ns >= CONNECTION_CONNECT_TIMEOUT_MS * IO_NS_PER_MS);
    (void)close(fd);
    join_well();
}

/* A request that came before the guest was up goes to it once it is, once, and has its whole time for an answer. */
static void test_asked_too_early(void)
{
    struct virtio_vsock_hdr answer;
    int fd;

    front_end_start(&fe, &(struct front_end_options){.no_start = true});
    fd = front_end_ask(&fe, PORT, 5);
    CU_ASSERT(io_wait(fe.control, POLLIN, io_deadline_ms(100)) < 0);
    front_end_send(&fe, 2, &fe.features, sizeof fe.features, NULL, 0);
    front_end_set_memory(&fe, fe.memfd);
    front_end_add_rx(&fe, FRONT_END_QUEUE);
    front_end_start_queue(&fe, 0, 0);
    front_end_start_queue(&fe, 1, 0);
    CU_ASSERT_FATAL(front_end_expect(&fe, VIRTIO_VSOCK_OP_REQUEST, &packet));
    CU_ASSERT_EQUAL(packet.header.dst_port, PORT);
    answer = front_end_header(&packet.header, VIRTIO_VSOCK_OP_RESPONSE, 0);
    CU_ASSERT(front_end_transmit(&fe, &answer, NULL));
    CU_ASSERT_EQUAL(front_end_answer(&fe, 5), 0);
    CU_ASSERT_FALSE(front_end_receive(&fe, &packet, 50));
    (void)close(fd);
    join_well();
}

static void test_refused(void)
{
    struct virtio_vsock_hdr reset;
    uint8_t byte;
    int fd;

    front_end_start(&fe, &(struct front_end_options){0});
    fd = front_end_ask(&fe, PORT, 1);
    CU_ASSERT_FATAL(front_end_expect(&fe, VIRTIO_VSOCK_OP_REQUEST, &packet));
    CU_ASSERT_EQUAL(packet.header.src_cid, 2);
    CU_ASSERT_EQUAL(packet.header.dst_cid, FRONT_END_CID);
    CU_ASSERT_EQUAL(packet.header.dst_port, PORT);
    CU_ASSERT_EQUAL(packet.header.type, 1);
    CU_ASSERT(packet.header.buf_alloc > 0);
    reset = front_end_header(&packet.header, VIRTIO_VSOCK_OP_RST, 0);
    CU_ASSERT(front_end_transmit(&fe, &reset, NULL));
    CU_ASSERT_EQUAL(front_end_answer(&fe, 1), -ECONNREFUSED);
    CU_ASSERT_EQUAL(io_wait(fd, POLLIN, io_deadline_ms(FRONT_END_WAIT_MS)), 0);
    CU_ASSERT_EQUAL(read(fd, &byte, 1), 0);
    (void)close(fd);
    join_well();
}

static void test_silent_guest(void)
{
    int fd;

    front_end_start(&fe, &(struct front_end_options){0});
    fd = front_end_ask(&fe, PORT, 1);
    CU_ASSERT(front_end_expect(&fe, VIRTIO_VSOCK_OP_REQUEST, &packet));
    CU_ASSERT_EQUAL(front_end_answer(&fe, 1), -ETIMEDOUT);
    CU_ASSERT(front_end_expect(&fe, VIRTIO_VSOCK_OP_RST, &packet));
    (void)close(fd);
    join_well();
}

static void test_asker_gives_up(void)
{
    int fd;

    front_end_start(&fe, &(struct front_end_options){0});
    fd = front_end_ask(&fe, PORT, 1);
    CU_ASSERT(front_end_expect(&fe, VIRTIO_VSOCK_OP_REQUEST, &packet));
    (void)close(fd);
    CU_ASSERT_EQUAL(front_end_answer(&fe, 1), -ECANCELED);
    CU_ASSERT(front_end_expect(&fe, VIRTIO_VSOCK_OP_RST, &packet));
    join_well();
}

/* Takes RW packets until none comes for a while; returns their bytes. */
static size_t take_data(void)
{
    size_t total = 0;

    while (front_end_receive(&fe, &packet, 100))
        if (packet.header.op == VIRTIO_VSOCK_OP_RW)
            total += packet.header.len;
    return total;
}

static void test_credit_never_exceeded(void)
{
    struct virtio_vsock_hdr request, update;
    int fd;

    front_end_start(&fe, &(struct front_end_options){0});
    fd = front_end_open(&fe, PORT, 1000, &request);
    CU_ASSERT(write(fd, out, 100000) == 100000);
    CU_ASSERT_EQUAL(take_data(), 1000);
    update = front_end_header(&request, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
    update.buf_alloc = 5000;
    update.fwd_cnt = 700;
    CU_ASSERT(front_end_transmit(&fe, &update, NULL));
    CU_ASSERT_EQUAL(take_data(), 4700);
    update.buf_alloc = 10; /* the buffer shrinks below what is in flight: no credit, no wrap */
    update.fwd_cnt = 700;
    CU_ASSERT(front_end_transmit(&fe, &update, NULL));
    CU_ASSERT_EQUAL(take_data(), 0);
    update.buf_alloc = UINT32_MAX;
    update.fwd_cnt = 6000; /* more than was sent: nonsense gives no credit */
    CU_ASSERT(front_end_transmit(&fe, &update, NULL));
    CU_ASSERT_EQUAL(take_data(), 0);
    (void)close(fd);
    join_well();
}

/* A guest with a larger buffer than the device's never tells its progress before that is mostly
   used; the device, which stops at its own figure, has to ask. */
static void test_credit_requested(void)
{
    struct virtio_vsock_hdr request, update;
    size_t written = 0, got = 0;
    bool asked = false;
    int fd;

    front_end_start(&fe, &(struct front_end_options){0});
    fd = front_end_open(&fe, PORT, 4u << 20, &request);
    while (!asked) {
        ssize_t count = write(fd, out + written, sizeof out - written);

        written += count > 0 ? (size_t)count : 0;
        CU_ASSERT_FATAL(front_end_receive(&fe, &packet, FRONT_END_WAIT_MS));
        if (packet.header.op == VIRTIO_VSOCK_OP_RW)
            got += packet.header.len;
        else
            asked = packet.header.op == VIRTIO_VSOCK_OP_CREDIT_REQUEST;
    }
    CU_ASSERT_EQUAL(got, request.buf_alloc);
    update = front_end_header(&request, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
    update.buf_alloc = 4u << 20;
    /* The program in the guest has read nothing yet, and nothing more will be said of itself when it has. */
    CU_ASSERT(front_end_transmit(&fe, &update, NULL));
    CU_ASSERT(front_end_expect(&fe, VIRTIO_VSOCK_OP_CREDIT_REQUEST, &packet));
    update.fwd_cnt = (uint32_t)got;
    CU_ASSERT(front_end_transmit(&fe, &update, NULL));
    CU_ASSERT(take_data() > 0);
    (void)close(fd);
    join_well();
}

/* The deadlock met in practice: the guest blocks itself at its own buffer's size, so that an update
   must come after a quarter of that, however large the device's buffer is. */
static void test_credit_update_in_time(void)
{
    const uint32_t own = 64 * 1024;
    struct virtio_vsock_hdr request, header;
    uint32_t fwd = 0;
    int fd;

    front_end_start(&fe, &(struct front_end_options){0});
    fd = front_end_open(&fe, PORT, own, &request);
    for (uint32_t sent = 0; sent < 4 * own; sent += 4096) {
        while (sent - fwd > own - 4096) {
            CU_ASSERT_FATAL(front_end_expect(&fe, VIRTIO_VSOCK_OP_CREDIT_UPDATE, &packet));
            fwd = packet.header.fwd_cnt;
        }
        header = front_end_header(&request, VIRTIO_VSOCK_OP_RW, 4096);
        header.buf_alloc = own;
        CU_ASSERT_FATAL(front_end_transmit(&fe, &header, out));
        CU_ASSERT_EQUAL_FATAL(io_read_full(fd, in, 4096, io_deadline_ms(FRONT_END_WAIT_MS)), 0);
    }
    header = front_end_header(&request, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0);
    CU_ASSERT(front_end_transmit(&fe, &header, NULL));
    do
        CU_ASSERT_FATAL(front_end_expect(&fe, VIRTIO_VSOCK_OP_CREDIT_UPDATE, &packet))
    while (packet.header.fwd_cnt != 4 * own);
    (void)close(fd);
    join_well();
}

/* A host that doesn't read: the guest's credit ends, and who goes on beyond it is reset. */
static void test_host_does_not_read(void)
{
    struct virtio_vsock_hdr request, header;
    uint32_t sent = 0, fwd = 0, before;
    int fd;

    front_end_start(&fe, &(struct front_end_options){0});
    fd = front_end_open(&fe, PORT, GUEST_BUFFER, &request);
    header = front_end_header(&request, VIRTIO_VSOCK_OP_RW, 32768);
    do {
        before = sent;
        while (sent - fwd + 32768 <= request.buf_alloc) {
            CU_ASSERT_FATAL(front_end_transmit(&fe, &header, out));
            sent += 32768;
        }
        while (front_end_receive(&fe, &packet, 100))
            fwd = packet.header.fwd_cnt;
    } while (sent > before);
    CU_ASSERT(sent - fwd > request.buf_alloc - 32768);
    CU_ASSERT(front_end_transmit(&fe, &header, out)); /* one too many, perhaps just fitting */
    CU_ASSERT(front_end_transmit(&fe, &header, out));
    CU_ASSERT(front_end_expect(&fe, VIRTIO_VSOCK_OP_RST, &packet));
    (void)close(fd);
    join_well();
}

static void test_guest_shuts_down(void)
{
    struct virtio_vsock_hdr request, header;
    uint8_t byte;
    int fd;

    front_end_start(&fe, &(struct front_end_options){0});
    fd = front_end_open(&fe, PORT, GUEST_BUFFER, &request);
    header = front_end_header(&request, VIRTIO_VSOCK_OP_RW, 5);
    CU_ASSERT(front_end_transmit(&fe, &header, "hello"));
    header = front_end_header(&request, VIRTIO_VSOCK_OP_SHUTDOWN, 0);
    header.flags = VIRTIO_VSOCK_SHUTDOWN_SEND;
    CU_ASSERT(front_end_transmit(&fe, &header, NULL));
    CU_ASSERT_EQUAL(io_read_full(fd, in, 5, io_deadline_ms(FRONT_END_WAIT_MS)), 0);
    CU_ASSERT(memcmp(in, "hello", 5) == 0);
    CU_ASSERT_EQUAL(io_wait(fd, POLLIN, io_deadline_ms(FRONT_END_WAIT_MS)), 0);
    CU_ASSERT_EQUAL(read(fd, &byte, 1), 0);
    CU_ASSERT_EQUAL(write(fd, "still", 5), 5); /* the other half is open */
    CU_ASSERT(front_end_expect(&fe, VIRTIO_VSOCK_OP_RW, &packet));
    header.flags = VIRTIO_VSOCK_SHUTDOWN_RCV; /* the first bit sticks */
    CU_ASSERT(front_end_transmit(&fe, &header, NULL));
    CU_ASSERT(front_end_expect(&fe, VIRTIO_VSOCK_OP_RST, &packet));
    CU_ASSERT_EQUAL(write(fd, "more", 4), -1);
    (void)close(fd);
    join_well();
}

static void test_host_closes(void)
{
    struct virtio_vsock_hdr request, reset;
    int fd;

    front_end_start(&fe, &(struct front_end_options){0});
    fd = front_end_open(&fe, PORT, GUEST_BUFFER, &request);
    CU_ASSERT_EQUAL(write(fd, "last", 4), 4);
    CU_ASSERT_EQUAL(shutdown(fd, SHUT_WR), 0);
    CU_ASSERT(front_end_expect(&fe, VIRTIO_VSOCK_OP_RW, &packet));
    CU_ASSERT_EQUAL(packet.header.len, 4);
    CU_ASSERT(front_end_expect(&fe, VIRTIO_VSOCK_OP_SHUTDOWN, &packet));
    CU_ASSERT_EQUAL(packet.header.flags, VIRTIO_VSOCK_SHUTDOWN_SEND);
    (void)close(fd);
    CU_ASSERT(front_end_expect(&fe, VIRTIO_VSOCK_OP_SHUTDOWN, &packet));
    CU_ASSERT_EQUAL(packet.header.flags, 3);
    reset = front_end_header(&request, VIRTIO_VSOCK_OP_RST, 0);
    CU_ASSERT(front_end_transmit(&fe, &reset, NULL));
    CU_ASSERT_FALSE(front_end_receive(&fe, &packet, 100)); /* no RST for an RST */
    join_well();
}

static void test_several_at_once(void)
{
    struct virtio_vsock_hdr requests[16], header;
    char byte;
    int fds[16];

    front_end_start(&fe, &(struct front_end_options){0});
    for (unsigned i = 0; i < 16; i++)
        fds[i] = front_end_open(&fe, PORT + i, GUEST_BUFFER, &requests[i]);
    (void)close(front_end_ask(&fe, PORT, 99));
    CU_ASSERT_EQUAL(front_end_answer(&fe, 99), -EMFILE);
    for (unsigned i = 16; i-- > 0;) {
        header = front_end_header(&requests[i], VIRTIO_VSOCK_OP_RW, 1);
        byte = (char)('a' + i);
        CU_ASSERT(front_end_transmit(&fe, &header, &byte));
    }
    for (unsigned i = 0; i < 16; i++) {
        CU_ASSERT_EQUAL(io_read_full(fds[i], &byte, 1, io_deadline_ms(FRONT_END_WAIT_MS)), 0);
        CU_ASSERT_EQUAL(byte, (char)('a' + i));
    }
    header = front_end_header(&requests[3], VIRTIO_VSOCK_OP_RST, 0);
    CU_ASSERT(front_end_transmit(&fe, &header, NULL));
    CU_ASSERT_EQUAL(io_wait(fds[3], POLLIN, io_deadline_ms(FRONT_END_WAIT_MS)), 0);
    (void)close(fds[3]);
    fds[3] = front_end_open(&fe, PORT + 3, GUEST_BUFFER, &header); /* its place is free again */
    CU_ASSERT_NOT_EQUAL(header.src_port, requests[3].src_port);
    for (unsigned i = 0; i < 16; i++)
        (void)close(fds[i]);
    join_well();
}

static void test_event_idx(void)
{
    struct virtio_vsock_hdr request, header;
    uint64_t count;
    int fd;

    front_end_start(&fe, &(struct front_end_options){0});
    fd = front_end_open(&fe, PORT, GUEST_BUFFER, &request);
    /* The driver wants no interrupt before the tenth buffer from here. */
    *(volatile uint16_t *)&vring_used_event(&fe.tx.ring) = (uint16_t)(fe.tx.avail + 9);
    header = front_end_header(&request, VIRTIO_VSOCK_OP_RW, 1);
    (void)!read(fe.tx.call, &count, sizeof count);
    for (int i = 0; i < 9; i++)
        CU_ASSERT(front_end_transmit(&fe, &header, "x"));
    CU_ASSERT_EQUAL(io_read_full(fd, in, 9, io_deadline_ms(FRONT_END_WAIT_MS)), 0);
    CU_ASSERT_EQUAL(io_wait(fe.tx.call, POLLIN, io_deadline_ms(100)), -ETIMEDOUT);
    CU_ASSERT(front_end_transmit(&fe, &header, "x"));
    CU_ASSERT_EQUAL(io_wait(fe.tx.call, POLLIN, io_deadline_ms(FRONT_END_WAIT_MS)), 0);
    /* The device asks for the next kick where it stands. */
    for (int i = 0; i < 1000 && *(volatile uint16_t *)&vring_avail_event(&fe.tx.ring) != fe.tx.avail; i++)
        (void)usleep(1000);
    CU_ASSERT_EQUAL(*(volatile uint16_t *)&vring_avail_event(&fe.tx.ring), fe.tx.avail);
    (void)close(fd);
    join_well();
}

/* The guest pauses with bytes under way; the stream goes on where it stood. */
static void test_pause(void)
{
    struct virtio_vsock_hdr request, header;
    uint16_t bases[2];
    uint64_t count;
    int fd, kick;

    front_end_start(&fe, &(struct front_end_options){0});
    fd = front_end_open(&fe, PORT, GUEST_BUFFER, &request);
    header = front_end_header(&request, VIRTIO_VSOCK_OP_RW, 4);
    /* The kick gets lost in the pause: the device finds the packet as it stops, and the driver, which
       sleeps until its buffer is back, is woken when it goes on. */
    kick = fe.tx.kick;
    fe.tx.kick = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    (void)!read(fe.tx.call, &count, sizeof count);
    *(volatile uint16_t *)&vring_used_event(&fe.tx.ring) = fe.tx.avail;
    CU_ASSERT(front_end_transmit(&fe, &header, "when"));
    (void)close(fe.tx.kick);
    fe.tx.kick = kick;
    front_end_stop(&fe, bases);
    CU_ASSERT_EQUAL(bases[1], fe.tx.avail); /* all that was sent before is taken */
    CU_ASSERT_EQUAL(io_wait(fe.tx.call, POLLIN, io_deadline_ms(FRONT_END_WAIT_MS)), 0);
    CU_ASSERT_EQUAL(write(fd, "late", 4), 4);
    CU_ASSERT_FALSE(front_end_receive(&fe, &packet, 50));
    (void)close(front_end_ask(&fe, PORT, 6));
    CU_ASSERT_EQUAL(front_end_answer(&fe, 6), -ECANCELED);
    front_end_set_memory(&fe, fe.memfd);
    front_end_start_queue(&fe, 0, bases[0]);
    front_end_start_queue(&fe, 1, bases[1]);
    CU_ASSERT(front_end_expect(&fe, VIRTIO_VSOCK_OP_RW, &packet));
    CU_ASSERT(memcmp(packet.payload, "late", 4) == 0);
    CU_ASSERT_EQUAL(io_read_full(fd, in, 4, io_deadline_ms(FRONT_END_WAIT_MS)), 0);
    CU_ASSERT(memcmp(in, "when", 4) == 0);
    (void)close(fd);
    join_well();
}

/* The machine ends right after its last words, and the host reads late. */
static void test_last_words(void)
{
    struct virtio_vsock_hdr request, header;
    size_t done = 0;
    ssize_t count;
    int fd;

    front_end_start(&fe, &(struct front_end_options){0});
    fd = front_end_open(&fe, PORT, GUEST_BUFFER, &request);
    fill(out, 1 << 20, 3);
    for (size_t i = 0; i < 1 << 20; i += 32768) {
        header = front_end_header(&request, VIRTIO_VSOCK_OP_RW, 32768);
        CU_ASSERT_FATAL(front_end_transmit(&fe, &header, out + i));
    }
    (void)shutdown(fe.socket, SHUT_RDWR);
    (void)usleep(100000);
    while (io_wait(fd, POLLIN, io_deadline_ms(FRONT_END_WAIT_MS)) == 0 && (count = read(fd, in + done, sizeof in - done)) > 0)
        done += (size_t)count;
    CU_ASSERT_EQUAL(done, 1 << 20);
    CU_ASSERT(memcmp(in, out, 1 << 20) == 0);
    (void)close(fd);
    join_well();
}

static double device_cpu(void)
{
    clockid_t clock;
    struct timespec now;

    if (clock_getcpuclockid(fe.device, &clock) != 0 || clock_gettime(clock, &now) != 0)
        return -1;
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A hung-up host whose last bytes wait for credit: nothing to do, so no CPU time. */
static void test_no_spinning(void)
{
    struct virtio_vsock_hdr request;
    double before;
    int fd;

    front_end_start(&fe, &(struct front_end_options){0});
    fd = front_end_open(&fe, PORT, 10, &request);
    CU_ASSERT_EQUAL(write(fd, out, 100), 100);
    (void)close(fd);
    CU_ASSERT_EQUAL(take_data(), 10);
    before = device_cpu();
    (void)usleep(300000);
    CU_ASSERT(device_cpu() - before < 0.05);
    join_well();
}

static void test_controller_goes(void)
{
    struct error err;

    front_end_start(&fe, &(struct front_end_options){0});
    CU_ASSERT_EQUAL(shutdown(fe.control, SHUT_RDWR), 0);
    CU_ASSERT_EQUAL(front_end_await(&fe, &err), 0);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"echo of megabytes, single descriptors", test_echo_single},
        {"echo of megabytes, split descriptors", test_echo_split},
        {"echo of megabytes, indirect descriptors", test_echo_indirect},
        {"echo of megabytes without EVENT_IDX", test_echo_without_event_idx},
        {"echo of megabytes, confined", test_echo_confined},
        {"a driver that isn't ready", test_not_ready},
        {"asked before the driver is ready", test_asked_too_early},
        {"a guest that refuses", test_refused},
        {"a guest that doesn't answer", test_silent_guest},
        {"an asker that gives up", test_asker_gives_up},
        {"credit is never exceeded", test_credit_never_exceeded},
        {"credit is asked for when our own limit holds us", test_credit_requested},
        {"credit updates come in time", test_credit_update_in_time},
        {"a host that doesn't read", test_host_does_not_read},
        {"the guest shuts down", test_guest_shuts_down},
        {"the host closes", test_host_closes},
        {"several streams at once", test_several_at_once},
        {"EVENT_IDX", test_event_idx},
        {"a pause", test_pause},
        {"last words", test_last_words},
        {"no spinning", test_no_spinning},
        {"the controller goes", test_controller_goes},
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return harness_run("vsock device: streams", tests, HARNESS_COUNT(tests));
}
