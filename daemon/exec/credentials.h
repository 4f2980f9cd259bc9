/*
 * credentials: certificates and keys of a check, looked at when it is added: are they any, and do they fit?
 */
#ifndef EXEC_CREDENTIALS_H
#define EXEC_CREDENTIALS_H

#include "proto/types.h"

/*
 * caCertificates, clientCertificate and clientKey.  The spec has passed job_spec_check().  JOBD_OK; or JOBD_INVALID_FIELD
 * with the field's place ("jobs[3].http.clientKey") and what is wrong; prefix is "jobs[3]" or "".
 */
enum jobd_error credentials_check(const struct http_spec *s, const char *prefix,
    struct field_error *error);

#endif
