import type { Credential } from "./credential.ts";
import type { WireEnvironment } from "./environment.ts";
import { createLegacyClientPacketCodec, createLegacyServerPacketCodec } from "./legacy/packet.ts";
import type { Method } from "./method.ts";
import type { ClientPacketCodec, ServerPacketCodec } from "./packet.ts";
import { createSip004ClientPacketCodec, createSip004ServerPacketCodec } from "./sip004/packet.ts";
import { createSip022ClientPackets } from "./sip022/client-packets.ts";
import { createSip022ServerPackets } from "./sip022/server-packets.ts";
import type { SaltFilter, ServerKey } from "./stream.ts";

export interface ServerPacketOptions {
  /** SIP004 and stream methods only, where packets carry no order: undefined means no replay check. SIP022 has its sliding windows. */
  readonly saltFilter: SaltFilter | undefined;
}

/** UDP as the server (udp-relay) sees it, one per listening port. Every key of its rings has this method. */
export function createServerPacketCodec<K extends ServerKey>(
  method: Method,
  env: WireEnvironment,
  options: ServerPacketOptions,
): ServerPacketCodec<K> {
  switch (method.kind) {
    case "aead":
      return createSip004ServerPacketCodec<K>(method, env, options.saltFilter);
    case "aead-2022":
      return createSip022ServerPackets<K>(method, env);
    case "stream":
      return createLegacyServerPacketCodec<K>(method, env, options.saltFilter);
  }
}

/** UDP as the client (gateway) sees it, one per association, for a credential of any method. */
export function createClientPacketCodec(credential: Credential, env: WireEnvironment): ClientPacketCodec {
  switch (credential.method.kind) {
    case "aead":
      return createSip004ClientPacketCodec(credential, env);
    case "aead-2022":
      return createSip022ClientPackets(credential, env);
    case "stream":
      return createLegacyClientPacketCodec(credential, env);
  }
}
