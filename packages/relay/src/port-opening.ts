import {
  createServerHandshake,
  type OpenedRequest,
  type RefusedPacket,
  type ServerHandshake,
  type ServerPacketCodec,
  type ServerStreamOptions,
  type WireEnvironment,
} from "@shadowfleet/wire";
import type { AccessKey } from "./access-key.ts";
import { EitherHandshake } from "./either-handshake.ts";
import type { PortKeys } from "./port-keys.ts";

/** The beginning of a TCP stream on a port, for all secrets that are in force there now. */
export function createPortHandshake(
  keys: PortKeys,
  clientHost: string,
  environment: WireEnvironment,
  options: ServerStreamOptions,
): ServerHandshake<AccessKey> {
  const { method, previousRing } = keys;
  const handshake = createServerHandshake(method, keys.ringFor(clientHost), environment, options);
  if (!previousRing) return handshake;
  return new EitherHandshake(handshake, createServerHandshake(method, previousRing, environment, options));
}

/** Opens a datagram that came to a port, under any secret that is in force there now. */
export function openPortDatagram(
  codec: ServerPacketCodec<AccessKey>,
  keys: PortKeys,
  clientHost: string,
  datagram: Buffer,
): OpenedRequest<AccessKey> | RefusedPacket {
  const opened = codec.open(datagram, keys.ringFor(clientHost));
  if (opened.ok || opened.failure !== "AUTH_FAILED" || !keys.previousRing) return opened;
  return codec.open(datagram, keys.previousRing);
}
