/*
 * exec_credentials: what can be no certificate, or no key of one, is refused with its field.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/exec/credentials.h"
#include "proto/mem.h"
#include "tests/harness/httpserver.h"

static char directory[64];
static char *ann, *ann_key, *bob, *bob_key, *locked;

static char *
file_read(const char *name)
{
	char *path = xasprintf("%s/%s", directory, name), *text = xcalloc(1, 65536);
	FILE *file = fopen(path, "re");

	free(path);
	assert_non_null(file);
	assert_true(fread(text, 1, 65535, file) > 0);
	(void)fclose(file);
	return text;
}

static int
make(void **state)
{
	char *line;

	(void)state;
	if (openssl_program() == NULL)
		return 0;
	(void)snprintf(directory, sizeof(directory), "/tmp/jobd-keys-XXXXXX");
	if (mkdtemp(directory) == NULL || !openssl_certificate(directory, "ann", "ann", false) ||
	    !openssl_certificate(directory, "bob", "bob", false))
		return -1;
	line = xasprintf("%s pkcs8 -topk8 -in %s/ann.key -passout pass:x -out %s/locked.key 2>/dev/null",
	    openssl_program(), directory, directory);
	if (system(line) != 0)
		return -1;
	free(line);
	ann = file_read("ann.pem");
	ann_key = file_read("ann.key");
	bob = file_read("bob.pem");
	bob_key = file_read("bob.key");
	locked = file_read("locked.key");
	return 0;
}

static int
unmake(void **state)
{
	char *line = xasprintf("rm -rf '%s'", directory);

	(void)state;
	if (directory[0] != '\0' && system(line) != 0)
		return -1;
	free(line);
	free(ann);
	free(ann_key);
	free(bob);
	free(bob_key);
	free(locked);
	return 0;
}

static void
refused(const struct http_spec *s, const char *path, const char *reason)
{
	struct field_error error = { 0 };

	assert_int_equal(credentials_check(s, "jobs[3]", &error), JOBD_INVALID_FIELD);
	assert_string_equal(error.path, path);
	assert_string_equal(error.reason, reason);
}

static void
taken(const struct http_spec *s)
{
	struct field_error error = { 0 };

	if (credentials_check(s, "", &error) != JOBD_OK)
		fail_msg("%s: %s", error.path, error.reason);
}

static void
good_ones_are_taken(void **state)
{
	char *both, *chain, *bundle;

	(void)state;
	if (ann == NULL)
		skip();
	both = xasprintf("%s%s", ann, ann_key);
	chain = xasprintf("%s%s", ann, bob);
	bundle = xasprintf("# Ann\n%s\n# Bob\n%s", ann, bob);
	taken(&(struct http_spec){ .url = NULL });
	taken(&(struct http_spec){ .client_certificate = ann, .client_key = ann_key });
	taken(&(struct http_spec){ .client_certificate = both });
	taken(&(struct http_spec){ .client_certificate = chain, .client_key = ann_key });
	taken(&(struct http_spec){ .ca_certificates = bundle });
	free(both);
	free(chain);
	free(bundle);
}

static void
others_are_refused_with_their_field(void **state)
{
	static char nothing[] = "", nonsense[] = "no certificate",
	    empty[] = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
	char *cut, *second;

	(void)state;
	if (ann == NULL)
		skip();
	cut = xstrndup(ann, strlen(ann) / 2);
	second = xasprintf("%s%s", ann, empty);
	refused(&(struct http_spec){ .ca_certificates = nonsense }, "jobs[3].http.caCertificates",
	    "must be certificates in PEM");
	refused(&(struct http_spec){ .ca_certificates = nothing }, "jobs[3].http.caCertificates",
	    "must be certificates in PEM");
	refused(&(struct http_spec){ .ca_certificates = second }, "jobs[3].http.caCertificates",
	    "must be certificates in PEM");
	refused(&(struct http_spec){ .ca_certificates = ann_key }, "jobs[3].http.caCertificates",
	    "must be certificates in PEM");
	refused(&(struct http_spec){ .client_certificate = cut, .client_key = ann_key },
	    "jobs[3].http.clientCertificate", "must be certificates in PEM");
	refused(&(struct http_spec){ .client_certificate = ann }, "jobs[3].http.clientKey",
	    "is missing: the certificate's file has no good key in it");
	refused(&(struct http_spec){ .client_certificate = ann, .client_key = ann },
	    "jobs[3].http.clientKey", "must be a private key in PEM");
	refused(&(struct http_spec){ .client_certificate = ann, .client_key = bob_key },
	    "jobs[3].http.clientKey", "is not the key of the certificate");
	refused(&(struct http_spec){ .client_certificate = ann, .client_key = locked },
	    "jobs[3].http.clientKey", "must have no passphrase: nobody is there to type it");
	free(cut);
	free(second);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones_are_taken),
		cmocka_unit_test(others_are_refused_with_their_field),
	};

	return cmocka_run_group_tests(tests, make, unmake);
}
