/* SPDX-License-Identifier: Apache-2.0 */
/* A hostile front end: messages of wrong form, order and number, descriptors that are none, and one that stops. */
#include "hostile.h"

#include "base/io.h"
#include "host/vsock-device/vhost_user.h"
#include "unit/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define USER_HIGH UINT64_C(0x7f1000000000)

/* Every request number, size and count of descriptors that could arrive, through the parser itself: what is taken is
   exactly what a table of the protocol says. */
static bool is_known(uint32_t request, size_t size, size_t fd_count)
{
    switch (request) {
    case 1:
    case 3:
    case 15:
        return size == 0 && fd_count == 0;
    case 2:
    case 16:
    case 8:
    case 10:
    case 11:
    case 18:
        return size == 8 && fd_count == 0;
    case 12:
    case 13:
    case 14:
        return size == 8 && fd_count == 1; /* the payload is zeros: not the bit that says there is none */
    case 9:
        return size == 40 && fd_count == 0;
    case 24:
        return size == 12 && fd_count == 0; /* zeros: a question for no bytes */
    case 5:
        return size >= 8 && (size - 8) % 32 == 0 && fd_count == 0; /* zeros: a table of no regions */
    default:
        return false;
    }
}

static void test_every_form(void)
{
    static uint8_t bytes[VHOST_USER_HEADER_SIZE + VHOST_USER_PAYLOAD_MAX + 8];
    unsigned taken = 0;

    for (uint32_t request = 0; request < 300; request++)
        for (uint32_t size = 0; size <= VHOST_USER_PAYLOAD_MAX + 4; size++)
            for (size_t fds = 0; fds <= VHOST_USER_FDS_MAX + 1; fds++) {
                const uint32_t header[3] = {request, 1, size};
                struct vhost_user_message message;
                int r;

                memcpy(bytes, header, sizeof header);
                r = vhost_user_parse(bytes, sizeof header + size, fds, &message, NULL);
                CU_ASSERT_EQUAL_FATAL(r == 0, size <= VHOST_USER_PAYLOAD_MAX && is_known(request, size, fds));
                taken += r == 0 ? 1 : 0;
            }
    CU_ASSERT(taken > 0);
    for (uint32_t flags = 0; flags < 64; flags++) {
        const uint32_t header[3] = {1, flags, 0};
        struct vhost_user_message message;

        memcpy(bytes, header, sizeof header);
        CU_ASSERT_EQUAL(vhost_user_parse(bytes, 12, 0, &message, NULL) == 0, flags == 1 || flags == 9);
        for (size_t cut = 0; cut < 12; cut++)
            CU_ASSERT(vhost_user_parse(bytes, cut, 0, &message, NULL) < 0);
    }
}

static void setup(bool ready)
{
    front_end_start(&hostile_fe, &(struct front_end_options){.no_start = !ready});
}

static void refused(bool ready, uint32_t request, const void *payload, size_t size, const int *fds, size_t fd_count,
                    const char *reason)
{
    setup(ready);
    front_end_send(&hostile_fe, request, payload, size, fds, fd_count);
    hostile_expect_end(ERROR_INTERNAL, reason);
}

static void test_order(void)
{
    const uint64_t zero = 0;
    const uint32_t number[2] = {0, 128}, state[2] = {1, 0}, base[2] = {0, 65536};
    uint32_t reply[2];
    int kick = eventfd(0, EFD_CLOEXEC);

    refused(false, 12, &zero, 8, &kick, 1, "without address or memory");
    setup(false); /* memory, and still no address */
    front_end_send(&hostile_fe, 2, &hostile_fe.features, 8, NULL, 0);
    front_end_set_memory(&hostile_fe, hostile_fe.memfd);
    front_end_send(&hostile_fe, 8, number, 8, NULL, 0);
    front_end_send(&hostile_fe, 12, &zero, 8, &kick, 1);
    hostile_expect_end(ERROR_INTERNAL, "without address or memory");
    refused(false, 10, base, 8, NULL, 0, "at entry 65536");
    setup(false); /* stopping what never ran, twice */
    for (int i = 0; i < 2; i++) {
        front_end_send(&hostile_fe, 11, state, 8, NULL, 0);
        CU_ASSERT_EQUAL(front_end_reply(&hostile_fe, 11, reply, sizeof reply), 8);
        CU_ASSERT_EQUAL(reply[1], 0);
    }
    hostile_join_well();
    refused(true, 8, number, 8, NULL, 0, "running queue");
    refused(true, 10, state, 8, NULL, 0, "running queue");
    {
        const uint64_t address[5] = {0, USER_HIGH, USER_HIGH + 8192, USER_HIGH + 4096, 0};

        refused(true, 9, address, 40, NULL, 0, "running queue");
    }
    (void)close(kick);
}

static void test_queue_numbers(void)
{
    static const uint32_t indices[] = {2, 3, 255, 256, 0x7fffffff, UINT32_MAX};
    static const uint32_t requests[] = {8, 9, 10, 11, 18};

    for (size_t i = 0; i < HARNESS_COUNT(indices); i++) {
        for (size_t r = 0; r < HARNESS_COUNT(requests); r++) {
            const uint32_t payload[10] = {indices[i], 0};

            refused(false, requests[r], payload, requests[r] == 9 ? 40 : 8, NULL, 0, "named queue");
        }
        if (indices[i] <= 255) {
            const uint64_t number = indices[i] | 0x100;

            for (uint32_t request = 12; request <= 14; request++)
                refused(false, request, &number, 8, NULL, 0, "named queue");
        }
    }
}

/* A descriptor that is no event: what can't be watched ends the device, what can't be written is the front end's loss.
 */
static void test_wrong_descriptors(void)
{
    const uint64_t tx = 1;
    int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC), full = open("/dev/full", O_RDWR | O_CLOEXEC);
    int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), kinds[4], pipes[2];
    struct virtio_vsock_hdr header = hostile_stray(VIRTIO_VSOCK_OP_REQUEST);

    CU_ASSERT_FATAL(file >= 0 && full >= 0 && folder >= 0 && pipe2(pipes, O_CLOEXEC) == 0);
    refused(true, 12, &tx, 8, &folder, 1, "watching the front end's kicks");
    setup(true);
    front_end_send(&hostile_fe, 12, &tx, 8, &hostile_fe.memfd, 1); /* a memfd can't be watched either */
    hostile_expect_end(ERROR_INTERNAL, "watching the front end's kicks");
    (void)close(pipes[0]);
    kinds[0] = file;     /* not writable */
    kinds[1] = full;     /* never has room */
    kinds[2] = folder;   /* no file */
    kinds[3] = pipes[1]; /* nobody reads */
    for (int i = 0; i < 4; i++) {
        setup(true);
        front_end_send(&hostile_fe, 13, &tx, 8, &kinds[i], 1);
        for (int p = 0; p < 50; p++)
            CU_ASSERT(front_end_transmit(&hostile_fe, &header, NULL));
        CU_ASSERT(front_end_expect(&hostile_fe, VIRTIO_VSOCK_OP_RST, &hostile_packet));
        hostile_expect_service();
        hostile_join_well();
    }
    /* A socket, for instance the front end's own, of which the device would then keep both ends open and never see the
       end. */
    for (uint32_t request = 12; request <= 13; request++) {
        setup(true);
        front_end_send(&hostile_fe, request, &tx, 8, &hostile_fe.socket, 1);
        hostile_expect_end(ERROR_INTERNAL, "is a socket");
    }
    (void)close(file);
    (void)close(full);
    (void)close(folder);
    (void)close(pipes[1]);
}

/* Over and over what replaces something: descriptors, mappings and memory stay as they were. */
static void test_repetition(void)
{
    struct front_end_usage before, after;
    uint64_t features;

    setup(true);
    before = front_end_measure(&hostile_fe);
    for (int i = 0; i < 2000; i++) {
        const uint64_t tx = 1;

        front_end_send(&hostile_fe, 13, &tx, 8, &hostile_fe.tx.call, 1);
        front_end_send(&hostile_fe, 12, &tx, 8, &hostile_fe.tx.kick, 1);
        front_end_send(&hostile_fe, 14, &tx, 8, &hostile_fe.tx.call, 1);
        if (i % 10 == 0)
            front_end_set_memory(&hostile_fe, hostile_fe.memfd);
        if (i % 100 == 0) {
            front_end_send(&hostile_fe, 1, NULL, 0, NULL, 0);
            CU_ASSERT_FATAL(front_end_reply(&hostile_fe, 1, &features, 8) == 8);
        }
    }
    front_end_send(&hostile_fe, 1, NULL, 0, NULL, 0);
    CU_ASSERT_FATAL(front_end_reply(&hostile_fe, 1, &features, 8) == 8);
    after = front_end_measure(&hostile_fe);
    CU_ASSERT_EQUAL(after.fds, before.fds);
    CU_ASSERT(after.private_kib <= before.private_kib + HOSTILE_GROWTH_KIB);
    hostile_expect_service();
    hostile_join_well();
}

/* A memory table of one region of a file. */
static void send_table(int fd, uint64_t size, uint64_t offset)
{
    const uint64_t table[5] = {1, 0, size, USER_HIGH, offset};

    front_end_send(&hostile_fe, 5, table, sizeof table, &fd, 1);
}

static void test_memory_files(void)
{
    char path[] = "/dev/shm/lazaret-test-XXXXXX";
    int tmpfs = mkstemp(path), grow = memfd_create("grow", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int huge = memfd_create("huge", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB);
    int event = eventfd(0, EFD_CLOEXEC), readable;

    CU_ASSERT_FATAL(tmpfs >= 0 && unlink(path) == 0 && ftruncate(tmpfs, 65536) == 0);
    CU_ASSERT_FATAL(grow >= 0 && ftruncate(grow, 65536) == 0 && fcntl(grow, F_ADD_SEALS, F_SEAL_GROW) == 0);
    setup(false);
    send_table(tmpfs, 65536, 0);
    hostile_expect_end(ERROR_INTERNAL, "F_SEAL_SHRINK");
    setup(false);
    send_table(grow, 65536, 0);
    hostile_expect_end(ERROR_INTERNAL, "F_SEAL_SHRINK");
    setup(false);
    send_table(event, 4096, 0);
    hostile_expect_end(ERROR_INTERNAL, "F_SEAL_SHRINK");
    if (huge >= 0 && ftruncate(huge, 2 << 20) == 0 && fcntl(huge, F_ADD_SEALS, F_SEAL_SHRINK) == 0) {
        setup(false);
        send_table(huge, 2 << 20, 0);
        hostile_expect_end(ERROR_INTERNAL, "not of ordinary pages");
    }
    setup(false); /* at an offset that can't be mapped, and through a descriptor that may only read */
    send_table(hostile_fe.memfd, 4096, 100);
    hostile_expect_end(ERROR_INTERNAL, "mmap of");
    setup(false);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", hostile_fe.memfd);
    readable = open(path, O_RDONLY | O_CLOEXEC);
    CU_ASSERT_FATAL(readable >= 0);
    send_table(readable, 4096, 0);
    hostile_expect_end(ERROR_INTERNAL, "mmap of");
    (void)close(readable);
    (void)close(tmpfs);
    (void)close(grow);
    (void)close(event);
    if (huge >= 0)
        (void)close(huge);
}

/* The owner can't shrink what is sealed; a hole punched under the running rings reads as zeros. */
static void test_memory_goes(void)
{
    setup(true);
    CU_ASSERT_EQUAL(ftruncate(hostile_fe.memfd, 0), -1);
    CU_ASSERT_EQUAL(fallocate(hostile_fe.memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)FRONT_END_MEMORY),
                    0);
    front_end_kick(&hostile_fe.tx);
    front_end_kick(&hostile_fe.rx);
    (void)usleep(10000);
    (void)hostile_join_either(); /* an index of 0 may be behind what was taken before */
}

static void test_region_counts(void)
{
    uint64_t table[1 + 4 * 9] = {8};
    int fds[9];

    setup(false);
    for (uint64_t i = 0; i < 9; i++) {
        fds[i] = hostile_fe.memfd;
        memcpy(&table[1 + 4 * i], (const uint64_t[4]){i << 20, 1 << 16, i << 30, i << 16}, 32);
    }
    front_end_send(&hostile_fe, 5, table, 8 + 32 * 8, fds, 8);
    hostile_join_well();
    table[0] = 9;
    refused(false, 5, table, 8 + 32 * 9, fds, 0, "too long");
    refused(false, 5, table, 8 + 32 * 8, fds, 0, "malformed payload");
    table[0] = 8;
    refused(false, 5, table, 8 + 32 * 7, fds, 0, "malformed payload");
    refused(false, 5, table, 8 + 32 * 8 + 4, fds, 0, "malformed payload");
    refused(false, 5, table, 4, fds, 0, "malformed payload");
    table[0] = UINT64_C(0x8000000000000001);
    refused(false, 5, table, 8 + 32, fds, 0, "wrong number of descriptors");
}

/* Parts of the configuration space, which is 8 bytes. */
static void test_configuration(void)
{
    const uint64_t cid = FRONT_END_CID;

    setup(false);
    for (uint32_t offset = 0; offset <= 8; offset++)
        for (uint32_t size = 0; size <= 8 - offset; size++) {
            const uint32_t question[5] = {offset, size, 0};
            uint8_t answer[64];

            front_end_send(&hostile_fe, 24, question, 12 + size, NULL, 0);
            CU_ASSERT_EQUAL_FATAL(front_end_reply(&hostile_fe, 24, answer, sizeof answer), (ssize_t)(12 + size));
            CU_ASSERT(memcmp(answer + 12, (const uint8_t *)&cid + offset, size) == 0);
        }
    hostile_join_well();
    for (uint32_t i = 0; i < 4; i++) {
        const uint32_t questions[4][6] = {{9, 0}, {1, 8}, {UINT32_MAX, 1}, {0, 9}};

        refused(false, 24, questions[i], 12 + questions[i][1], NULL, 0, "of configuration");
    }
}

/* A message of table and descriptors cut at each place: at its end, the device ends well and holds none of them. */
static void test_cuts(void)
{
    const uint32_t header[3] = {13, 1, 8};
    uint8_t bytes[20] = {0};

    memcpy(bytes, header, sizeof header);
    for (size_t cut = 1; cut < sizeof bytes; cut++) {
        setup(false);
        for (size_t i = 0; i < cut; i++) { /* a descriptor beside the first byte, then byte by byte */
            char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = {0};
            struct iovec segment = {.iov_base = bytes + i, .iov_len = 1};
            struct msghdr piece = {.msg_iov = &segment, .msg_iovlen = 1};
            struct cmsghdr *c;

            if (i == 0) {
                piece.msg_control = control;
                piece.msg_controllen = sizeof control;
                c = CMSG_FIRSTHDR(&piece);
                c->cmsg_level = SOL_SOCKET;
                c->cmsg_type = SCM_RIGHTS;
                c->cmsg_len = CMSG_LEN(sizeof(int));
                memcpy(CMSG_DATA(c), &hostile_fe.tx.call, sizeof(int));
            }
            CU_ASSERT_EQUAL(sendmsg(hostile_fe.socket, &piece, 0), 1);
        }
        hostile_join_well();
    }
    /* A descriptor beside each byte: more than one message may have. */
    setup(false);
    for (size_t i = 0; i < 12; i++) {
        char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = {0};
        struct iovec segment = {.iov_base = bytes + i, .iov_len = 1};
        struct msghdr piece = {
            .msg_iov = &segment, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        struct cmsghdr *c = CMSG_FIRSTHDR(&piece);

        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &hostile_fe.tx.call, sizeof(int));
        (void)!sendmsg(hostile_fe.socket, &piece, MSG_NOSIGNAL);
    }
    hostile_expect_end(ERROR_INTERNAL, "more than 8 descriptors");
}

/* A front end that stops in the middle of a message: the device waits without spinning, and still hears the monitor. */
static void test_front_end_stops(void)
{
    struct front_end_usage before, after;

    setup(false);
    CU_ASSERT_EQUAL(send(hostile_fe.socket, "\1\0\0\0\1", 5, 0), 5);
    before = front_end_measure(&hostile_fe);
    (void)usleep(200000);
    after = front_end_measure(&hostile_fe);
    CU_ASSERT(after.cpu_seconds - before.cpu_seconds < 0.05);
    (void)close(front_end_ask(&hostile_fe, HOSTILE_PORT, 3));
    CU_ASSERT_EQUAL(front_end_answer(&hostile_fe, 3), -ECANCELED);
    CU_ASSERT_EQUAL(shutdown(hostile_fe.control, SHUT_RDWR),
                    0); /* the monitor's deadline: it leaves, and that is all */
    {
        struct error err;

        CU_ASSERT_EQUAL(front_end_await(&hostile_fe, &err), 0);
    }
}

/* One that asks and never reads the replies. */
static void test_replies_not_taken(void)
{
    setup(true);
    for (int i = 0; i < 20000; i++)
        front_end_send(&hostile_fe, 1, NULL, 0, NULL, 0);
    hostile_expect_end(ERROR_INTERNAL, "doesn't take its replies");
}

/* A front end that never pauses keeps nobody else from being heard. */
static void test_message_flood(void)
{
    struct front_end_usage before, after;
    pid_t child;

    setup(true);
    before = front_end_measure(&hostile_fe);
    child = fork();
    if (child == 0)
        for (;;)
            front_end_send(&hostile_fe, 3, NULL, 0, NULL, 0);
    (void)usleep(50000);
    for (int i = 0; i < 5; i++)
        hostile_expect_service();
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    after = front_end_measure(&hostile_fe);
    CU_ASSERT(after.private_kib <= before.private_kib + HOSTILE_GROWTH_KIB);
    hostile_join_well();
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"every request, size and number of descriptors", test_every_form},
        {"messages out of order", test_order},
        {"queues that are not there", test_queue_numbers},
        {"descriptors that are no events", test_wrong_descriptors},
        {"replacing over and over", test_repetition},
        {"files that are no guest memory", test_memory_files},
        {"memory that goes away", test_memory_goes},
        {"numbers of regions", test_region_counts},
        {"parts of the configuration", test_configuration},
        {"messages cut anywhere", test_cuts},
        {"a front end that stops", test_front_end_stops},
        {"replies that nobody reads", test_replies_not_taken},
        {"a flood of messages", test_message_flood},
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return harness_run("vsock device: hostile front end", tests, HARNESS_COUNT(tests));
}
