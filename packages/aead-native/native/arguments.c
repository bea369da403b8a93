#include "arguments.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool refuse(napi_env env, napi_status (*throw_error)(napi_env, const char *, const char *), const char *format, ...) {
  char text[128];
  va_list values;
  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  throw_error(env, NULL, text);
  return false;
}

bool buffer_argument(napi_env env, napi_value value, const char *name, size_t least, size_t most, struct bytes *buffer) {
  void *data = NULL;
  if (napi_get_buffer_info(env, value, &data, &buffer->length) != napi_ok)
    return refuse(env, napi_throw_type_error, "%s must be a Buffer", name);
  buffer->data = data;
  return (buffer->length >= least && buffer->length <= most) ||
         refuse(env, napi_throw_range_error, "%s must have %zu to %zu bytes, not %zu", name, least, most, buffer->length);
}

bool integer_argument(napi_env env, napi_value value, const char *name, size_t least, size_t most, size_t *integer) {
  double number;
  *integer = 0;
  if (napi_get_value_double(env, value, &number) != napi_ok) return refuse(env, napi_throw_type_error, "%s must be a number", name);
  /* Compared as a double first: converting one that does not fit is undefined, and NaN fails every comparison. */
  bool within = number >= (double)least && number <= (double)most;
  if (within) *integer = (size_t)number;
  return (within && (double)*integer == number) ||
         refuse(env, napi_throw_range_error, "%s must be an integer from %zu to %zu", name, least, most);
}

bool flag_argument(napi_env env, napi_value value) {
  bool is_set = false;
  napi_get_value_bool(env, value, &is_set);
  return is_set;
}

bool is_host(napi_env env, napi_value value, struct endpoint *endpoint) {
  char text[LONGEST_HOST];
  size_t length;
  return napi_get_value_string_utf8(env, value, text, sizeof text, &length) == napi_ok && length < sizeof text - 1 && strlen(text) == length &&
         endpoint_parse(text, endpoint);
}

bool endpoint_arguments(napi_env env, const napi_value *values, struct endpoint *endpoint) {
  size_t port;
  *endpoint = (struct endpoint){0};
  if (!is_host(env, values[0], endpoint)) return refuse(env, napi_throw_type_error, "host must be a literal address");
  if (!integer_argument(env, values[1], "port", 0, UINT16_MAX, &port)) return false;
  endpoint->port = (int32_t)port;
  return true;
}

/* There may be no memory where there are no bytes, and no arithmetic on that. */
static struct bytes part(struct bytes buffer, size_t start, size_t end) {
  return (struct bytes){end == start ? NULL : buffer.data + start, end - start};
}

bool input_arguments(napi_env env, const napi_value *values, struct bytes *input) {
  struct bytes src;
  size_t start;
  size_t end;
  if (!buffer_argument(env, values[0], "src", 0, SIZE_MAX, &src) || !integer_argument(env, values[2], "end", 0, src.length, &end) ||
      !integer_argument(env, values[1], "start", 0, end, &start))
    return false;
  *input = part(src, start, end);
  return input->length <= INT32_MAX || refuse(env, napi_throw_range_error, "src has more bytes than one call takes");
}

bool room_arguments(napi_env env, const napi_value *values, struct bytes *room) {
  struct bytes dst;
  size_t at;
  if (!buffer_argument(env, values[0], "dst", 0, SIZE_MAX, &dst) || !integer_argument(env, values[1], "at", 0, dst.length, &at)) return false;
  *room = part(dst, at, dst.length);
  return true;
}

bool room_for(napi_env env, struct bytes room, size_t needed, struct bytes input) {
  if (room.length < needed) return refuse(env, napi_throw_range_error, "dst has room for %zu bytes, not for %zu", room.length, needed);
  uintptr_t in = (uintptr_t)input.data;
  uintptr_t out = (uintptr_t)room.data;
  return input.length == 0 || needed == 0 || in + input.length <= out || out + needed <= in ||
         refuse(env, napi_throw_range_error, "src and dst overlap");
}

napi_value integer_result(napi_env env, int64_t value) {
  napi_value result = NULL;
  napi_create_int64(env, value, &result);
  return result;
}
