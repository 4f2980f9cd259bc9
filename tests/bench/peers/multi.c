/*
 * multi: checks by a bare program on libcurl's multi interface and epoll(7), as one writes it by hand (load.h).
 *
 *	capath=as-built		leave libcurl's directory of certificates as it was built in
 *	keep=yes		a connection serves again
 *	expect=TEXT		what a good answer holds
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "tests/bench/peers/load.h"
#include "tests/bench/peers/measure.h"

#define EVENTS_MAX	256
#define ANSWER_KEPT	4096

static struct load load;
static CURLM *multi;
static int poller;
static long wait_ms = -1, under_way;
static const char *ca, *expected;
static bool keep, as_built;

struct check {
	int64_t	since;
	size_t	n;
	char	answer[];	/* kept when something is expected */
};

static int
on_socket(CURL *e, curl_socket_t fd, int what, void *arg, void *known)
{
	static char yes;
	struct epoll_event event = { .data.fd = fd };

	(void)e;
	(void)arg;
	if (what == CURL_POLL_REMOVE) {
		(void)epoll_ctl(poller, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
	(void)epoll_ctl(poller, known != NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
	curl_multi_assign(multi, fd, &yes);
	return 0;
}

static int
on_timer(CURLM *m, long ms, void *arg)
{
	(void)m;
	(void)arg;
	wait_ms = ms;
	return 0;
}

static size_t
on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct check *c = arg;
	size_t kept = size * n < ANSWER_KEPT - c->n ? size * n : ANSWER_KEPT - c->n;

	if (expected != NULL) {
		memcpy(c->answer + c->n, bytes, kept);
		c->n += kept;
	}
	return size * n;
}

static void
begin(void)
{
	struct check *c = calloc(1, sizeof(*c) + (expected != NULL ? ANSWER_KEPT + 1 : 0));
	CURL *e = curl_easy_init();

	if (c == NULL || e == NULL)
		abort();
	under_way++;
	c->since = now_nsec();
	curl_easy_setopt(e, CURLOPT_URL, load.url);
	curl_easy_setopt(e, CURLOPT_PRIVATE, c);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	if (!keep) {
		curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
		curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
	}
	if (!as_built)
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	if (ca != NULL)
		curl_easy_setopt(e, CURLOPT_CAINFO, ca);
	curl_multi_add_handle(multi, e);
}

static void
collect(void)
{
	struct check *c;
	CURLMsg *m;
	CURL *e;
	CURLcode result;
	long status;
	int n;

	while ((m = curl_multi_info_read(multi, &n)) != NULL) {
		e = m->easy_handle;
		result = m->data.result;
		status = 0;
		curl_easy_getinfo(e, CURLINFO_PRIVATE, &c);
		curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &status);
		load_ended(&load, c->since, result == CURLE_OK && status == 200 &&
		    (expected == NULL || strstr(c->answer, expected) != NULL));
		curl_multi_remove_handle(multi, e);
		curl_easy_cleanup(e);
		free(c);
		under_way--;
		if (load_next(&load))
			begin();
	}
}

static void
turn(void)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(poller, events, EVENTS_MAX, (int)wait_ms), running, what;

	if (n <= 0 || wait_ms == 0)
		curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
	for (int i = 0; i < n; i++) {
		what = (events[i].events & ~(unsigned)EPOLLOUT ? CURL_CSELECT_IN : 0) |
		    (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0);
		curl_multi_socket_action(multi, events[i].data.fd, what, &running);
	}
	collect();
}

int
main(int argc, char **argv)
{
	load_begin(&load, argc, argv);
	ca = load_option(&load, "ca");
	expected = load_option(&load, "expect");
	keep = load_option(&load, "keep") != NULL;
	as_built = load_option(&load, "capath") != NULL;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	poller = epoll_create1(EPOLL_CLOEXEC);
	multi = curl_multi_init();
	if (poller < 0 || multi == NULL) {
		perror(argv[0]);
		return 1;
	}
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
	for (long i = 0; i < load.width && load_next(&load); i++)
		begin();
	while (under_way > 0)
		turn();
	return load_report(&load, "curl multi");
}
