/*
 * credentials: see credentials.h.  What libcurl would only find out at each check, and say in its own words.
 */
#include "daemon/exec/credentials.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>

static enum jobd_error
refuse(const char *prefix, struct field_error *error, const char *field, const char *why)
{
	error->why = JOBD_INVALID_FIELD;
	(void)snprintf(error->path, sizeof(error->path), "%.40s%shttp.%s", prefix,
	    prefix[0] != '\0' ? "." : "", field);
	(void)snprintf(error->reason, sizeof(error->reason), "%s", why);
	return JOBD_INVALID_FIELD;
}

/* Nobody is asked for a passphrase on a daemon's terminal. */
static int
no_passphrase(char *out, int size, int writing, void *asked)
{
	(void)out;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

/* The first certificate of a PEM, the caller's to free; all behind it must be well formed, too.  NULL: they are not. */
static X509 *
certificates_read(const char *pem)
{
	BIO *in = BIO_new_mem_buf(pem, -1);
	X509 *first = in != NULL ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL, *next;
	bool good = first != NULL;

	while (good && (next = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL)
		X509_free(next);
	/* That there is no further one is the good end. */
	if (good && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		good = false;
	ERR_clear_error();
	BIO_free(in);
	if (!good)
		X509_free(first);
	return good ? first : NULL;
}

/* Why the key is none for the certificate; NULL: it is. */
static const char *
key_check(const char *pem, X509 *certificate)
{
	BIO *in = BIO_new_mem_buf(pem, -1);
	bool asked = false;
	EVP_PKEY *key = in != NULL ? PEM_read_bio_PrivateKey(in, NULL, no_passphrase, &asked) : NULL;
	const char *why = NULL;

	if (key == NULL && asked)
		why = "must have no passphrase: nobody is there to type it";
	else if (key == NULL)
		why = "must be a private key in PEM";
	else if (X509_check_private_key(certificate, key) != 1)
		why = "is not the key of the certificate";
	EVP_PKEY_free(key);
	ERR_clear_error();
	BIO_free(in);
	return why;
}

enum jobd_error
credentials_check(const struct http_spec *s, const char *prefix, struct field_error *error)
{
	X509 *certificate;
	const char *why;

	if (s->ca_certificates != NULL) {
		certificate = certificates_read(s->ca_certificates);
		if (certificate == NULL)
			return refuse(prefix, error, "caCertificates", "must be certificates in PEM");
		X509_free(certificate);
	}
	if (s->client_certificate == NULL)
		return JOBD_OK;
	certificate = certificates_read(s->client_certificate);
	if (certificate == NULL)
		return refuse(prefix, error, "clientCertificate", "must be certificates in PEM");
	why = key_check(s->client_key != NULL ? s->client_key : s->client_certificate, certificate);
	X509_free(certificate);
	if (why != NULL && s->client_key == NULL)
		return refuse(prefix, error, "clientKey", "is missing: the certificate's file has no good key in it");
	return why != NULL ? refuse(prefix, error, "clientKey", why) : JOBD_OK;
}
