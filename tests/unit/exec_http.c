/*
 * exec_http: checks, against a server that says whatever a test wants it to say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/exec/http.h"
#include "daemon/exec/url.h"
#include "proto/mem.h"
#include "tests/harness/checks.h"

#define MANY	200

/* ---- what is a success ---- */

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
#define TO(status, where)                                                                          \
	"HTTP/1.1 " status " x\r\nLocation: " where "\r\nContent-Length: 0\r\n\r\n"

static void
good_status_is_up(void **state)
{
	static const struct http_route routes[] = {
		{ "/", OK, HTTP_CLOSE },
		{ "/keep", OK, HTTP_HOLD },
		{ "/old", "HTTP/1.0 200 fine\r\n\r\nuntil the end", HTTP_CLOSE },
		{ "/none", "HTTP/1.1 204 \r\n\r\n", HTTP_HOLD },
		{ "/chunks",
		    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		    HTTP_HOLD },
		{ "/hint", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK, HTTP_HOLD },
		{ "/odd", "HTTP/1.1 299 odd\r\nContent-Length: 0\r\n\r\n", HTTP_HOLD },
		{ .path = NULL }
	};
	struct world w;

	(void)state;
	world_start(&w, routes);
	assert_string_equal(check(&w, "/"), "up");
	assert_int_equal(w.one.run.http_status, 200);
	assert_true(instant_is_set(w.one.run.first_output));
	assert_string_equal(check(&w, "/keep"), "up");
	assert_string_equal(check(&w, "/old"), "up");
	assert_string_equal(check(&w, "/none"), "up");
	assert_string_equal(check(&w, "/chunks"), "up");
	assert_string_equal(check(&w, "/hint"), "up");
	assert_int_equal(w.one.run.http_status, 200);
	assert_string_equal(check(&w, "/odd"), "up");
	world_stop(&w);
}

static void
other_status_is_down_and_named(void **state)
{
	static const struct http_route routes[] = {
		{ "/503", "HTTP/1.1 503 no\r\nContent-Length: 0\r\n\r\n", HTTP_HOLD },
		{ "/304", "HTTP/1.1 304 same\r\nLocation: /503\r\n\r\n", HTTP_HOLD },
		{ .path = NULL }
	};
	struct world w;

	(void)state;
	world_start(&w, routes);
	assert_string_equal(
	    check(&w, "/503"), "http://localhost:PORT/503: status 503, expected 200-299");
	assert_int_equal(w.one.run.state, RUN_FAILED);
	assert_int_equal(w.one.run.verdict, VERDICT_DOWN);
	assert_int_equal(w.one.run.http_status, 503);
	prepare(&w, "/503")->http.expect = (char[]){ "200,500-599" };
	assert_string_equal(outcome(&w), "up");
	assert_string_equal(
	    check(&w, "/304"), "http://localhost:PORT/304: status 304, expected 200-299");
	world_stop(&w);
}

/* ---- what is asked ---- */

/* A list of one, which the job may own. */
static void
expect_one(struct strings *list, const char *text)
{
	strings_add(list, text);
}

static void
answer_that_is_not_as_expected_is_told_and_kept(void **state)
{
	static const struct http_route routes[] = {
		{ "/", "HTTP/1.1 200 OK\r\nContent-Length: 16\r\nX-Node: a\r\n\r\n"
		    "{\"state\":\"sick\"}", HTTP_HOLD },
		{ "/to", TO("302", "/"), HTTP_HOLD },
		{ .path = NULL }
	};
	struct world w;
	struct one *o;

	(void)state;
	world_start(&w, routes);
	o = prepare(&w, "/");
	expect_one(&o->http.json_match, "state=sick");
	expect_one(&o->http.header_match, "X-Node: ^a$");
	expect_one(&o->http.body_match, "sick");
	expect_one(&o->http.expect_time, "total<1m");
	assert_string_equal(outcome(&w), "up");
	assert_null(o->run.body);
	strings_done(&o->http.json_match);
	strings_done(&o->http.header_match);
	strings_done(&o->http.body_match);
	strings_done(&o->http.expect_time);
	o = prepare(&w, "/to");
	expect_one(&o->http.json_match, "state=well");
	/* The redirect's own headers do not count. */
	expect_one(&o->http.header_match, "Location: .");
	assert_string_equal(outcome(&w), "http://localhost:PORT/: there is no header Location; "
	    "in the JSON state is \"sick\", expected =well");
	assert_string_equal(o->run.body, "{\"state\":\"sick\"}");
	assert_int_equal(o->run.verdict, VERDICT_DOWN);
	strings_done(&o->http.json_match);
	strings_done(&o->http.header_match);
	o = prepare(&w, "/");
	o->http.body_bytes_max = 15;
	assert_string_equal(outcome(&w),
	    "http://localhost:PORT/: the answer is longer than 15 bytes");
	o = prepare(&w, "/");
	o->http.http_version = HTTP_V2;
	assert_string_not_equal(outcome(&w), "up");
	world_stop(&w);
}

static void
proxy_is_asked_instead_of_the_host(void **state)
{
	static const struct http_route routes[] = { { "*", OK, HTTP_CLOSE }, { .path = NULL } };
	struct world w;
	struct one *o;

	(void)state;
	world_start(&w, routes);
	o = prepare_url(&w, xasprintf("http://nowhere.test/x"));
	o->http.proxy = xasprintf("http://me:pw@localhost:%d", w.server.port);
	assert_string_equal(outcome(&w), "up");
	next_request(&w);
	assert_true(request_has(&w, "GET http://nowhere.test/x HTTP/1.1\r\n"));
	assert_true(request_has(&w, "Proxy-Authorization: Basic bWU6cHc=\r\n"));
	assert_int_equal(w.threads_max, 1);
	free(o->http.proxy);
	o->http.proxy = NULL;
	world_stop(&w);
}

static void
family_that_is_asked_for_is_kept_to(void **state)
{
	static const struct http_route routes[] = { { "*", OK, HTTP_CLOSE }, { .path = NULL } };
	struct world w;

	(void)state;
	world_start(&w, routes);
	file_write(path_in("hosts"), "::1 both.test\n127.0.0.1 both.test\n127.0.0.1 four.test\n");
	prepare_url(&w, url_at(&w.server, "both.test", "/"))->http.ip_version = IP_V4;
	assert_string_equal(outcome(&w), "up");
	prepare_url(&w, url_at(&w.server, "four.test", "/"))->http.ip_version = IP_V6;
	assert_non_null(strstr(outcome(&w), "four.test:PORT/: "));
	assert_int_equal(w.one.run.state, RUN_FAILED);
	prepare_url(&w, url_at(&w.server, "127.0.0.1", "/"))->http.ip_version = IP_V6;
	assert_string_equal(outcome(&w),
	    "http://127.0.0.1:PORT/: the address is not of the family that is asked for");
	world_stop(&w);
}

static void
request_is_as_the_job_says(void **state)
{
	static const struct http_route routes[] = { { "*", OK, HTTP_HOLD }, { .path = NULL } };
	struct one *o;
	struct world w;

	(void)state;
	world_start(&w, routes);
	assert_string_equal(check(&w, "/a?b=c#d"), "up");
	next_request(&w);
	assert_true(request_has(&w, "GET /a?b=c HTTP/1.1\r\nHost: localhost:"));
	assert_true(request_has(&w, "\r\nUser-Agent: jobd/"));

	o = prepare(&w, "/");
	o->http.method = (char[]){ "POST" };
	o->http.body = (char[]){ "{\"a\": 1}" };
	strings_add(&o->http.headers, "Content-Type: application/json");
	strings_add(&o->http.headers, "Host: shop.example");
	strings_add(&o->http.headers, "User-Agent: me");
	assert_string_equal(outcome(&w), "up");
	next_request(&w);
	assert_true(request_has(&w, "POST / HTTP/1.1\r\nHost: shop.example\r\n"));
	assert_true(request_has(&w, "Content-Type: application/json\r\n"));
	assert_true(request_has(&w, "Content-Length: 8\r\n"));
	assert_true(request_has(&w, "User-Agent: me\r\n"));
	assert_false(request_has(&w, "jobd/"));
	assert_true(request_has(&w, "\r\n\r\n{\"a\": 1}"));

	prepare(&w, "/")->http.method = (char[]){ "PURGE" };
	assert_string_equal(outcome(&w), "up");
	next_request(&w);
	assert_true(request_has(&w, "PURGE / HTTP/1.1\r\n"));
	assert_false(request_has(&w, "Content-Length"));

	prepare(&w, "/")->http.method = (char[]){ "PUT" };
	assert_string_equal(outcome(&w), "up");
	next_request(&w);
	assert_true(request_has(&w, "PUT / HTTP/1.1\r\n"));
	assert_true(request_has(&w, "Content-Length: 0\r\n"));

	prepare(&w, "/")->http.method = (char[]){ "HEAD" };
	assert_string_equal(outcome(&w), "up");
	next_request(&w);
	assert_true(request_has(&w, "HEAD / HTTP/1.1\r\n"));
	world_stop(&w);
}

static void
long_body_is_sent_without_asking_for_leave(void **state)
{
	static const struct http_route routes[] = { { "*", OK, HTTP_HOLD }, { .path = NULL } };
	struct world w;
	struct one *o;
	char *body = xmalloc(30001);

	(void)state;
	memset(body, 'x', 30000);
	body[30000] = '\0';
	world_start(&w, routes);
	o = prepare(&w, "/");
	o->http.method = (char[]){ "POST" };
	o->http.body = body;
	assert_string_equal(outcome(&w), "up");
	next_request(&w);
	assert_false(request_has(&w, "Expect"));
	assert_true(strlen(w.server.request) > 30000);
	world_stop(&w);
	free(body);
}

static void
credentials_of_the_url_are_sent_and_never_told(void **state)
{
	static const struct http_route routes[] = {
		{ "/no", "HTTP/1.1 401 no\r\nContent-Length: 0\r\n\r\n", HTTP_HOLD },
		{ "/there", "HTTP/1.1 302 x\r\nLocation: /no\r\nContent-Length: 0\r\n\r\n",
		    HTTP_HOLD },
		{ .path = NULL }
	};
	struct world w;

	(void)state;
	world_start(&w, routes);
	assert_string_equal(
	    check_url(&w, url_at(&w.server, "ann:s%40cret@localhost", "/no?token=hidden")),
	    "http://localhost:PORT/no?...: status 401, expected 200-299");
	next_request(&w);
	/* ann:s@cret */
	assert_true(request_has(&w, "GET /no?token=hidden HTTP/1.1\r\n"));
	assert_true(request_has(&w, "Authorization: Basic YW5uOnNAY3JldA==\r\n"));
	assert_string_equal(check_url(&w, url_at(&w.server, "ann:s%40cret@localhost", "/there")),
	    "http://localhost:PORT/no: status 401, expected 200-299");
	next_request(&w);
	next_request(&w);
	assert_true(request_has(&w, "GET /no HTTP/1.1\r\n"));
	assert_true(request_has(&w, "Authorization: Basic YW5uOnNAY3JldA==\r\n"));
	world_stop(&w);
}

static void
the_user_in_a_url_is_hidden(void **state)
{
	static const char *const rows[][2] = {
		{ "https://ann:secret@host/a?b=c@d", "https://" URL_HIDDEN "@host/a?b=c@d" },
		{ "HTTP://ann@host:1", "HTTP://" URL_HIDDEN "@host:1" },
		{ "http://a@b:c@d@[::1]:80/", "http://" URL_HIDDEN "@[::1]:80/" },
		{ "http:///ann:secret@host", "http:///" URL_HIDDEN "@host" },
		{ "http://ann:sec...", "http://" URL_HIDDEN },
		{ "http://host/@", "http://host/@" },
		{ "http://host?x@y", "http://host?x@y" },
		{ "http://host/cut...", "http://host/cut..." },
		{ "nothing", "nothing" },
		{ "", "" },
	};
	char *text;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		text = url_without_user(rows[i][0]);
		assert_string_equal(text, rows[i][1]);
		free(text);
	}
}

static void
a_host_that_can_be_no_name_is_wrong(void **state)
{
	static const char *const good[] = { "http://h/", "https://a.b.c./x", "http://a_b-c.d:81", "http://[::1]:80/",
	    "http://127.1/", "http://b\303\274cher.test/", "http://me:pw@h/?a..b" };
	static const char *const bad[] = { "http://a..b/", "http://.a/", "http://./", "http://a../", "http://[::::]/",
	    "http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (url_wrong(good[i]) != NULL)
			fail_msg("%s %s", good[i], url_wrong(good[i]));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (url_wrong(bad[i]) == NULL)
			fail_msg("%s is taken", bad[i]);
	}
}

static void
proxies_of_the_environment_are_ignored(void **state)
{
	static const struct http_route routes[] = { { "*", OK, HTTP_HOLD }, { .path = NULL } };
	static const char *const names[] = { "http_proxy", "all_proxy", "ALL_PROXY" };
	struct world w;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		(void)setenv(names[i], "http://127.0.0.1:1", 1);
	world_start(&w, routes);
	assert_string_equal(check(&w, "/"), "up");
	world_stop(&w);
	for (size_t i = 0; i < 3; i++)
		(void)unsetenv(names[i]);
}

/* ---- redirects ---- */

static void
redirects_are_followed(void **state)
{
	static const struct http_route routes[] = {
		{ "/", OK, HTTP_HOLD },
		{ "/relative", TO("302", "dir/../abs"), HTTP_HOLD },
		{ "/abs", TO("301", "http://127.0.0.1:{port}/named"), HTTP_HOLD },
		{ "/named", TO("307", "//other.test:{port}/last"), HTTP_HOLD },
		{ "/last", TO("308", "/?q#f"), HTTP_HOLD },
		{ "/nowhere", "HTTP/1.1 302 x\r\nContent-Length: 0\r\n\r\n", HTTP_HOLD },
		{ .path = NULL }
	};
	struct world w;

	(void)state;
	world_start(&w, routes);
	file_write(path_in("hosts"), "127.0.0.1 other.test\n");
	assert_string_equal(check(&w, "/relative"), "up");
	for (int i = 0; i < 5; i++)
		next_request(&w);
	assert_true(request_has(&w, "GET /?q HTTP/1.1\r\nHost: other.test:"));
	/* Each hop is told. */
	assert_int_equal(w.one.run.redirects.n, 4);
	assert_non_null(strstr(w.one.run.redirects.items[0], "302 http://localhost:"));
	assert_non_null(strstr(w.one.run.redirects.items[3], "308 http://other.test:"));
	prepare(&w, "/abs")->http.no_redirect = true;
	assert_string_equal(outcome(&w), "http://localhost:PORT/abs: status 301, expected 200-299");
	assert_string_equal(
	    check(&w, "/nowhere"), "http://localhost:PORT/nowhere: status 302, expected 200-299");
	world_stop(&w);
}

static void
redirects_to_nonsense_are_refused_in_words(void **state)
{
	static const struct http_route routes[] = {
		{ "/loop", TO("302", "/loop"), HTTP_HOLD },
		{ "/ftp", TO("302", "ftp://u:p@h/x"), HTTP_HOLD },
		{ "/file", TO("302", "file:///etc/passwd"), HTTP_HOLD },
		{ "/bad", TO("302", "http://[::"), HTTP_HOLD },
		{ "/port", TO("302", "http://a:99999/"), HTTP_HOLD },
		{ "/tls", TO("302", "https://localhost:{port}/"), HTTP_HOLD },
		{ "/gone", TO("302", "http://127.0.0.1:1/?secret"), HTTP_HOLD },
		{ .path = NULL }
	};
	struct world w;

	(void)state;
	world_start(&w, routes);
	assert_string_equal(check(&w, "/loop"),
	    "http://localhost:PORT/loop: more than 10 redirects, this being the last");
	assert_int_equal(w.one.run.http_status, 302);
	assert_string_equal(check(&w, "/ftp"),
	    "http://localhost:PORT/ftp: "
	    "it redirects to ftp://h/x, which is neither http nor https");
	assert_string_equal(check(&w, "/file"),
	    "http://localhost:PORT/file: "
	    "it redirects to file:///etc/passwd, which is neither http nor https");
	assert_string_equal(check(&w, "/bad"),
	    "http://localhost:PORT/bad: it redirects to what is not a URL with a host");
	assert_string_equal(check(&w, "/port"),
	    "http://localhost:PORT/port: it redirects to what is not a URL with a host");
	assert_string_equal(check(&w, "/tls"),
	    "https://localhost:PORT/: the server closed the connection in the TLS handshake");
	assert_string_equal(check(&w, "/gone"), "http://127.0.0.1:1/?...: connection refused");
	world_stop(&w);
}

static void
redirected_post_becomes_a_get_where_it_should(void **state)
{
	static const struct http_route routes[] = {
		{ "/", OK, HTTP_HOLD },
		{ "/301", TO("301", "/"), HTTP_HOLD },
		{ "/302", TO("302", "/"), HTTP_HOLD },
		{ "/303", TO("303", "/"), HTTP_HOLD },
		{ "/307", TO("307", "/"), HTTP_HOLD },
		{ "/308", TO("308", "/"), HTTP_HOLD },
		{ .path = NULL }
	};
	static const struct {
		const char *path, *method, *second;
	} cases[] = {
		{ "/301", "POST", "GET" }, { "/302", "POST", "GET" }, { "/303", "POST", "GET" },
		{ "/307", "POST", "POST" }, { "/308", "POST", "POST" }, { "/301", "PUT", "PUT" },
		{ "/303", "PUT", "GET" }, { "/303", "HEAD", "HEAD" }, { "/302", "HEAD", "HEAD" },
		/* Without a method a body makes it a POST. */
		{ "/302", NULL, "GET" }, { "/307", NULL, "POST" },
	};
	struct world w;
	char method[8];
	struct one *o;

	(void)state;
	world_start(&w, routes);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		o = prepare(&w, cases[i].path);
		if (cases[i].method != NULL) {
			(void)snprintf(method, sizeof(method), "%s", cases[i].method);
			o->http.method = method;
		}
		o->http.body = (char[]){ "text" };
		strings_add(&o->http.headers, "Content-Type: text/plain");
		assert_string_equal(outcome(&w), "up");
		next_request(&w);
		next_request(&w);
		assert_int_equal(
		    strncmp(w.server.request, cases[i].second, strlen(cases[i].second)), 0);
		if (strcmp(cases[i].second, "GET") == 0) {
			assert_false(request_has(&w, "Content-"));
			assert_false(request_has(&w, "\r\n\r\ntext"));
		} else if (strcmp(cases[i].second, "HEAD") != 0) {
			assert_true(request_has(&w, "\r\n\r\ntext"));
		}
	}
	world_stop(&w);
}

static void
secrets_stay_with_the_first_host(void **state)
{
	static const struct http_route routes[] = {
		{ "/away", TO("302", "http://127.0.0.1:{port}/back"), HTTP_HOLD },
		{ "/back", TO("302", "http://localhost:{port}/"), HTTP_HOLD },
		{ "/near", TO("302", "/"), HTTP_HOLD },
		{ "/", OK, HTTP_HOLD },
		{ .path = NULL }
	};
	struct world w;
	struct one *o;

	(void)state;
	world_start(&w, routes);
	for (int i = 0; i < 2; i++) {
		o = prepare_url(
		    &w, url_at(&w.server, i == 0 ? "a:b@localhost" : "localhost", "/away"));
		if (i == 1)
			strings_add(&o->http.headers, "authorization: Bearer x");
		strings_add(&o->http.headers, "Cookie: a=b");
		strings_add(&o->http.headers, "X-Mine: 1");
		assert_string_equal(outcome(&w), "up");
		next_request(&w);
		assert_true(request_has(&w, "uthorization:") && request_has(&w, "Cookie:"));
		for (int hop = 0; hop < 2; hop++) {
			next_request(&w);
			assert_false(
			    request_has(&w, "uthorization:") || request_has(&w, "Cookie:"));
			assert_true(request_has(&w, "X-Mine: 1"));
		}
	}
	o = prepare(&w, "/near");
	strings_add(&o->http.headers, "Authorization: Bearer x");
	assert_string_equal(outcome(&w), "up");
	next_request(&w);
	next_request(&w);
	assert_true(request_has(&w, "GET / ") && request_has(&w, "Authorization: Bearer x"));
	world_stop(&w);
}

/* ---- who we say that we are ---- */

static void
credentials_are_sent_to_the_first_host_alone(void **state)
{
	static const struct http_route routes[] = {
		{ "/away", TO("302", "http://127.0.0.1:{port}/"), HTTP_HOLD },
		{ "/near", TO("302", "/"), HTTP_HOLD },
		{ "/", OK, HTTP_HOLD },
		{ .path = NULL }
	};
	static const char *const headers[] = { "Authorization: Basic YW5uOnM6Y3JldA==\r\n",
		"Authorization: Bearer to.ken\r\n" };
	struct world w;
	struct one *o;

	(void)state;
	world_start(&w, routes);
	for (int i = 0; i < 4; i++) {
		bool away = i / 2 == 1;

		o = prepare(&w, away ? "/away" : "/near");
		if (i % 2 == 0)
			o->http.basic_auth = (char *)(uintptr_t)"ann:s:cret";
		else
			o->http.bearer_token = (char *)(uintptr_t)"to.ken";
		assert_string_equal(outcome(&w), "up");
		next_request(&w);
		assert_true(request_has(&w, headers[i % 2]));
		next_request(&w);
		assert_true(request_has(&w, "GET / "));
		assert_int_equal(request_has(&w, headers[i % 2]), !away);
		assert_int_equal(request_has(&w, "uthorization"), !away);
	}
	world_stop(&w);
}

/* ---- answers that are wrong ---- */

static void
broken_answers_are_told_in_words(void **state)
{
	static const struct http_route routes[] = { { "/nothing", "", HTTP_CLOSE },
		{ "/reset", "", HTTP_RESET },
		{ "/reset-later", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nab", HTTP_RESET },
		{ "/short", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nab", HTTP_CLOSE },
		{ "/cut-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\nab",
		    HTTP_CLOSE },
		{ "/0.9", "hello", HTTP_CLOSE }, { "/ssh", "SSH-2.0-OpenSSH_9.2p1\r\n", HTTP_HOLD },
		{ "/length", "HTTP/1.1 200 OK\r\nContent-Length: -7\r\n\r\n", HTTP_HOLD },
		{ "/http9", "HTTP/9.9 200 OK\r\n\r\n", HTTP_HOLD },
		{ "/half", "HTTP/1.1 200", HTTP_CLOSE }, { .path = NULL } };
	static const char *const wanted[][2] = {
		{ "/nothing", "the server closed the connection without an answer" },
		{ "/reset", "connection reset by the server" },
		{ "/reset-later", "connection reset by the server" },
		{ "/short", "the connection was closed before the end of the answer" },
		{ "/cut-chunk", "the connection was closed before the end of the answer" },
		{ "/0.9", "the answer is not HTTP" },
		{ "/ssh", "the answer is not HTTP" },
		{ "/length", "the answer makes no sense as HTTP" },
		{ "/http9", "the answer is not HTTP" },
		{ "/half", "the server closed the connection without an answer" },
	};
	struct world w;
	char *text;

	(void)state;
	world_start(&w, routes);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		text = xasprintf("http://localhost:PORT%s: %s", wanted[i][0], wanted[i][1]);
		assert_string_equal(check(&w, wanted[i][0]), text);
		assert_int_equal(w.one.run.state, RUN_FAILED);
		assert_int_equal(w.one.run.verdict, VERDICT_DOWN);
		free(text);
	}
	world_stop(&w);
}

static void
endless_answers_are_bounded(void **state)
{
	static const struct http_route routes[] = {
#define BLOCK "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx "
#define LONG BLOCK BLOCK BLOCK BLOCK BLOCK BLOCK BLOCK BLOCK
		{ "/body", "HTTP/1.1 200 OK\r\n\r\n{again}" LONG, HTTP_ENDLESS },
		{ "/headers", "HTTP/1.1 200 OK\r\n{again}A: b\r\n", HTTP_ENDLESS },
		{ "/line", "HTTP/1.1 200 OK\r\nA: {again}" LONG, HTTP_ENDLESS },
		{ "/hints", "{again}HTTP/1.1 103 Early Hints\r\n\r\n", HTTP_ENDLESS },
		{ .path = NULL }
	};
	struct world w;

	(void)state;
	world_start(&w, routes);
	assert_string_equal(
	    check(&w, "/body"), "http://localhost:PORT/body: the answer is longer than 16 MiB");
	assert_int_equal(w.one.run.http_status, 200);
	assert_string_equal(check(&w, "/headers"),
	    "http://localhost:PORT/headers: the answer has more than 1000 lines of headers");
	assert_string_equal(
	    check(&w, "/line"), "http://localhost:PORT/line: the answer's headers are too long");
	assert_string_equal(check(&w, "/hints"),
	    "http://localhost:PORT/hints: the answer has more than 1000 lines of headers");
	world_stop(&w);
}

static void
compressed_bodies_stay_compressed(void **state)
{
	static const struct http_route routes[] = {
		{ "/",
		    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\ngzip?",
		    HTTP_HOLD },
		{ .path = NULL }
	};
	struct world w;
	struct one *o;

	(void)state;
	world_start(&w, routes);
	o = prepare(&w, "/");
	strings_add(&o->http.headers, "Accept-Encoding: gzip");
	assert_string_equal(outcome(&w), "up");
	world_stop(&w);
}

/* ---- who cannot be reached ---- */

static void
nobody_listening_is_told(void **state)
{
	struct world w;

	(void)state;
	world_start(&w, NULL);
	assert_string_equal(check_url(&w, xstrdup("http://localhost:1/")),
	    "http://localhost:1/: connection refused");
	assert_string_equal(check_url(&w, xstrdup("http://u:p@LOCALHOST:1/x?y#z")),
	    "http://LOCALHOST:1/x?...: connection refused");
	assert_string_equal(check_url(&w, xstrdup("https://127.0.0.1:1")),
	    "https://127.0.0.1:1/: connection refused");
	assert_int_equal(w.one.run.verdict, VERDICT_DOWN);
	assert_int_equal(w.one.run.http_status, 0);
	world_stop(&w);
}

static void
unknown_names_are_told(void **state)
{
	struct world w;

	(void)state;
	world_start(&w, NULL);
	assert_string_equal(check_url(&w, xstrdup("http://none.test./")),
	    "http://none.test./: no nameserver gave an answer, or none but SERVFAIL; inconclusive: "
	    "the nameservers answer for no other name either");
	world_stop(&w);
}

static void
every_address_of_a_name_is_tried(void **state)
{
	static const struct http_route routes[] = { { "*", OK, HTTP_HOLD }, { .path = NULL } };
	struct world w;

	(void)state;
	world_start(&w, routes);
	file_write(path_in("hosts"),
	    "127.0.0.2 many.test\n127.0.0.3 many.test\n127.0.0.1 many.test\n::1 many.test\n");
	assert_string_equal(check_url(&w, url_at(&w.server, "many.test", "/")), "up");
	world_stop(&w);
}

static void
ipv6_is_spoken(void **state)
{
	static const struct http_route routes[] = { { "*", OK, HTTP_HOLD }, { .path = NULL } };
	struct world w;

	(void)state;
	world_start(&w, NULL);
	if (!httpserver_start(&w.server, "::1", routes)) {
		world_stop(&w);
		print_message("no IPv6 on this host\n");
		skip();
	}
	file_write(path_in("hosts"), "::1 six.test\n127.0.0.1 both.test\n::1 both.test\n");
	assert_string_equal(check_url(&w, url_at(&w.server, "[::1]", "/")), "up");
	assert_string_equal(check_url(&w, url_at(&w.server, "six.test", "/")), "up");
	assert_string_equal(check_url(&w, url_at(&w.server, "both.test", "/")), "up");
	assert_string_equal(check(&w, "/"), "up");
	assert_int_equal(w.threads_max, threads_now());
	world_stop(&w);
}

static void
changed_address_is_taken_at_once(void **state)
{
	static const struct http_route routes[] = { { "*", OK, HTTP_HOLD }, { .path = NULL } };
	struct world w;

	(void)state;
	world_start(&w, routes);
	file_write(path_in("hosts"), "127.0.0.1 moving.test\n");
	assert_string_equal(check_url(&w, url_at(&w.server, "moving.test", "/")), "up");
	file_write(path_in("hosts"), "127.0.0.2 moving.test\n");
	assert_string_equal(check_url(&w, url_at(&w.server, "moving.test", "/")),
	    "http://moving.test:PORT/: connection refused");
	file_write(path_in("hosts"), "127.0.0.1 moving.test\n");
	assert_string_equal(check_url(&w, url_at(&w.server, "moving.test", "/")), "up");
	world_stop(&w);
}

static void
odd_names_start_no_thread(void **state)
{
	static const struct http_route routes[] = {
		{ "/idn", TO("302", "http://B\303\274cher.test:{port}/"), HTTP_HOLD },
		{ "*", OK, HTTP_HOLD },
		{ .path = NULL }
	};
	static const char *const hosts[] = { "localhost.", "LocalHost", "a.localhost", "name.test.",
		"NAME.test", "b\303\274cher.test", "b%C3%BCcher.test",
	    "127.1", "0x7f000001", "%6cocalhost",
		"under_score.test", "127.0.0.1." };
	struct world w;
	int before = threads_now();

	(void)state;
	world_start(&w, routes);
	file_write(path_in("hosts"), "127.0.0.1 name.test xn--bcher-kva.test under_score.test\n");
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		assert_string_equal(check_url(&w, url_at(&w.server, hosts[i], "/")), "up");
	assert_string_equal(check(&w, "/idn"), "up");
	assert_int_equal(w.threads_max, before);
	world_stop(&w);
}

/* ---- time, and being cancelled ---- */

/* A port that takes connections, backlog + 1 of them, and says nothing. */
static int
quiet_port(int *fd, int backlog)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(a);

	*fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(*fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(*fd, backlog), 0);
	assert_int_equal(getsockname(*fd, (struct sockaddr *)&a, &n), 0);
	return ntohs(a.sin_port);
}

/* A port whose queue of connections is full: the kernel answers to no more. */
static int
full_port(int fds[3])
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int port = quiet_port(&fds[0], 0);

	a.sin_port = htons((uint16_t)port);
	for (int i = 1; i < 3; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fds[i], (struct sockaddr *)&a, sizeof(a));
	}
	return port;
}

static void
limit_ends_the_check_and_tells_where_it_stood(void **state)
{
	static const struct http_route routes[] = {
		{ "/silent", "", HTTP_HOLD },
		{ "/drip", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabcdefgh", HTTP_DRIP },
		{ "/half", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabcdefgh", HTTP_HOLD },
		{ "/next", TO("302", "/silent"), HTTP_HOLD },
		{ .path = NULL }
	};
	struct world w;
	int fd;

	(void)state;
	world_start(&w, routes);
	prepare(&w, "/silent")->spec.timeout = 300 * USEC_MSEC;
	assert_string_equal(outcome(&w),
	    "http://localhost:PORT/silent: no answer within 300ms, "
	    "stopped while waiting for the answer");
	assert_int_equal(w.one.run.state, RUN_TIMED_OUT);
	assert_int_equal(w.one.run.verdict, VERDICT_DOWN);
	assert_true(w.one.run.phases->wait > 0);
	prepare(&w, "/drip")->spec.timeout = 300 * USEC_MSEC;
	assert_non_null(strstr(outcome(&w), "no answer within 300ms"));
	prepare(&w, "/half")->spec.timeout = 300 * USEC_MSEC;
	assert_non_null(strstr(outcome(&w), "no answer within 300ms, stopped while receiving"));
	assert_true(w.one.run.phases->receive > 0);
	prepare(&w, "/next")->spec.timeout = 300 * USEC_MSEC;
	assert_string_equal(outcome(&w),
	    "http://localhost:PORT/silent: no answer within 300ms, "
	    "stopped while waiting for the answer");
	prepare_url(&w, xasprintf("https://localhost:%d/", quiet_port(&fd, 5)))->spec.timeout =
	    300 * USEC_MSEC;
	assert_non_null(strstr(outcome(&w), "stopped in the TLS handshake"));
	assert_true(w.one.run.phases->tls > 0);
	prepare_url(&w, xstrdup("http://silent.test./"))->spec.timeout = 20 * USEC_MSEC;
	assert_string_equal(outcome(&w),
	    "http://silent.test./: no answer within 20ms, stopped while its name was looked up; "
	    "inconclusive: the nameservers answer for no other name either");
	assert_true(w.one.run.phases->dns > 0);
	world_stop(&w);
	(void)close(fd);
}

static void
check_is_inconclusive_when_the_loop_was_away(void **state)
{
	static const struct http_route routes[] = {
		{ "/silent", "", HTTP_HOLD },
		{ "/503", "HTTP/1.1 503 no\r\nContent-Length: 0\r\n\r\n", HTTP_HOLD },
		{ .path = NULL }
	};
	struct world w;

	(void)state;
	world_start(&w, routes);
	w.l->lag_min = LAG_MIN;
	w.block = 600 * USEC_MSEC;
	prepare(&w, "/silent")->spec.timeout = 300 * USEC_MSEC;
	assert_non_null(strstr(outcome(&w), "no answer within 300ms"));
	assert_non_null(strstr(w.one.run.reason, "; inconclusive: jobd itself "));
	assert_int_equal(w.one.run.state, RUN_TIMED_OUT);
	assert_int_equal(w.one.run.verdict, VERDICT_INCONCLUSIVE);
	/* What did come is believed. */
	w.block = 0;
	assert_string_equal(check(&w, "/503"), "http://localhost:PORT/503: status 503, expected 200-299");
	assert_int_equal(w.one.run.verdict, VERDICT_DOWN);
	world_stop(&w);
}

static void
check_that_was_late_by_our_own_lag_alone_is_inconclusive(void **state)
{
	struct lag late = { 0, USEC_NEVER / 2, LAG_STOPPED };
	static const struct http_route routes[] = {
		{ "/", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", HTTP_HOLD },
		{ .path = NULL }
	};
	struct one *o;
	struct world w;

	(void)state;
	world_start(&w, routes);
	o = prepare(&w, "/");
	expect_one(&o->http.expect_time, "total<1us");
	assert_non_null(strstr(outcome(&w), "expected less than"));
	assert_int_equal(w.one.run.verdict, VERDICT_DEGRADED);
	/* All of it was ours. */
	w.l->lags[0] = late;
	w.l->lags_n = 1;
	strings_done(&o->http.expect_time);
	o = prepare(&w, "/");
	expect_one(&o->http.expect_time, "total<1us");
	assert_non_null(strstr(outcome(&w), "; inconclusive: jobd itself was stopped for"));
	assert_int_equal(w.one.run.verdict, VERDICT_INCONCLUSIVE);
	strings_done(&o->http.expect_time);
	world_stop(&w);
}

static void
check_is_inconclusive_when_no_nameserver_answers_for_any_name(void **state)
{
	struct world w;

	(void)state;
	world_start(&w, NULL);
	assert_string_equal(check_url(&w, xstrdup("http://silent.test./")),
	    "http://silent.test./: no nameserver gave an answer, or none but SERVFAIL; inconclusive: "
	    "the nameservers answer for no other name either");
	assert_int_equal(w.one.run.verdict, VERDICT_INCONCLUSIVE);
	world_stop(&w);
}

static void
check_without_an_answer_is_inconclusive_when_the_canary_does_not_answer_either(void **state)
{
	struct sockaddr_storage address;
	struct world w;
	int fds[3], port = full_port(fds);
	char *text = xasprintf("127.0.0.1:%d", port);

	(void)state;
	assert_true(canary_address(text, &address));
	assert_true(canary_address("[::1]:80", &address));
	assert_false(canary_address("localhost:80", &address));
	assert_false(canary_address("127.0.0.1", &address));
	assert_false(canary_address("127.0.0.1:0", &address));
	assert_false(canary_address("127.0.0.1:80x", &address));
	assert_false(canary_address("[::1:80", &address));
	world_start(&w, NULL);
	w.exec.canary = canary_new(w.l, text);
	assert_non_null(strstr(check_url(&w, xstrdup("http://localhost:1/")),
	    "connection refused; inconclusive: the network is not there, as the canary 127.0.0.1:"));
	assert_int_equal(w.one.run.verdict, VERDICT_INCONCLUSIVE);
	canary_free(w.exec.canary);
	/* Whoever refuses is there: then it is the other side. */
	w.exec.canary = canary_new(w.l, "127.0.0.1:1");
	assert_string_equal(check_url(&w, xstrdup("http://localhost:1/")),
	    "http://localhost:1/: connection refused");
	assert_int_equal(w.one.run.verdict, VERDICT_DOWN);
	world_stop(&w);
	for (int i = 0; i < 3; i++)
		(void)close(fds[i]);
	free(text);
}

static void
limit_ends_a_check_that_cannot_connect(void **state)
{
	struct world w;
	int fds[3], port = full_port(fds);

	(void)state;
	world_start(&w, NULL);
	prepare_url(&w, xasprintf("http://localhost:%d/", port))->spec.timeout = 300 * USEC_MSEC;
	assert_non_null(strstr(outcome(&w), "no answer within 300ms, stopped while connecting"));
	assert_true(w.one.run.phases->connect > 0);
	world_stop(&w);
	for (int i = 0; i < 3; i++)
		(void)close(fds[i]);
}

static void
limit_of_connecting_is_its_own(void **state)
{
	struct world w;
	int fds[3], port = full_port(fds);
	struct one *o;

	(void)state;
	world_start(&w, NULL);
	o = prepare_url(&w, xasprintf("http://localhost:%d/", port));
	o->spec.timeout = 30 * USEC_SEC;
	o->http.connect_timeout = 200 * USEC_MSEC;
	assert_non_null(strstr(outcome(&w), "no connection within 200ms, stopped while connecting"));
	assert_int_equal(o->run.state, RUN_TIMED_OUT);
	world_stop(&w);
	for (int i = 0; i < 3; i++)
		(void)close(fds[i]);
}

static void
person_cancels_a_check(void **state)
{
	static const struct http_route routes[] = { { "*", "HTTP/1.1 200 OK\r\n\r\nx", HTTP_HOLD },
		{ .path = NULL }
	};
	struct world w;

	(void)state;
	world_start(&w, routes);
	assert_int_equal(watch_start(&w.watch, w.l, w.server.fd, WATCH_READ, &w.root), 0);
	w.cancel_asked = true;
	assert_string_equal(check(&w, "/"), "");
	assert_int_equal(w.one.run.state, RUN_CANCELED);
	assert_int_equal(w.one.run.verdict, VERDICT_NONE);
	world_stop(&w);
}

static void
daemons_stop_leaves_the_run_running(void **state)
{
	static const struct http_route routes[] = { { "*", "HTTP/1.1 200 OK\r\n\r\nx", HTTP_HOLD },
		{ .path = NULL }
	};
	struct world w;

	(void)state;
	world_start(&w, routes);
	assert_int_equal(watch_start(&w.watch, w.l, w.server.fd, WATCH_READ, &w.root), 0);
	w.stop_asked = true;
	(void)prepare(&w, "/");
	run_all(&w, &w.one, 1);
	assert_int_equal(w.one.run.state, RUN_RUNNING);
	assert_null(w.one.run.reason);
	assert_false(instant_is_set(w.one.run.exited));
	world_stop(&w);
}

/* ---- many ---- */

static void
many_checks_by_name_start_no_thread(void **state)
{
	static const struct http_route routes[] = { { "*", OK, HTTP_HOLD }, { .path = NULL } };
	static struct one ones[MANY];
	struct world w;
	int before = threads_now();

	(void)state;
	world_start(&w, routes);
	file_write(path_in("hosts"), "127.0.0.1 name.test\n");
	memset(ones, 0, sizeof(ones));
	for (size_t i = 0; i < MANY; i++)
		one_init(&ones[i], url_at(&w.server, i % 2 == 0 ? "name.test" : "localhost", "/"));
	run_all(&w, ones, MANY);
	assert_int_equal(w.threads_max, before);
	assert_int_equal(threads_now(), before);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(ones[i].run.state, RUN_SUCCEEDED);
		one_done(&ones[i]);
	}
	world_stop(&w);
}

static int
descriptors_now(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}

static void
memory_and_descriptors_come_back(void **state)
{
	static const struct http_route routes[] = { { "/reset", "", HTTP_RESET },
		{ "*", OK, HTTP_HOLD }, { .path = NULL } };
	struct world w;
	size_t before = 0;
	int descriptors = 0;

	(void)state;
	world_start(&w, routes);
	for (int i = 0; i < 300; i++) {
		if (i == 100) {
			before = mallinfo2().uordblks;
			descriptors = descriptors_now();
		}
		(void)check(&w, i % 3 == 0 ? "/reset" : "/");
	}
	assert_true(mallinfo2().uordblks < before + 64 * 1024);
	assert_int_equal(descriptors_now(), descriptors);
	world_stop(&w);
}

static void
lack_of_descriptors_says_nothing_about_the_other_side(void **state)
{
	static const struct http_route routes[] = { { "*", OK, HTTP_HOLD }, { .path = NULL } };
	struct rlimit limit, less;
	struct world w;
	int free_fd;

	(void)state;
	world_start(&w, routes);
	assert_string_equal(check(&w, "/"), "up");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	free_fd = dup(STDOUT_FILENO);
	(void)close(free_fd);
	less = limit;
	less.rlim_cur = (rlim_t)free_fd;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &less), 0);
	(void)check(&w, "/");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_string_equal(w.text, "http://localhost:PORT/: too many open files");
	assert_int_equal(w.one.run.verdict, VERDICT_INCONCLUSIVE);
	assert_string_equal(check(&w, "/"), "up");
	world_stop(&w);
}

/* ---- TLS ---- */

static void
tls_is_verified_unless_told_otherwise(void **state)
{
	struct world w;

	(void)state;
	if (needs_openssl())
		skip();
	world_start(&w, NULL);
	assert_true(openssl_certificate(directory, "good", "localhost", false));
	openssl_server(&w.server, directory, "good");
	assert_string_equal(check_url(&w, xasprintf("https://localhost:%d/x", w.server.port)),
	    "https://localhost:PORT/x: its certificate is not accepted: self-signed certificate");
	assert_int_equal(w.one.run.verdict, VERDICT_DOWN);
	prepare_url(&w, xasprintf("https://localhost:%d/", w.server.port))->http.insecure = true;
	assert_string_equal(outcome(&w), "up");
	assert_true(w.one.run.phases->tls > 0);
	world_stop(&w);
}

static void
tls_with_a_trusted_certificate_is_up(void **state)
{
	struct world w;

	(void)state;
	if (needs_openssl())
		skip();
	world_start(&w, NULL);
	assert_true(openssl_certificate(directory, "good", "localhost", false));
	openssl_server(&w.server, directory, "good");
	http_engine_trust(w.exec.http, path_in("good.pem"));
	assert_string_equal(check_url(&w, xasprintf("https://localhost:%d/", w.server.port)), "up");
	assert_string_equal(check_url(&w, xasprintf("https://127.0.0.1:%d/", w.server.port)),
	    "https://127.0.0.1:PORT/: its certificate is for another name");
	prepare_url(&w, xasprintf("https://127.0.0.1:%d/", w.server.port))->http.insecure = true;
	assert_string_equal(outcome(&w), "up");
	assert_non_null(strstr(check(&w, "/"), "http://localhost:PORT/: "));
	world_stop(&w);
}

static void
tls_by_the_jobs_own_trust_tells_how_long_it_holds(void **state)
{
	struct world w;
	struct one *o;
	char *pem;

	(void)state;
	if (needs_openssl())
		skip();
	world_start(&w, NULL);
	assert_true(openssl_certificate(directory, "good", "localhost", false));
	openssl_server(&w.server, directory, "good");
	pem = file_read(path_in("good.pem"));
	o = prepare_url(&w, xasprintf("https://localhost:%d/", w.server.port));
	o->http.ca_certificates = pem;
	assert_string_equal(outcome(&w), "up");
	o = prepare_url(&w, xasprintf("https://localhost:%d/", w.server.port));
	o->http.ca_certificates = pem;
	o->http.cert_days = 36500;
	assert_non_null(strstr(outcome(&w), "the certificate expires in "));
	assert_int_equal(o->run.state, RUN_FAILED);
	assert_int_equal(o->run.verdict, VERDICT_DEGRADED);
	/* Nonsense is not trusted, and is told. */
	o = prepare_url(&w, xasprintf("https://localhost:%d/", w.server.port));
	o->http.ca_certificates = (char *)(uintptr_t)"no certificate";
	assert_string_not_equal(outcome(&w), "up");
	free(pem);
	world_stop(&w);
}

static void
tls_certificate_that_has_expired_is_told(void **state)
{
	struct world w;

	(void)state;
	if (needs_openssl())
		skip();
	world_start(&w, NULL);
	assert_true(openssl_certificate(directory, "old", "localhost", true));
	openssl_server(&w.server, directory, "old");
	http_engine_trust(w.exec.http, path_in("old.pem"));
	assert_string_equal(check_url(&w, xasprintf("https://localhost:%d/", w.server.port)),
	    "https://localhost:PORT/: its certificate is not accepted: certificate has expired");
	world_stop(&w);
}

static void
tls_to_a_plain_server_fails_in_words(void **state)
{
	static const struct http_route routes[] = { { "*", OK, HTTP_CLOSE }, { .path = NULL } };
	struct world w;

	(void)state;
	world_start(&w, NULL);
	assert_true(httpserver_start(&w.server, "127.0.0.1", routes));
	assert_string_equal(check_url(&w, xasprintf("https://localhost:%d/", w.server.port)),
	    "https://localhost:PORT/: the TLS handshake failed: wrong version number");
	world_stop(&w);
}

static void
tls_client_certificates_are_shown_to_the_first_host_alone(void **state)
{
	static const struct http_route routes[] = {
		{ "/away", TO("302", "https://localhost:{port}/"), HTTP_HOLD },
		{ "/", OK, HTTP_HOLD }, { .path = NULL } };
	static struct http_route elsewhere[] = { { "*", NULL, HTTP_HOLD }, { .path = NULL } };
	char *server, *pem, *key, *other, *both, *url, *to;
	struct world w;
	struct one *o;

	(void)state;
	if (needs_openssl())
		skip();
	world_start(&w, NULL);
	assert_true(openssl_certificate(directory, "server", "localhost", false));
	assert_true(openssl_certificate(directory, "client", "ann", false));
	assert_true(openssl_certificate(directory, "stranger", "bob", false));
	server = file_read(path_in("server.pem"));
	pem = file_read(path_in("client.pem"));
	key = file_read(path_in("client.key"));
	other = file_read(path_in("stranger.pem"));
	both = xasprintf("%s%s", pem, key);
	tls_server(&w.server, routes, "client.pem");
	url = xasprintf("https://localhost:%d/", w.server.port);

	o = prepare_url(&w, xstrdup(url));
	o->http.ca_certificates = server;
	assert_string_equal(outcome(&w), "https://localhost:PORT/: the server wants a client certificate");
	assert_int_equal(w.one.run.verdict, VERDICT_DOWN);
	o = prepare_url(&w, xstrdup(url));
	o->http.ca_certificates = server;
	o->http.client_certificate = pem;
	o->http.client_key = key;
	assert_string_equal(outcome(&w), "up");
	o = prepare_url(&w, xstrdup(url));
	o->http.ca_certificates = server;
	o->http.client_certificate = both;
	assert_string_equal(outcome(&w), "up");
	free(key);
	key = file_read(path_in("stranger.key"));
	o = prepare_url(&w, xstrdup(url));
	o->http.ca_certificates = server;
	o->http.client_certificate = other;
	o->http.client_key = key;
	assert_string_equal(outcome(&w),
	    "https://localhost:PORT/: the server does not accept the client certificate");

	/* To another port it is not shown. */
	to = xasprintf(TO("302", "https://localhost:%d/"), w.server.port);
	elsewhere[0].answer = to;
	tls_server(&w.other, elsewhere, "client.pem");
	o = prepare_url(&w, xasprintf("https://localhost:%d/", w.other.port));
	o->http.ca_certificates = server;
	o->http.client_certificate = both;
	assert_string_equal(outcome(&w), "https://localhost:PORT/: the server wants a client certificate");
	world_stop(&w);
	free(server);
	free(pem);
	free(key);
	free(other);
	free(both);
	free(url);
	free(to);
}

static void
tls_certificate_of_a_foreign_authority_is_not_accepted(void **state)
{
	static const struct http_route routes[] = { { "*", OK, HTTP_HOLD }, { .path = NULL } };
	struct world w;
	struct one *o;
	char *pem;

	(void)state;
	if (needs_openssl())
		skip();
	world_start(&w, NULL);
	assert_true(openssl_certificate(directory, "ours", "ours", false));
	assert_true(openssl_certificate(directory, "theirs", "theirs", false));
	assert_true(openssl_signed(directory, "server", "localhost", "theirs"));
	tls_server(&w.server, routes, NULL);
	pem = file_read(path_in("ours.pem"));
	o = prepare_url(&w, xasprintf("https://localhost:%d/", w.server.port));
	o->http.ca_certificates = pem;
	assert_string_equal(outcome(&w), "https://localhost:PORT/: its certificate is not accepted:"
	    " unable to get local issuer certificate");
	assert_int_equal(w.one.run.verdict, VERDICT_DOWN);
	free(pem);
	pem = file_read(path_in("theirs.pem"));
	o = prepare_url(&w, xasprintf("https://localhost:%d/", w.server.port));
	o->http.ca_certificates = pem;
	assert_string_equal(outcome(&w), "up");
	free(pem);
	world_stop(&w);
}

/* As those have it who pin it: also when it is signed by somebody who is not trusted. */
static void
tls_certificate_that_is_trusted_itself_needs_no_authority(void **state)
{
	static const struct http_route routes[] = { { "*", OK, HTTP_HOLD }, { .path = NULL } };
	struct world w;
	struct one *o;
	char *pem;

	(void)state;
	if (needs_openssl())
		skip();
	world_start(&w, NULL);
	assert_true(openssl_certificate(directory, "theirs", "theirs", false));
	assert_true(openssl_signed(directory, "server", "localhost", "theirs"));
	tls_server(&w.server, routes, NULL);
	pem = file_read(path_in("server.pem"));
	/* The second time with what was read the first time. */
	for (int i = 0; i < 2; i++) {
		o = prepare_url(&w, xasprintf("https://localhost:%d/", w.server.port));
		o->http.ca_certificates = pem;
		assert_string_equal(outcome(&w), "up");
	}
	/* But not by those who do not bring it along. */
	assert_non_null(strstr(check_url(&w, xasprintf("https://localhost:%d/", w.server.port)),
	    "its certificate is not accepted"));
	free(pem);
	world_stop(&w);
}

/* ---- servers that mean harm ---- */

#define CHUNKED		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define HEX8		"ffffffff"

/* What it does, and the end of what is told of it. */
static const struct {
	const char	*path, *answer;
	enum http_after	 after;
	const char	*words;
} evil[] = {
	/* a byte every so often */
	{ "/slow-status", "HTTP/1.1 200 OK and so on and so on and so on", HTTP_DRIP, "no answer within 1s" },
	{ "/slow-body", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabcdefghijklmnopqrstuvwxyz", HTTP_DRIP,
	    "no answer within 1s" },
	/* headers without an end */
	{ "/headers", "HTTP/1.1 200 OK\r\n{again}A: b\r\n", HTTP_ENDLESS,
	    "the answer has more than 1000 lines of headers" },
	{ "/long-headers", "HTTP/1.1 200 OK\r\n{again}A: " LONG "\r\n", HTTP_ENDLESS,
	    "the answer's headers are longer than 256 KiB" },
	{ "/one-header", "HTTP/1.1 200 OK\r\nA: {again}" LONG, HTTP_ENDLESS,
	    "the answer's headers are too long" },
	{ "/folded", "HTTP/1.1 200 OK\r\nA: b\r\n{again} c\r\n", HTTP_ENDLESS,
	    "the answer has more than 1000 lines of headers" },
	{ "/continue", "{again}HTTP/1.1 100 Continue\r\n\r\n", HTTP_ENDLESS,
	    "the answer has more than 1000 lines of headers" },
	{ "/trailers", CHUNKED "0\r\n{again}A: b\r\n", HTTP_ENDLESS,
	    "the answer has more than 1000 lines of headers" },
	{ "/unended", "HTTP/1.1 200 OK\r\nA: b\r\n", HTTP_HOLD, "no answer within 1s" },
	/* gigabytes */
	{ "/body", "HTTP/1.1 200 OK\r\n\r\n{again}" LONG, HTTP_ENDLESS, "the answer is longer than 64 KiB" },
	{ "/chunks", CHUNKED "{again}10\r\n0123456789abcdef\r\n", HTTP_ENDLESS,
	    "the answer is longer than 64 KiB" },
	{ "/extensions", CHUNKED "1;{again}" LONG, HTTP_ENDLESS,
	    "the server has sent more than 1 MiB, and that is no answer yet" },
	/* what would unpack to gigabytes stays packed: a gzip's beginning, again and again */
	{ "/bomb", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip, br\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "{again}10\r\n\x1f\x8b\x08\x01\x01\x01\x01\x01\x02\x03\xec\xc1\x01\x0d\x01\x01\r\n", HTTP_ENDLESS,
	    "the answer is longer than 64 KiB" },
	/* redirects for ever */
	{ "/around", TO("302", "/around"), HTTP_HOLD, "more than 10 redirects, this being the last" },
	{ "/file", TO("302", "file:///etc/passwd"), HTTP_HOLD, "which is neither http nor https" },
	{ "/slow-around", "HTTP/1.1 302 x\r\nLocation: /slow-around\r\n\r\n", HTTP_DRIP, "no answer within 1s" },
	/* lies about its length */
	{ "/more", "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\nab", HTTP_HOLD,
	    "the answer is longer than 64 KiB" },
	{ "/overflow", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nab", HTTP_CLOSE,
	    "the answer is longer than 64 KiB" },
	{ "/negative", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", HTTP_HOLD,
	    "the answer makes no sense as HTTP" },
	{ "/two", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nok\n", HTTP_CLOSE, "" },
	{ "/chunk", CHUNKED HEX8 HEX8 HEX8 "\r\nab", HTTP_CLOSE, "" },
	{ "/huge-chunk", CHUNKED "7fffffff\r\nab", HTTP_CLOSE,
	    "the connection was closed before the end of the answer" },
	{ "/no-chunk", CHUNKED "hello\r\n", HTTP_CLOSE, "" },
	{ "/less", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nab", HTTP_CLOSE,
	    "the connection was closed before the end of the answer" },
	/* an end that is none */
	{ "/nothing", "", HTTP_CLOSE, "the server closed the connection without an answer" },
	{ "/reset", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nab", HTTP_RESET,
	    "connection reset by the server" },
	{ "/garbage", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nab", HTTP_GARBAGE, "" },
	{ "/binary", "\x01\x02\x03\xff\xfe", HTTP_CLOSE, "the answer is not HTTP" },
	{ "/silent", "", HTTP_HOLD, "no answer within 1s" },
};

#define EVILS	(sizeof(evil) / sizeof(evil[0]))
#define EACH	4	/* at the same time */

static void
evil_is_endured(bool tls)
{
	static struct http_route routes[EVILS + 1];
	static struct one ones[EVILS * EACH];
	char *pem = NULL;
	struct world w;
	long before;

	world_start(&w, NULL);
	for (size_t i = 0; i < EVILS; i++)
		routes[i] = (struct http_route){ evil[i].path, evil[i].answer, evil[i].after };
	if (tls) {
		assert_true(openssl_certificate(directory, "server", "localhost", false));
		tls_server(&w.server, routes, NULL);
		pem = file_read(path_in("server.pem"));
	} else {
		assert_true(httpserver_start(&w.server, "127.0.0.1", routes));
	}
	memset(ones, 0, sizeof(ones));
	for (size_t i = 0; i < EVILS * EACH; i++) {
		one_init(&ones[i], xasprintf("%s://localhost:%d%s", tls ? "https" : "http", w.server.port,
		    evil[i / EACH].path));
		ones[i].http.ca_certificates = pem;
		ones[i].http.body_bytes_max = 64 * 1024;
		ones[i].spec.timeout = strstr(evil[i / EACH].words, "within 1s") != NULL ? USEC_SEC : GUARD;
	}
	before = peak_reset();
	run_all(&w, ones, EVILS * EACH);
	for (size_t i = 0; i < EVILS * EACH; i++) {
		const struct run_info *r = &ones[i].run;

		if (r->state == RUN_SUCCEEDED || r->reason == NULL)
			fail_msg("%s: it is up", evil[i / EACH].path);
		assert_int_equal(r->verdict, VERDICT_DOWN);
		/* Over TLS what is cut off is told as such. */
		if (strstr(r->reason, evil[i / EACH].words) == NULL)
			fail_msg("%s: %s", evil[i / EACH].path, r->reason);
		one_done(&ones[i]);
	}
#ifndef JOBD_SANITIZED
	assert_true(peak_now() - before < (long)(EVILS * EACH) * 384);
#else
	(void)before;
#endif
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
		cmocka_unit_test(good_status_is_up),
		cmocka_unit_test(other_status_is_down_and_named),
		cmocka_unit_test(answer_that_is_not_as_expected_is_told_and_kept),
		cmocka_unit_test(proxy_is_asked_instead_of_the_host),
		cmocka_unit_test(family_that_is_asked_for_is_kept_to),
		cmocka_unit_test(request_is_as_the_job_says),
		cmocka_unit_test(long_body_is_sent_without_asking_for_leave),
		cmocka_unit_test(credentials_of_the_url_are_sent_and_never_told),
		cmocka_unit_test(the_user_in_a_url_is_hidden),
		cmocka_unit_test(a_host_that_can_be_no_name_is_wrong),
		cmocka_unit_test(proxies_of_the_environment_are_ignored),
		cmocka_unit_test(redirects_are_followed),
		cmocka_unit_test(redirects_to_nonsense_are_refused_in_words),
		cmocka_unit_test(redirected_post_becomes_a_get_where_it_should),
		cmocka_unit_test(secrets_stay_with_the_first_host),
		cmocka_unit_test(credentials_are_sent_to_the_first_host_alone),
		cmocka_unit_test(broken_answers_are_told_in_words),
		cmocka_unit_test(endless_answers_are_bounded),
		cmocka_unit_test(compressed_bodies_stay_compressed),
		cmocka_unit_test(nobody_listening_is_told),
		cmocka_unit_test(unknown_names_are_told),
		cmocka_unit_test(every_address_of_a_name_is_tried),
		cmocka_unit_test(ipv6_is_spoken),
		cmocka_unit_test(changed_address_is_taken_at_once),
		cmocka_unit_test(odd_names_start_no_thread),
		cmocka_unit_test(limit_ends_the_check_and_tells_where_it_stood),
		cmocka_unit_test(check_is_inconclusive_when_the_loop_was_away),
		cmocka_unit_test(check_that_was_late_by_our_own_lag_alone_is_inconclusive),
		cmocka_unit_test(check_is_inconclusive_when_no_nameserver_answers_for_any_name),
		cmocka_unit_test(check_without_an_answer_is_inconclusive_when_the_canary_does_not_answer_either),
		cmocka_unit_test(limit_ends_a_check_that_cannot_connect),
		cmocka_unit_test(limit_of_connecting_is_its_own),
		cmocka_unit_test(person_cancels_a_check),
		cmocka_unit_test(daemons_stop_leaves_the_run_running),
		cmocka_unit_test(many_checks_by_name_start_no_thread),
		cmocka_unit_test(memory_and_descriptors_come_back),
		cmocka_unit_test(lack_of_descriptors_says_nothing_about_the_other_side),
		cmocka_unit_test(tls_is_verified_unless_told_otherwise),
		cmocka_unit_test(tls_with_a_trusted_certificate_is_up),
		cmocka_unit_test(tls_by_the_jobs_own_trust_tells_how_long_it_holds),
		cmocka_unit_test(tls_certificate_that_has_expired_is_told),
		cmocka_unit_test(tls_to_a_plain_server_fails_in_words),
		cmocka_unit_test(tls_client_certificates_are_shown_to_the_first_host_alone),
		cmocka_unit_test(tls_certificate_of_a_foreign_authority_is_not_accepted),
		cmocka_unit_test(tls_certificate_that_is_trusted_itself_needs_no_authority),
		cmocka_unit_test(servers_that_mean_harm_cost_little_and_get_words),
		cmocka_unit_test(tls_servers_that_mean_harm_cost_little_and_get_words),
	};

	return cmocka_run_group_tests(tests, directory_make, directory_remove);
}
