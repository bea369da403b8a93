import type { TargetAddress } from "../address.ts";
import type { Aead } from "../aead/aead.ts";
import type { Credential } from "../credential.ts";
import type { WireEnvironment } from "../environment.ts";
import type { WireFailure } from "../failure.ts";
import { passingBuffer } from "../garbage.ts";
import type { ClientPacketCodec, OpenedAnswer, RefusedPacket } from "../packet.ts";
import { SlidingWindow } from "../replay/sliding-window.ts";
import {
  composePacket,
  type PacketOrigin,
  packetIdHigh,
  packetIdLow,
  readMainHeader,
  SESSION_ID_LENGTH,
  SHORTEST_ANSWER,
} from "./packet-header.ts";
import { type PacketScheme, packetScheme } from "./packet-scheme.ts";

/** The server session in use and the one before it, for packets still on their way. */
const SERVER_SESSIONS = 2;

/** How long a silent server session keeps its place: until no packet of it can be replayed (SIP022 §3.2.4). */
const KEPT_SECONDS = 60;

/** One server session that answers us: a server that restarts, or forgets us, begins another. */
interface ServerSide {
  readonly id: Buffer;
  readonly aead: Aead;
  readonly window: SlidingWindow;
  lastSeenSeconds: number;
}

const refuse = (failure: WireFailure): RefusedPacket => ({ ok: false, failure });

class Sip022ClientPackets implements ClientPacketCodec {
  readonly #credential: Credential;
  readonly #env: WireEnvironment;
  readonly #scheme: PacketScheme;
  readonly #origin: PacketOrigin;
  readonly #aead: Aead;
  readonly #servers: ServerSide[] = [];

  constructor(credential: Credential, env: WireEnvironment) {
    this.#credential = credential;
    this.#env = env;
    this.#scheme = packetScheme(credential.method);
    const sessionId = Buffer.alloc(SESSION_ID_LENGTH);
    env.random(sessionId);
    this.#origin = { sessionId, nextPacketId: 0 };
    this.#aead = this.#scheme.sessionAead(credential.key, sessionId);
  }

  seal(target: TargetAddress, payload: Buffer): Buffer {
    const plain = composePacket(this.#origin, this.#env.unixSeconds(), undefined, target, payload);
    return this.#scheme.seal(this.#credential.key, this.#credential, this.#aead, plain, this.#env);
  }

  open(datagram: Buffer): OpenedAnswer | RefusedPacket {
    const plainLength = datagram.length - this.#scheme.overhead;
    if (plainLength < SHORTEST_ANSWER) return refuse("TOO_SHORT");
    const plain = passingBuffer(plainLength);
    const { key } = this.#credential;
    // SIP023: answers carry no identity header, and the user's key hides their separate header.
    if (!this.#scheme.reveal(key, datagram, plain)) return refuse("AUTH_FAILED");
    const known = this.#servers.find((server) => server.id.compare(plain, 0, SESSION_ID_LENGTH) === 0);
    const aead = known?.aead ?? this.#scheme.sessionAead(key, plain);
    if (!this.#scheme.authenticate(aead, datagram, 0, plain)) return refuse("AUTH_FAILED");

    const now = this.#env.unixSeconds();
    const header = readMainHeader(plain, now, this.#origin.sessionId);
    if (!header.ok) return header;
    const server = known ?? this.#admit(plain, aead, now);
    const high = packetIdHigh(plain);
    const low = packetIdLow(plain);
    if (server === undefined || !server.window.check(high, low)) return refuse("REPLAYED");
    server.window.add(high, low);
    server.lastSeenSeconds = now;
    return { ok: true, source: header.address, payload: plain.subarray(header.payloadAt) };
  }

  /** Takes in a new server session. Undefined while both places belong to sessions heard of lately: a third one is an old one replayed. */
  #admit(plain: Buffer, aead: Aead, now: number): ServerSide | undefined {
    if (this.#servers.length === SERVER_SESSIONS) {
      const silent = this.#servers.findIndex((server) => now - server.lastSeenSeconds > KEPT_SECONDS);
      if (silent < 0) return undefined;
      this.#servers.splice(silent, 1);
    }
    const id = Buffer.from(plain.subarray(0, SESSION_ID_LENGTH));
    const server = { id, aead, window: new SlidingWindow(), lastSeenSeconds: now };
    this.#servers.push(server);
    return server;
  }
}

/**
 * SIP022 UDP as the client sees it: one client session, with an identity header per identity key of `credential` (SIP023). Packets are not
 * padded, DNS included.
 */
export function createSip022ClientPackets(credential: Credential, env: WireEnvironment): ClientPacketCodec {
  return new Sip022ClientPackets(credential, env);
}
