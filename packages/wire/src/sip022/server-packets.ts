import type { TargetAddress } from "../address.ts";
import type { Aead } from "../aead/aead.ts";
import type { WireEnvironment } from "../environment.ts";
import type { WireFailure } from "../failure.ts";
import { passingBuffer } from "../garbage.ts";
import type { Method } from "../method.ts";
import type { OpenedRequest, RefusedPacket, ServerPacketCodec, ServerPacketSession } from "../packet.ts";
import { SlidingWindow } from "../replay/sliding-window.ts";
import type { KeyRing, ServerKey } from "../stream.ts";
import { IDENTITY_HEADER_LENGTH, openPacketIdentity } from "./identity-header.ts";
import {
  composePacket,
  type PacketOrigin,
  packetIdHigh,
  packetIdLow,
  readMainHeader,
  SEPARATE_HEADER_LENGTH,
  SESSION_ID_LENGTH,
  SHORTEST_REQUEST,
} from "./packet-header.ts";
import { type PacketScheme, packetScheme } from "./packet-scheme.ts";
import { SessionTable, type TableSession } from "./session-table.ts";

export interface SessionLimits {
  /** Client sessions held at most, about 2 KiB each. Default 65,536. More than that push out those longest unseen, with their replay windows. */
  readonly maxSessions?: number;
}

const DEFAULT_MAX_SESSIONS = 65_536;

/** The server's own session that answers one client session: its own random id, its own packet ids. */
interface AnswerSession extends PacketOrigin {
  readonly aead: Aead;
}

/** One client session. It belongs to the key that opened it. */
class ServerSession<K extends ServerKey> implements ServerPacketSession, TableSession {
  readonly clientSessionId: string;
  readonly id: Buffer;
  readonly requestAead: Aead;
  readonly window = new SlidingWindow();
  key: K;
  lastSeenSeconds = 0;
  released = false;
  /** Made with the first answer. */
  answers: AnswerSession | undefined = undefined;

  constructor(clientSessionId: string, key: K, requestAead: Aead) {
    this.clientSessionId = clientSessionId;
    this.id = Buffer.from(clientSessionId, "hex");
    this.key = key;
    this.requestAead = requestAead;
  }

  /** A reloaded configuration brings new objects for the same key. */
  belongsTo(key: K): boolean {
    return this.key === key || this.key.credential.key.equals(key.credential.key);
  }
}

const identity = Buffer.alloc(IDENTITY_HEADER_LENGTH);

const refuse = (failure: WireFailure): RefusedPacket => ({ ok: false, failure });

class Sip022ServerPackets<K extends ServerKey> implements ServerPacketCodec<K> {
  readonly #method: Method;
  readonly #env: WireEnvironment;
  readonly #scheme: PacketScheme;
  readonly #sessions: SessionTable<ServerSession<K>>;

  constructor(method: Method, env: WireEnvironment, limits: SessionLimits) {
    this.#method = method;
    this.#env = env;
    this.#scheme = packetScheme(method);
    this.#sessions = new SessionTable(limits.maxSessions ?? DEFAULT_MAX_SESSIONS);
  }

  open(datagram: Buffer, ring: KeyRing<K>): OpenedRequest<K> | RefusedPacket {
    const identityKey = this.#method.identityHeaders ? ring.identityKey : undefined;
    const identityLength = identityKey === undefined ? 0 : IDENTITY_HEADER_LENGTH;
    const plainLength = datagram.length - this.#scheme.overhead - identityLength;
    if (plainLength < SHORTEST_REQUEST) return refuse("TOO_SHORT");
    const headerKey = identityKey ?? ring.single?.credential.key;
    if (headerKey === undefined) return refuse("AUTH_FAILED");

    const plain = passingBuffer(plainLength);
    if (!this.#scheme.reveal(headerKey, datagram, plain)) return refuse("AUTH_FAILED");
    const key = identityKey === undefined ? ring.single : this.#identify(identityKey, plain, datagram, ring);
    if (key === undefined) return refuse("AUTH_FAILED");
    const clientSessionId = plain.toString("hex", 0, SESSION_ID_LENGTH);
    const known = this.#sessions.get(clientSessionId);
    // Another key's packet must not reach the NAT entry that goes by this session id.
    if (known !== undefined && !known.belongsTo(key)) return refuse("AUTH_FAILED");
    const aead = known?.requestAead ?? this.#scheme.sessionAead(key.credential.key, plain);
    if (!this.#scheme.authenticate(aead, datagram, identityLength, plain)) return refuse("AUTH_FAILED");
    return this.#accept(known ?? new ServerSession(clientSessionId, key, aead), known === undefined, key, plain);
  }

  #identify(identityKey: Buffer, plain: Buffer, datagram: Buffer, ring: KeyRing<K>): K | undefined {
    openPacketIdentity(identityKey, plain, datagram, SEPARATE_HEADER_LENGTH, identity);
    return ring.byIdentity(identity, 0);
  }

  /** Order is security: window and session table change only for an authentic, timely, well-formed packet that is not a replay. */
  #accept(session: ServerSession<K>, isNew: boolean, key: K, plain: Buffer): OpenedRequest<K> | RefusedPacket {
    const now = this.#env.unixSeconds();
    const header = readMainHeader(plain, now, undefined);
    if (!header.ok) return header;
    const high = packetIdHigh(plain);
    const low = packetIdLow(plain);
    if (!session.window.check(high, low)) return refuse("REPLAYED");
    session.window.add(high, low);
    session.key = key;
    session.lastSeenSeconds = now;
    session.released = false;
    if (isNew) this.#sessions.add(session, now);
    return { ok: true, key, target: header.address, payload: plain.subarray(header.payloadAt), session };
  }

  seal(_key: K, session: ServerPacketSession | undefined, source: TargetAddress, payload: Buffer): Buffer {
    if (!(session instanceof ServerSession)) throw new TypeError("a SIP022 answer needs the session that open() gave with the request");
    const { key } = (session as ServerSession<K>).key.credential;
    session.answers ??= this.#answerSession(session.id, key);
    const plain = composePacket(session.answers, this.#env.unixSeconds(), session.id, source, payload);
    return this.#scheme.seal(key, undefined, session.answers.aead, plain, this.#env);
  }

  #answerSession(clientSessionId: Buffer, key: Buffer): AnswerSession {
    const sessionId = Buffer.alloc(SESSION_ID_LENGTH);
    this.#env.random(sessionId);
    // SIP022 §3.2.2: never the client's own id, under which both sides would use the same nonces.
    if (sessionId.equals(clientSessionId)) sessionId[0] = (sessionId[0] as number) ^ 1;
    return { sessionId, nextPacketId: 0, aead: this.#scheme.sessionAead(key, sessionId) };
  }

  /** The session stays known for as long as its packets could be replayed; a fresh one takes it back into use. */
  release(session: ServerPacketSession): void {
    if (session instanceof ServerSession) session.released = true;
  }
}

/** SIP022 UDP as the server sees it, one per listening port; with `ring.identityKey`, one identity header (SIP023) names the key. */
export function createSip022ServerPackets<K extends ServerKey>(
  method: Method,
  env: WireEnvironment,
  limits: SessionLimits = {},
): ServerPacketCodec<K> {
  return new Sip022ServerPackets(method, env, limits);
}
