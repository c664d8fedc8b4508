/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a page. */
#include "host/report/html.h"

#include "host/json/decimal.h"
#include "host/report/escape_html.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FORMAT_MAX 1024u /* bytes of numbers in a literal */
#define DIGITS_MAX 32u

void html_raw(struct html *html, const char *literal)
{
    if (html->failure == 0)
        html->failure = buffer_append(html->page, literal, strlen(literal));
}

void html_format(struct html *html, const char *format, ...)
{
    char text[FORMAT_MAX];
    va_list arguments;

    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) >= (int)sizeof text)
        html->failure = html->failure < 0 ? html->failure : -EMSGSIZE;
    else
        html_raw(html, text);
    va_end(arguments);
}

void html_bytes(struct html *html, const char *text, size_t size, size_t length_max)
{
    if (html->failure == 0)
        html->failure = escape_html(text, size, length_max, html->page);
}

void html_text(struct html *html, const char *text)
{
    if (text != NULL)
        html_bytes(html, text, strlen(text), HTML_TEXT_MAX);
}

void html_say(struct html *html, const char *format, ...)
{
    char text[HTML_TEXT_MAX];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    html_text(html, text);
}

void html_count(struct html *html, long long count)
{
    char digits[DIGITS_MAX];
    int size = snprintf(digits, sizeof digits, "%lld", count);

    for (int i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0 && digits[i - 1] != '-')
            html_raw(html, ",");
        html_format(html, "%c", digits[i]);
    }
}

void html_percent(struct html *html, double share)
{
    html_format(html, "%.1f\xc2\xa0%%", 100.0 * share);
}

void html_element(struct html *html, const char *name, const char *text)
{
    html_format(html, "<%s>", name);
    html_text(html, text);
    html_format(html, "</%s>", name);
}

void html_digest(struct html *html, const char *hex)
{
    html_raw(html, "<code class=\"digest\">");
    html_text(html, hex);
    html_raw(html, "</code>");
}

int html_result(const struct html *html)
{
    return html->failure;
}

/* --- reading ------------------------------------------------------------------------------------------------ */

const char *look_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

long long look_count(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

long long look_item(const json_t *array, size_t index)
{
    return (long long)json_integer_value(json_array_get(array, index));
}

static double decimal_of(const json_t *value)
{
    const char *text = json_string_value(value);
    double number;

    return text != NULL && json_decimal_parse(text, &number) == 0 ? number : -1.0;
}

double look_decimal(const json_t *object, const char *key)
{
    return decimal_of(json_object_get(object, key));
}

double look_decimal_item(const json_t *array, size_t index)
{
    return decimal_of(json_array_get(array, index));
}
