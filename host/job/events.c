/* SPDX-License-Identifier: Apache-2.0 */
/* events.jsonl and the progress line. */
#include "host/job/events.h"

#include "base/io.h"

#include <string.h>
#include <time.h>

#define LINE_INTERVAL_NS (IO_NS_PER_S / 10)
#define LEFT_MAX_S       3599999.0 /* 59999:59: no int overflows */
#define EVENT_REST       48u       /* bytes of an event besides its names and text */

static uint64_t cpu_now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * IO_NS_PER_S + (uint64_t)now.tv_nsec;
}

static double seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

/* A JSON string of text that is printable ASCII but for what JSON escapes. */
static void put_string(FILE *file, const char *text)
{
    (void)fputc('"', file);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            (void)fprintf(file, "\\%c", c);
        else if (c < 0x20 || c > 0x7e)
            (void)fprintf(file, "\\u%04x", c);
        else
            (void)fputc(c, file);
    }
    (void)fputc('"', file);
}

/* {"event":NAME,"phase":PHASE,"wallSeconds":"0.123"EXTRA} */
static void write_event(struct events *events, const char *name, const char *text_key, const char *text)
{
    if (events->file == NULL)
        return;
    events->bytes += strlen(name) + strlen(text_key) + strlen(text) + EVENT_REST;
    (void)fputs("{\"event\":", events->file);
    put_string(events->file, name);
    (void)fprintf(events->file, ",\"%s\":", text_key);
    put_string(events->file, text);
    (void)fprintf(events->file, ",\"wallSeconds\":\"%.3f\"}\n", seconds(io_now_ns() - events->start_ns));
    (void)fflush(events->file);
}

static void end_line(struct events *events)
{
    if (events->line_open)
        (void)fputs("\r\033[K", stderr);
    events->line_open = false;
}

void events_start(struct events *events, int fd, bool quiet)
{
    *events = (struct events){
        .file = fd >= 0 ? fdopen(fd, "w") : NULL,
        .quiet = quiet,
        .terminal = isatty(STDERR_FILENO) == 1,
        .start_ns = io_now_ns(),
    };
    if (events->file == NULL && fd >= 0) {
        (void)close(fd);
        events->lost = true;
    }
}

void events_label(struct events *events, const char *label)
{
    events_end(events);
    events->label = label;
}

void events_begin(struct events *events, const char *phase)
{
    bool labelled = events->label != NULL && events->label[0] != '\0';
    struct events_phase *next;

    events_end(events);
    if (events->phase_count == EVENTS_PHASES_MAX)
        return;
    next = &events->phases[events->phase_count];
    (void)snprintf(next->name, sizeof next->name, "%s%s%s", labelled ? events->label : "", labelled ? ": " : "", phase);
    events->in_phase = true;
    events->phase_start_ns = io_now_ns();
    events->phase_cpu_ns = cpu_now_ns();
    events->last_line_ns = 0;
    events->complete = false;
    write_event(events, "begin", "phase", next->name);
    if (!events->quiet && events->terminal) {
        (void)fprintf(stderr, "\r\033[K[%s]", next->name);
        events->line_open = true;
    }
}

void events_end(struct events *events)
{
    struct events_phase *phase;

    if (!events->in_phase)
        return;
    phase = &events->phases[events->phase_count++];
    phase->wall_ns = io_now_ns() - events->phase_start_ns;
    phase->cpu_ns = cpu_now_ns() - events->phase_cpu_ns;
    events->in_phase = false;
    write_event(events, "end", "phase", phase->name);
    end_line(events);
    if (!events->quiet)
        (void)fprintf(stderr, "%-36s %8.2f s\n", phase->name, seconds(phase->wall_ns));
}

static void print_progress(struct events *events, uint64_t done, uint64_t total, const char *unit)
{
    double elapsed = seconds(io_now_ns() - events->phase_start_ns), share = (double)done / (double)total;
    double rate = elapsed > 0 ? (double)done / elapsed : 0;
    double left = rate > 0 ? (double)(total - done) / rate : 0;
    const char *scale = "";

    if (left > LEFT_MAX_S) /* it is a guest that says how much there is */
        left = LEFT_MAX_S;
    if (rate >= 1e6) {
        rate /= 1e6;
        scale = "M ";
    }
    (void)fprintf(stderr, "\r\033[K[%s] %3.0f%%  %.1f %s%s/s  %d:%02d left", events->phases[events->phase_count].name,
                  share * 100, rate, scale, unit, (int)left / 60, (int)left % 60);
    (void)fflush(stderr);
    events->line_open = true;
}

void events_progress(struct events *events, uint64_t done, uint64_t total, const char *unit)
{
    uint64_t now = io_now_ns();

    int size;

    if (!events->in_phase || total == 0)
        return;
    /* The last report is worth a line at once; but it is a guest that says which is the last. */
    if (now - events->last_line_ns < LINE_INTERVAL_NS && (done < total || events->complete))
        return;
    events->last_line_ns = now;
    events->complete = done >= total;
    if (events->file != NULL && events->bytes < EVENTS_BYTES_MAX) {
        size = fprintf(events->file,
                       "{\"event\":\"progress\",\"phase\":\"%s\",\"done\":%llu,\"total\":%llu,\"unit\":\"%s\","
                       "\"wallSeconds\":\"%.3f\"}\n",
                       events->phases[events->phase_count].name, (unsigned long long)done, (unsigned long long)total,
                       unit, seconds(now - events->start_ns));
        events->bytes += size > 0 ? (uint64_t)size : 0;
        (void)fflush(events->file);
    }
    if (!events->quiet && events->terminal)
        print_progress(events, done, total, unit);
}

void events_note(struct events *events, const char *name, const char *text)
{
    write_event(events, name, "text", text);
    if (events->quiet)
        return;
    end_line(events);
    (void)fprintf(stderr, "%s: %s\n", name, text);
}

void events_stop(struct events *events)
{
    events_end(events);
    end_line(events);
    if (events->file == NULL)
        return;
    events->lost = fflush(events->file) != 0 || ferror(events->file) != 0 || fsync(fileno(events->file)) < 0;
    if (fclose(events->file) != 0)
        events->lost = true;
    events->file = NULL;
}
