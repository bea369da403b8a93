#include "datagram-calls.h"

#include <stdlib.h>

#include "arguments.h"
#include "datagrams.h"

#define MOST_ARGUMENTS 7

/* What a thread's sockets need of JavaScript. */
struct calls {
  napi_env env;
  napi_ref on_event;
  napi_async_context context;
  napi_async_cleanup_hook_handle cleanup;
  struct datagrams *datagrams;
};

static void emit(struct datagrams *datagrams, int32_t number, int32_t count) {
  struct calls *calls = datagrams->data;
  napi_env env = calls->env;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value on_event = NULL;
  napi_value arguments[2];
  napi_get_reference_value(env, calls->on_event, &on_event);
  napi_create_int32(env, number, &arguments[0]);
  napi_create_int32(env, count, &arguments[1]);
  if (napi_make_callback(env, calls->context, on_event, on_event, 2, arguments, NULL) == napi_pending_exception) {
    napi_value error = NULL;
    if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
  }
  napi_close_handle_scope(env, scope);
}

static void on_ended(struct datagrams *datagrams) {
  struct calls *calls = datagrams->data;
  napi_async_cleanup_hook_handle cleanup = calls->cleanup;
  datagrams_free(datagrams);
  free(calls);
  napi_remove_async_cleanup_hook(cleanup);
}

/* The thread ends: its loop may not be left with handles in it. */
static void clean_up(napi_async_cleanup_hook_handle cleanup, void *data) {
  struct calls *calls = data;
  if (calls->datagrams == NULL) {
    free(calls);
    napi_remove_async_cleanup_hook(cleanup);
    return;
  }
  napi_async_destroy(calls->env, calls->context);
  napi_delete_reference(calls->env, calls->on_event);
  datagrams_end(calls->datagrams, on_ended);
}

static bool share(napi_env env, napi_value into, const char *name, void *memory, size_t length, bool words) {
  napi_value buffer = NULL;
  napi_value view = NULL;
  return napi_create_external_arraybuffer(env, memory, length, NULL, NULL, &buffer) == napi_ok &&
         (words ? napi_create_typedarray(env, napi_int32_array, length / sizeof(int32_t), buffer, 0, &view)
                : napi_create_typedarray(env, napi_uint8_array, length, buffer, 0, &view)) == napi_ok &&
         napi_set_named_property(env, into, name, view) == napi_ok;
}

static struct calls *calls_of(napi_env env, napi_callback_info info, size_t *count, napi_value *arguments) {
  void *data = NULL;
  napi_get_cb_info(env, info, count, arguments, NULL, &data);
  struct calls *calls = data;
  if (calls->datagrams == NULL) refuse(env, napi_throw_error, "startDatagrams comes first");
  return calls->datagrams == NULL ? NULL : calls;
}

/* (onEvent): the shared memory. Once for every thread. */
static napi_value start_datagrams(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value on_event = NULL;
  void *data = NULL;
  napi_get_cb_info(env, info, &count, &on_event, NULL, &data);
  struct calls *calls = data;
  napi_valuetype type = napi_undefined;
  napi_typeof(env, on_event, &type);
  if (type != napi_function) return refuse(env, napi_throw_type_error, "onEvent must be a function"), NULL;
  if (calls->datagrams != NULL) return refuse(env, napi_throw_error, "datagrams have been started"), NULL;
  if (!datagrams_work()) return refuse(env, napi_throw_error, "the kernel has no recvmmsg or sendmmsg"), NULL;
  uv_loop_t *loop = NULL;
  napi_value name = NULL;
  napi_value shared = NULL;
  napi_create_string_utf8(env, "datagrams", NAPI_AUTO_LENGTH, &name);
  napi_create_object(env, &shared);
  napi_get_uv_event_loop(env, &loop);
  struct datagrams *datagrams = datagrams_new(loop, emit, calls);
  if (datagrams == NULL) return refuse(env, napi_throw_error, "there is no memory"), NULL;
  if (!share(env, shared, "received", datagrams->received, (size_t)RECEIVED_MOST * RECEIVED_SLOT, false) ||
      !share(env, shared, "arrivals", datagrams->arrivals, sizeof datagrams->arrivals, true) ||
      !share(env, shared, "sent", datagrams->sent, SENT_ROOM, false) ||
      !share(env, shared, "departures", datagrams->departures, sizeof datagrams->departures, true)) {
    /* What was shared already may be referred to: it stays, once. */
    return refuse(env, napi_throw_error, "memory cannot be shared"), NULL;
  }
  napi_create_reference(env, on_event, 1, &calls->on_event);
  napi_async_init(env, NULL, name, &calls->context);
  calls->datagrams = datagrams;
  return shared;
}

/* (host, port, isIpv6, ipv6Only, sharesPort, connects, receiveBufferBytes): a number, and the local endpoint in the first of `arrivals`; or a negative errno. */
static napi_value open_datagram_socket(napi_env env, napi_callback_info info) {
  size_t count = MOST_ARGUMENTS;
  napi_value arguments[MOST_ARGUMENTS];
  struct calls *calls = calls_of(env, info, &count, arguments);
  struct socket_wish wish;
  size_t receive_buffer;
  if (calls == NULL || !endpoint_arguments(env, arguments, &wish.endpoint) ||
      !integer_argument(env, arguments[6], "receiveBufferBytes", 0, INT32_MAX, &receive_buffer))
    return NULL;
  wish.is_ipv6 = flag_argument(env, arguments[2]);
  wish.ipv6_only = flag_argument(env, arguments[3]);
  wish.shares_port = flag_argument(env, arguments[4]);
  wish.connects = flag_argument(env, arguments[5]);
  wish.receive_buffer = (int)receive_buffer;
  return integer_result(env, datagrams_open(calls->datagrams, &wish, &calls->datagrams->arrivals[0].from));
}

static bool socket_argument(napi_env env, struct calls *calls, napi_value value, struct udp_socket **socket) {
  size_t number;
  if (!integer_argument(env, value, "socket", 0, INT32_MAX, &number)) return false;
  *socket = datagrams_socket(calls->datagrams, number);
  return *socket != NULL || refuse(env, napi_throw_range_error, "no socket has this number");
}

/* (socket) */
static napi_value close_datagram_socket(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  struct calls *calls = calls_of(env, info, &count, &argument);
  struct udp_socket *socket;
  if (calls != NULL && socket_argument(env, calls, argument, &socket)) datagrams_close(socket);
  return NULL;
}

/* (socket, awaits) */
static napi_value await_room(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  struct calls *calls = calls_of(env, info, &count, arguments);
  struct udp_socket *socket;
  if (calls != NULL && socket_argument(env, calls, arguments[0], &socket)) datagrams_await_room(socket, flag_argument(env, arguments[1]));
  return NULL;
}

/* (count): how many of `departures` the kernel did not take. Nothing is sent unless all of them lie within `sent`. */
static napi_value send_datagrams(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  struct calls *calls = calls_of(env, info, &count, &argument);
  size_t departing;
  if (calls == NULL || !integer_argument(env, argument, "count", 0, SENT_MOST, &departing)) return NULL;
  for (size_t i = 0; i < departing; i++) {
    const struct departure *departure = &calls->datagrams->departures[i];
    bool fits = departure->length >= 0 && departure->length <= LONGEST_DATAGRAM && departure->offset >= 0 &&
                departure->offset <= SENT_ROOM - departure->length && departure->to.port >= 0 && departure->to.port <= UINT16_MAX;
    if (!fits) return refuse(env, napi_throw_range_error, "departure %zu is out of bounds", i), NULL;
  }
  return integer_result(env, (int64_t)datagrams_send(calls->datagrams, departing));
}

/* (arrival): the literal address it came from. */
static napi_value host_of_arrival(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  struct calls *calls = calls_of(env, info, &count, &argument);
  size_t arrival;
  if (calls == NULL || !integer_argument(env, argument, "arrival", 0, RECEIVED_MOST - 1, &arrival)) return NULL;
  char text[LONGEST_HOST];
  endpoint_host(&calls->datagrams->arrivals[arrival].from, text);
  napi_value host = NULL;
  napi_create_string_latin1(env, text, NAPI_AUTO_LENGTH, &host);
  return host;
}

/* (host): whether it is a literal address; its endpoint is then in the first of `departures`. */
static napi_value parse_host(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  struct calls *calls = calls_of(env, info, &count, &argument);
  if (calls == NULL) return NULL;
  napi_value result = NULL;
  napi_get_boolean(env, is_host(env, argument, &calls->datagrams->departures[0].to), &result);
  return result;
}

void define_datagrams(napi_env env, napi_value exports) {
  struct calls *calls = calloc(1, sizeof *calls);
  if (calls == NULL) return;
  calls->env = env;
  napi_add_async_cleanup_hook(env, clean_up, calls, &calls->cleanup);
  const napi_property_descriptor functions[] = {
      {"startDatagrams", NULL, start_datagrams, NULL, NULL, NULL, napi_enumerable, calls},
      {"openDatagramSocket", NULL, open_datagram_socket, NULL, NULL, NULL, napi_enumerable, calls},
      {"closeDatagramSocket", NULL, close_datagram_socket, NULL, NULL, NULL, napi_enumerable, calls},
      {"awaitRoom", NULL, await_room, NULL, NULL, NULL, napi_enumerable, calls},
      {"sendDatagrams", NULL, send_datagrams, NULL, NULL, NULL, napi_enumerable, calls},
      {"hostOfArrival", NULL, host_of_arrival, NULL, NULL, NULL, napi_enumerable, calls},
      {"parseHost", NULL, parse_host, NULL, NULL, NULL, napi_enumerable, calls},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
}
