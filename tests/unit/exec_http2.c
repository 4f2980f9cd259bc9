/*
 * exec_http2: checks of servers whose HTTP/2 is wrong on purpose, frame by frame, over TLS and without (prior
 * knowledge): each ends in bounded time and memory, with a verdict in words, and holds up nobody.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/exec/http.h"
#include "daemon/exec/receive.h"
#include "proto/mem.h"
#include "tests/harness/checks.h"

/* ---- frames (RFC 9113, 6) ---- */

enum frame_type {
	DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION,
	UNKNOWN = 0x42
};

#define END_STREAM	0x1	/* of DATA and HEADERS */
#define ACK		0x1	/* of SETTINGS and PING */
#define END_HEADERS	0x4
#define PADDED		0x8

/* The stream of the request. */
#define OURS		1

#define FRAME_MAX	16384

/* HPACK (RFC 7541): what the static table has, and a literal that is not remembered. */
#define STATUS_200	"\x88"
#define STATUS_100	"\x08\x03" "100"
#define CONTENT_LENGTH	"\x0f\x0d\x01" "5"	/* is five */
#define X_IS_Y		"\x00\x01x\x01y"

static void
head_make(unsigned char head[9], enum frame_type type, int flags, uint32_t stream, size_t length)
{
	const unsigned char bytes[9] = {
		(unsigned char)(length >> 16), (unsigned char)(length >> 8), (unsigned char)length,
		(unsigned char)type, (unsigned char)flags,
		(unsigned char)(stream >> 24), (unsigned char)(stream >> 16), (unsigned char)(stream >> 8),
		(unsigned char)stream,
	};

	memcpy(head, bytes, sizeof(bytes));
}

/* A frame's head alone; length need not be that of what follows. */
static bool
head_send(const struct http_conn *c, enum frame_type type, int flags, uint32_t stream, size_t length)
{
	unsigned char head[9];

	head_make(head, type, flags, stream, length);
	return http_conn_send(c, head, sizeof(head));
}

static bool
frame_send(const struct http_conn *c, enum frame_type type, int flags, uint32_t stream, const void *bytes, size_t n)
{
	return head_send(c, type, flags, stream, n) && http_conn_send(c, bytes, n);
}

/* Its payload is the bytes of a literal. */
#define frame(c, type, flags, stream, literal) frame_send(c, type, flags, stream, literal, sizeof(literal) - 1)

/* The same frame without end, many at a time. */
static void
flood(const struct http_conn *c, enum frame_type type, int flags, uint32_t stream, const void *bytes, size_t n)
{
	static unsigned char frames[8192];
	size_t size = 0;

	for (; size + 9 + n <= sizeof(frames); size += 9 + n) {
		head_make(frames + size, type, flags, stream, n);
		memcpy(frames + size + 9, bytes, n);
	}
	while (http_conn_send(c, frames, size))
		continue;
}

#define frames(c, type, flags, stream, literal) flood(c, type, flags, stream, literal, sizeof(literal) - 1)

static bool
receive_all(const struct http_conn *c, unsigned char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t k = http_conn_receive(c, bytes, n);

		if (k <= 0)
			return false;
		bytes += k;
		n -= (size_t)k;
	}
	return true;
}

/* Read up to the end of the request's headers, and say that we speak HTTP/2. */
static void
begin_with(const struct http_conn *c, const void *settings, size_t n)
{
	static unsigned char bytes[FRAME_MAX];
	unsigned char head[9] = { 0 };

	(void)receive_all(c, bytes, strlen("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
	(void)frame_send(c, SETTINGS, 0, 0, settings, n);
	while (receive_all(c, head, sizeof(head))) {
		if (!receive_all(c, bytes, (size_t)head[1] << 8 | head[2]) || head[3] == HEADERS)
			break;
	}
	(void)frame(c, SETTINGS, ACK, 0, "");
}

static void
begin(const struct http_conn *c)
{
	begin_with(c, "", 0);
}

/* ---- servers that are as they should be ---- */

static void
serve_well(const struct http_conn *c)
{
	begin(c);
	(void)frame(c, HEADERS, END_HEADERS, OURS, STATUS_200 CONTENT_LENGTH);
	(void)frame(c, DATA, 0, OURS, "we");
	(void)frame(c, PING, 0, 0, "12345678");
	(void)frame(c, UNKNOWN, 0xff, 77, "what is not known is to be ignored");
	(void)frame(c, DATA, END_STREAM, OURS, "ll\n");
	http_conn_hold(c);
}

/* ---- and those that mean harm ---- */

static void
go_away(const struct http_conn *c)
{
	begin(c);
	(void)frame(c, GOAWAY, 0, 0, "\0\0\0\0\0\0\0\0" "go away");
	http_conn_hold(c);
}

static void
go_away_and_close(const struct http_conn *c)
{
	begin(c);
	(void)frame(c, GOAWAY, 0, 0, "\0\0\0\0\0\0\0\x0b");
}

/* It may be tried again on another connection, says the RFC. */
static void
refuse_stream(const struct http_conn *c)
{
	begin(c);
	(void)frame(c, RST_STREAM, 0, OURS, "\0\0\0\x07");
	http_conn_hold(c);
}

static void
reset_stream(const struct http_conn *c)
{
	begin(c);
	(void)frame(c, RST_STREAM, 0, OURS, "\0\0\0\x02");
	http_conn_hold(c);
}

static void
reset_later(const struct http_conn *c)
{
	begin(c);
	(void)frame(c, HEADERS, END_HEADERS, OURS, STATUS_200);
	(void)frame(c, DATA, 0, OURS, "ab");
	(void)frame(c, RST_STREAM, 0, OURS, "\0\0\0\x02");
	http_conn_hold(c);
}

static void
ask_for_http_1(const struct http_conn *c)
{
	begin(c);
	(void)frame(c, RST_STREAM, 0, OURS, "\0\0\0\x0d");
	http_conn_hold(c);
}

static void
continue_without_end(const struct http_conn *c)
{
	begin(c);
	if (frame(c, HEADERS, 0, OURS, STATUS_200))
		while (frame(c, CONTINUATION, 0, OURS, X_IS_Y X_IS_Y X_IS_Y X_IS_Y))
			continue;
}

static void
continue_with_nothing(const struct http_conn *c)
{
	begin(c);
	if (frame(c, HEADERS, 0, OURS, STATUS_200))
		while (frame(c, CONTINUATION, 0, OURS, ""))
			continue;
}

/* One header of 4,000 bytes is remembered, then said again by one byte each, 16,000 times a frame. */
static void
bomb(const struct http_conn *c)
{
	static char bytes[FRAME_MAX];

	begin(c);
	/* With a length of 4000, by a prefix of 7 bits. */
	memcpy(bytes, STATUS_200 "\x40\x01x\x7f\xa1\x1e", 7);
	memset(bytes + 7, 'x', 4000);
	memset(bytes + 4007, 0xbe, sizeof(bytes) - 4007);
	if (!frame_send(c, HEADERS, 0, OURS, bytes, sizeof(bytes)))
		return;
	memset(bytes, 0xbe, sizeof(bytes));
	while (frame_send(c, CONTINUATION, 0, OURS, bytes, sizeof(bytes)))
		continue;
}

/* The same, one answer before the answer after another. */
static void
say_100_for_ever(const struct http_conn *c)
{
	begin(c);
	while (frame(c, HEADERS, END_HEADERS, OURS, STATUS_100 X_IS_Y))
		continue;
}

static void
trailers_for_ever(const struct http_conn *c)
{
	begin(c);
	(void)frame(c, HEADERS, END_HEADERS, OURS, STATUS_200);
	while (frame(c, HEADERS, END_HEADERS, OURS, X_IS_Y))
		continue;
}

static void
table_too_large(const struct http_conn *c)
{
	begin(c);
	/* The dynamic table's size is set to what nobody allowed. */
	(void)frame(c, HEADERS, END_HEADERS | END_STREAM, OURS, "\x3f\xe1\xff\xff\x7f" STATUS_200);
	http_conn_hold(c);
}

static void
headers_of_nonsense(const struct http_conn *c)
{
	begin(c);
	(void)frame(c, HEADERS, END_HEADERS | END_STREAM, OURS, "\xff\xff\xff\xff\xff\xff\xff\xff\xff");
	http_conn_hold(c);
}

static void
no_status(const struct http_conn *c)
{
	begin(c);
	(void)frame(c, HEADERS, END_HEADERS | END_STREAM, OURS, X_IS_Y);
	http_conn_hold(c);
}

/* There is a body to be sent, and never a leave to send it. */
static void
window_of_nothing(const struct http_conn *c)
{
	begin_with(c, "\0\x04\0\0\0\0", 6);
	http_conn_hold(c);
}

static void
window_too_large(const struct http_conn *c)
{
	begin(c);
	(void)frame(c, WINDOW_UPDATE, 0, 0, "\x7f\xff\xff\xff");
	(void)frame(c, WINDOW_UPDATE, 0, 0, "\x7f\xff\xff\xff");
	http_conn_hold(c);
}

static void
settings_for_ever(const struct http_conn *c)
{
	begin(c);
	frames(c, SETTINGS, 0, 0, "\0\x03\0\0\0\x64");
}

static void
ping_for_ever(const struct http_conn *c)
{
	begin(c);
	/* Each in a record of its own, over TLS. */
	while (frame(c, PING, 0, 0, "12345678"))
		continue;
}

static void
unknown_for_ever(const struct http_conn *c)
{
	begin(c);
	frames(c, UNKNOWN, 0, 0, "");
}

static void
priorities_for_ever(const struct http_conn *c)
{
	begin(c);
	frames(c, PRIORITY, 0, 77, "\0\0\0\0\x10");
}

static void
window_updates_for_ever(const struct http_conn *c)
{
	begin(c);
	frames(c, WINDOW_UPDATE, 0, 0, "\0\0\0\1");
}

static void
promise_for_ever(const struct http_conn *c)
{
	begin(c);
	for (uint32_t stream = 2; stream > 0; stream += 2) {
		const unsigned char bytes[] = { 0, (unsigned char)(stream >> 16), (unsigned char)(stream >> 8),
		    (unsigned char)stream, 0x82, 0x84, 0x86 };

		if (!frame_send(c, PUSH_PROMISE, END_HEADERS, OURS, bytes, sizeof(bytes)))
			break;
	}
}

static void
more_than_it_says(const struct http_conn *c)
{
	begin(c);
	(void)frame(c, HEADERS, END_HEADERS, OURS, STATUS_200 CONTENT_LENGTH);
	(void)frame(c, DATA, END_STREAM, OURS, "more than five");
	http_conn_hold(c);
}

static void
less_than_it_says(const struct http_conn *c)
{
	begin(c);
	(void)frame(c, HEADERS, END_HEADERS, OURS, STATUS_200 CONTENT_LENGTH);
	(void)frame(c, DATA, END_STREAM, OURS, "two");
	http_conn_hold(c);
}

static void
body_for_ever(const struct http_conn *c)
{
	static const char bytes[FRAME_MAX];

	begin(c);
	(void)frame(c, HEADERS, END_HEADERS, OURS, STATUS_200);
	/* Whatever is allowed. */
	while (frame_send(c, DATA, 0, OURS, bytes, sizeof(bytes)))
		continue;
}

static void
empty_body_for_ever(const struct http_conn *c)
{
	begin(c);
	(void)frame(c, HEADERS, END_HEADERS, OURS, STATUS_200);
	frames(c, DATA, 0, OURS, "");
}

static void
padding_for_ever(const struct http_conn *c)
{
	static char bytes[256] = { '\xff' };

	begin(c);
	(void)frame(c, HEADERS, END_HEADERS, OURS, STATUS_200);
	flood(c, DATA, PADDED, OURS, bytes, sizeof(bytes));
}

static void
frame_too_large(const struct http_conn *c)
{
	static const char bytes[FRAME_MAX * 2];

	begin(c);
	(void)frame(c, HEADERS, END_HEADERS, OURS, STATUS_200 CONTENT_LENGTH);
	(void)frame_send(c, DATA, END_STREAM, OURS, bytes, sizeof(bytes));
	http_conn_hold(c);
}

static void
ping_too_short(const struct http_conn *c)
{
	begin(c);
	(void)frame(c, PING, 0, 0, "1234567");
	http_conn_hold(c);
}

static void
settings_cut_short(const struct http_conn *c)
{
	begin(c);
	(void)frame(c, SETTINGS, 0, 0, "\0\x03\0\0\0");
	http_conn_hold(c);
}

static void
more_padding_than_there_is(const struct http_conn *c)
{
	begin(c);
	(void)frame(c, HEADERS, END_HEADERS, OURS, STATUS_200 CONTENT_LENGTH);
	(void)frame(c, DATA, PADDED | END_STREAM, OURS, "\xff" "ab");
	http_conn_hold(c);
}

static void
body_before_headers(const struct http_conn *c)
{
	begin(c);
	(void)frame(c, DATA, END_STREAM, OURS, "hello");
	http_conn_hold(c);
}

static void
stream_of_another(const struct http_conn *c)
{
	begin(c);
	(void)frame(c, HEADERS, END_HEADERS | END_STREAM, 77, STATUS_200);
	http_conn_hold(c);
}

static void
cut_frame(const struct http_conn *c)
{
	begin(c);
	(void)frame(c, HEADERS, END_HEADERS, OURS, STATUS_200);
	(void)head_send(c, DATA, 0, OURS, 1000);
	(void)http_conn_send(c, "ab", 2);
}

static void
close_at_once(const struct http_conn *c)
{
	begin(c);
}

static void
speak_http_1(const struct http_conn *c)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";

	(void)http_conn_send(c, text, sizeof(text) - 1);
	http_conn_hold(c);
}

static void
say_nothing(const struct http_conn *c)
{
	http_conn_hold(c);
}

/* A byte now and then of an answer that would be good. */
static void
drip(const struct http_conn *c)
{
	static const struct timespec pause = { 0, 100000000 };
	char byte = 'x';

	begin(c);
	(void)head_send(c, HEADERS, END_HEADERS, OURS, 5000);
	while (http_conn_send(c, &byte, 1))
		(void)nanosleep(&pause, NULL);
}

#define SLOW		"no answer within 1s"
#define NONSENSE	"the answer makes no sense as HTTP/2"
#define BROKEN(code)	"the answer was broken off by an error of HTTP/2: " code
#define CUT		"the connection was closed before the end of the answer"
/* Which of these it is first depends on who is faster. */
#define FLOOD		"the server floods the HTTP/2 connection"
#define TAKES_NO_MORE	"the server takes no more over HTTP/2"
#define TOO_MUCH	"the server has sent more than 1 MiB, and that is no answer yet"

#define BODY		true	/* one is to be sent */

static const struct {
	const char	*name;
	void		(*serve)(const struct http_conn *c);
	const char	*words[4];	/* one of them is told */
	bool		 body;
} evil[] = {
#define EVIL(name, body, ...) { #name, name, { __VA_ARGS__ }, body }
	EVIL(go_away, false, "the server ended the HTTP/2 connection without an answer"),
	EVIL(go_away_and_close, false, "the server ended the HTTP/2 connection without an answer"),
	EVIL(refuse_stream, false, "the server refused the request over HTTP/2, and each time it was tried again"),
	EVIL(reset_stream, false, BROKEN("INTERNAL_ERROR")),
	EVIL(reset_later, false, BROKEN("INTERNAL_ERROR")),
	/* What it wants then is not what it takes. */
	EVIL(ask_for_http_1, false, "the answer is not HTTP", "the TLS handshake failed"),
	EVIL(continue_without_end, false, "the answer's headers do not end"),
	EVIL(continue_with_nothing, false, "the answer's headers do not end"),
	EVIL(bomb, false, "the answer's headers are too long"),
	EVIL(say_100_for_ever, false, "the answer has more than 1000 lines of headers"),
	EVIL(trailers_for_ever, false, BROKEN("PROTOCOL_ERROR")),
	EVIL(table_too_large, false, NONSENSE),
	EVIL(headers_of_nonsense, false, NONSENSE),
	EVIL(no_status, false, BROKEN("PROTOCOL_ERROR")),
	EVIL(window_of_nothing, BODY, SLOW),
	EVIL(window_too_large, false, NONSENSE),
	EVIL(settings_for_ever, false, FLOOD, TAKES_NO_MORE, TOO_MUCH),
	EVIL(ping_for_ever, false, FLOOD, TAKES_NO_MORE, TOO_MUCH),
	EVIL(unknown_for_ever, false, TOO_MUCH),
	EVIL(priorities_for_ever, false, TOO_MUCH),
	EVIL(window_updates_for_ever, false, TOO_MUCH),
	EVIL(promise_for_ever, false, NONSENSE),
	EVIL(more_than_it_says, false, BROKEN("PROTOCOL_ERROR")),
	EVIL(less_than_it_says, false, BROKEN("PROTOCOL_ERROR")),
	EVIL(body_for_ever, false, "the answer is longer than 64 KiB"),
	EVIL(empty_body_for_ever, false, TOO_MUCH),
	EVIL(padding_for_ever, false, TOO_MUCH),
	EVIL(frame_too_large, false, CUT),
	EVIL(ping_too_short, false, NONSENSE),
	EVIL(settings_cut_short, false, NONSENSE),
	EVIL(more_padding_than_there_is, false, CUT, SLOW),
	EVIL(body_before_headers, false, NONSENSE),
	EVIL(stream_of_another, false, NONSENSE),
	EVIL(cut_frame, false, CUT),
	EVIL(close_at_once, false, CUT),
	EVIL(speak_http_1, false, NONSENSE),
	EVIL(say_nothing, false, SLOW),
	EVIL(drip, false, SLOW),
};

#define EVILS	(sizeof(evil) / sizeof(evil[0]))
#define EACH	2	/* at the same time */

/* Is it told, and may it take its time? */
static bool
is_told(size_t i, const char *text)
{
	for (size_t j = 0; j < 4; j++) {
		if (evil[i].words[j] != NULL && strstr(text, evil[i].words[j]) != NULL)
			return true;
	}
	return false;
}

static bool
may_be_slow(size_t i)
{
	for (size_t j = 0; j < 4; j++) {
		if (evil[i].words[j] != NULL && strcmp(evil[i].words[j], SLOW) == 0)
			return true;
	}
	return false;
}

/* ---- what libcurl may receive at a time ---- */

/* So many bytes are there; read in pieces what is allowed. */
static size_t
received(size_t there, size_t piece)
{
	static char bytes[RECEIVE_MAX + 16384];
	size_t n = 0;
	int pair[2];
	ssize_t r;

	assert_true(there <= sizeof(bytes) && piece <= sizeof(bytes));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(send(pair[0], bytes, there, 0), there);
	receive_allow(RECEIVE_MAX, NULL, NULL);
	while ((r = recv(pair[1], bytes, piece, 0)) > 0)
		n += (size_t)r;
	assert_int_equal(errno, EAGAIN);
	receive_allow_all();
	/* And with the next allowance there is the rest. */
	for (size_t left = there - n; left > 0; left -= (size_t)r) {
		r = recv(pair[1], bytes, sizeof(bytes), 0);
		assert_true(r > 0);
	}
	close(pair[0]);
	close(pair[1]);
	return n;
}

static void
allowance_bounds_what_is_received(void **state)
{
	(void)state;
	assert_int_equal(received(10000, 4096), 10000);
	assert_int_equal(received(RECEIVE_MAX + 16384, 4096), RECEIVE_MAX);
	/* What is begun is not cut short. */
	assert_int_equal(received(RECEIVE_MAX + 16384, RECEIVE_MAX - 1), RECEIVE_MAX + 16384);
}

static void
small_pieces_use_up_more_of_the_allowance(void **state)
{
	(void)state;
	assert_int_equal(received(RECEIVE_MAX, 16), RECEIVE_MAX / RECEIVE_LEAST * 16);
}

/* Else nothing would be bounded, and nobody would see it. */
static void
libcurl_receives_by_ours(void **state)
{
	(void)state;
	assert_ptr_equal(dlsym(RTLD_DEFAULT, "recv"), (void *)(uintptr_t)recv);
}

/* ---- checks ---- */

/* The certificate of our servers, for free(); NULL: it is to be without TLS. */
static char *
trust(bool tls)
{
	if (!tls)
		return NULL;
	assert_true(openssl_certificate(directory, "server", "localhost", false));
	return file_read(path_in("server.pem"));
}

static void
prepare_http2(struct one *o, const struct httpserver *s, char *pem)
{
	one_init(o, xasprintf("%s://localhost:%d/", pem != NULL ? "https" : "http", s->port));
	o->http.ca_certificates = pem;
	o->http.http_version = HTTP_V2;
	o->http.body_bytes_max = 64 * 1024;
}

static void
answer_is_taken(bool tls)
{
	struct world w;
	char *pem;

	world_start(&w, NULL);
	pem = trust(tls);
	http2_server(&w.server, serve_well, tls);
	prepare_http2(&w.one, &w.server, pem);
	strings_add(&w.one.http.body_match, "^well$");
	assert_string_equal(outcome(&w), "up");
	strings_done(&w.one.http.body_match);
	free(pem);
	world_stop(&w);
}

static void
answer_in_frames_is_taken(void **state)
{
	(void)state;
	answer_is_taken(false);
}

static void
tls_answer_in_frames_is_taken(void **state)
{
	(void)state;
	if (needs_openssl())
		skip();
	answer_is_taken(true);
}

/* libcurl itself would say that it is receiving. */
static void
body_that_nobody_takes_waits_for_the_answer(void **state)
{
	struct world w;

	(void)state;
	world_start(&w, NULL);
	http2_server(&w.server, window_of_nothing, false);
	prepare_http2(&w.one, &w.server, NULL);
	w.one.http.body = (char[]){ "a body" };
	w.one.spec.timeout = USEC_SEC;
	assert_string_equal(outcome(&w),
	    "http://localhost:PORT/: no answer within 1s, stopped while waiting for the answer");
	assert_int_equal(w.one.run.phases->receive, 0);
	world_stop(&w);
}

static void
judge_evil(size_t i, const struct run_info *r)
{
	if (r->state == RUN_SUCCEEDED || r->reason == NULL)
		fail_msg("%s: it is up", evil[i].name);
	assert_int_equal(r->verdict, VERDICT_DOWN);
	if (!is_told(i, r->reason))
		fail_msg("%s: %s", evil[i].name, r->reason);
}

static void
evil_is_endured(bool tls)
{
	static struct httpserver servers[EVILS];
	static struct one ones[EVILS * EACH];
	struct world w;
	char *pem;
	long before;

	world_start(&w, NULL);
	pem = trust(tls);
	memset(ones, 0, sizeof(ones));
	for (size_t i = 0; i < EVILS; i++)
		http2_server(&servers[i], evil[i].serve, tls);
	for (size_t i = 0; i < EVILS * EACH; i++) {
		prepare_http2(&ones[i], &servers[i / EACH], pem);
		ones[i].http.body = evil[i / EACH].body ? (char *)(uintptr_t)"a body" : NULL;
		ones[i].spec.timeout = may_be_slow(i / EACH) ? USEC_SEC : GUARD;
	}
	before = peak_reset();
	run_all(&w, ones, EVILS * EACH);
	for (size_t i = 0; i < EVILS * EACH; i++) {
		judge_evil(i / EACH, &ones[i].run);
		one_done(&ones[i]);
	}
#ifndef JOBD_SANITIZED
	assert_true(peak_now() - before < (long)(EVILS * EACH) * 384);
#else
	(void)before;
#endif
	for (size_t i = 0; i < EVILS; i++)
		httpserver_stop(&servers[i]);
	free(pem);
	world_stop(&w);
}

static void
servers_that_mean_harm_cost_little_and_get_words(void **state)
{
	(void)state;
	evil_is_endured(false);
}

static void
tls_servers_that_mean_harm_cost_little_and_get_words(void **state)
{
	(void)state;
	if (needs_openssl())
		skip();
	evil_is_endured(true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allowance_bounds_what_is_received),
		cmocka_unit_test(small_pieces_use_up_more_of_the_allowance),
		cmocka_unit_test(libcurl_receives_by_ours),
		cmocka_unit_test(answer_in_frames_is_taken),
		cmocka_unit_test(tls_answer_in_frames_is_taken),
		cmocka_unit_test(body_that_nobody_takes_waits_for_the_answer),
		cmocka_unit_test(servers_that_mean_harm_cost_little_and_get_words),
		cmocka_unit_test(tls_servers_that_mean_harm_cost_little_and_get_words),
	};

	return cmocka_run_group_tests(tests, directory_make, directory_remove);
}
