#include "stream-calls.h"

#include <stdlib.h>

#include "arguments.h"
#include "flow-calls.h"
#include "flows.h"
#include "streams.h"

static napi_value value_of(struct calls *calls, napi_ref reference) {
  napi_value value = NULL;
  napi_get_reference_value(calls->env, reference, &value);
  return value;
}

static void call(struct calls *calls, napi_ref function, size_t count, const napi_value *arguments) {
  napi_env env = calls->env;
  napi_value callee = value_of(calls, function);
  if (napi_call_function(env, callee, callee, count, arguments, NULL) != napi_pending_exception) return;
  napi_value error = NULL;
  if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
}

static void begin(struct streams *streams) {
  struct calls *calls = streams->data;
  napi_open_handle_scope(calls->env, &calls->handles);
  if (napi_open_callback_scope(calls->env, value_of(calls, calls->resource), calls->context, &calls->turn) != napi_ok) calls->turn = NULL;
}

static void end(struct streams *streams) {
  struct calls *calls = streams->data;
  call(calls, calls->on_turn_end, 0, NULL);
  if (calls->turn != NULL) napi_close_callback_scope(calls->env, calls->turn);
  napi_close_handle_scope(calls->env, calls->handles);
}

static void tell(struct streams *streams, enum stream_event event, int fd, int32_t value) {
  struct calls *calls = streams->data;
  napi_env env = calls->env;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value arguments[3];
  napi_create_int32(env, event, &arguments[0]);
  napi_create_int32(env, fd, &arguments[1]);
  napi_create_int32(env, value, &arguments[2]);
  call(calls, calls->on_event, 3, arguments);
  napi_close_handle_scope(env, scope);
}

/* Asked for every read: JavaScript may have taken the memory away. */
static uint8_t *room(struct streams *streams, size_t *length) {
  struct calls *calls = streams->data;
  napi_handle_scope scope;
  void *data = NULL;
  *length = 0;
  if (napi_open_handle_scope(calls->env, &scope) != napi_ok) return NULL;
  napi_get_buffer_info(calls->env, value_of(calls, calls->buffer), &data, length);
  napi_close_handle_scope(calls->env, scope);
  if (*length > INT32_MAX) *length = INT32_MAX;
  return data;
}

static const struct stream_observer OBSERVER = {begin, end, tell, room};

static void on_ended(struct streams *streams) {
  struct calls *calls = streams->data;
  napi_async_cleanup_hook_handle cleanup = calls->cleanup;
  streams_free(streams);
  free(calls);
  napi_remove_async_cleanup_hook(cleanup);
}

/* The thread ends: its loop may not be left with handles in it. */
static void clean_up(napi_async_cleanup_hook_handle cleanup, void *data) {
  struct calls *calls = data;
  if (calls->streams == NULL) {
    free(calls);
    napi_remove_async_cleanup_hook(cleanup);
    return;
  }
  napi_async_destroy(calls->env, calls->context);
  const napi_ref references[] = {calls->on_event, calls->on_turn_end, calls->buffer, calls->resource};
  for (size_t i = 0; i < sizeof references / sizeof *references; i++) napi_delete_reference(calls->env, references[i]);
  streams_end(calls->streams, on_ended);
}

struct calls *calls_of(napi_env env, napi_callback_info info, size_t *count, napi_value *arguments) {
  void *data = NULL;
  napi_get_cb_info(env, info, count, arguments, NULL, &data);
  struct calls *calls = data;
  if (calls->streams == NULL) refuse(env, napi_throw_error, "startStreams comes first");
  return calls->streams == NULL ? NULL : calls;
}

static bool function_argument(napi_env env, napi_value value, const char *name) {
  napi_valuetype type = napi_undefined;
  napi_typeof(env, value, &type);
  return type == napi_function || refuse(env, napi_throw_type_error, "%s must be a function", name);
}

/* Memory of ours as a typed array of JavaScript's; nobody frees it before the thread ends. */
static napi_value shared(napi_env env, napi_typedarray_type type, void *data, size_t bytes, size_t length) {
  napi_value memory = NULL;
  napi_value words = NULL;
  if (napi_create_external_arraybuffer(env, data, bytes, NULL, NULL, &memory) != napi_ok ||
      napi_create_typedarray(env, type, length, memory, 0, &words) != napi_ok)
    return refuse(env, napi_throw_error, "memory cannot be shared"), NULL;
  return words;
}

/* (onEvent, onTurnEnd, buffer): the words of `name`, and of each descriptor what its flow has moved, in an array. Once for every thread. */
static napi_value start_streams(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3];
  void *data = NULL;
  napi_get_cb_info(env, info, &count, arguments, NULL, &data);
  struct calls *calls = data;
  struct bytes buffer;
  if (!function_argument(env, arguments[0], "onEvent") || !function_argument(env, arguments[1], "onTurnEnd") ||
      !buffer_argument(env, arguments[2], "buffer", 1, SIZE_MAX, &buffer))
    return NULL;
  if (calls->streams != NULL) return refuse(env, napi_throw_error, "streams have been started"), NULL;
  uv_loop_t *loop = NULL;
  napi_get_uv_event_loop(env, &loop);
  struct streams *streams = streams_new(loop, &OBSERVER, calls);
  if (streams == NULL) return refuse(env, napi_throw_error, "there is no memory, or no descriptor"), NULL;
  calls->streams = streams;
  napi_value name = NULL;
  napi_value resource = NULL;
  napi_create_string_utf8(env, "streams", NAPI_AUTO_LENGTH, &name);
  napi_create_object(env, &resource);
  napi_create_reference(env, arguments[0], 1, &calls->on_event);
  napi_create_reference(env, arguments[1], 1, &calls->on_turn_end);
  napi_create_reference(env, arguments[2], 1, &calls->buffer);
  napi_create_reference(env, resource, 1, &calls->resource);
  napi_async_init(env, resource, name, &calls->context);
  napi_value both = NULL;
  napi_value words = shared(env, napi_int32_array, &streams->name, sizeof streams->name, ENDPOINT_WORDS);
  napi_value moved = shared(env, napi_float64_array, streams->moved, FLOW_DESCRIPTORS * sizeof *streams->moved, FLOW_DESCRIPTORS * 2);
  if (words == NULL || moved == NULL) return NULL;
  napi_create_array_with_length(env, 2, &both);
  napi_set_element(env, both, 0, words);
  napi_set_element(env, both, 1, moved);
  return both;
}

bool stream_argument(napi_env env, struct calls *calls, napi_value value, int *fd) {
  size_t number;
  if (!integer_argument(env, value, "stream", 0, INT32_MAX, &number)) return false;
  *fd = (int)number;
  return streams_has(calls->streams, number) || refuse(env, napi_throw_range_error, "no stream has this number");
}

/* (host, port, isIpv6, sharesPort, backlog) */
static napi_value listen_stream(napi_env env, napi_callback_info info) {
  size_t count = 5;
  napi_value arguments[5];
  struct calls *calls = calls_of(env, info, &count, arguments);
  struct listen_wish wish;
  size_t backlog;
  if (calls == NULL || !endpoint_arguments(env, arguments, &wish.endpoint) ||
      !integer_argument(env, arguments[4], "backlog", 1, INT32_MAX, &backlog))
    return NULL;
  wish.is_ipv6 = flag_argument(env, arguments[2]);
  wish.shares_port = flag_argument(env, arguments[3]);
  wish.backlog = (int)backlog;
  return integer_result(env, streams_listen(calls->streams, &wish));
}

/* (host, port) */
static napi_value connect_stream(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  struct calls *calls = calls_of(env, info, &count, arguments);
  struct endpoint peer;
  if (calls == NULL || !endpoint_arguments(env, arguments, &peer)) return NULL;
  return integer_result(env, streams_connect(calls->streams, &peer));
}

/* (stream, reads, awaitsRoom) */
static napi_value watch_stream(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3];
  struct calls *calls = calls_of(env, info, &count, arguments);
  int fd;
  if (calls != NULL && stream_argument(env, calls, arguments[0], &fd))
    streams_watch(calls->streams, fd, flag_argument(env, arguments[1]), flag_argument(env, arguments[2]));
  return NULL;
}

/* (stream, src, start, end) */
static napi_value write_stream(napi_env env, napi_callback_info info) {
  size_t count = 4;
  napi_value arguments[4];
  struct calls *calls = calls_of(env, info, &count, arguments);
  int fd;
  struct bytes input;
  if (calls == NULL || !stream_argument(env, calls, arguments[0], &fd) || !input_arguments(env, arguments + 1, &input)) return NULL;
  return integer_result(env, streams_write(calls->streams, fd, input.data, input.length));
}

/* (stream) */
static napi_value shut_down_stream(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  struct calls *calls = calls_of(env, info, &count, &argument);
  int fd;
  if (calls == NULL || !stream_argument(env, calls, argument, &fd)) return NULL;
  return integer_result(env, streams_shut_down(fd));
}

/* (stream, resets) */
static napi_value close_stream(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  struct calls *calls = calls_of(env, info, &count, arguments);
  int fd;
  if (calls != NULL && stream_argument(env, calls, arguments[0], &fd)) streams_close(calls->streams, fd, flag_argument(env, arguments[1]));
  return NULL;
}

/* (stream, ofPeer): whether it has one. */
static napi_value ask_name(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  struct calls *calls = calls_of(env, info, &count, arguments);
  int fd;
  if (calls == NULL || !stream_argument(env, calls, arguments[0], &fd)) return NULL;
  napi_value has_name = NULL;
  napi_get_boolean(env, streams_ask_name(calls->streams, fd, flag_argument(env, arguments[1])), &has_name);
  return has_name;
}

/* (): the literal address of `name`. */
static napi_value host_of_name(napi_env env, napi_callback_info info) {
  size_t count = 0;
  struct calls *calls = calls_of(env, info, &count, NULL);
  if (calls == NULL) return NULL;
  char text[LONGEST_HOST];
  endpoint_host(&calls->streams->name, text);
  napi_value host = NULL;
  napi_create_string_latin1(env, text, NAPI_AUTO_LENGTH, &host);
  return host;
}

void define_streams(napi_env env, napi_value exports) {
  struct calls *calls = calloc(1, sizeof *calls);
  if (calls == NULL) return;
  calls->env = env;
  napi_add_async_cleanup_hook(env, clean_up, calls, &calls->cleanup);
  const napi_property_descriptor functions[] = {
      {"startStreams", NULL, start_streams, NULL, NULL, NULL, napi_enumerable, calls},
      {"listenStream", NULL, listen_stream, NULL, NULL, NULL, napi_enumerable, calls},
      {"connectStream", NULL, connect_stream, NULL, NULL, NULL, napi_enumerable, calls},
      {"watchStream", NULL, watch_stream, NULL, NULL, NULL, napi_enumerable, calls},
      {"writeStream", NULL, write_stream, NULL, NULL, NULL, napi_enumerable, calls},
      {"shutDownStream", NULL, shut_down_stream, NULL, NULL, NULL, napi_enumerable, calls},
      {"closeStream", NULL, close_stream, NULL, NULL, NULL, napi_enumerable, calls},
      {"askName", NULL, ask_name, NULL, NULL, NULL, napi_enumerable, calls},
      {"hostOfName", NULL, host_of_name, NULL, NULL, NULL, napi_enumerable, calls},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
  define_flows(env, exports, calls);
}
