/* SPDX-License-Identifier: Apache-2.0 */
/* The page's order, and what its sections share. */
#include "host/report/page.h"

#include "host/attest/statement.h"
#include "host/report/page_sections.h"

#include <string.h>

const char *const page_check_ids[] = {"scan",
                                      "clean-accuracy",
                                      "noise",
                                      "fgsm",
                                      "pgd",
                                      "square",
                                      "robustness",
                                      "activation-clustering",
                                      "trigger-scan",
                                      "neural-cleanse",
                                      "spectral-signature",
                                      "strip",
                                      "weight-drift",
                                      NULL};

static const struct {
    const char *id, *name, *question;
} checks[] = {
    {"scan", "Malicious code", "Would loading the file run code, or reach files or the network?"},
    {"clean-accuracy", "Accuracy", "How often is the model right on the test set?"},
    {"noise", "Random noise", "Does noise that aims at nothing change its answers?"},
    {"fgsm", "Fast gradient attack", "Does one step along the gradient change its answers?"},
    {"pgd", "Projected gradient attack", "Do many steps along the gradient change its answers?"},
    {"square", "Black-box search", "Does a search that sees answers only change them?"},
    {"robustness", "Worst of all attacks", "How many answers survive every attack that was made?"},
    {"activation-clustering", "Poisoned training data",
     "Does a class hold training inputs unlike any trusted test input?"},
    {"trigger-scan", "Trigger search", "Is there a small pattern that turns inputs into one class?"},
    {"neural-cleanse", "Smallest turning mask", "Is one class far easier to reach than the others?"},
    {"spectral-signature", "Outliers of activations", "Which training inputs stand out within their class?"},
    {"strip", "Entropy under your triggers", "Do your triggers make blended inputs suspiciously certain?"},
    {"weight-drift", "Weights against the reference", "Which weights differ from the reference model's?"},
};

const char *page_check_name(const char *id)
{
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        if (strcmp(checks[i].id, id) == 0)
            return checks[i].name;
    return id;
}

const char *page_check_question(const char *id)
{
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        if (strcmp(checks[i].id, id) == 0)
            return checks[i].question;
    return "";
}

const json_t *page_find(const struct page *page, const char *id)
{
    const json_t *check;
    size_t i;

    json_array_foreach (json_object_get(page->evaluation, "checks"), i, check)
        if (strcmp(look_text(check, "id"), id) == 0)
            return check;
    return NULL;
}

const json_t *page_find_made(const struct page *page, const char *id)
{
    const json_t *check = page_find(page, id);

    return check != NULL && json_object_get(check, "reason") == NULL ? check : NULL;
}

/* --- shapes --------------------------------------------------------------------------------------------------- */

static const struct {
    const char *status, *kind, *word;
} badges[] = {
    {"passed", "good", "passed"},
    {"failed", "bad", "failed"},
    {"rejected", "bad", "rejected"},
    {"rejected-before-boot", "bad", "rejected before it ran"},
    {"warned", "warn", "warned"},
    {"needs-review", "warn", "needs review"},
    {"error", "none", "error"},
    {"skipped", "none", "not made"},
    {"could-not-evaluate", "none", "could not evaluate"},
    {"holds", "good", "holds"},
    {"mismatch", "bad", "does not match"},
    {"missing", "warn", "missing"},
    {"not-checked", "none", "not checked"},
    {"allowed", "good", "allowed"},
    {"dangerous", "bad", "dangerous"},
    {"unknown", "warn", "unknown"},
    {"unscanned", "warn", "unscanned"},
    {"suspicious", "bad", "suspicious"},
    {"critical", "bad", "critical"},
    {"high", "bad", "high"},
    {"medium", "warn", "medium"},
    {"low", "none", "low"},
    {"info", "none", "info"},
    {"approved", "good", "approved"},
    {"waived", "warn", "waived"},
    {"broken", "bad", "broken"},
    {"released", "good", "released"},
    {"expired", "bad", "expired"},
    {"differs", "warn", "differs"},
    {"gap", "warn", "gap"},
    {"limit", "none", "limit"},
    {"queued", "none", "queued"},
    {"running", "none", "running"},
    {"aborted", "none", "aborted"},
};

void page_badge(struct html *html, const char *status)
{
    const char *kind = "none", *word = status;

    for (size_t i = 0; i < sizeof badges / sizeof badges[0]; i++)
        if (strcmp(badges[i].status, status) == 0) {
            kind = badges[i].kind;
            word = badges[i].word;
        }
    html_format(html,
                "<span class=\"badge %s\"><svg aria-hidden=\"true\" width=\"12\" height=\"12\"><use "
                "href=\"#i-%s\"/></svg>",
                kind, kind);
    html_text(html, word);
    html_raw(html, "</span>");
}

/* Drawn once, used by every badge. */
void page_shapes(struct html *html)
{
    /* As attributes: a style would not reach into where a shape is used. */
#define STROKE " fill=\"none\" stroke=\"currentColor\" stroke-width=\"2.2\" stroke-linecap=\"round\"/></symbol>"
    html_raw(html, "<svg class=\"shapes\" aria-hidden=\"true\" width=\"0\" height=\"0\">"
                   "<symbol id=\"i-good\" viewBox=\"0 0 12 12\"><path d=\"M1.5 6.5 4.5 9.5 10.5 2.5\"" STROKE
                   "<symbol id=\"i-bad\" viewBox=\"0 0 12 12\"><path d=\"M2 2 10 10M10 2 2 10\"" STROKE
                   "<symbol id=\"i-warn\" viewBox=\"0 0 12 12\"><path d=\"M6 1.2V7.2M6 10.7V10.8\"" STROKE
                   "<symbol id=\"i-none\" viewBox=\"0 0 12 12\"><path d=\"M2 6H10\"" STROKE "</svg>\n");
#undef STROKE
}

void page_open(struct html *html, const char *id, const char *heading)
{
    html_format(html, "<section id=\"%s\" aria-labelledby=\"h-%s\">\n<h2 id=\"h-%s\">%s</h2>\n", id, id, id, heading);
}

void page_close(struct html *html)
{
    html_raw(html, "</section>\n");
}

void page_open_table(struct html *html, const char *caption)
{
    html_raw(html, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"");
    html_text(html, caption);
    html_raw(html, "\"><table>\n<caption>");
    html_text(html, caption);
    html_raw(html, "</caption>\n");
}

void page_close_table(struct html *html)
{
    html_raw(html, "</table></div>\n");
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

int page_write(const struct page *page, struct buffer *ret_html)
{
    struct html html = {.page = ret_html};

    page_head(&html, page);
    html_raw(&html, "<body>\n<a class=\"skip\" href=\"#main\">To the content</a>\n");
    page_shapes(&html);
    page_verdict(&html, page);
    page_checked(&html, page);
    page_unchecked(&html, page);
    page_accuracy(&html, page);
    page_robustness(&html, page);
    page_clusters(&html, page);
    page_trigger(&html, page);
    page_reports(&html, page);
    page_findings(&html, page);
    page_sign_offs(&html, page);
    page_evidence(&html, page);
    page_run(&html, page);
    html_raw(&html, "</main>\n<footer><p>");
    html_text(&html, look_text(statement_get_extension(page->statement), "producer"));
    html_raw(&html, ". This page needs no network and runs no script. It is for reading; what counts is the signed "
                    "bundle, <code>result.sigstore.json</code>, checked by <code>lazaret verify</code>.</p></footer>\n"
                    "</body>\n</html>\n");
    return html_result(&html);
}
