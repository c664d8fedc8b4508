/* SPDX-License-Identifier: Apache-2.0 */
/* The link against a device that follows a script; the kernel's transport only where it is absent.
 */
#include "base/io.h"
#include "host/link/link.h"
#include "host/vsock-device/control.h"
#include "unit/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define PORT      7000u
#define SILENCE   1 /* no answer */
#define STRAY     2 /* an answer to another request, then 0 */
#define SHORT     3 /* a piece of an answer */
#define GONE      4 /* close the control socket */
#define STEPS_MAX 8

/* Takes a request with its descriptor. */
static int take_request(int control, struct vsock_control_request *request)
{
    char ancillary[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
    struct iovec segment = {.iov_base = request, .iov_len = sizeof *request};
    struct msghdr message = {
        .msg_iov = &segment, .msg_iovlen = 1, .msg_control = ancillary, .msg_controllen = sizeof ancillary};
    int fd;

    if (recvmsg(control, &message, 0) != (ssize_t)sizeof *request || request->port != PORT ||
        CMSG_FIRSTHDR(&message) == NULL)
        _exit(2);
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

/* Forks a device that goes through `steps`: results to answer, or one of the above. After 0 it
   sends "hi" on the stream. Returns the monitor's end of the control socket. */
static int start_device(const int *steps, int count, pid_t *ret_pid)
{
    int control[2];

    CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) == 0);
    *ret_pid = fork();
    if (*ret_pid != 0) {
        (void)close(control[1]);
        return control[0];
    }
    (void)close(control[0]);
    for (int i = 0; i < count; i++) {
        struct vsock_control_request request;
        struct vsock_control_answer answer = {.result = steps[i]};
        int fd = take_request(control[1], &request);

        answer.id = request.id;
        if (steps[i] == GONE)
            _exit(0);
        if (steps[i] == SILENCE)
            continue;
        if (steps[i] == STRAY) {
            answer.id = request.id - 1;
            answer.result = -EMFILE;
            (void)!write(control[1], &answer, sizeof answer);
            answer = (struct vsock_control_answer){.id = request.id, .result = 0};
        }
        (void)!write(control[1], &answer, steps[i] == SHORT ? 3 : sizeof answer);
        if (answer.result == 0)
            (void)!write(fd, "hi", 2);
        (void)close(fd);
    }
    (void)!read(control[1], &count, 1); /* until the monitor goes */
    _exit(0);
}

/* Runs a script against link_connect; its result. */
static int run(const int *steps, int count, uint64_t milliseconds, struct error *err)
{
    struct link *link = NULL;
    char text[2];
    pid_t pid;
    int control = start_device(steps, count, &pid);
    int fd = -1, status = -1, r;

    CU_ASSERT_EQUAL_FATAL(link_open_vhost_user(control, &link, err), 0);
    CU_ASSERT_STRING_EQUAL(link_transport(link), "vhost-user");
    r = link_connect(link, PORT, io_deadline_ms(milliseconds), &fd, err);
    if (r == 0) {
        CU_ASSERT_EQUAL(io_read_full(fd, text, 2, io_deadline_ms(2000)), 0);
        CU_ASSERT(memcmp(text, "hi", 2) == 0);
        CU_ASSERT((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
        CU_ASSERT((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
        (void)close(fd);
    } else {
        CU_ASSERT_EQUAL(fd, -1);
    }
    link_free(link);
    (void)close(control);
    (void)waitpid(pid, &status, 0);
    CU_ASSERT_EQUAL(status, 0);
    return r;
}

static void test_success(void)
{
    const int at_once[] = {0}, later[] = {-ENOTCONN, -ECONNREFUSED, -ETIMEDOUT, -ECONNRESET, 0};
    const int stray[] = {-ENOTCONN, STRAY};
    struct error err = {.kind = ERROR_NONE};

    CU_ASSERT_EQUAL(run(at_once, 1, 2000, &err), 0);
    CU_ASSERT_EQUAL(run(later, 5, 2000, &err), 0);
    CU_ASSERT_EQUAL(run(stray, 2, 2000, &err), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_NONE);
}

static void test_deadline(void)
{
    const int silence[] = {SILENCE}, refused[] = {-ECONNREFUSED};
    struct error err = {.kind = ERROR_NONE};
    uint64_t start = io_now_ns();

    CU_ASSERT_EQUAL(run(silence, 1, 100, &err), -ETIMEDOUT);
    CU_ASSERT_EQUAL(err.kind, ERROR_GUEST);
    CU_ASSERT_EQUAL(run(refused, 1, 5, &err), -ETIMEDOUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "refused"));
    CU_ASSERT(io_now_ns() - start < 20 * IO_NS_PER_S);
}

static void test_failures(void)
{
    const int nonsense[] = {-EPROTO}, full[] = {-EMFILE}, gone[] = {GONE}, cut[] = {SHORT};
    const int odd[] = {17};
    struct error err = {.kind = ERROR_NONE};

    CU_ASSERT_EQUAL(run(nonsense, 1, 2000, &err), -EPROTO);
    CU_ASSERT_EQUAL(err.kind, ERROR_GUEST);
    CU_ASSERT_EQUAL(run(full, 1, 2000, &err), -EMFILE);
    CU_ASSERT_EQUAL(err.kind, ERROR_INTERNAL);
    CU_ASSERT_EQUAL(run(gone, 1, 2000, &err), -ECONNRESET);
    CU_ASSERT_EQUAL(err.kind, ERROR_INTERNAL);
    CU_ASSERT_EQUAL(run(cut, 1, 2000, &err), -EBADMSG);
    CU_ASSERT_EQUAL(run(odd, 1, 2000, &err), -EBADMSG);
}

static void test_at_once(void)
{
    const int steps[] = {0};
    struct error err = {.kind = ERROR_NONE};
    int status, fd = -1;
    pid_t pid;
    int control = start_device(steps, 1, &pid);

    CU_ASSERT_EQUAL(link_connect_vhost_user(control, PORT, io_deadline_ms(2000), &fd, &err), 0);
    (void)close(fd);
    (void)close(control);
    (void)waitpid(pid, &status, 0);
}

static void test_kernel_transport(void)
{
    struct error err = {.kind = ERROR_NONE};
    struct link *link = NULL;
    uint32_t cid = 0;
    int fd = -1;

    CU_ASSERT_EQUAL(link_open_vhost_vsock(2, &link, &err), -EINVAL); /* the host's own */
    CU_ASSERT_EQUAL(link_open_vhost_vsock(UINT32_MAX, &link, &err), -EINVAL);
    CU_ASSERT_PTR_NULL(link);
    CU_ASSERT_EQUAL_FATAL(link_open_vhost_vsock(77, &link, &err), 0);
    CU_ASSERT_STRING_EQUAL(link_transport(link), "vhost-vsock");
    link_free(link);
    if (link_vhost_vsock_available())
        return; /* a machine's own CIDs are not for tests */
    CU_ASSERT(link_reserve_cid(&fd, &cid, &err) < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/dev/vhost-vsock"));
    CU_ASSERT_EQUAL(fd, -1);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"streams, at once and after tries", test_success},
        {"the deadline", test_deadline},
        {"failures", test_failures},
        {"in one call", test_at_once},
        {"the kernel's transport where it is absent", test_kernel_transport},
    };

    return harness_run("link", tests, HARNESS_COUNT(tests));
}
