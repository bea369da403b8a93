#ifndef SHADOWFLEET_ARGUMENTS_H
#define SHADOWFLEET_ARGUMENTS_H

#include <node_api.h>
#include <stdbool.h>
#include <stdint.h>

#include "endpoint.h"

/* What JavaScript passes is believed only after it has been through here. False: an exception is pending, and the caller returns at once. */

/* Memory of a Buffer, or of a part of it. Valid until control goes back to JavaScript. */
struct bytes {
  uint8_t *data;
  size_t length;
};

/* Throws the error of the given kind, and is false. */
bool refuse(napi_env env, napi_status (*throw_error)(napi_env, const char *, const char *), const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A Buffer of `least` to `most` bytes. */
bool buffer_argument(napi_env env, napi_value value, const char *name, size_t least, size_t most, struct bytes *buffer);

/* An integer from `least` to `most`. */
bool integer_argument(napi_env env, napi_value value, const char *name, size_t least, size_t most, size_t *integer);

/* True or not. */
bool flag_argument(napi_env env, napi_value value);

/* Whether it is a literal address, which is then written: all but the port. Throws nothing. */
bool is_host(napi_env env, napi_value value, struct endpoint *endpoint);

/* Two arguments, a literal address and a port. */
bool endpoint_arguments(napi_env env, const napi_value *values, struct endpoint *endpoint);

/* Three arguments, src, start and end: the memory between, at most as much as OpenSSL takes. */
bool input_arguments(napi_env env, const napi_value *values, struct bytes *input);

/* Two arguments, dst and at: the memory from there on. */
bool room_arguments(napi_env env, const napi_value *values, struct bytes *room);

/* Whether `room` begins with `needed` bytes that are not read too. */
bool room_for(napi_env env, struct bytes room, size_t needed, struct bytes input);

/* What a call returns. */
napi_value integer_result(napi_env env, int64_t value);

#endif
