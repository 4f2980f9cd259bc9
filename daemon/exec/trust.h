/*
 * trust: the certificates that jobs bring along, read once for all checks.  libcurl would read them at each: 0.1 ms for
 * one, and 18 ms, with the loop standing still, for a bundle of the system's size.
 */
#ifndef EXEC_TRUST_H
#define EXEC_TRUST_H

#include <openssl/x509.h>

struct trust;

struct trust *trust_new(void);

/* Stores that are in use live on.  NULL is fine. */
void trust_free(struct trust *t);

/*
 * What these certificates in PEM are worth, with the flags that libcurl gives such a store: a reference, for
 * X509_STORE_free().  NULL: they cannot be read.
 */
X509_STORE *trust_store(struct trust *t, const char *pem);

#endif
