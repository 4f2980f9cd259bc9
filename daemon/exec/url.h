/*
 * url: one address that a check asks, taken apart: what to look up, what to ask for, and what
 * may be told of it.
 */
#ifndef EXEC_URL_H
#define EXEC_URL_H

#include <stdbool.h>

struct url {
	char	*text;		/* to ask for: without credentials and fragment, plain ASCII */
	char	*told;		/* for people: text without its query, which may hold a secret */
	char	*host;		/* to look up: in Punycode, without brackets */
	char	*port;
	char	*origin;	/* scheme, host and port, to compare */
	char	*user;		/* decoded; NULL: none */
	char	*password;
	bool	 numeric;	/* the host is an address */
	bool	 secure;	/* https */
};

/*
 * Take text apart.  NULL, or why it cannot be asked for, in words; then only told is set, when
 * text is a URL at all.  The former content of u is freed.
 */
const char *url_parse(struct url *u, const char *text);

/*
 * What is wrong with a URL that is to be asked again and again, in words that follow its field; or NULL.  More than
 * url_parse(): its host must be a name that could be there.
 */
const char *url_wrong(const char *text);

#define URL_HIDDEN "\xe2\x80\xa6"	/* three dots */

/*
 * The text with three dots for the user and password in it, if there are any.  Also one that was cut, and ends with
 * "...": what may be a part of them is hidden, too.  The caller frees.
 */
char *url_without_user(const char *text);

/* Free what it holds; it is empty then. */
void url_done(struct url *u);

#endif
