/*
 * target: see target.h.
 */
#include "daemon/exec/target.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/must.h"
#include "proto/buf.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "proto/suggest.h"

const struct notify_target *
notify_target_find(const struct notify_targets *all, const char *name)
{
	for (size_t i = 0; all != NULL && i < all->n; i++) {
		if (strcmp(all->items[i].name, name) == 0)
			return &all->items[i];
	}
	return NULL;
}

void
notify_target_unknown(const struct notify_targets *all, const char *name, char *why, size_t max)
{
	const char *names[TARGETS_MAX + 1], *meant;
	size_t n = 0;

	for (; all != NULL && n < all->n && n < TARGETS_MAX; n++)
		names[n] = all->items[n].name;
	names[n] = NULL;
	meant = suggest(name, names);
	(void)snprintf(why, max, meant != NULL ? "there is no target %s in jobd's configuration; did you mean %s?" :
	    "there is no target %s in jobd's configuration: it needs a section [target %s]", name,
	    meant != NULL ? meant : name);
}

void
notify_targets_done(struct notify_targets *all)
{
	for (size_t i = 0; i < all->n; i++)
		notify_target_done(&all->items[i]);
	free(all->items);
	*all = (struct notify_targets){ .n = 0 };
}

enum target_kind
notify_target_kind(const struct notify_target *t)
{
	if (t->command != NULL)
		return TARGET_COMMAND;
	return t->url != NULL ? TARGET_WEBHOOK : TARGET_MAIL;
}

void
notify_target_done(struct notify_target *t)
{
	free(t->name);
	free(t->where);
	free(t->command);
	free(t->url);
	free(t->mail);
	strings_done(&t->headers);
	free(t->secret_file);
	free(t->ca_file);
	free(t->user);
	free(t->secret);
	free(t->ca);
	*t = (struct notify_target){ 0 };
}

/* ---- what is told ---- */

/* A notice as it was written; one that cannot be read is told as that. */
static struct notice_info
notice_read(const char *text)
{
	struct notice_info n = NOTICE_INFO_NONE;
	struct field_error error;
	const char *why;
	struct cJSON *json = json_parse(text, strlen(text), &why);

	if (json == NULL || fields_read_lax(json, notice_info_fields, &n, &error) != JOBD_OK ||
	    n.event < 0)
		n.event = NOTICE_TEST;
	json_free(json);
	return n;
}

/* {"target":...,"delivery":7,"event":...,"summary":...,...,"folded":2,"others":[...]} */
static char *
message_json(const struct notify_target *t, const struct notify_message *m, const char *summary, size_t others)
{
	const char *why;
	struct cJSON *json = json_parse(m->notice, strlen(m->notice), &why), *list;
	char *text;

	if (json == NULL)
		json = json_object();
	json_set_string(json, "target", t->name);
	json_set_int(json, "delivery", m->id);
	json_set_string(json, "summary", summary);
	if (m->folded > 0)
		json_set_int(json, "folded", m->folded);
	if (others > 0) {
		list = json_array();
		for (size_t i = 0; i < others; i++)
			json_push(list, json_parse(m->others[i], strlen(m->others[i]), &why));
		json_set(json, "others", list);
	}
	text = json_print(json);
	json_free(json);
	return text;
}

/* The message, with as many of the others as there is room for. */
static char *
message_print(const struct notify_target *t, const struct notify_message *m, const char *summary, size_t max)
{
	size_t others = m->others_n < MESSAGE_OTHERS_MAX ? m->others_n : MESSAGE_OTHERS_MAX;
	char *text = message_json(t, m, summary, others);

	while (strlen(text) > max && others > 0) {
		free(text);
		others /= 2;
		text = message_json(t, m, summary, others);
	}
	return text;
}

/* ---- a command ---- */

static void
variable(struct strings *to, const char *name, const char *value)
{
	char *text = xasprintf("JOBD_EVENT%s%s=%s", name[0] != '\0' ? "_" : "", name, value);

	strings_add(to, text);
	free(text);
}

static void
variable_int(struct strings *to, const char *name, int64_t value)
{
	char text[32];

	if (value == 0)
		return;
	(void)snprintf(text, sizeof(text), "%" PRId64, value);
	variable(to, name, text);
}

static void
environment(struct strings *to, const struct notify_target *t, const struct notify_message *m,
    const struct notice_info *n, const char *summary)
{
	char text[WHEN_TEXT_MAX];

	variable(to, "", notice_event_names[n->event]);
	variable(to, "TARGET", t->name);
	variable(to, "SUMMARY", summary);
	variable(to, "AT", instant_print(n->at, text));
	variable_int(to, "DELIVERY", m->id);
	variable_int(to, "JOB", n->job);
	if (n->name != NULL)
		variable(to, "NAME", n->name);
	variable_int(to, "RUN", n->run);
	if (n->state >= 0)
		variable(to, "STATE", field_enum_word(run_state_names, n->state));
	if (n->reason != NULL)
		variable(to, "REASON", n->reason);
	variable_int(to, "COUNT", n->count);
	variable_int(to, "FAILURES", n->failures);
	variable_int(to, "FIRST_RUN", n->first_run);
	if (instant_is_set(n->since))
		variable(to, "SINCE", instant_print(n->since, text));
	variable_int(to, "FOLDED", m->folded);
}

static struct command_spec *
command_new(struct job_spec *spec)
{
	spec->command = xcalloc(1, sizeof(*spec->command));
	spec->command->directory = xstrdup("/");
	/* What it says is only looked at when it fails. */
	spec->command->output_bytes_max = 64 * 1024;
	return spec->command;
}

static void
command_spec(const struct notify_target *t, const struct notify_message *m, const struct notice_info *n,
    const char *summary, struct job_spec *spec)
{
	struct command_spec *c = command_new(spec);

	strings_add(&c->argv, "/bin/sh");
	strings_add(&c->argv, "-c");
	strings_add(&c->argv, t->command);
	environment(&c->environment, t, m, n, summary);
	c->stdin_text = message_print(t, m, summary, STDIN_BYTES_MAX - 1);
}

/* ---- a webhook ---- */

/* "X-Jobd-Signature: sha256=HEX": of the body, by the secret that both sides have. */
static char *
signature(const char *secret, const char *body)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int n = 0;
	struct buf text = { .size = 0 };

	if (HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)body, strlen(body),
	    digest, &n) == NULL)
		return NULL;
	buf_puts(&text, "X-Jobd-Signature: sha256=");
	for (unsigned int i = 0; i < n; i++)
		buf_printf(&text, "%02x", digest[i]);
	return buf_steal(&text);
}

static void
header(struct strings *to, const char *name, const char *value)
{
	char *text = xasprintf("%s: %s", name, value);

	strings_add(to, text);
	free(text);
}

/* What a word in braces means: a string or a number of the message; NULL: nothing. */
static char *
word_value(const struct cJSON *message, const char *word, size_t n)
{
	char *name = xstrndup(word, n), *value = NULL;
	const char *string = json_get_string(message, name);

	if (string != NULL)
		value = xstrdup(string);
	else if (json_get_int(message, name, INT64_MIN) != INT64_MIN)
		value = xasprintf("%lld", json_get_int(message, name, 0));
	free(name);
	return value;
}

/* How long a word in braces is, {name}, at the beginning of text; 0: there is none. */
static size_t
word_length(const char *text)
{
	size_t n;

	if (*text != '{')
		return 0;
	for (n = 0; (text[1 + n] | 0x20) >= 'a' && (text[1 + n] | 0x20) <= 'z'; n++)
		;
	return text[1 + n] == '}' ? n : 0;
}

/* Is it a field of a message that has one value? */
static bool
word_known(const char *word, const char **meant)
{
	const char *names[40] = { "target", "delivery", "summary", "folded" };
	size_t n = 4;

	for (const struct field *f = notice_info_fields; f->type != FIELD_END; f++) {
		MUST(n + 1 < sizeof(names) / sizeof(names[0]));
		names[n++] = f->name;
	}
	names[n] = NULL;
	*meant = NULL;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], word) == 0)
			return true;
	}
	*meant = suggest(word, names);
	return false;
}

char *
notify_target_mistake(const struct notify_target *t)
{
	const char *meant;

	for (size_t i = 0; i < t->headers.n; i++) {
		for (const char *at = t->headers.items[i]; *at != '\0'; at++) {
			size_t n = word_length(at);
			char *word = n > 0 ? xstrndup(at + 1, n) : NULL, *why;
			bool good = word == NULL || word_known(word, &meant);

			why = good ? NULL : xasprintf("header: a message has no {%s}%s%s%s", word,
			    meant != NULL ? "; did you mean {" : "", meant != NULL ? meant : "",
			    meant != NULL ? "}?" : "");
			free(word);
			if (why != NULL)
				return why;
		}
	}
	return NULL;
}

/* A header as configured, with {name} and other words of the message in it; what is not known is left out. */
static char *
header_fill(const char *text, const struct cJSON *message)
{
	struct buf out = { .size = 0 };

	while (*text != '\0') {
		size_t n = word_length(text);
		char *value;

		if (n == 0) {
			buf_append(&out, text++, 1);
			continue;
		}
		value = word_value(message, text + 1, n);
		for (const char *p = value != NULL ? value : ""; *p != '\0'; p++) {
			if ((unsigned char)*p >= ' ' && *p != 0x7f)
				buf_append(&out, p, 1);
		}
		free(value);
		text += n + 2;
	}
	return buf_steal(&out);
}

static void
headers_fill(const struct notify_target *t, const char *body, struct strings *to)
{
	const char *why;
	struct cJSON *message = json_parse(body, strlen(body), &why);

	for (size_t i = 0; i < t->headers.n; i++) {
		char *text = header_fill(t->headers.items[i], message);

		strings_add(to, text);
		free(text);
	}
	json_free(message);
}

static void
webhook_spec(const struct notify_target *t, const struct notify_message *m, const struct notice_info *n,
    const char *summary, struct job_spec *spec)
{
	struct http_spec *h = xcalloc(1, sizeof(*h));
	char number[32], *sign;

	spec->http = h;
	h->url = xstrdup(t->url);
	h->method = xstrdup("POST");
	h->no_redirect = true;
	h->ca_certificates = xstrdup(t->ca);
	h->body = message_print(t, m, summary, BODY_BYTES_MAX - 1);
	header(&h->headers, "Content-Type", "application/json");
	header(&h->headers, "X-Jobd-Event", notice_event_names[n->event]);
	(void)snprintf(number, sizeof(number), "%" PRId64, m->id);
	header(&h->headers, "X-Jobd-Delivery", number);
	sign = t->secret != NULL ? signature(t->secret, h->body) : NULL;
	if (sign != NULL)
		strings_add(&h->headers, sign);
	free(sign);
	headers_fill(t, h->body, &h->headers);
}

/* ---- mail ---- */

static char *
mail_text(const struct notify_target *t, const struct notify_message *m, const struct notice_info *n,
    const char *summary)
{
	size_t subject = strcspn(summary, "\r\n"), shown = 0;
	struct buf b = { .size = 0 };
	char at[WHEN_TEXT_MAX];

	/* The subject is ASCII: what is not goes into the body alone. */
	while (shown < subject && shown < 100 && summary[shown] >= ' ' && summary[shown] < 0x7f)
		shown++;
	buf_printf(&b, "To: %s\nSubject: [jobd] %.*s", t->mail, (int)shown, summary);
	if (m->folded > 0)
		buf_printf(&b, " (and %" PRId64 " more)", m->folded);
	buf_puts(&b, "\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: 8bit\nAuto-Submitted: auto-generated\n\n");
	buf_printf(&b, "%s\n\n%s  %s\n", summary, instant_print(n->at, at),
	    notice_event_names[n->event]);
	for (size_t i = 0; i < m->others_n && i < MESSAGE_OTHERS_MAX; i++) {
		struct notice_info other = notice_read(m->others[i]);
		char *words = notice_words(&other);

		if (i == 0)
			buf_puts(&b, "\nAnd:\n");
		buf_printf(&b, "%s  %s\n", instant_print(other.at, at), words);
		free(words);
		notice_info_done(&other);
	}
	if (m->folded > (int64_t)MESSAGE_OTHERS_MAX)
		buf_printf(&b, "... %" PRId64 " in all\n", m->folded + 1);
	return buf_steal(&b);
}

static void
mail_spec(const struct notify_target *t, const char *sendmail, const struct notify_message *m,
    const struct notice_info *n, const char *summary, struct job_spec *spec)
{
	struct command_spec *c = command_new(spec);
	struct notify_message alone = { .id = m->id, .notice = m->notice, .folded = m->folded };

	strings_add(&c->argv, sendmail);
	strings_add(&c->argv, "-oi");
	strings_add(&c->argv, "--");
	strings_add(&c->argv, t->mail);
	c->stdin_text = mail_text(t, m, n, summary);
	if (strlen(c->stdin_text) < STDIN_BYTES_MAX)
		return;
	free(c->stdin_text);
	c->stdin_text = mail_text(t, &alone, n, summary);
}

void
notify_target_spec(const struct notify_target *t, const char *sendmail, const struct notify_message *m,
    struct job_spec *out)
{
	struct notice_info n = notice_read(m->notice);
	char *summary = notice_words(&n);

	memset(out, 0, sizeof(*out));
	out->timeout = t->timeout;
	switch (notify_target_kind(t)) {
	case TARGET_COMMAND:
		command_spec(t, m, &n, summary, out);
		break;
	case TARGET_WEBHOOK:
		webhook_spec(t, m, &n, summary, out);
		break;
	case TARGET_MAIL:
		mail_spec(t, sendmail, m, &n, summary, out);
		break;
	case TARGET_KIND_COUNT:
		break;
	}
	free(summary);
	notice_info_done(&n);
}
