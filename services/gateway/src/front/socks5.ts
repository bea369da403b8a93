import { type ErrorCode, errorEntry } from "@shadowfleet/runtime";
import { ATYP_DOMAIN, ATYP_IPV4, ATYP_IPV6, addressLength, readAddress, type TargetAddress, writeAddress } from "@shadowfleet/wire";
import { type FrontDoor, type FrontStep, NOTHING, type ProxyRequest } from "./front-door.ts";
import { HeldBytes } from "./held-bytes.ts";
import type { ProxyUsers } from "./proxy-users.ts";

const VERSION = 5;
const CREDENTIALS_VERSION = 1;
const METHOD_NONE = 0x00;
const METHOD_CREDENTIALS = 0x02;
const METHOD_UNACCEPTABLE = 0xff;
const COMMAND_CONNECT = 1;
const COMMAND_ASSOCIATE = 3;
const REPLY_SUCCEEDED = 0x00;
/** VER, CMD or REP, RSV. */
const HEAD_LENGTH = 3;
const UNSPECIFIED: TargetAddress = { type: ATYP_IPV4, host: "0.0.0.0", port: 0 };

// Replies that are always the same are made once: who sends them only reads them.
const TAKES_NO_LOGIN = Buffer.of(VERSION, METHOD_NONE);
const TAKES_CREDENTIALS = Buffer.of(VERSION, METHOD_CREDENTIALS);
const TAKES_NONE_OFFERED = Buffer.of(VERSION, METHOD_UNACCEPTABLE);
const CREDENTIALS_RIGHT = Buffer.of(CREDENTIALS_VERSION, 0);
const CREDENTIALS_WRONG = Buffer.of(CREDENTIALS_VERSION, 1);
const SUCCEEDED = reply(REPLY_SUCCEEDED, UNSPECIFIED);

/** Where parsing one message led: bytes used (0: incomplete), or an end. */
type Progress = number | { readonly code: ErrorCode; readonly reply: Buffer } | ProxyRequest;

function reply(code: number, bound: TargetAddress): Buffer {
  const bytes = Buffer.alloc(HEAD_LENGTH + addressLength(bound));
  bytes[0] = VERSION;
  bytes[1] = code;
  writeAddress(bound, bytes, HEAD_LENGTH);
  return bytes;
}

/**
 * SOCKS5 (RFC 1928) with user name and password (RFC 1929). A client may send greeting, credentials, request and first payload without
 * waiting for the answers; each is answered in order.
 */
export class Socks5Door implements FrontDoor {
  readonly protocol = "socks5";
  readonly #users: ProxyUsers;
  /** Made when a message comes in pieces. */
  #held: HeldBytes | undefined;
  #expects: "greeting" | "credentials" | "request" = "greeting";
  #user: string | undefined;
  #reply: Buffer = NOTHING;

  constructor(users: ProxyUsers) {
    this.#users = users;
  }

  push(src: Buffer, start: number, end: number): FrontStep {
    if (this.#held === undefined) return this.#pushMessages(src, start, end);
    const bytes = this.#held.take(src, start, end);
    return this.#pushMessages(bytes, 0, bytes.length);
  }

  granted(bound: TargetAddress | undefined): Buffer {
    return bound === undefined ? SUCCEEDED : reply(REPLY_SUCCEEDED, bound);
  }

  failed(code: ErrorCode): Buffer {
    return reply(errorEntry(code).socksReply, UNSPECIFIED);
  }

  #pushMessages(bytes: Buffer, start: number, end: number): FrontStep {
    let at = start;
    for (;;) {
      const progress = this.#parse(bytes, at, end);
      if (progress === 0) break;
      if (typeof progress === "number") at += progress;
      else if ("command" in progress) return { kind: "request", reply: this.#takeReply(), request: progress };
      else {
        this.#answer(progress.reply);
        return { kind: "refused", reply: this.#takeReply(), code: progress.code };
      }
    }
    if (this.#held !== undefined) this.#held.keep(bytes, at);
    else if (at < end) {
      this.#held = new HeldBytes();
      this.#held.keep(bytes.subarray(at, end), 0);
    }
    return { kind: "more", reply: this.#takeReply() };
  }

  #answer(reply: Buffer): void {
    this.#reply = this.#reply.length === 0 ? reply : Buffer.concat([this.#reply, reply]);
  }

  #takeReply(): Buffer {
    const reply = this.#reply;
    this.#reply = NOTHING;
    return reply;
  }

  #parse(bytes: Buffer, at: number, end: number): Progress {
    if (this.#expects === "greeting") return this.#greeting(bytes, at, end);
    return this.#expects === "credentials" ? this.#credentials(bytes, at, end) : this.#request(bytes, at, end);
  }

  /** VER, NMETHODS, METHODS. */
  #greeting(bytes: Buffer, at: number, end: number): Progress {
    const methodsAt = at + 2;
    if (end < methodsAt) return 0;
    const next = methodsAt + bytes[at + 1]!;
    if (end < next) return 0;
    const { required } = this.#users;
    if (!includes(bytes, methodsAt, next, required ? METHOD_CREDENTIALS : METHOD_NONE)) {
      return { code: "PROXY_AUTH_FAILED", reply: TAKES_NONE_OFFERED };
    }
    this.#answer(required ? TAKES_CREDENTIALS : TAKES_NO_LOGIN);
    this.#expects = required ? "credentials" : "request";
    return next - at;
  }

  /** RFC 1929 §2: VER, ULEN, UNAME, PLEN, PASSWD. */
  #credentials(bytes: Buffer, at: number, end: number): Progress {
    if (end > at && bytes[at] !== CREDENTIALS_VERSION) return { code: "SOCKS_BAD_REQUEST", reply: CREDENTIALS_WRONG };
    const nameAt = at + 2;
    if (end < nameAt) return 0;
    const passwordLengthAt = nameAt + bytes[at + 1]!;
    if (end <= passwordLengthAt) return 0;
    const passwordAt = passwordLengthAt + 1;
    const next = passwordAt + bytes[passwordLengthAt]!;
    if (end < next) return 0;
    this.#user = this.#users.admit(bytes.subarray(nameAt, passwordLengthAt), bytes.subarray(passwordAt, next));
    if (this.#user === undefined) return { code: "PROXY_AUTH_FAILED", reply: CREDENTIALS_WRONG };
    this.#answer(CREDENTIALS_RIGHT);
    this.#expects = "request";
    return next - at;
  }

  /** RFC 1928 §4: VER, CMD, RSV, ATYP, DST.ADDR, DST.PORT. */
  #request(bytes: Buffer, at: number, end: number): Progress {
    const addressAt = at + HEAD_LENGTH;
    if (end > at && bytes[at] !== VERSION) return this.#refusal("SOCKS_BAD_REQUEST");
    if (end <= addressAt) return 0;
    const command = bytes[at + 1];
    if (command !== COMMAND_CONNECT && command !== COMMAND_ASSOCIATE) return this.#refusal("SOCKS_COMMAND_NOT_SUPPORTED");
    const type = bytes[addressAt];
    if (type !== ATYP_IPV4 && type !== ATYP_DOMAIN && type !== ATYP_IPV6) return this.#refusal("SOCKS_ADDRESS_NOT_SUPPORTED");
    const address = readAddress(bytes, addressAt, end);
    if (!address.ok) return address.incomplete ? 0 : this.#refusal("SOCKS_BAD_REQUEST");
    return {
      command: command === COMMAND_CONNECT ? "connect" : "associate",
      target: address.target,
      user: this.#user,
      payload: address.next === end ? NOTHING : Buffer.from(bytes.subarray(address.next, end)),
      body: undefined,
    };
  }

  #refusal(code: ErrorCode): Progress {
    return { code, reply: this.failed(code) };
  }
}

function includes(bytes: Buffer, from: number, to: number, byte: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] === byte) return true;
  return false;
}
