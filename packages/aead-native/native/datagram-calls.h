#ifndef SHADOWFLEET_DATAGRAM_CALLS_H
#define SHADOWFLEET_DATAGRAM_CALLS_H

#include <node_api.h>

/* Adds what is described in `native-datagrams.ts`. */
void define_datagrams(napi_env env, napi_value exports);

#endif
