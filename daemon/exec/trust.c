/*
 * trust: see trust.h.  Jobs have few authorities among them, so they are looked for one by one.
 */
#include "daemon/exec/trust.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/mem.h"

/* ---- limits with a name ---- */
#define STORES_MAX	32
/* Of PEM, in all; what is read of it takes some four times that. */
#define STORES_BYTES_MAX	((size_t)2 * 1024 * 1024)

struct known {
	char		*pem;		/* NULL: free */
	size_t		 n;
	X509_STORE	*store;
	uint64_t	 used;		/* when, by the count of all uses */
};

struct trust {
	struct known	known[STORES_MAX];
	size_t		bytes;
	uint64_t	uses;
};

struct trust *
trust_new(void)
{
	return xcalloc(1, sizeof(struct trust));
}

static void
forget(struct trust *t, struct known *k)
{
	t->bytes -= k->n;
	X509_STORE_free(k->store);
	free(k->pem);
	*k = (struct known){ .pem = NULL };
}

void
trust_free(struct trust *t)
{
	if (t == NULL)
		return;
	for (int i = 0; i < STORES_MAX; i++)
		forget(t, &t->known[i]);
	free(t);
}

/* Add what the PEM holds; false: nothing, or it cannot be read. */
static bool
store_fill(X509_STORE *store, const char *pem)
{
	BIO *in = BIO_new_mem_buf(pem, -1);
	STACK_OF(X509_INFO) *infos = in != NULL ? PEM_X509_INFO_read_bio(in, NULL, NULL, NULL) : NULL;
	bool some = false, good = true;
	const X509_INFO *info;

	for (int i = 0; i < sk_X509_INFO_num(infos); i++) {
		info = sk_X509_INFO_value(infos, i);
		some |= info->x509 != NULL;
		good &= info->x509 == NULL || X509_STORE_add_cert(store, info->x509) == 1;
		good &= info->crl == NULL || X509_STORE_add_crl(store, info->crl) == 1;
	}
	sk_X509_INFO_pop_free(infos, X509_INFO_free);
	ERR_clear_error();
	BIO_free(in);
	return some && good;
}

static X509_STORE *
store_read(const char *pem)
{
	X509_STORE *store = X509_STORE_new();

	if (store == NULL || !store_fill(store, pem)) {
		X509_STORE_free(store);
		return NULL;
	}
	/* As libcurl: an authority that is trusted ends the chain, also when it is no root. */
	(void)X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
	return store;
}

static struct known *
find(struct trust *t, const char *pem, size_t n)
{
	for (struct known *k = t->known; k < t->known + STORES_MAX; k++) {
		if (k->pem != NULL && k->n == n && memcmp(k->pem, pem, n) == 0)
			return k;
	}
	return NULL;
}

static struct known *
free_place(struct trust *t)
{
	for (struct known *k = t->known; k < t->known + STORES_MAX; k++) {
		if (k->pem == NULL)
			return k;
	}
	return NULL;
}

/* That has not been used for longest; there is one. */
static struct known *
oldest(struct trust *t)
{
	struct known *old = NULL;

	for (struct known *k = t->known; k < t->known + STORES_MAX; k++) {
		if (k->pem != NULL && (old == NULL || k->used < old->used))
			old = k;
	}
	return old;
}

/* A place for n bytes, which are no more than there may be. */
static struct known *
make_room(struct trust *t, size_t n)
{
	struct known *k = free_place(t);

	while (k == NULL || t->bytes + n > STORES_BYTES_MAX) {
		forget(t, oldest(t));
		k = free_place(t);
	}
	return k;
}

X509_STORE *
trust_store(struct trust *t, const char *pem)
{
	size_t n = strlen(pem);
	struct known *k = find(t, pem, n);
	X509_STORE *store;

	if (k == NULL) {
		store = store_read(pem);
		if (store == NULL || n > STORES_BYTES_MAX)
			return store;
		k = make_room(t, n);
		*k = (struct known){ .pem = xstrdup(pem), .n = n, .store = store };
		t->bytes += n;
	}
	k->used = ++t->uses;
	(void)X509_STORE_up_ref(k->store);
	return k->store;
}
