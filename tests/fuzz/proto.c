/*
 * A raw client: any bytes on the socket.  Whatever comes, nothing breaks, and what was
 * read prints and reads to the same.
 */
#include <errno.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/frame.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "proto/message.h"
#include "proto/types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) do {								\
	if (!(condition)) {								\
		fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);	\
		abort();								\
	}										\
} while (0)

/* The table of Add's parameters. */
static const struct field add_fields[] = {
	{ .name = "jobs", .type = FIELD_STRUCTS, .flags = FIELD_REQUIRED, .max = ADD_JOBS_MAX,
	  .sub = job_spec_fields, .size = sizeof(struct job_spec) },
	{ .type = FIELD_END },
};

static bool
is_zero(const void *s, size_t size)
{
	const char *p = s;

	while (size > 0 && p[size - 1] == 0)
		size--;
	return size == 0;
}

static void
error_must_be_told(enum jobd_error e, const struct field_error *error)
{
	MUST(e == JOBD_INVALID_PARAMETER || e == JOBD_INVALID_FIELD);
	MUST(error->why == e);
	MUST(error->reason[0] != '\0');
	MUST(memchr(error->path, '\0', sizeof(error->path)) != NULL);
	MUST(memchr(error->reason, '\0', sizeof(error->reason)) != NULL);
}

static void
value_must_print_the_same(const struct cJSON *v)
{
	char *one = json_print(v), *two;
	const char *why = NULL;
	struct cJSON *again = json_parse(one, strlen(one), &why);

	MUST(utf8_valid(one, strlen(one)));
	MUST(again != NULL);
	two = json_print(again);
	MUST(strcmp(one, two) == 0);
	json_free(again);
	free(one);
	free(two);
}

/* Strictly as the daemon reads, or as a client reads a reply. */
static void
table_must_print_the_same(const struct cJSON *v, const struct field *table, size_t size,
    bool strict)
{
	enum jobd_error (*read)(const struct cJSON *, const struct field *, void *,
	    struct field_error *) = strict ? fields_read : fields_read_lax;
	struct field_error error;
	void *s = xcalloc(1, size), *t = xcalloc(1, size);
	enum jobd_error e = read(v, table, s, &error);
	struct cJSON *w, *x;
	char *one, *two;

	if (e != JOBD_OK) {
		error_must_be_told(e, &error);
		MUST(is_zero(s, size));
	} else {
		w = fields_write(table, s);
		one = json_print(w);
		e = read(w, table, t, &error);
		MUST(e == JOBD_OK);
		x = fields_write(table, t);
		two = json_print(x);
		MUST(strcmp(one, two) == 0);
		free(one);
		free(two);
		json_free(w);
		json_free(x);
	}
	fields_done(table, s);
	fields_done(table, t);
	MUST(is_zero(s, size) && is_zero(t, size));
	free(s);
	free(t);
}

static void
spec_must_hold(const struct cJSON *v)
{
	struct field_error error;
	struct job_spec s = { 0 };
	enum jobd_error e = job_spec_read(v, &s, &error);

	if (e != JOBD_OK) {
		error_must_be_told(e, &error);
		MUST(is_zero(&s, sizeof(s)));
		return;
	}
	MUST(s.name == NULL || job_name_check(s.name) == NULL);
	MUST((s.command != NULL) + (s.http != NULL) + (s.timer != NULL) == 1);
	MUST(job_spec_check(&s, "jobs[0]", &error) == JOBD_OK);
	job_spec_done(&s);
}

static void
call_must_hold(const char *text, size_t length)
{
	struct message_call c, d;
	const struct cJSON *v;
	struct buf b = { 0 };
	size_t scanned = 0;
	const char *why = NULL;
	long n;

	if (message_call_parse(text, length, &c, &why) < 0) {
		MUST(why != NULL);
		return;
	}
	message_call_write(&b, c.method, c.parameters, c.more, c.oneway);
	n = frame_length(&b, &scanned, 16 * MESSAGE_BYTES_MAX);
	MUST(n >= 0 && (size_t)n == buf_len(&b) - 1);
	MUST(message_call_parse(buf_bytes(&b), (size_t)n, &d, &why) == 0);
	MUST(strcmp(c.method, d.method) == 0 && c.more == d.more && c.oneway == d.oneway);
	table_must_print_the_same(c.parameters, add_fields, sizeof(struct structs), true);
	spec_must_hold(c.parameters);
	for (v = json_first(json_get(c.parameters, "jobs")); v != NULL; v = json_next(v)) {
		spec_must_hold(v);
		table_must_print_the_same(v, job_spec_fields, sizeof(struct job_spec), true);
	}
	message_call_done(&c);
	message_call_done(&d);
	buf_done(&b);
}

static void
reply_must_hold(const char *text, size_t length)
{
	struct message_reply r;
	const char *why = NULL;

	if (message_reply_parse(text, length, &r, &why) < 0) {
		MUST(why != NULL);
		return;
	}
	for (struct cJSON *v = json_first(r.parameters); v != NULL; v = json_next(v)) {
		table_must_print_the_same(v, job_info_fields, sizeof(struct job_info), false);
		table_must_print_the_same(v, run_info_fields, sizeof(struct run_info), false);
		table_must_print_the_same(v, event_info_fields, sizeof(struct event_info), false);
	}
	message_reply_done(&r);
}

/* The text as a time of each form. */
static void
times_must_hold(const char *text)
{
	char printed[WHEN_TEXT_MAX];
	instant i, j;
	usec_t d, e;

	if (instant_parse(text, &i) == 0) {
		MUST(instant_parse(instant_print(i, printed), &j) == 0 && i.usec == j.usec);
		MUST(instant_parse_human(text, i, &j) == 0 && i.usec == j.usec);
	} else if (instant_parse_human(text, (instant){ 1795341600 * USEC_SEC }, &i) == 0) {
		MUST(instant_parse(instant_print(i, printed), &j) == 0 && i.usec == j.usec);
	}
	if (duration_parse(text, &d) == 0) {
		MUST(d >= 0 && d <= DURATION_MAX);
		MUST(duration_parse(duration_print(d, printed), &e) == 0 && e <= d);
	}
	(void)status_set_has(text, 200);
	(void)status_set_valid(text);
	(void)job_name_check(text);
}

static void
message_must_hold(const char *text, size_t length)
{
	/* A copy of exactly this length shows a read beyond it. */
	char *exact = xmalloc(length);
	const char *why = NULL;
	struct cJSON *v;

	if (length > 0)
		memcpy(exact, text, length);
	v = json_parse(exact, length, &why);
	MUST((v != NULL) == (why == NULL));
	if (v != NULL)
		value_must_print_the_same(v);
	json_free(v);
	call_must_hold(exact, length);
	reply_must_hold(exact, length);
	free(exact);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf b = { 0 };
	size_t scanned = 0, fed = 0, piece = size > 0 ? data[0] % 32 + 1 : 1;
	char *text;
	long length;

	/* In pieces, as a socket gives them; the frames must not depend on it. */
	while (fed < size) {
		size_t n = size - fed < piece ? size - fed : piece;

		buf_append(&b, data + fed, n);
		fed += n;
		while ((length = frame_length(&b, &scanned, 4096)) >= 0) {
			MUST(memchr(buf_bytes(&b), '\0', (size_t)length) == NULL);
			message_must_hold(buf_bytes(&b), (size_t)length);
			buf_consume(&b, (size_t)length + 1);
			scanned = 0;
		}
		MUST(length == -EAGAIN || (length == -EMSGSIZE && buf_len(&b) > 4096));
		if (length == -EMSGSIZE)
			break;
	}
	message_must_hold(buf_bytes(&b), buf_len(&b));
	text = buf_steal(&b);
	times_must_hold(text);
	free(text);
	return 0;
}
