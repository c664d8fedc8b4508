/* SPDX-License-Identifier: Apache-2.0 */
/* What was checked, what was found, whose word it is; and what was not looked at. */
#include "host/attest/statement.h"
#include "host/report/page_sections.h"

#include <stdio.h>
#include <string.h>

#define SKIPPED_CLASSES_MAX 16u

/* --- one line a check --------------------------------------------------------------------------------------------- */

static void found_accuracy(struct html *html, const json_t *check)
{
    const json_t *interval = json_object_get(check, "ci95");

    html_percent(html, look_decimal(check, "accuracy"));
    html_format(html, " right (%lld of %lld); 95%% interval ", look_count(check, "correct"),
                look_count(check, "total"));
    html_percent(html, look_decimal_item(interval, 0));
    html_raw(html, " to ");
    html_percent(html, look_decimal_item(interval, 1));
}

/* The first curve's ends say most in least. */
static void found_attack(struct html *html, const json_t *check)
{
    const json_t *curve = json_array_get(json_object_get(check, "curves"), 0), *points, *point;

    points = json_object_get(curve, "points");
    for (size_t i = 0; i < 2 && i < json_array_size(points); i++) {
        point = json_array_get(points, i == 0 ? 0 : json_array_size(points) - 1);
        html_raw(html, i == 0 ? "" : ", ");
        html_percent(html, look_decimal(point, "robustAccuracy"));
        html_say(html, " right at eps %s", look_text(point, "eps"));
    }
    if (json_array_size(points) > 0)
        html_say(html, " (norm %s)", look_text(curve, "norm"));
    if (json_array_size(json_object_get(check, "masking")) > 0)
        html_raw(html, "; signs that gradients are masked");
}

static size_t count_suspicious(const json_t *classes)
{
    const json_t *class;
    size_t i, count = 0;

    json_array_foreach (classes, i, class)
        count += json_is_true(json_object_get(class, "suspicious"));
    return count;
}

static void found_classes(struct html *html, const json_t *check)
{
    const json_t *classes = json_object_get(check, "classes"), *class;
    size_t i, suspicious = count_suspicious(classes), shown = 0;

    if (suspicious == 0) {
        html_format(html, "none of %zu classes is suspicious", json_array_size(classes));
        return;
    }
    html_raw(html, suspicious > 1 ? "suspicious: classes " : "suspicious: class ");
    json_array_foreach (classes, i, class)
        if (json_is_true(json_object_get(class, "suspicious")) && shown++ < 8)
            html_format(html, "%s%lld", shown > 1 ? ", " : "", look_count(class, "label"));
    html_raw(html, suspicious > 8 ? " and more" : "");
}

static void found_trigger(struct html *html, const json_t *check)
{
    const json_t *best = json_object_get(check, "best");

    html_format(html, "best pattern: %lld\xc3\x97%lld at row %lld, column %lld turns ", look_count(best, "height"),
                look_count(best, "width"), look_count(best, "row"), look_count(best, "col"));
    html_percent(html, look_decimal(best, "success"));
    html_format(html, " of other inputs to class %lld", look_count(best, "target"));
    if (json_array_size(json_object_get(check, "suspicious")) == 0)
        html_raw(html, ", which does not stand out");
}

static void found_scan(struct html *html, const json_t *check)
{
    const json_t *file = json_array_get(json_object_get(check, "files"), 0);

    html_say(html, "%s, format %s, %zu findings", look_text(file, "verdict"), look_text(file, "format"),
             json_array_size(json_object_get(file, "findings")));
}

static void found_drift(struct html *html, const json_t *check)
{
    const json_t *layers = json_object_get(check, "layers"), *layer;
    size_t i, drifted = 0;

    json_array_foreach (layers, i, layer)
        drifted += json_is_true(json_object_get(layer, "drifted"));
    html_format(html, "%zu of %zu tensors differ more than chance would have it", drifted, json_array_size(layers));
}

void page_check_found(struct html *html, const json_t *check)
{
    const char *id = look_text(check, "id");

    if (json_object_get(check, "reason") != NULL)
        html_text(html, look_text(check, "reason"));
    else if (strcmp(id, "clean-accuracy") == 0)
        found_accuracy(html, check);
    else if (json_object_get(check, "curves") != NULL)
        found_attack(html, check);
    else if (strcmp(id, "activation-clustering") == 0 || strcmp(id, "neural-cleanse") == 0)
        found_classes(html, check);
    else if (strcmp(id, "trigger-scan") == 0)
        found_trigger(html, check);
    else if (strcmp(id, "scan") == 0)
        found_scan(html, check);
    else if (strcmp(id, "weight-drift") == 0)
        found_drift(html, check);
    else
        html_raw(html, "a report; it decides nothing");
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static const char *word_of(const char *provenance)
{
    if (strcmp(provenance, "host") == 0)
        return "the host\xe2\x80\x99s own";
    if (strcmp(provenance, "host-scored") == 0)
        return "scored by the host from the guest\xe2\x80\x99s predictions";
    return "the guest\xe2\x80\x99s word";
}

static bool was_made(const json_t *entry)
{
    const char *status = look_text(entry, "status");

    return strcmp(status, "skipped") != 0 && strcmp(status, "error") != 0;
}

static void write_row(struct html *html, const struct page *page, const json_t *entry)
{
    const char *id = look_text(entry, "id");
    const json_t *check = page_find(page, id);

    html_raw(html, "<tr><th scope=\"row\">");
    html_text(html, page_check_name(id));
    html_raw(html, "<span class=\"sub\">");
    html_text(html, page_check_question(id));
    html_raw(html, "</span></th><td>");
    page_badge(html, look_text(entry, "status"));
    html_raw(html, "</td><td>");
    if (check != NULL)
        page_check_found(html, check);
    html_raw(html, "</td><td><span class=\"lead\">Whose word: </span>");
    html_raw(html, word_of(look_text(entry, "provenance")));
    html_raw(html, "</td></tr>\n");
}

void page_checked(struct html *html, const struct page *page)
{
    const json_t *entries = json_object_get(statement_get_extension(page->statement), "checks"), *entry;
    size_t i, made = 0;

    page_open(html, "checked", "What was checked");
    json_array_foreach (entries, i, entry)
        made += was_made(entry);
    if (made == 0) {
        html_raw(html, "<p>Nothing: no check came to a result.</p>\n");
        page_close(html);
        return;
    }
    page_open_table(html, "Checks that were made, and what they found");
    html_raw(html, "<thead><tr><th scope=\"col\">Check</th><th scope=\"col\">Outcome</th><th scope=\"col\">Found</th>"
                   "<th scope=\"col\">Whose word</th></tr></thead>\n<tbody>\n");
    json_array_foreach (entries, i, entry)
        if (was_made(entry))
            write_row(html, page, entry);
    html_raw(html, "</tbody>\n");
    page_close_table(html);
    html_raw(html, "<p class=\"fine\">The guest is the machine that ran the model; a model that takes it over can lie. "
                   "Where figures are its word, the host has checked only that they can be true.</p>\n");
    page_close(html);
}

/* --- what was not looked at --------------------------------------------------------------------------------------- */

static void open_item(struct html *html, const char *status)
{
    html_raw(html, "<li>");
    page_badge(html, status);
    html_raw(html, " <span>");
}

static void close_item(struct html *html)
{
    html_raw(html, "</span></li>\n");
}

static bool is_named(const json_t *entries, const char *id)
{
    const json_t *entry;
    size_t i;

    json_array_foreach (entries, i, entry)
        if (strcmp(look_text(entry, "id"), id) == 0)
            return true;
    return false;
}

static void write_not_made(struct html *html, const struct page *page, const json_t *entries)
{
    const json_t *entry;
    size_t i;

    json_array_foreach (entries, i, entry) {
        if (was_made(entry))
            continue;
        open_item(html, look_text(entry, "status"));
        html_raw(html, "<strong>");
        html_text(html, page_check_name(look_text(entry, "id")));
        html_raw(html, "</strong>: ");
        html_text(html, look_text(page_find(page, look_text(entry, "id")), "reason"));
        if (strcmp(look_text(entry, "provenance"), "guest") == 0)
            html_raw(html, " (the guest says so)");
        close_item(html);
    }
}

static void write_not_asked(struct html *html, const json_t *entries)
{
    size_t count = 0;

    for (size_t i = 0; page_check_ids[i] != NULL; i++) {
        if (is_named(entries, page_check_ids[i]))
            continue;
        if (count++ == 0) {
            open_item(html, "limit");
            html_raw(html, "The policy does not ask for: ");
        } else {
            html_raw(html, ", ");
        }
        html_text(html, page_check_name(page_check_ids[i]));
    }
    if (count > 0)
        close_item(html);
}

static void write_scan_gaps(struct html *html, const json_t *scan)
{
    const json_t *file, *gap;
    size_t i, j;

    json_array_foreach (json_object_get(scan, "files"), i, file)
        json_array_foreach (json_object_get(json_object_get(file, "coverage"), "skipped"), j, gap) {
            open_item(html, json_is_true(json_object_get(gap, "gap")) ? "gap" : "limit");
            html_say(html, "Malicious code: %s, ", look_text(gap, "reason"));
            html_count(html, look_count(gap, "bytes"));
            html_format(html, " bytes in %lld places, the first at byte ", look_count(gap, "places"));
            html_count(html, look_count(gap, "offset"));
            if (look_text(gap, "member")[0] != '\0')
                html_say(html, " of %s", look_text(gap, "member"));
            if (look_text(gap, "detail")[0] != '\0')
                html_say(html, ": %s", look_text(gap, "detail"));
            html_raw(html, json_is_true(json_object_get(gap, "gap")) ? ". A loader may read what was not looked at."
                                                                     : ". Nothing there is run by a loader.");
            close_item(html);
        }
}

static void write_class_gaps(struct html *html, const json_t *clustering)
{
    const json_t *class;
    size_t i, count = 0;

    json_array_foreach (json_object_get(clustering, "classes"), i, class)
        if (json_object_get(class, "skipped") != NULL && count++ < SKIPPED_CLASSES_MAX) {
            open_item(html, "limit");
            html_format(html, "Poisoned training data of class %lld: ", look_count(class, "label"));
            html_text(html, look_text(class, "skipped"));
            close_item(html);
        }
    if (count > SKIPPED_CLASSES_MAX) {
        open_item(html, "limit");
        html_format(html, "Poisoned training data of %zu more classes", count - SKIPPED_CLASSES_MAX);
        close_item(html);
    }
}

static void write_search_gaps(struct html *html, const struct page *page, const json_t *search)
{
    const json_t *coverage = json_object_get(search, "coverage");
    long long tried = look_count(coverage, "tried"), places = look_count(coverage, "places");
    long long total = look_count(page_find(page, "clean-accuracy"), "total");

    if (coverage == NULL)
        return;
    open_item(html, tried < places ? "gap" : "limit");
    html_raw(html, "Trigger search: ");
    html_count(html, tried);
    html_raw(html, " of ");
    html_count(html, places);
    html_raw(html, " patterns tried, on ");
    html_count(html, look_count(coverage, "samples"));
    html_raw(html, " of ");
    html_count(html, total);
    html_raw(html, " test inputs; patterns of other sizes and shapes were not.");
    close_item(html);
}

/* What no figure of this page can say. */
static void write_limits(struct html *html, const struct page *page)
{
    const char *isolation = look_text(statement_get_extension(page->statement), "isolation");

    if (strcmp(isolation, "process") == 0) {
        open_item(html, "gap");
        html_raw(html, "The model ran in a confined process, not in a VM: that is no boundary against a model that "
                       "attacks the machine, and the result is weaker for it.");
        close_item(html);
    }
    open_item(html, "limit");
    html_raw(html, "No check proves that a model has no backdoor; triggers of other kinds than those searched for, and "
                   "inputs unlike the test set, were not tried.");
    close_item(html);
}

void page_unchecked(struct html *html, const struct page *page)
{
    const json_t *entries = json_object_get(statement_get_extension(page->statement), "checks");

    page_open(html, "unchecked", "What was not looked at, and why");
    html_raw(html, "<ul class=\"gaps\">\n");
    if (page->evaluation == NULL) {
        open_item(html, "gap");
        html_raw(html, "Everything: there is no evaluation. The reason stands above.");
        close_item(html);
    } else {
        write_not_made(html, page, entries);
        write_not_asked(html, entries);
        write_scan_gaps(html, page_find_made(page, "scan"));
        write_class_gaps(html, page_find_made(page, "activation-clustering"));
        write_search_gaps(html, page, page_find_made(page, "trigger-scan"));
        write_limits(html, page);
    }
    html_raw(html, "</ul>\n");
    page_close(html);
}
