/* SPDX-License-Identifier: Apache-2.0 */
/* How and where it ran, from execution.json, and the end of what the guest printed. */
#include "host/report/page_sections.h"

#include <string.h>

#define PHASES_MAX 48u

static void write_fact(struct html *html, const char *name, const char *text)
{
    if (text[0] == '\0')
        return;
    html_format(html, "<div><dt>%s</dt><dd>", name);
    html_text(html, text);
    html_raw(html, "</dd></div>\n");
}

static void write_destruction(struct html *html, const json_t *destruction)
{
    static const char *const keys[] = {"processesGone", "mountsGone", "socketsGone", "cidReleased"};
    bool gone = true;

    if (destruction == NULL)
        return;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        gone = gone && json_is_true(json_object_get(destruction, keys[i]));
    html_raw(html, "<div><dt>Destruction</dt><dd>");
    if (gone)
        html_raw(html, "looked for afterwards, and nothing was left: no process, mount, socket or CID");
    else
        html_say(html, "something was left: %s", look_text(destruction, "left"));
    html_raw(html, "</dd></div>\n");
}

/* What the policy's `repeat` and `recheck` found: both agreed, or there is no evaluation and this says how far they
 * came.
 */
static void write_again(struct html *html, const json_t *execution)
{
    const json_t *recheck = json_object_get(execution, "recheck"), *run;
    json_int_t adversarial = json_integer_value(json_object_get(recheck, "adversarial"));
    json_int_t clean = json_integer_value(json_object_get(recheck, "clean"));
    json_int_t agreed = json_integer_value(json_object_get(recheck, "agreed"));
    unsigned evaluations = 0;
    size_t i;

    json_array_foreach (json_object_get(execution, "runs"), i, run)
        evaluations += json_object_get(run, "evaluation") != NULL;
    if (evaluations > 1) {
        html_raw(html, "<div><dt>Repeated</dt><dd>");
        html_say(html, "evaluated %u times, each in a guest of its own", evaluations);
        html_raw(html, "</dd></div>\n");
    }
    if (recheck == NULL)
        return;
    html_raw(html, "<div><dt>Recheck</dt><dd>");
    html_say(html,
             "a fresh guest that only predicts agreed on %lld of %lld inputs, %lld of them adversarial; that raises "
             "the price of a lie and proves nothing",
             (long long)agreed, (long long)(adversarial + clean), (long long)adversarial);
    html_raw(html, "</dd></div>\n");
}

static void write_facts(struct html *html, const json_t *execution)
{
    const json_t *guest = json_object_get(execution, "guest"), *versions = json_object_get(execution, "versions");

    html_raw(html, "<dl class=\"facts\">\n");
    write_fact(html, "Isolation", look_text(execution, "isolation"));
    write_fact(html, "Acceleration", look_text(execution, "acceleration"));
    write_fact(html, "Why that acceleration", look_text(execution, "accelerationReason"));
    write_fact(html, "Transport", look_text(execution, "transport"));
    write_fact(html, "Host\xe2\x80\x99s processor", look_text(execution, "cpuModel"));
    write_fact(html, "The guest calls itself", look_text(guest, "agent"));
    write_fact(html, "Instructions used", look_text(guest, "kernels"));
    write_fact(html, "Device", look_text(json_object_get(guest, "device"), "name"));
    write_fact(html, "QEMU", look_text(versions, "qemu"));
    write_fact(html, "libvirt", look_text(versions, "libvirt"));
    write_fact(html, "How it ended", look_text(json_object_get(execution, "exit"), "detail"));
    write_fact(html, "Failure", look_text(execution, "failure"));
    write_destruction(html, json_object_get(execution, "destruction"));
    write_again(html, execution);
    html_raw(html, "</dl>\n");
}

/* The end of a worker in the guest, in its supervisor's words (docs/forensics.md). */
static void write_forensics(struct html *html, const json_t *forensics)
{
    const json_t *worker = json_object_get(forensics, "worker");

    if (forensics == NULL)
        return;
    if (worker != NULL) {
        html_raw(html, "<h3>What the guest said of its end</h3>\n<dl class=\"facts\">\n");
        write_fact(html, "Failure", look_text(worker, "failure"));
        write_fact(html, "During", look_text(worker, "check"));
        write_fact(html, "Signal", look_text(worker, "signalName"));
        write_fact(html, "Forbidden system call", look_text(worker, "systemCallName"));
        write_fact(html, "At address", look_text(worker, "address"));
        write_fact(html, "In its words", look_text(worker, "text"));
        html_raw(html, "</dl>\n");
    }
    html_raw(html, "<p class=\"fine\">What else was left behind stands in <code>forensics.json</code>.</p>\n");
}

static void write_phases(struct html *html, const json_t *phases)
{
    const json_t *phase;
    size_t i;

    if (json_array_size(phases) == 0)
        return;
    html_raw(html, "<details><summary>Where the time went</summary>\n");
    page_open_table(html, "Phases of the job");
    html_raw(html, "<thead><tr><th scope=\"col\">Phase</th><th scope=\"col\">Seconds</th></tr></thead>\n<tbody>\n");
    json_array_foreach (phases, i, phase) {
        if (i == PHASES_MAX)
            break;
        html_raw(html, "<tr><th scope=\"row\">");
        html_text(html, look_text(phase, "name"));
        html_raw(html, "</th><td class=\"n\">");
        html_text(html, look_text(phase, "wallSeconds"));
        html_raw(html, "</td></tr>\n");
    }
    html_raw(html, "</tbody>\n");
    page_close_table(html);
    html_raw(html, "</details>\n");
}

/* Line by line, so that the text keeps its lines and every other control is shown as what it is. */
static void write_console(struct html *html, const struct page *page)
{
    size_t from = page->console_size > PAGE_CONSOLE_BYTES ? page->console_size - PAGE_CONSOLE_BYTES : 0;

    if (page->console_size == 0)
        return;
    html_raw(html, "<details><summary>The end of what the guest printed</summary>\n<p class=\"fine\">The guest\xe2\x80"
                   "\x99s own words: what a hostile model makes it say stands here too.</p>\n<pre tabindex=\"0\">");
    while (from < page->console_size) {
        const char *line = page->console + from, *end = memchr(line, '\n', page->console_size - from);
        size_t size = end != NULL ? (size_t)(end - line) : page->console_size - from;

        html_bytes(html, line, size > 0 && line[size - 1] == '\r' ? size - 1 : size, HTML_TEXT_MAX);
        html_raw(html, "\n");
        from += size + 1;
    }
    html_raw(html, "</pre></details>\n");
}

void page_run(struct html *html, const struct page *page)
{
    page_open(html, "run", "How it ran");
    if (page->execution != NULL)
        write_facts(html, page->execution);
    write_forensics(html, page->forensics);
    write_phases(html, json_object_get(page->execution, "phases"));
    write_console(html, page);
    page_close(html);
}
