#ifndef SHADOWFLEET_STREAM_CALLS_H
#define SHADOWFLEET_STREAM_CALLS_H

#include <node_api.h>
#include <stdbool.h>

struct streams;

/* What a thread's streams need of JavaScript. */
struct calls {
  napi_env env;
  napi_ref on_event;
  napi_ref on_turn_end;
  napi_ref buffer;
  napi_ref resource;
  napi_async_context context;
  napi_async_cleanup_hook_handle cleanup;
  struct streams *streams;
  napi_handle_scope handles;
  napi_callback_scope turn;
};

/* The calling thread's; NULL: streams have not been started, and an exception is pending. */
struct calls *calls_of(napi_env env, napi_callback_info info, size_t *count, napi_value *arguments);

/* A stream that there is. */
bool stream_argument(napi_env env, struct calls *calls, napi_value value, int *fd);

/* Adds what is described in `native-streams.ts`. */
void define_streams(napi_env env, napi_value exports);

#endif
