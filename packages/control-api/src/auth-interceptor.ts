import { ServerInterceptingCall, type ServerInterceptor } from "@grpc/grpc-js";
import type { Access } from "./access.ts";
import { rememberCaller } from "./caller.ts";
import { RpcError, toRpcStatus } from "./rpc-error.ts";

/** Lets a call through when its token's role allows the method. Takes the token out of what handlers and logs see. */
export function authInterceptor(access: Access): ServerInterceptor {
  return (method, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            const [authorization] = metadata.get("authorization");
            metadata.remove("authorization");
            const caller = access.admit(method.path, authorization?.toString());
            if (caller instanceof RpcError) {
              call.sendStatus(toRpcStatus(caller));
              return;
            }
            rememberCaller(metadata, caller);
            pass(metadata);
          },
        }),
    });
}
