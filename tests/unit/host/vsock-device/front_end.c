/* SPDX-License-Identifier: Apache-2.0 */
/* A front end and a guest's driver for tests. */
#include "front_end.h"

#include "base/io.h"
#include "host/vsock-device/control.h"
#include "host/vsock-device/device.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

/* Addresses of guest memory in the pretended QEMU: of the low region, and of the rest. */
#define USER_LOW  UINT64_C(0x7f0000000000)
#define USER_HIGH UINT64_C(0x7f1000000000)

/* Guest-physical layout. Both rings and their buffers lie in the high region. */
#define RX_RING    ((uint64_t)0x200000)
#define TX_RING    ((uint64_t)0x210000)
#define RX_BUFFERS ((uint64_t)0x300000)
#define TX_BUFFERS ((uint64_t)0x400000)

#define FEATURE(bit) (UINT64_C(1) << (bit))

struct report {
    int result;
    unsigned fds_left; /* more than before the run */
    struct error err;
};

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    perror(what);
    abort();
}

/* The low region lies behind the high one in the file: guest-physical neighbours are no neighbours
   in memory. */
void *front_end_at(struct front_end *fe, uint64_t guest_address)
{
    require(guest_address < FRONT_END_MEMORY, "guest address");
    return guest_address < FRONT_END_LOW ? fe->memory + FRONT_END_MEMORY - FRONT_END_LOW + guest_address
                                         : fe->memory + guest_address - FRONT_END_LOW;
}

void front_end_send(struct front_end *fe, uint32_t request, const void *payload, size_t size, const int *fds,
                    size_t fd_count)
{
    uint8_t bytes[1024];
    const uint32_t header[3] = {request, 1, (uint32_t)size};
    char control[CMSG_SPACE(sizeof(int) * 16)] __attribute__((aligned(8))) = {0};
    struct iovec segment = {.iov_base = bytes, .iov_len = sizeof header + size};
    struct msghdr message = {.msg_iov = &segment, .msg_iovlen = 1};

    memcpy(bytes, header, sizeof header);
    if (size > 0)
        memcpy(bytes + sizeof header, payload, size);
    if (fd_count > 0) {
        struct cmsghdr *c;

        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * fd_count);
    }
    (void)!sendmsg(fe->socket, &message, MSG_NOSIGNAL); /* the device may be gone: a test's wish */
}

ssize_t front_end_reply(struct front_end *fe, uint32_t request, void *ret_payload, size_t size)
{
    uint64_t deadline = io_deadline_ms(FRONT_END_WAIT_MS);
    uint32_t header[3];

    if (io_read_full(fe->socket, header, sizeof header, deadline) < 0 || header[0] != request || header[1] != 5 ||
        header[2] > size || io_read_full(fe->socket, ret_payload, header[2], deadline) < 0)
        return -1;
    return header[2];
}

static uint64_t get_number(struct front_end *fe, uint32_t request)
{
    uint64_t number = 0;

    front_end_send(fe, request, NULL, 0, NULL, 0);
    require(front_end_reply(fe, request, &number, sizeof number) == sizeof number, "get");
    return number;
}

void front_end_settle(struct front_end *fe)
{
    (void)get_number(fe, 1);
}

void front_end_set_memory(struct front_end *fe, int memfd)
{
    const struct {
        uint32_t count, padding;
        uint64_t regions[2][4];
    } table = {.count = 2,
               .regions = {{0, FRONT_END_LOW, USER_LOW, FRONT_END_MEMORY - FRONT_END_LOW},
                           {FRONT_END_LOW, FRONT_END_MEMORY - FRONT_END_LOW, USER_HIGH, 0}}};
    const int fds[2] = {memfd, memfd};

    (void)fe;
    front_end_send(fe, 5, &table, sizeof table, fds, 2);
}

static uint64_t user_address(struct front_end *fe, const void *pointer)
{
    return USER_HIGH + (uint64_t)((const uint8_t *)pointer - fe->memory);
}

static struct front_end_queue *queue_at(struct front_end *fe, uint32_t index)
{
    return index == 0 ? &fe->rx : &fe->tx;
}

void front_end_start_queue(struct front_end *fe, uint32_t index, uint16_t base)
{
    struct front_end_queue *queue = queue_at(fe, index);
    const uint32_t number[2] = {index, FRONT_END_QUEUE}, first[2] = {index, base};
    const uint32_t enable[2] = {index, 1};
    const uint64_t which = index;
    const struct {
        uint32_t index, flags;
        uint64_t descriptors, used, available, log;
    } address = {.index = index,
                 .descriptors = user_address(fe, queue->ring.desc),
                 .used = user_address(fe, queue->ring.used),
                 .available = user_address(fe, queue->ring.avail)};

    front_end_send(fe, 8, number, sizeof number, NULL, 0);
    front_end_send(fe, 10, first, sizeof first, NULL, 0);
    front_end_send(fe, 9, &address, sizeof address, NULL, 0);
    front_end_send(fe, 12, &which, sizeof which, &queue->kick, 1);
    front_end_send(fe, 18, enable, sizeof enable, NULL, 0);
}

void front_end_stop(struct front_end *fe, uint16_t ret_bases[2])
{
    for (uint32_t i = 0; i < 2; i++) {
        const uint32_t disable[2] = {i, 0};

        front_end_send(fe, 18, disable, sizeof disable, NULL, 0);
    }
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t state[2] = {i, 0};

        front_end_send(fe, 11, state, sizeof state, NULL, 0);
        require(front_end_reply(fe, 11, state, sizeof state) == sizeof state && state[0] == i, "stop");
        ret_bases[i] = (uint16_t)state[1];
    }
}

static void make_queue(struct front_end *fe, struct front_end_queue *queue, uint64_t ring, uint64_t buffers,
                       size_t buffer_size)
{
    vring_init(&queue->ring, FRONT_END_QUEUE, front_end_at(fe, ring), 4096);
    queue->buffers = buffers;
    queue->buffer_size = buffer_size;
    queue->kick = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    queue->call = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    require(queue->kick >= 0 && queue->call >= 0, "eventfd");
}

static void make_memory(struct front_end *fe, bool unsealed)
{
    fe->memfd = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    require(fe->memfd >= 0 && ftruncate(fe->memfd, (off_t)FRONT_END_MEMORY) == 0, "memfd");
    if (!unsealed)
        require(fcntl(fe->memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0, "seals");
    fe->memory = mmap(NULL, FRONT_END_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, fe->memfd, 0);
    require(fe->memory != MAP_FAILED, "mmap");
}

static unsigned count_fds(pid_t pid)
{
    char path[64];
    unsigned count = 0;
    DIR *folder;

    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    folder = opendir(path);
    while (folder != NULL && readdir(folder) != NULL)
        count++;
    if (folder != NULL)
        (void)closedir(folder);
    return count;
}

struct front_end_usage front_end_measure(const struct front_end *fe)
{
    struct front_end_usage usage = {.fds = count_fds(fe->device)};
    struct timespec now = {0};
    clockid_t clock;
    char path[64], line[256];
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)fe->device);
    file = fopen(path, "re");
    require(file != NULL && clock_getcpuclockid(fe->device, &clock) == 0 && clock_gettime(clock, &now) == 0, "usage");
    while (fgets(line, sizeof line, file) != NULL)
        (void)sscanf(line, "RssAnon: %lu", &usage.private_kib);
    (void)fclose(file);
    usage.cpu_seconds = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    return usage;
}

static void run_device(int listener, int control, int report_fd, bool confined)
{
    const struct vsock_device_config config = {
        .vhost_listener = listener, .control = control, .guest_cid = FRONT_END_CID, .report = report_fd};
    struct report report = {.err = {.kind = ERROR_NONE}};
    unsigned fds = count_fds(getpid());

#ifdef __SANITIZE_ADDRESS__
    confined = false; /* the sanitizer's own calls are forbidden there */
#endif
    report.result =
        confined ? vsock_device_run(&config, &report.err) : vsock_device_run_unconfined(&config, &report.err);
    if (!confined)
        report.fds_left = count_fds(getpid()) - fds;
#ifdef __SANITIZE_ADDRESS__
    if (__lsan_do_recoverable_leak_check() != 0)
        abort();
#endif
    _exit(write(report_fd, &report, sizeof report) == (ssize_t)sizeof report ? 0 : 1);
}

static void spawn_device(struct front_end *fe, bool confined)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t size = sizeof address.sun_family; /* the kernel chooses an abstract name */
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int control[2], report[2];

    require(listener >= 0 && bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 1) == 0 &&
                socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) == 0 && pipe2(report, O_CLOEXEC) == 0,
            "sockets");
    fe->device = fork();
    require(fe->device >= 0, "fork");
    if (fe->device == 0) {
        (void)close(control[0]);
        (void)close(report[0]);
        run_device(listener, control[1], report[1], confined);
    }
    (void)close(control[1]);
    (void)close(report[1]);
    fe->control = control[0];
    fe->report = report[0];
    fe->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size = sizeof address;
    require(getsockname(listener, (struct sockaddr *)&address, &size) == 0 &&
                connect(fe->socket, (struct sockaddr *)&address, size) == 0,
            "connect");
    (void)close(listener);
}

/* What QEMU says when it creates the device. */
static void negotiate(struct front_end *fe)
{
    uint64_t features = get_number(fe, 1), protocol;
    const struct {
        uint32_t offset, size, flags;
        uint8_t data[8];
    } question = {.size = 8};
    struct {
        uint32_t offset, size, flags;
        uint32_t cid[2];
    } answer;

    require((features & FEATURE(30)) != 0 && (features & FEATURE(32)) != 0, "features");
    protocol = get_number(fe, 15);
    require(protocol == FEATURE(9), "protocol features");
    front_end_send(fe, 16, &protocol, sizeof protocol, NULL, 0);
    front_end_send(fe, 3, NULL, 0, NULL, 0);
    require(get_number(fe, 1) == features, "features again");
    for (uint64_t i = 0; i < 2; i++)
        front_end_send(fe, 13, &i, sizeof i, &queue_at(fe, (uint32_t)i)->call, 1);
    front_end_send(fe, 24, &question, sizeof question, NULL, 0);
    require(front_end_reply(fe, 24, &answer, sizeof answer) == 20 && answer.size == 8 &&
                answer.cid[0] == FRONT_END_CID && answer.cid[1] == 0,
            "configuration");
    fe->features = features;
}

void front_end_start(struct front_end *fe, const struct front_end_options *options)
{
    *fe = (struct front_end){.rx_style = options->rx_style, .tx_style = options->tx_style, .auto_rx = !options->no_rx};
    make_memory(fe, options->unsealed);
    make_queue(fe, &fe->rx, RX_RING, RX_BUFFERS, FRONT_END_RX_SIZE);
    make_queue(fe, &fe->tx, TX_RING, TX_BUFFERS, FRONT_END_TX_SIZE + 20);
    spawn_device(fe, options->confined);
    negotiate(fe);
    if (options->no_event_idx)
        fe->features &= ~FEATURE(VIRTIO_RING_F_EVENT_IDX);
    if (options->no_start)
        return;
    front_end_send(fe, 2, &fe->features, sizeof fe->features, NULL, 0);
    front_end_set_memory(fe, fe->memfd);
    if (!options->no_rx)
        front_end_add_rx(fe, FRONT_END_QUEUE);
    for (uint32_t i = 0; i < 2; i++) {
        uint64_t which = i;

        front_end_start_queue(fe, i, 0);
        /* The barrier and the second call descriptor; a device that refused is seen later. */
        front_end_send(fe, 13, &which, sizeof which, &queue_at(fe, i)->call, 1);
    }
    if (!options->unsealed)
        (void)get_number(fe, 1);
}

static int collect(struct front_end *fe, struct error *ret_err)
{
    struct report report = {.result = -FRONT_END_NO_DEVICE};
    int status;

    if (io_read_full(fe->report, &report, sizeof report, io_deadline_ms(FRONT_END_WAIT_MS * 2)) == -ETIMEDOUT)
        (void)kill(fe->device, SIGKILL);
    (void)waitpid(fe->device, &status, 0);
    require(report.fds_left == 0, "the device left descriptors open");
    *ret_err = report.err;
    (void)close(fe->report);
    (void)close(fe->control);
    if (fe->socket >= 0)
        (void)close(fe->socket);
    (void)close(fe->memfd);
    (void)munmap(fe->memory, FRONT_END_MEMORY);
    for (uint32_t i = 0; i < 2; i++) {
        (void)close(queue_at(fe, i)->kick);
        (void)close(queue_at(fe, i)->call);
    }
    return report.result;
}

int front_end_join(struct front_end *fe, struct error *ret_err)
{
    (void)close(take_fd(&fe->socket));
    return collect(fe, ret_err);
}

int front_end_await(struct front_end *fe, struct error *ret_err)
{
    return collect(fe, ret_err);
}

void front_end_kick(struct front_end_queue *queue)
{
    const uint64_t one = 1;

    require(write(queue->kick, &one, sizeof one) == (ssize_t)sizeof one, "kick");
}

void front_end_publish(struct front_end_queue *queue, uint16_t head)
{
    queue->ring.avail->ring[queue->avail % FRONT_END_QUEUE] = head;
    front_end_publish_next(queue);
}

void front_end_publish_next(struct front_end_queue *queue)
{
    queue->avail++;
    __atomic_store_n(&queue->ring.avail->idx, queue->avail, __ATOMIC_SEQ_CST);
}

/* The indirect table of a slot; 4 descriptors. */
static uint64_t table_of(const struct front_end_queue *queue, uint16_t slot)
{
    return queue->buffers + FRONT_END_QUEUE * queue->buffer_size + slot * (uint64_t)64;
}

/* Describes a slot's buffer of `size` bytes in one of three styles; the head is its slot (for the
   split style twice the slot). */
static uint16_t describe(struct front_end *fe, struct front_end_queue *queue, uint16_t slot, enum front_end_style style,
                         size_t size, uint16_t flags)
{
    uint64_t buffer = queue->buffers + slot * queue->buffer_size;
    struct vring_desc *descriptors = queue->ring.desc;
    uint16_t head = slot;

    if (style == STYLE_SPLIT)
        head = (uint16_t)(2 * slot);
    if (style == STYLE_INDIRECT) {
        descriptors = front_end_at(fe, table_of(queue, slot));
        queue->ring.desc[slot] =
            (struct vring_desc){.addr = table_of(queue, slot), .len = 32, .flags = VRING_DESC_F_INDIRECT};
    }
    if (style == STYLE_SINGLE || size <= 44) {
        descriptors[style == STYLE_INDIRECT ? 0 : head] =
            (struct vring_desc){.addr = buffer, .len = (uint32_t)size, .flags = flags};
        if (style == STYLE_INDIRECT)
            queue->ring.desc[slot].len = 16;
        return head;
    }
    if (style == STYLE_SPLIT)
        descriptors += head;
    descriptors[0] = (struct vring_desc){.addr = buffer,
                                         .len = 44,
                                         .flags = (uint16_t)(flags | VRING_DESC_F_NEXT),
                                         .next = (uint16_t)(style == STYLE_SPLIT ? head + 1 : 1)};
    descriptors[1] = (struct vring_desc){.addr = buffer + 44, .len = (uint32_t)(size - 44), .flags = flags};
    return head;
}

void front_end_add_rx(struct front_end *fe, unsigned count)
{
    unsigned slots = fe->rx_style == STYLE_SPLIT ? FRONT_END_QUEUE / 2 : FRONT_END_QUEUE;

    for (unsigned i = 0; i < count && i < slots; i++) {
        uint16_t slot = (uint16_t)(fe->rx.avail % slots);

        front_end_publish(&fe->rx, describe(fe, &fe->rx, slot, fe->rx_style, FRONT_END_RX_SIZE, VRING_DESC_F_WRITE));
    }
}

uint64_t front_end_tx_buffer(struct front_end *fe, uint16_t slot)
{
    return fe->tx.buffers + slot * fe->tx.buffer_size;
}

uint16_t front_end_tx_used(struct front_end *fe)
{
    return __atomic_load_n(&fe->tx.ring.used->idx, __ATOMIC_SEQ_CST);
}

void front_end_place(struct front_end *fe, const struct virtio_vsock_hdr *header, const void *payload)
{
    unsigned slots = fe->tx_style == STYLE_SPLIT ? FRONT_END_QUEUE / 2 : FRONT_END_QUEUE;
    uint16_t slot = (uint16_t)(fe->tx.avail % slots);
    uint8_t *buffer = front_end_at(fe, front_end_tx_buffer(fe, slot));

    memcpy(buffer, header, sizeof *header);
    if (payload != NULL)
        memcpy(buffer + sizeof *header, payload, header->len);
    front_end_publish(
        &fe->tx, describe(fe, &fe->tx, slot, fe->tx_style, sizeof *header + (payload != NULL ? header->len : 0), 0));
}

bool front_end_transmit(struct front_end *fe, const struct virtio_vsock_hdr *header, const void *payload)
{
    unsigned slots = fe->tx_style == STYLE_SPLIT ? FRONT_END_QUEUE / 2 : FRONT_END_QUEUE;
    uint64_t deadline = io_deadline_ms(FRONT_END_WAIT_MS);

    while ((uint16_t)(fe->tx.avail - front_end_tx_used(fe)) >= slots) {
        if (io_now_ns() > deadline)
            return false;
        (void)usleep(50);
    }
    front_end_place(fe, header, payload);
    front_end_kick(&fe->tx);
    return true;
}

bool front_end_receive(struct front_end *fe, struct front_end_packet *ret_packet, unsigned milliseconds)
{
    uint64_t deadline = io_deadline_ms(milliseconds);
    unsigned slots = fe->rx_style == STYLE_SPLIT ? FRONT_END_QUEUE / 2 : FRONT_END_QUEUE;
    struct vring_used_elem element;
    const uint8_t *buffer;
    unsigned slot;

    while (__atomic_load_n(&fe->rx.ring.used->idx, __ATOMIC_SEQ_CST) == fe->rx.used) {
        if (io_now_ns() > deadline)
            return false;
        (void)usleep(20);
    }
    element = fe->rx.ring.used->ring[fe->rx.used % FRONT_END_QUEUE];
    slot = fe->rx_style == STYLE_SPLIT ? element.id / 2 : element.id;
    fe->rx.used++;
    require(slot < slots && element.len >= sizeof ret_packet->header && element.len <= FRONT_END_RX_SIZE,
            "used element");
    buffer = front_end_at(fe, fe->rx.buffers + slot * fe->rx.buffer_size);
    memcpy(&ret_packet->header, buffer, sizeof ret_packet->header);
    require(element.len == sizeof ret_packet->header + ret_packet->header.len, "length");
    memcpy(ret_packet->payload, buffer + sizeof ret_packet->header, ret_packet->header.len);
    if (fe->auto_rx) {
        front_end_add_rx(fe, 1);
        front_end_kick(&fe->rx);
    }
    return true;
}

bool front_end_expect(struct front_end *fe, uint16_t op, struct front_end_packet *ret_packet)
{
    while (front_end_receive(fe, ret_packet, FRONT_END_WAIT_MS))
        if (ret_packet->header.op == op)
            return true;
    return false;
}

int front_end_ask(struct front_end *fe, uint32_t port, uint32_t id)
{
    struct vsock_control_request request = {.id = id, .port = port};
    char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = {0};
    struct iovec segment = {.iov_base = &request, .iov_len = sizeof request};
    struct msghdr message = {
        .msg_iov = &segment, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    int pair[2];

    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0, "pair");
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &pair[1], sizeof(int));
    require(sendmsg(fe->control, &message, MSG_NOSIGNAL) > 0, "ask");
    (void)close(pair[1]);
    return pair[0];
}

int front_end_answer(struct front_end *fe, uint32_t id)
{
    struct vsock_control_answer answer;

    if (io_wait(fe->control, POLLIN, io_deadline_ms(FRONT_END_WAIT_MS)) < 0 ||
        recv(fe->control, &answer, sizeof answer, 0) != (ssize_t)sizeof answer || answer.id != id)
        return 1;
    return answer.result;
}

struct virtio_vsock_hdr front_end_header(const struct virtio_vsock_hdr *from_host, uint16_t op, uint32_t len)
{
    return (struct virtio_vsock_hdr){.src_cid = FRONT_END_CID,
                                     .dst_cid = 2,
                                     .src_port = from_host->dst_port,
                                     .dst_port = from_host->src_port,
                                     .len = len,
                                     .type = 1,
                                     .op = op,
                                     .buf_alloc = 256 * 1024};
}

int front_end_open(struct front_end *fe, uint32_t port, uint32_t buf_alloc, struct virtio_vsock_hdr *ret_request)
{
    static struct front_end_packet packet;
    int fd = front_end_ask(fe, port, port);
    struct virtio_vsock_hdr response;

    require(front_end_expect(fe, VIRTIO_VSOCK_OP_REQUEST, &packet), "REQUEST");
    response = front_end_header(&packet.header, VIRTIO_VSOCK_OP_RESPONSE, 0);
    response.buf_alloc = buf_alloc;
    require(front_end_transmit(fe, &response, NULL), "RESPONSE");
    require(front_end_answer(fe, port) == 0, "answer");
    *ret_request = packet.header;
    return fd;
}
