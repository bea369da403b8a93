import type { TargetAddress } from "../address.ts";
import { composeAddressed, readAddressed, SHORTEST_ADDRESS } from "../addressed-payload.ts";
import type { Credential } from "../credential.ts";
import type { WireEnvironment } from "../environment.ts";
import type { WireFailure } from "../failure.ts";
import type { Method } from "../method.ts";
import type { ClientPacketCodec, OpenedAnswer, OpenedRequest, RefusedPacket, ServerPacketCodec, ServerPacketSession } from "../packet.ts";
import type { KeyRing, SaltFilter, ServerKey } from "../stream.ts";
import { createLegacyCipher } from "./cipher.ts";
import { asksForOneTimeAuth } from "./one-time-auth.ts";
import { soleKey } from "./sole-key.ts";

const refuse = (failure: WireFailure): RefusedPacket => ({ ok: false, failure });

/** IV ‖ cipher(address ‖ payload), with an IV of its own for every packet. */
function sealPacket(credential: Credential, env: WireEnvironment, address: TargetAddress, payload: Buffer): Buffer {
  const { method, key } = credential;
  const plaintext = composeAddressed(address, payload);
  const iv = Buffer.allocUnsafe(method.saltLength);
  env.random(iv);
  const packet = Buffer.allocUnsafe(method.saltLength + plaintext.length);
  createLegacyCipher(method, key, iv, "seal").apply(plaintext, 0, plaintext.length, packet, iv.copy(packet));
  return packet;
}

/** Address and payload of a datagram, as `source` of an answer or target of a request. */
function openPacket(credential: Credential, datagram: Buffer): OpenedAnswer | RefusedPacket {
  const { method, key } = credential;
  if (datagram.length < method.saltLength + SHORTEST_ADDRESS) return refuse("TOO_SHORT");
  const iv = datagram.subarray(0, method.saltLength);
  const plaintext = Buffer.allocUnsafe(datagram.length - method.saltLength);
  createLegacyCipher(method, key, iv, "open").apply(datagram, method.saltLength, datagram.length, plaintext, 0);
  const opened = readAddressed(plaintext);
  if (opened !== undefined) return { ok: true, source: opened.address, payload: opened.payload };
  return refuse(asksForOneTimeAuth(plaintext[0]) ? "BAD_HEADER" : "BAD_ADDRESS");
}

class LegacyServerPacketCodec<K extends ServerKey> implements ServerPacketCodec<K> {
  readonly #method: Method;
  readonly #env: WireEnvironment;
  readonly #saltFilter: SaltFilter | undefined;

  constructor(method: Method, env: WireEnvironment, saltFilter: SaltFilter | undefined) {
    this.#method = method;
    this.#env = env;
    this.#saltFilter = saltFilter;
  }

  open(datagram: Buffer, ring: KeyRing<K>): OpenedRequest<K> | RefusedPacket {
    const key = soleKey(ring);
    if (key === undefined) return refuse("AUTH_FAILED");
    const opened = openPacket(key.credential, datagram);
    if (!opened.ok) return opened;
    const iv = datagram.subarray(0, this.#method.saltLength);
    if (this.#saltFilter?.admit(iv, this.#env.unixSeconds()) === false) return refuse("REPLAYED");
    ring.found(key);
    return { ok: true, key, target: opened.source, payload: opened.payload, session: undefined };
  }

  seal(key: K, _session: ServerPacketSession | undefined, source: TargetAddress, payload: Buffer): Buffer {
    return sealPacket(key.credential, this.#env, source, payload);
  }

  /** There are no sessions to forget. */
  release(): void {}
}

class LegacyClientPacketCodec implements ClientPacketCodec {
  readonly #credential: Credential;
  readonly #env: WireEnvironment;

  constructor(credential: Credential, env: WireEnvironment) {
    this.#credential = credential;
    this.#env = env;
  }

  seal(target: TargetAddress, payload: Buffer): Buffer {
    return sealPacket(this.#credential, this.#env, target, payload);
  }

  open(datagram: Buffer): OpenedAnswer | RefusedPacket {
    return openPacket(this.#credential, datagram);
  }
}

/** A stream method over UDP as the server sees it. `saltFilter` undefined: packets are not checked for replay. */
export function createLegacyServerPacketCodec<K extends ServerKey>(
  method: Method,
  env: WireEnvironment,
  saltFilter: SaltFilter | undefined,
): ServerPacketCodec<K> {
  return new LegacyServerPacketCodec<K>(method, env, saltFilter);
}

/** A stream method over UDP as the client sees it. */
export function createLegacyClientPacketCodec(credential: Credential, env: WireEnvironment): ClientPacketCodec {
  return new LegacyClientPacketCodec(credential, env);
}
