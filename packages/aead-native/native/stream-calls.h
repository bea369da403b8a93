#ifndef SHADOWFLEET_STREAM_CALLS_H
#define SHADOWFLEET_STREAM_CALLS_H

#include <node_api.h>

/* Adds what is described in `native-streams.ts`. */
void define_streams(napi_env env, napi_value exports);

#endif
