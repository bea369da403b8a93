import type { Credential } from "./credential.ts";
import type { WireEnvironment } from "./environment.ts";
import { createLegacyClientStream } from "./legacy/client-stream.ts";
import { createSip004ClientStream } from "./sip004/client-stream.ts";
import { createSip022ClientStream } from "./sip022/client-stream.ts";
import type { ClientStream } from "./stream.ts";

/** One TCP stream as the client (gateway) sees it, for a credential of any method. */
export function createClientStream(credential: Credential, env: WireEnvironment): ClientStream {
  switch (credential.method.kind) {
    case "aead":
      return createSip004ClientStream(credential, env);
    case "aead-2022":
      return createSip022ClientStream(credential, env);
    case "stream":
      return createLegacyClientStream(credential, env);
  }
}
