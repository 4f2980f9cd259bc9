/*
 * The certificates that jobs bring along are read once for all checks that trust the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/exec/trust.h"
#include "proto/mem.h"

/* As many as are kept, and some more. */
#define MANY 40

static EVP_PKEY *key;

/* A certificate of this name, which has signed itself, in PEM. */
static char *
certificate(const char *name)
{
	X509 *c = X509_new();
	BIO *out = BIO_new(BIO_s_mem());
	X509_NAME *subject = X509_get_subject_name(c);
	char *bytes, *pem;
	long n;

	X509_gmtime_adj(X509_getm_notBefore(c), 0);
	X509_gmtime_adj(X509_getm_notAfter(c), 3600);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(c, subject);
	X509_set_pubkey(c, key);
	assert_true(X509_sign(c, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509(out, c), 1);
	n = BIO_get_mem_data(out, &bytes);
	pem = xstrndup(bytes, (size_t)n);
	BIO_free(out);
	X509_free(c);
	return pem;
}

static int
objects_of(X509_STORE *store)
{
	return sk_X509_OBJECT_num(X509_STORE_get0_objects(store));
}

static void
same_certificates_are_read_once(void **state)
{
	struct trust *t = trust_new();
	char *pem = certificate("one"), *same = xstrdup(pem), *other = certificate("other");
	X509_STORE *first = trust_store(t, pem), *second = trust_store(t, same), *third = trust_store(t, other);

	(void)state;
	assert_non_null(first);
	assert_ptr_equal(first, second);
	assert_non_null(third);
	assert_ptr_not_equal(first, third);
	assert_int_equal(objects_of(first), 1);
	X509_STORE_free(second);
	X509_STORE_free(third);
	trust_free(t);
	/* What is in use lives on. */
	assert_int_equal(objects_of(first), 1);
	X509_STORE_free(first);
	free(pem);
	free(same);
	free(other);
}

static void
all_certificates_of_a_bundle_are_trusted(void **state)
{
	struct trust *t = trust_new();
	char *one = certificate("one"), *two = certificate("two");
	char *both = xasprintf("of the firm\n%s\nof its supplier\n%s", one, two);
	X509_STORE *store = trust_store(t, both);

	(void)state;
	assert_non_null(store);
	assert_int_equal(objects_of(store), 2);
	X509_STORE_free(store);
	trust_free(t);
	free(one);
	free(two);
	free(both);
}

static void
what_is_no_certificate_is_worth_nothing(void **state)
{
	static const char *const texts[] = {
		"", "no certificate",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	};
	struct trust *t = trust_new();

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_null(trust_store(t, texts[i]));
	trust_free(t);
}

static void
who_has_not_been_used_for_longest_gives_way(void **state)
{
	struct trust *t = trust_new();
	char *pem[MANY], name[16];
	X509_STORE *store[MANY], *again;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), "authority %d", i);
		pem[i] = certificate(name);
		store[i] = trust_store(t, pem[i]);
		assert_non_null(store[i]);
		/* The first is used all the time. */
		again = trust_store(t, pem[0]);
		assert_ptr_equal(again, store[0]);
		X509_STORE_free(again);
	}
	again = trust_store(t, pem[MANY - 1]);
	assert_ptr_equal(again, store[MANY - 1]);
	X509_STORE_free(again);
	/* The second had to go: it is read anew, its first reading being still in use here. */
	again = trust_store(t, pem[1]);
	assert_non_null(again);
	assert_ptr_not_equal(again, store[1]);
	X509_STORE_free(again);
	trust_free(t);
	for (int i = 0; i < MANY; i++) {
		X509_STORE_free(store[i]);
		free(pem[i]);
	}
}

/* A PEM may have much text between its certificates. */
static void
large_ones_leave_room_for_others(void **state)
{
	struct trust *t = trust_new();
	char *one = certificate("one"), *padding = xcalloc(1, 800 * 1024 + 1), *large[4];
	X509_STORE *store[4], *again;

	(void)state;
	memset(padding, '#', 800 * 1024);
	for (int i = 0; i < 4; i++) {
		large[i] = xasprintf("%d %s\n%s", i, padding, one);
		store[i] = trust_store(t, large[i]);
		assert_non_null(store[i]);
	}
	again = trust_store(t, large[3]);
	assert_ptr_equal(again, store[3]);
	X509_STORE_free(again);
	again = trust_store(t, large[0]);
	assert_ptr_not_equal(again, store[0]);
	X509_STORE_free(again);
	trust_free(t);
	for (int i = 0; i < 4; i++) {
		X509_STORE_free(store[i]);
		free(large[i]);
	}
	free(padding);
	free(one);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_certificates_are_read_once),
		cmocka_unit_test(all_certificates_of_a_bundle_are_trusted),
		cmocka_unit_test(what_is_no_certificate_is_worth_nothing),
		cmocka_unit_test(who_has_not_been_used_for_longest_gives_way),
		cmocka_unit_test(large_ones_leave_room_for_others),
	};
	int r;

	key = EVP_EC_gen("P-256");
	r = cmocka_run_group_tests(tests, NULL, NULL);
	EVP_PKEY_free(key);
	return r;
}
