import type { WireEnvironment } from "./environment.ts";
import { createLegacyServerHandshake } from "./legacy/server-handshake.ts";
import type { Method } from "./method.ts";
import { createSip004ServerHandshake } from "./sip004/server-handshake.ts";
import { createSip022ServerHandshake } from "./sip022/server-handshake.ts";
import type { KeyRing, ServerHandshake, ServerKey, ServerStreamOptions } from "./stream.ts";

/** The beginning of one TCP stream as the server (tcp-relay) sees it. Every key of `ring` has this method. */
export function createServerHandshake<K extends ServerKey>(
  method: Method,
  ring: KeyRing<K>,
  env: WireEnvironment,
  options: ServerStreamOptions,
): ServerHandshake<K> {
  switch (method.kind) {
    case "aead":
      return createSip004ServerHandshake(method, ring, env, options);
    case "aead-2022":
      return createSip022ServerHandshake(method, ring, env, options);
    case "stream":
      return createLegacyServerHandshake(method, ring, env, options);
  }
}
