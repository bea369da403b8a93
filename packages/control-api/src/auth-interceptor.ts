import { ServerInterceptingCall, type ServerInterceptingCallInterface, type ServerInterceptor } from "@grpc/grpc-js";
import type { Access } from "./access.ts";
import { type Caller, rememberCaller } from "./caller.ts";
import { RpcError, toRpcStatus } from "./rpc-error.ts";

interface LiveCall {
  readonly path: string;
  readonly caller: Caller;
}

/**
 * Lets a call through when its token's role allows the method, and ends it when the token is taken back: a stream may live for weeks. Takes the
 * token out of what handlers and logs see.
 */
export function authInterceptor(access: Access): ServerInterceptor {
  const live = new Map<ServerInterceptingCallInterface, LiveCall>();
  access.onReplaced(() => {
    for (const [call, { path, caller }] of [...live]) {
      const reason = access.revoked(path, caller);
      if (reason) call.sendStatus(toRpcStatus(reason));
    }
  });
  return ({ path }, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            const [authorization] = metadata.get("authorization");
            metadata.remove("authorization");
            const caller = access.admit(path, authorization?.toString());
            if (caller instanceof RpcError) {
              call.sendStatus(toRpcStatus(caller));
              return;
            }
            live.set(call, { path, caller });
            rememberCaller(metadata, caller);
            pass(metadata);
          },
          // Also called once a status was sent.
          onCancel: () => void live.delete(call),
        }),
    });
}
