import type { TargetAddress } from "../address.ts";
import { composeAddressed, readAddressed, SHORTEST_ADDRESS } from "../addressed-payload.ts";
import { type Aead, type AeadAlgorithm, createSubkeyAead, TAG_LENGTH } from "../aead/aead.ts";
import type { Credential } from "../credential.ts";
import type { WireEnvironment } from "../environment.ts";
import type { WireFailure } from "../failure.ts";
import { passingBuffer } from "../garbage.ts";
import type { Method } from "../method.ts";
import type { ClientPacketCodec, OpenedAnswer, OpenedRequest, RefusedPacket, ServerPacketCodec, ServerPacketSession } from "../packet.ts";
import type { KeyRing, SaltFilter, ServerKey } from "../stream.ts";
import { aeadAlgorithm } from "./algorithm.ts";
import { firstNonce, searchFailure, searchKey } from "./key-search.ts";

const refuse = (failure: WireFailure): RefusedPacket => ({ ok: false, failure });

/** salt ‖ seal(nonce 0, address ‖ payload), with a salt of its own for every packet. */
function sealPacket(credential: Credential, env: WireEnvironment, address: TargetAddress, payload: Buffer): Buffer {
  const { method, key } = credential;
  const plaintext = composeAddressed(address, payload);
  const salt = Buffer.allocUnsafe(method.saltLength);
  env.random(salt);
  const packet = passingBuffer(method.saltLength + plaintext.length + TAG_LENGTH);
  const at = salt.copy(packet);
  const aead = createSubkeyAead(aeadAlgorithm(method), key, salt);
  aead.seal(firstNonce(aead), plaintext, 0, plaintext.length, packet, at);
  return packet;
}

/** The plaintext of what follows the salt, or undefined when `aead` does not open it. */
function openBody(aead: Aead, datagram: Buffer, saltLength: number): Buffer | undefined {
  const plaintext = passingBuffer(datagram.length - saltLength - TAG_LENGTH);
  return aead.open(firstNonce(aead), datagram, saltLength, datagram.length, plaintext, 0) ? plaintext : undefined;
}

const isTooShort = (method: Method, datagram: Buffer): boolean => datagram.length < method.saltLength + TAG_LENGTH + SHORTEST_ADDRESS;

class Sip004ServerPacketCodec<K extends ServerKey> implements ServerPacketCodec<K> {
  readonly #method: Method;
  readonly #algorithm: AeadAlgorithm;
  readonly #env: WireEnvironment;
  readonly #saltFilter: SaltFilter | undefined;

  constructor(method: Method, env: WireEnvironment, saltFilter: SaltFilter | undefined) {
    this.#method = method;
    this.#algorithm = aeadAlgorithm(method);
    this.#env = env;
    this.#saltFilter = saltFilter;
  }

  open(datagram: Buffer, ring: KeyRing<K>): OpenedRequest<K> | RefusedPacket {
    if (isTooShort(this.#method, datagram)) return refuse("TOO_SHORT");
    const { saltLength } = this.#method;
    const salt = datagram.subarray(0, saltLength);
    const found = searchKey(ring, this.#algorithm, salt, (aead) => openBody(aead, datagram, saltLength));
    if (found === undefined) return refuse(searchFailure(ring));
    if (this.#saltFilter?.admit(salt, this.#env.unixSeconds()) === false) return refuse("REPLAYED");
    ring.found(found.key);
    const request = readAddressed(found.result);
    if (request === undefined) return refuse("BAD_ADDRESS");
    return { ok: true, key: found.key, target: request.address, payload: request.payload, session: undefined };
  }

  seal(key: K, _session: ServerPacketSession | undefined, source: TargetAddress, payload: Buffer): Buffer {
    return sealPacket(key.credential, this.#env, source, payload);
  }

  /** There are no sessions to forget. */
  release(): void {}
}

class Sip004ClientPacketCodec implements ClientPacketCodec {
  readonly #credential: Credential;
  readonly #algorithm: AeadAlgorithm;
  readonly #env: WireEnvironment;

  constructor(credential: Credential, env: WireEnvironment) {
    this.#credential = credential;
    this.#algorithm = aeadAlgorithm(credential.method);
    this.#env = env;
  }

  seal(target: TargetAddress, payload: Buffer): Buffer {
    return sealPacket(this.#credential, this.#env, target, payload);
  }

  open(datagram: Buffer): OpenedAnswer | RefusedPacket {
    const { method, key } = this.#credential;
    if (isTooShort(method, datagram)) return refuse("TOO_SHORT");
    const aead = createSubkeyAead(this.#algorithm, key, datagram.subarray(0, method.saltLength));
    const plaintext = openBody(aead, datagram, method.saltLength);
    if (plaintext === undefined) return refuse("AUTH_FAILED");
    const answer = readAddressed(plaintext);
    return answer === undefined ? refuse("BAD_ADDRESS") : { ok: true, source: answer.address, payload: answer.payload };
  }
}

/** SIP004 over UDP as the server sees it. `saltFilter` undefined: packets are not checked for replay, as SIP004 leaves it. */
export function createSip004ServerPacketCodec<K extends ServerKey>(
  method: Method,
  env: WireEnvironment,
  saltFilter: SaltFilter | undefined,
): ServerPacketCodec<K> {
  return new Sip004ServerPacketCodec<K>(method, env, saltFilter);
}

/** SIP004 over UDP as the client sees it. */
export function createSip004ClientPacketCodec(credential: Credential, env: WireEnvironment): ClientPacketCodec {
  return new Sip004ClientPacketCodec(credential, env);
}
