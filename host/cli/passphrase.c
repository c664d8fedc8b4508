/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking for a passphrase on the terminal.
 *
 * The terminal is left as it was, whatever ends the question: signals that would end the process are caught while it
 * waits, end the question, and only then the process. (The signer asks in its own process; SIGTERM is also what it gets
 * when the process that started it dies.)
 */
#include "host/cli/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

#define CAUGHT_COUNT (sizeof caught / sizeof caught[0])

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    interrupted = number;
}

/* What to put back afterwards. */
struct signals {
    struct sigaction actions[CAUGHT_COUNT];
    sigset_t mask;
};

/* They stay blocked but while ppoll(2) waits, so that none comes between a look at `interrupted` and the wait. */
static void catch_signals(struct signals *before)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t blocked;

    interrupted = 0;
    (void)sigemptyset(&blocked);
    for (size_t i = 0; i < CAUGHT_COUNT; i++)
        (void)sigaddset(&blocked, caught[i]);
    (void)sigprocmask(SIG_BLOCK, &blocked, &before->mask);
    for (size_t i = 0; i < CAUGHT_COUNT; i++)
        (void)sigaction(caught[i], &action, &before->actions[i]);
}

static void release_signals(const struct signals *before)
{
    for (size_t i = 0; i < CAUGHT_COUNT; i++)
        (void)sigaction(caught[i], &before->actions[i], NULL);
    (void)sigprocmask(SIG_SETMASK, &before->mask, NULL);
}

/* Waits for input; false where a signal came instead. */
static bool wait_for_input(int terminal, const sigset_t *mask)
{
    struct pollfd poll = {.fd = terminal, .events = POLLIN};

    while (interrupted == 0)
        if (ppoll(&poll, 1, NULL, mask) >= 0)
            return true;
        else if (errno != EINTR)
            return false;
    return false;
}

static void say(int terminal, const char *text)
{
    ssize_t written = write(terminal, text, strlen(text));

    (void)written; /* a prompt that can't be seen can still be answered */
}

/* One line, byte by byte: nothing beyond it is taken, and no buffer of the C library holds it. */
static int read_line(int terminal, const sigset_t *mask, char ret_text[CRYPTO_PASSPHRASE_SIZE], struct error *err)
{
    size_t size = 0;

    for (;;) {
        char byte;

        if (!wait_for_input(terminal, mask) || read(terminal, &byte, 1) != 1)
            return error_set(err, ERROR_USAGE, -ECANCELED, "no passphrase was given");
        if (byte == '\n')
            break;
        if (size + 1 >= CRYPTO_PASSPHRASE_SIZE)
            return error_set(err, ERROR_USAGE, -EMSGSIZE, "a passphrase has at most %u bytes",
                             CRYPTO_PASSPHRASE_SIZE - 1);
        ret_text[size++] = byte;
    }
    ret_text[size] = '\0';
    return size > 0 ? 0 : error_set(err, ERROR_USAGE, -ECANCELED, "no passphrase was given");
}

static int ask(int terminal, const char *what, const sigset_t *mask, char ret_text[CRYPTO_PASSPHRASE_SIZE],
               struct error *err)
{
    struct termios before, quiet;
    int r;

    if (tcgetattr(terminal, &before) < 0)
        return error_set(err, ERROR_USAGE, -ENOTTY, "the terminal: %s", strerror(errno));
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    quiet.c_lflag |= ICANON | ISIG;
    if (tcsetattr(terminal, TCSAFLUSH, &quiet) < 0)
        return error_set(err, ERROR_USAGE, -ENOTTY, "the terminal: %s", strerror(errno));
    say(terminal, what);
    say(terminal, ": ");
    r = read_line(terminal, mask, ret_text, err);
    (void)tcsetattr(terminal, TCSAFLUSH, &before);
    say(terminal, "\n");
    return r;
}

int cli_ask_passphrase(const char *what, char ret_text[CRYPTO_PASSPHRASE_SIZE], struct error *err)
{
    struct signals before;
    CLEANUP_FD int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    int r;

    if (terminal < 0)
        return error_set(err, ERROR_USAGE, -ENOTTY,
                         "the %s is needed, and there is no terminal to ask on; give it with --passphrase-file FILE",
                         what);
    catch_signals(&before);
    r = ask(terminal, what, &before.mask, ret_text, err);
    if (r < 0)
        crypto_passphrase_wipe(ret_text);
    release_signals(&before);
    if (interrupted != 0)
        (void)raise(interrupted);
    return r;
}

int cli_ask_new_passphrase(const char *what, char ret_text[CRYPTO_PASSPHRASE_SIZE], struct error *err)
{
    char again[CRYPTO_PASSPHRASE_SIZE];
    int r = cli_ask_passphrase(what, ret_text, err);

    if (r < 0)
        return r;
    r = cli_ask_passphrase("the same again", again, err);
    if (r == 0 && strcmp(ret_text, again) != 0)
        r = error_set(err, ERROR_USAGE, -EINVAL, "the two differ");
    crypto_passphrase_wipe(again);
    if (r < 0)
        crypto_passphrase_wipe(ret_text);
    return r;
}
