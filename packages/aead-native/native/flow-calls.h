#ifndef SHADOWFLEET_FLOW_CALLS_H
#define SHADOWFLEET_FLOW_CALLS_H

#include "stream-calls.h"

void define_flows(napi_env env, napi_value exports, struct calls *calls);

#endif
