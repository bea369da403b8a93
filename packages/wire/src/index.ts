export { type AccessUri, type AccessUriResult, formatAccessUri, type PluginSpec, parseAccessUri } from "./access-uri.ts";
export {
  ATYP_DOMAIN,
  ATYP_IPV4,
  ATYP_IPV6,
  addressFrom,
  addressLength,
  formatHostPort,
  type ReadAddressResult,
  readAddress,
  type TargetAddress,
  writeAddress,
} from "./address.ts";
export {
  AEAD_KEY_LENGTHS,
  type Aead,
  type AeadAlgorithm,
  type AeadBackend,
  AWAITING_LENGTH,
  type ChunkRun,
  type ChunkVerdict,
  checkAeadKey,
  nodeBackend,
  SEALED_LENGTH,
  type SubkeyAeads,
  TAG_LENGTH,
  useAeadBackend,
} from "./aead/aead.ts";
export { type ChaChaMessages, XChaChaAead } from "./aead/xchacha-aead.ts";
export { formatClashProxies, formatSingBoxOutbounds, type SnippetServer } from "./client-snippet.ts";
export { createClientStream } from "./client-stream.ts";
export { type Credential, type CredentialResult, deriveCredential } from "./credential.ts";
export type { WireEnvironment } from "./environment.ts";
export { WIRE_FAILURES, type WireFailure } from "./failure.ts";
export { type Address, type Ffi, findFfi } from "./ffi.ts";
export { onGarbage } from "./garbage.ts";
export { formatIpv4, formatIpv6, IPV6_GROUPS, NOT_IPV4, parseIpv4, parseIpv6 } from "./ip-literal.ts";
export { explainUnavailable, findMethod, METHODS, type Method, type MethodKind } from "./method.ts";
export {
  type CustomFields,
  formatOnlineConfig,
  type JsonValue,
  type OnlineConfig,
  type OnlineConfigProblem,
  type OnlineConfigResult,
  type OnlineServer,
  parseOnlineConfig,
} from "./online-config.ts";
export type { ClientPacketCodec, OpenedAnswer, OpenedRequest, RefusedPacket, ServerPacketCodec, ServerPacketSession } from "./packet.ts";
export { createClientPacketCodec, createServerPacketCodec, type ServerPacketOptions } from "./packet-codec.ts";
export { SaltHistory } from "./replay/salt-history.ts";
export { SaltPool, type SaltPoolOptions } from "./replay/salt-pool.ts";
export { SlidingWindow } from "./replay/sliding-window.ts";
export { createServerHandshake } from "./server-handshake.ts";
export { ownCopy, shortCopy } from "./short-copy.ts";
export {
  type AcceptedStream,
  type ChunkStream,
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
