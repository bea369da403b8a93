#include "flow-calls.h"

#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "flows.h"

#define MOST_ARGUMENTS 9

/* (stream): bytes that a flow to it has left pending. */
static napi_value pending_of(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  struct calls *calls = calls_of(env, info, &count, &argument);
  int fd;
  if (calls == NULL || !stream_argument(env, calls, argument, &fd)) return NULL;
  const struct stream *stream = &calls->streams->table[fd];
  return integer_result(env, stream->pending == NULL ? 0 : (int64_t)(stream->pending_length - stream->pending_at));
}

/* (source, sink, seals, algorithm, key, nonce, maxChunk, payloadLength, partial): whether it goes on natively. */
static napi_value start_flow(napi_env env, napi_callback_info info) {
  size_t count = MOST_ARGUMENTS;
  napi_value arguments[MOST_ARGUMENTS];
  struct calls *calls = calls_of(env, info, &count, arguments);
  struct bytes key;
  struct bytes nonce;
  struct bytes partial;
  int source;
  int sink;
  size_t algorithm;
  size_t max_chunk;
  /* One more than it is, as it may be AWAITING_LENGTH. */
  size_t payload_length;
  if (calls == NULL || !stream_argument(env, calls, arguments[0], &source) || !stream_argument(env, calls, arguments[1], &sink) ||
      !integer_argument(env, arguments[3], "algorithm", 0, ALGORITHM_COUNT - 1, &algorithm))
    return NULL;
  size_t key_length = ALGORITHMS[algorithm].key_length;
  if (!buffer_argument(env, arguments[4], "key", key_length, key_length, &key) ||
      !buffer_argument(env, arguments[5], "nonce", NONCE_LENGTH, NONCE_LENGTH, &nonce) ||
      !integer_argument(env, arguments[6], "maxChunk", SMALLEST_FLOW_CHUNK, LONGEST_CHUNK, &max_chunk) ||
      !integer_argument(env, arguments[7], "payloadLength + 1", 0, LONGEST_CHUNK + 1, &payload_length) ||
      !buffer_argument(env, arguments[8], "partial", 0, LONGEST_CHUNK + TAG_LENGTH, &partial))
    return NULL;
  struct ciphers *ciphers = NULL;
  napi_get_instance_data(env, (void **)&ciphers);
  struct flow *flow = calloc(1, sizeof *flow);
  bool is_started = false;
  if (flow != NULL) {
    flow->sink = sink;
    flow->seals = flag_argument(env, arguments[2]);
    flow->context = (flow->seals ? ciphers->sealing : ciphers->opening)[algorithm];
    memcpy(flow->key, key.data, key_length);
    memcpy(flow->nonce, nonce.data, NONCE_LENGTH);
    flow->max_chunk = max_chunk;
    flow->payload_length = (int32_t)payload_length + AWAITING_LENGTH;
    is_started = flow_start(calls->streams, source, flow, partial.data, partial.length);
  }
  napi_value result = NULL;
  napi_get_boolean(env, is_started, &result);
  return result;
}

/* (source, nonce, partial): writes both, and returns payloadLength * 2^17 + the length of `partial`; undefined: there is no flow. */
static napi_value end_flow(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3];
  struct calls *calls = calls_of(env, info, &count, arguments);
  struct bytes nonce;
  struct bytes partial;
  int source;
  if (calls == NULL || !stream_argument(env, calls, arguments[0], &source) ||
      !buffer_argument(env, arguments[1], "nonce", NONCE_LENGTH, NONCE_LENGTH, &nonce) ||
      !buffer_argument(env, arguments[2], "partial", LONGEST_CHUNK + TAG_LENGTH, SIZE_MAX, &partial))
    return NULL;
  struct flow *flow = flow_take(calls->streams, source);
  if (flow == NULL) return NULL;
  memcpy(nonce.data, flow->nonce, NONCE_LENGTH);
  if (flow->partial_length > 0) memcpy(partial.data, flow->partial, flow->partial_length);
  napi_value state = integer_result(env, (int64_t)flow->payload_length * (1 << 17) + (int64_t)flow->partial_length);
  flow_free(flow);
  return state;
}

void define_flows(napi_env env, napi_value exports, struct calls *calls) {
  const napi_property_descriptor functions[] = {
      {"pendingOf", NULL, pending_of, NULL, NULL, NULL, napi_enumerable, calls},
      {"startFlow", NULL, start_flow, NULL, NULL, NULL, napi_enumerable, calls},
      {"endFlow", NULL, end_flow, NULL, NULL, NULL, napi_enumerable, calls},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
}
