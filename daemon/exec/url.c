/*
 * url: see url.h.  libcurl's own parser, so that there are never two opinions about which host
 * a text means.  Redirects bring text from strangers: what comes out is printable ASCII.
 */
#include "daemon/exec/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/engine/dns.h"
#include "proto/mem.h"

/* Of each of the parts of a name. */
#define LABEL_BYTES	63

/* One part as a string of ours; NULL when there is none. */
static char *
part(CURLU *c, CURLUPart what, unsigned flags)
{
	char *theirs = NULL, *ours;

	if (curl_url_get(c, what, &theirs, flags) != CURLUE_OK)
		return NULL;
	ours = xstrdup(theirs);
	curl_free(theirs);
	return ours;
}

static void
drop(CURLU *c, CURLUPart what)
{
	(void)curl_url_set(c, what, NULL, 0);
}

static bool
is_numeric(const char *host)
{
	unsigned char bytes[16];

	return host[0] == '[' || inet_pton(AF_INET, host, bytes) == 1;
}

/* "[::1]" is looked up as "::1". */
static void
strip_brackets(char *host)
{
	size_t n = strlen(host);

	if (host[0] != '[' || n < 2)
		return;
	memmove(host, host + 1, n - 2);
	host[n - 2] = '\0';
}

/* What libcurl leaves as it came must not reach a terminal or a log. */
static void
keep_printable(char *text)
{
	for (char *p = text; *p != '\0'; p++) {
		if (*p < ' ' || *p > '~')
			*p = '?';
	}
}

static bool
is_ascii(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text & 0x80)
			return false;
	}
	return true;
}

/* The host in Punycode, in c as well; NULL when it has none. */
static char *
host_part(CURLU *c)
{
	char *host = part(c, CURLUPART_HOST, 0);
	locale_t unicode, before;

	if (host == NULL || is_ascii(host))
		return host;
	free(host);
	/* libcurl takes it for characters of the locale's, and the daemon's locale is C. */
	unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (unicode == (locale_t)0)
		return NULL;
	before = uselocale(unicode);
	host = part(c, CURLUPART_HOST, CURLU_PUNYCODE);
	uselocale(before);
	freelocale(unicode);
	if (host != NULL && (!is_ascii(host) ||
	    curl_url_set(c, CURLUPART_HOST, host, 0) != CURLUE_OK)) {
		free(host);
		host = NULL;
	}
	return host;
}

static const char *
take_apart(struct url *u, CURLU *c)
{
	char *scheme = part(c, CURLUPART_SCHEME, 0);
	bool plain = scheme != NULL && strcasecmp(scheme, "http") == 0;

	u->secure = scheme != NULL && strcasecmp(scheme, "https") == 0;
	free(scheme);
	u->user = part(c, CURLUPART_USER, CURLU_URLDECODE);
	u->password = part(c, CURLUPART_PASSWORD, CURLU_URLDECODE);
	drop(c, CURLUPART_USER);
	drop(c, CURLUPART_PASSWORD);
	drop(c, CURLUPART_OPTIONS);
	drop(c, CURLUPART_FRAGMENT);
	u->host = host_part(c);
	u->port = part(c, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	u->text = part(c, CURLUPART_URL, 0);
	if (u->text != NULL) {
		u->told = xasprintf("%.*s%s", (int)strcspn(u->text, "?"), u->text,
		    strchr(u->text, '?') != NULL ? "?..." : "");
		keep_printable(u->told);
	}
	if (!plain && !u->secure)
		return "neither http nor https";
	if (u->host == NULL || u->port == NULL || u->text == NULL)
		return "not a URL with a host";
	u->numeric = is_numeric(u->host);
	u->origin = xasprintf("%s %s %s", u->secure ? "https" : "http", u->host, u->port);
	for (char *p = u->origin; *p != '\0'; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	}
	strip_brackets(u->host);
	return NULL;
}

const char *
url_parse(struct url *u, const char *text)
{
	CURLU *c = curl_url();
	const char *why = "not a URL with a host";

	url_done(u);
	if (c != NULL && curl_url_set(c, CURLUPART_URL, text,
	    CURLU_URLENCODE | CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK)
		why = take_apart(u, c);
	curl_url_cleanup(c);
	return why;
}

/* RFC 1035, 2.3.4; one dot may end it. */
static bool
is_name(const char *host)
{
	size_t n = strlen(host), part, i = 0;

	if (n > 0 && host[n - 1] == '.')
		n--;
	if (n > DNS_NAME_MAX)
		return false;
	for (;;) {
		part = strcspn(host + i, ".");
		if (part == 0 || part > LABEL_BYTES)
			return false;
		i += part;
		if (i == n)
			return true;
		i++;
	}
}

const char *
url_wrong(const char *text)
{
	struct url u = { 0 };
	const char *why = url_parse(&u, text);

	if (why != NULL)
		why = "is not a URL with a host";
	else if (!u.numeric && !is_name(u.host))
		why = "has a host that is no name: parts of 1 to 63 bytes with dots between, 253 bytes in all";
	url_done(&u);
	return why;
}

char *
url_without_user(const char *text)
{
	const char *colon = strchr(text, ':'), *host, *end, *at;

	if (colon == NULL)
		return xstrdup(text);
	host = colon + 1 + strspn(colon + 1, "/");
	end = host + strcspn(host, "/?#");
	at = memrchr(host, '@', (size_t)(end - host));
	if (at == NULL && *end == '\0' && end - host >= 3 && strcmp(end - 3, "...") == 0)
		at = end;
	if (at == NULL)
		return xstrdup(text);
	return xasprintf("%.*s" URL_HIDDEN "%s", (int)(host - text), text, at);
}

void
url_done(struct url *u)
{
	free(u->text);
	free(u->told);
	free(u->host);
	free(u->port);
	free(u->origin);
	free(u->user);
	free(u->password);
	*u = (struct url){ 0 };
}
