/* SPDX-License-Identifier: Apache-2.0 */
/* The head of the page: the verdict in plain words, why, and what it is about. */
#include "host/attest/base64.h"
#include "host/attest/outcome.h"
#include "host/attest/statement.h"
#include "host/report/page_sections.h"

#include "digest/sha256.h"

#include <string.h>

static const json_t *extension_of(const struct page *page)
{
    return statement_get_extension(page->statement);
}

static const json_t *subject_of(const struct page *page)
{
    return json_array_get(json_object_get(page->statement, "subject"), 0);
}

/* No source but this file's own styles, by their digest: what a browser would fetch or run, it must not. */
static void write_content_policy(struct html *html)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(2 * SHA256_SIZE);
    uint8_t sha256[SHA256_SIZE];

    sha256_of(page_style, strlen(page_style), sha256);
    if (base64_encode(sha256, sizeof sha256, &text) < 0 || buffer_append_u8(&text, 0) < 0)
        return;
    html_raw(html, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
                   "base-uri 'none'; form-action 'none'; style-src 'sha256-");
    html_raw(html, (const char *)text.data);
    html_raw(html, "'\">\n");
}

void page_head(struct html *html, const struct page *page)
{
    html_raw(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    write_content_policy(html);
    html_raw(html, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<meta name=\"color-scheme\" content=\"light dark\">\n"
                   "<meta name=\"referrer\" content=\"no-referrer\">\n<title>");
    html_say(html, "%s: %s \xe2\x80\x93 Lazaret report", look_text(subject_of(page), "name"),
             look_text(extension_of(page), "verdict"));
    html_raw(html, "</title>\n<style>");
    html_raw(html, page_style);
    html_raw(html, "</style>\n</head>\n");
}

/* --- the banner -------------------------------------------------------------------------------------------------- */

struct wording {
    const char *title, *kind, *meaning;
};

static struct wording wording_of(const struct page *page)
{
    static const struct wording wordings[OUTCOME_COUNT] = {
        [OUTCOME_PASSED] = {"Passed", "good",
                            "Every check that the policy asks for was made, and the model passed them. That is a first "
                            "look, not a proof that the model is free of faults."},
        [OUTCOME_REJECTED] = {"Rejected", "bad",
                              "At least one check failed. Do not use this model: the reasons say what was found."},
        [OUTCOME_NEEDS_REVIEW] = {"Needs review", "warn",
                                  "Nothing failed, but this result does not stand by itself: a person has to look at "
                                  "the reasons and decide before the model is used."},
        [OUTCOME_COULD_NOT_EVALUATE] = {"Could not evaluate", "none",
                                        "The evaluation did not come to its end, so nothing is known about the model. "
                                        "Treat it as not evaluated: no figure of it counts."},
        [OUTCOME_REJECTED_BEFORE_BOOT] = {"Rejected before it ran", "bad",
                                          "The policy does not admit this evaluation, so the model was never looked "
                                          "at. The reason says what stood against it."},
    };
    const char *verdict = look_text(extension_of(page), "verdict");

    for (unsigned i = 0; i < OUTCOME_COUNT; i++)
        if (strcmp(outcome_names[i], verdict) == 0)
            return wordings[i];
    return wordings[OUTCOME_COULD_NOT_EVALUATE];
}

static void write_reasons(struct html *html, const json_t *reasons)
{
    const json_t *reason;
    size_t i;

    if (json_array_size(reasons) == 0)
        return;
    html_raw(html, "<h2 class=\"small\">Why</h2>\n<ul class=\"reasons\">\n");
    json_array_foreach (reasons, i, reason) {
        const char *text = json_string_value(reason), *colon = text != NULL ? strstr(text, ": ") : NULL;

        html_raw(html, "<li>");
        if (colon != NULL && colon - text < 64) { /* the check that it is about */
            html_raw(html, "<strong>");
            html_bytes(html, text, (size_t)(colon - text), HTML_TEXT_MAX);
            html_raw(html, "</strong>");
            text = colon;
        }
        html_text(html, text);
        html_raw(html, "</li>\n");
    }
    html_raw(html, "</ul>\n");
}

static void write_banner(struct html *html, const struct page *page)
{
    struct wording wording = wording_of(page);

    html_format(html,
                "<div class=\"verdict %s\" id=\"verdict\">\n<p class=\"word\"><svg aria-hidden=\"true\" width=\"30\" "
                "height=\"30\"><use href=\"#i-%s\"/></svg><span><span class=\"unseen\">Verdict: </span>%s</span></p>\n",
                wording.kind, wording.kind, wording.title);
    html_format(html, "<p class=\"meaning\">%s</p>\n", wording.meaning);
    write_reasons(html, json_object_get(extension_of(page), "reasons"));
    html_raw(html, "</div>\n");
}

/* --- what it is about -------------------------------------------------------------------------------------------- */

static void write_fact(struct html *html, const char *name, const char *text)
{
    html_format(html, "<div><dt>%s</dt><dd>", name);
    html_text(html, text);
    html_raw(html, "</dd></div>\n");
}

/* "2026-11-22T08:32:56Z" for people. */
static void write_time(struct html *html, const char *stamp)
{
    html_raw(html, "<div><dt>Finished</dt><dd>");
    if (strlen(stamp) == 20) {
        html_bytes(html, stamp, 10, 10);
        html_raw(html, " ");
        html_bytes(html, stamp + 11, 5, 5);
        html_raw(html, " UTC, by this machine's clock");
    } else {
        html_text(html, stamp);
    }
    html_raw(html, "</dd></div>\n");
}

static const char *place_of(const json_t *extension)
{
    const char *isolation = look_text(extension, "isolation");

    if (strcmp(isolation, "microvm") == 0)
        return strcmp(look_text(extension, "acceleration"), "kvm") == 0 ? "in a disposable microVM (KVM)"
                                                                        : "in a disposable microVM (emulated, TCG)";
    return strcmp(isolation, "process") == 0 ? "in a confined process, without a VM" : "nowhere: nothing was started";
}

static void write_facts(struct html *html, const struct page *page)
{
    const json_t *extension = extension_of(page), *digest = json_object_get(subject_of(page), "digest");

    html_raw(html, "<dl class=\"facts\">\n<div class=\"wide\"><dt>Model, SHA-256</dt><dd>");
    html_digest(html, look_text(digest, "sha256"));
    html_raw(html, "</dd></div>\n");
    write_time(html, look_text(extension, "finishedAt"));
    html_raw(html, "<div><dt>Policy</dt><dd>");
    html_say(html, "tier \xe2\x80\x9c%s\xe2\x80\x9d", look_text(extension, "tier"));
    html_raw(html, "</dd></div>\n");
    write_fact(html, "Ran", place_of(extension));
    if (page->evaluation != NULL)
        write_fact(html, "Arithmetic", look_text(page->evaluation, "arithmetic"));
    html_raw(html, "</dl>\n");
}

static void write_links(struct html *html, const struct page *page)
{
    html_raw(html, "<nav aria-label=\"Sections\"><ul>\n<li><a href=\"#checked\">Checked</a></li>\n"
                   "<li><a href=\"#unchecked\">Not looked at</a></li>\n");
    if (page_find_made(page, "clean-accuracy") != NULL)
        html_raw(html, "<li><a href=\"#accuracy\">Accuracy</a></li>\n");
    if (page_find_made(page, "robustness") != NULL || page_find_made(page, "fgsm") != NULL)
        html_raw(html, "<li><a href=\"#robustness\">Robustness</a></li>\n");
    if (page_find_made(page, "activation-clustering") != NULL)
        html_raw(html, "<li><a href=\"#clusters\">Clusters</a></li>\n");
    if (page_find_made(page, "trigger-scan") != NULL)
        html_raw(html, "<li><a href=\"#trigger\">Trigger</a></li>\n");
    if (page_find_made(page, "scan") != NULL)
        html_raw(html, "<li><a href=\"#findings\">Findings</a></li>\n");
    html_raw(html, "<li><a href=\"#sign-offs\">Sign-offs</a></li>\n<li><a href=\"#evidence\">Evidence</a></li>\n"
                   "<li><a href=\"#replay\">Replay</a></li>\n</ul></nav>\n");
}

/* What `lazaret report` found out before it wrote; the page that is signed can't know. */
static void write_verified(struct html *html, const struct page *page)
{
    bool held = false;

    if (!page->rewritten)
        return;
    for (size_t i = 0; i < page->verified_count; i++)
        if (strcmp(page->verified[i].what, "signature") == 0 && strcmp(page->verified[i].state, "holds") == 0)
            held = true;
    html_raw(html, held ? "<p class=\"note\">Written again by <code>lazaret report</code> from a result whose "
                          "signature holds; <a href=\"#verified\">what was verified</a>.</p>\n"
                        : "<p class=\"note warn\"><strong>The signature was not checked</strong>, as no key was given: "
                          "anyone may have written what this page says. Give <code>--key</code>.</p>\n");
}

void page_verdict(struct html *html, const struct page *page)
{
    html_raw(html, "<header>\n<p class=\"brand\">Lazaret evaluation report</p>\n<h1>");
    html_text(html, look_text(subject_of(page), "name"));
    html_raw(html, "</h1>\n</header>\n<main id=\"main\">\n");
    write_verified(html, page);
    write_banner(html, page);
    write_facts(html, page);
    write_links(html, page);
}
