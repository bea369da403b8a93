export { ATYP_DOMAIN, ATYP_IPV4, ATYP_IPV6, type TargetAddress } from "./address.ts";
export type { Credential, CredentialResult } from "./credential.ts";
export type { WireEnvironment } from "./environment.ts";
export { WIRE_FAILURES, type WireFailure } from "./failure.ts";
export { explainUnavailable, findMethod, METHODS, type Method, type MethodKind } from "./method.ts";
export type { ClientPacketCodec, OpenedAnswer, OpenedRequest, RefusedPacket, ServerPacketCodec, ServerPacketSession } from "./packet.ts";
export {
  type AcceptedStream,
  type ClientStream,
  FAILED,
  type KeyRing,
  type RefusedStream,
  type SaltFilter,
  type ServerHandshake,
  type ServerKey,
  type ServerStreamOptions,
  type StreamTransform,
} from "./stream.ts";
