/* SPDX-License-Identifier: Apache-2.0 */
/* The chain of digests, who says what, what was verified, how to check and replay, and who signed off. */
#include "host/attest/statement.h"
#include "host/report/page_sections.h"

#include <string.h>

/* What the resources of a statement are, for people. */
static const struct {
    const char *name, *meaning;
} resources[] = {
    {"policy.yaml", "what was asked for"},
    {"spec.yaml", "what an input is"},
    {"plan.json", "what the guest was told"},
    {"test", "the test set"},
    {"test-labels", "the test set\xe2\x80\x99s labels"},
    {"train", "the training set"},
    {"train-labels", "the training set\xe2\x80\x99s labels"},
    {"triggers", "your trigger patterns"},
    {"reference", "the reference model"},
    {"mask", "which elements may change"},
    {"epsScale", "factors of eps"},
    {"kernel", "the guest\xe2\x80\x99s kernel"},
    {"initramfs", "the guest\xe2\x80\x99s file system"},
    {"agent", "the program that ran the checks"},
    {"disk", "the guest\xe2\x80\x99s read-only disk, with a GPU\xe2\x80\x99s driver"},
    {"domain.xml", "the VM\xe2\x80\x99s definition"},
    {"model-signature", "the model\xe2\x80\x99s own signature"},
    {"trusted-key", "the key that signed the model"},
    {"trusted-ca", "the authority behind the model\xe2\x80\x99s signature"},
    {"signing-certificate", "the certificate that signed the model"},
    {"checksums", "the list that names the model"},
    {"model.sig", "a copy of the model\xe2\x80\x99s own signature"},
    {"SHA256SUMS", "a copy of the list of checksums"},
    {"evaluation.json", "the facts, which a replay must get again"},
    {"execution.json", "how and where it ran"},
    {"findings.sarif", "the scan, for other tools"},
    {"console.log", "what the guest printed"},
    {"samples.npz", "adversarial inputs"},
    {"clusters.npz", "the points of the scatter plots"},
    {"trigger.npz", "the input that the trigger is drawn on"},
    {"forensics.json", "what was left behind, and what was tried"},
    {"junit.xml", "the checks, for CI systems"},
};

static void write_resource(struct html *html, const char *name, const char *meaning, const char *role,
                           const char *sha256)
{
    html_raw(html, "<tr><th scope=\"row\">");
    html_text(html, name);
    html_raw(html, "<span class=\"sub\">");
    html_raw(html, meaning);
    html_format(html, "</span></th><td>%s</td><td>", role);
    html_digest(html, sha256);
    html_raw(html, "</td></tr>\n");
}

static void write_list(struct html *html, const json_t *list, const char *role)
{
    const json_t *entry;
    size_t i;

    json_array_foreach (list, i, entry) {
        const char *name = look_text(entry, "name"), *meaning = "";

        if (strcmp(name, PAGE_NAME) == 0) /* it can't be in itself; written again it says the same */
            continue;
        for (size_t j = 0; j < sizeof resources / sizeof resources[0]; j++)
            if (strcmp(resources[j].name, name) == 0)
                meaning = resources[j].meaning;
        write_resource(html, name, meaning, role, look_text(json_object_get(entry, "digest"), "sha256"));
    }
}

static void write_words(struct html *html, const char *name, const json_t *words)
{
    const json_t *word;
    size_t i;

    if (json_array_size(words) == 0)
        return;
    html_format(html, "<div class=\"wide\"><dt>%s</dt><dd>", name);
    json_array_foreach (words, i, word) {
        html_raw(html, i > 0 ? ", " : "");
        html_text(html, json_string_value(word));
    }
    html_raw(html, "</dd></div>\n");
}

/* Where the model comes from, where the statement says anything of it. */
static void write_provenance(struct html *html, const json_t *extension)
{
    const json_t *provenance = json_object_get(extension, "provenance");

    if (provenance != NULL) {
        html_raw(html, "<div class=\"wide\"><dt>The model\xe2\x80\x99s own signature</dt><dd>holds, over ");
        html_format(html, "%lld", (long long)json_integer_value(json_object_get(provenance, "files")));
        html_raw(html, json_integer_value(json_object_get(provenance, "files")) == 1 ? " file" : " files");
        html_raw(html, json_object_get(provenance, "identity") != NULL ? ", by " : ", by the trusted key");
        html_text(html, look_text(provenance, "identity"));
        html_raw(html, "</dd></div>\n");
    }
    if (json_object_get(extension, "source") != NULL) {
        html_raw(html, "<div class=\"wide\"><dt>Said to come from</dt><dd>");
        html_text(html, look_text(extension, "source"));
        html_raw(html, " (the user\xe2\x80\x99s claim; nobody checked it)</dd></div>\n");
    }
}

static void write_chain(struct html *html, const struct page *page)
{
    const json_t *predicate = json_object_get(page->statement, "predicate"), *subject;
    const json_t *extension = statement_get_extension(page->statement);
    size_t i;

    page_open(html, "evidence", "Evidence: the chain of digests");
    html_raw(html,
             "<p>All of this stands in one signed statement, in <code>result.sigstore.json</code>. Whoever has the "
             "files can compare them with these digests, and the statement with its signature.</p>\n");
    page_open_table(html, "What went in and what came out, by SHA-256");
    html_raw(html,
             "<thead><tr><th scope=\"col\">What</th><th scope=\"col\">Role</th><th scope=\"col\">SHA-256</th></tr>"
             "</thead>\n<tbody>\n");
    json_array_foreach (json_object_get(page->statement, "subject"), i, subject)
        write_resource(html, look_text(subject, "name"), "the model", "model",
                       look_text(json_object_get(subject, "digest"), "sha256"));
    write_list(html, json_object_get(predicate, "configuration"), "went in");
    write_list(html, json_object_get(extension, "documents"), "came out");
    html_raw(html, "</tbody>\n");
    page_close_table(html);
    html_raw(html, "<dl class=\"facts\">\n<div class=\"wide\"><dt>Signing key, SHA-256 of its public half</dt><dd>");
    if (page->fingerprint != NULL)
        html_digest(html, page->fingerprint);
    else
        html_raw(html, "not known here");
    html_raw(html, "</dd></div>\n");
    write_provenance(html, extension);
    write_words(html, "The host itself verified", json_object_get(extension, "hostVerified"));
    write_words(html, "The guest said", json_object_get(extension, "guestSaid"));
    html_raw(html, "</dl>\n");
    page_close(html);
}

static void write_verified(struct html *html, const struct page *page)
{
    if (page->verified_count == 0)
        return;
    page_open(html, "verified", "What was verified when this page was written");
    page_open_table(html, "What lazaret report verified");
    html_raw(html,
             "<thead><tr><th scope=\"col\">What</th><th scope=\"col\">State</th><th scope=\"col\">Detail</th></tr>"
             "</thead>\n<tbody>\n");
    for (size_t i = 0; i < page->verified_count; i++) {
        html_raw(html, "<tr><th scope=\"row\">");
        html_text(html, page->verified[i].what);
        html_raw(html, "</th><td>");
        page_badge(html, page->verified[i].state);
        html_raw(html, "</td><td>");
        html_text(html, page->verified[i].detail);
        html_raw(html, "</td></tr>\n");
    }
    html_raw(html, "</tbody>\n");
    page_close_table(html);
    page_close(html);
}

static bool has_resource(const struct page *page, const char *name)
{
    const json_t *list = json_object_get(json_object_get(page->statement, "predicate"), "configuration"), *entry;
    size_t i;

    json_array_foreach (list, i, entry)
        if (strcmp(look_text(entry, "name"), name) == 0)
            return true;
    return false;
}

static void write_replay(struct html *html, const struct page *page)
{
    page_open(html, "replay", "How to check and to replay it");
    html_raw(html, "<p>Check the signature, the files and the verdict, offline; <code>KEY.pub.pem</code> is the public "
                   "half of the key that you trust, got by a way of your own:</p>\n"
                   "<pre tabindex=\"0\">lazaret verify DIR --key KEY.pub.pem --model MODEL</pre>\n");
    if (page->evaluation != NULL) {
        html_raw(html, "<p>Evaluate again on any machine; the same facts must come out, bit by bit:</p>\n"
                       "<pre tabindex=\"0\">lazaret replay DIR --key KEY.pub.pem --model MODEL --test SET");
        html_raw(html, has_resource(page, "train") ? " --train SET" : "");
        html_raw(html, has_resource(page, "triggers") ? " --triggers SET" : "");
        html_raw(html, has_resource(page, "reference") ? " --reference MODEL" : "");
        html_raw(html, "</pre>\n");
    }
    page_close(html);
}

void page_evidence(struct html *html, const struct page *page)
{
    write_chain(html, page);
    write_verified(html, page);
    write_replay(html, page);
}

/* --- people
 * ----------------------------------------------------------------------------------------------------------- */

static void write_sign_off(struct html *html, const struct page_sign_off *sign_off)
{
    html_raw(html, "<tr><th scope=\"row\">");
    html_text(html, sign_off->who);
    if (sign_off->fingerprint[0] != '\0') {
        html_raw(html, "<span class=\"sub\">");
        html_digest(html, sign_off->fingerprint);
        html_raw(html, "</span>");
    }
    html_raw(html, "</th><td>");
    page_badge(html, sign_off->decision);
    html_raw(html, "</td><td>");
    html_text(html, sign_off->valid_until);
    html_raw(html, "</td><td>");
    html_text(html, sign_off->note);
    html_raw(html, "</td></tr>\n");
}

static void write_lacking(struct html *html, const struct page *page)
{
    if (page->lacking_count == 0)
        return;
    html_raw(html, "<p>What stands against a release:</p>\n<ul>\n");
    for (size_t i = 0; i < page->lacking_count; i++) {
        html_raw(html, "<li>");
        html_text(html, page->lacking[i]);
        html_raw(html, "</li>\n");
    }
    html_raw(html, "</ul>\n");
}

void page_sign_offs(struct html *html, const struct page *page)
{
    const char *tier = look_text(statement_get_extension(page->statement), "tier");

    page_open(html, "sign-offs", "Who signed off");
    if (page->sign_off_count == 0) {
        html_raw(html, page->rewritten
                           ? "<p>Nobody, as far as this directory shows.</p>\n"
                           : "<p>Nobody yet: this page was written when the evaluation ended. Sign-offs "
                             "come later; <code>lazaret report</code> writes the page again with those that "
                             "there are by then.</p>\n");
        if (strcmp(tier, "low") != 0)
            html_raw(html, "<p>The policy\xe2\x80\x99s tier asks for people: a result never passes by itself.</p>\n");
        write_lacking(html, page);
        page_close(html);
        return;
    }
    page_open_table(html, "Sign-offs");
    html_raw(
        html,
        "<thead><tr><th scope=\"col\">Who</th><th scope=\"col\">Decision</th><th scope=\"col\">Valid until</th><th "
        "scope=\"col\">Note</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < page->sign_off_count; i++)
        write_sign_off(html, &page->sign_offs[i]);
    html_raw(html, "</tbody>\n");
    page_close_table(html);
    write_lacking(html, page);
    page_close(html);
}
