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
const CREDENTIALS_RIGHT = 0x00;
const CREDENTIALS_WRONG = 0x01;
const COMMAND_CONNECT = 1;
const COMMAND_ASSOCIATE = 3;
const REPLY_SUCCEEDED = 0x00;
/** VER, CMD or REP, RSV. */
const HEAD_LENGTH = 3;
const UNSPECIFIED: TargetAddress = { type: ATYP_IPV4, host: "0.0.0.0", port: 0 };

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
  readonly #held = new HeldBytes();
  #expects: "greeting" | "credentials" | "request" = "greeting";
  #user: string | undefined;
  #replies: Buffer[] = [];

  constructor(users: ProxyUsers) {
    this.#users = users;
  }

  push(src: Buffer, start: number, end: number): FrontStep {
    const bytes = this.#held.take(src, start, end);
    let at = 0;
    for (;;) {
      const progress = this.#parse(bytes, at);
      if (progress === 0) break;
      if (typeof progress === "number") at += progress;
      else if ("command" in progress) return { kind: "request", reply: this.#takeReplies(), request: progress };
      else {
        this.#replies.push(progress.reply);
        return { kind: "refused", reply: this.#takeReplies(), code: progress.code };
      }
    }
    this.#held.keep(bytes, at);
    return { kind: "more", reply: this.#takeReplies() };
  }

  granted(bound: TargetAddress | undefined): Buffer {
    return reply(REPLY_SUCCEEDED, bound ?? UNSPECIFIED);
  }

  failed(code: ErrorCode): Buffer {
    return reply(errorEntry(code).socksReply, UNSPECIFIED);
  }

  #takeReplies(): Buffer {
    const [only] = this.#replies;
    const bytes = this.#replies.length > 1 ? Buffer.concat(this.#replies) : (only ?? NOTHING);
    this.#replies = [];
    return bytes;
  }

  #parse(bytes: Buffer, at: number): Progress {
    if (this.#expects === "greeting") return this.#greeting(bytes, at);
    return this.#expects === "credentials" ? this.#credentials(bytes, at) : this.#request(bytes, at);
  }

  /** VER, NMETHODS, METHODS. */
  #greeting(bytes: Buffer, at: number): Progress {
    const methodsAt = at + 2;
    if (bytes.length < methodsAt) return 0;
    const next = methodsAt + bytes[at + 1]!;
    if (bytes.length < next) return 0;
    const wanted = this.#users.required ? METHOD_CREDENTIALS : METHOD_NONE;
    if (!bytes.subarray(methodsAt, next).includes(wanted)) {
      return { code: "PROXY_AUTH_FAILED", reply: Buffer.of(VERSION, METHOD_UNACCEPTABLE) };
    }
    this.#replies.push(Buffer.of(VERSION, wanted));
    this.#expects = wanted === METHOD_CREDENTIALS ? "credentials" : "request";
    return next - at;
  }

  /** RFC 1929 §2: VER, ULEN, UNAME, PLEN, PASSWD. */
  #credentials(bytes: Buffer, at: number): Progress {
    const wrong = Buffer.of(CREDENTIALS_VERSION, CREDENTIALS_WRONG);
    if (bytes.length > at && bytes[at] !== CREDENTIALS_VERSION) return { code: "SOCKS_BAD_REQUEST", reply: wrong };
    const nameAt = at + 2;
    if (bytes.length < nameAt) return 0;
    const passwordLengthAt = nameAt + bytes[at + 1]!;
    if (bytes.length <= passwordLengthAt) return 0;
    const passwordAt = passwordLengthAt + 1;
    const next = passwordAt + bytes[passwordLengthAt]!;
    if (bytes.length < next) return 0;
    this.#user = this.#users.admit(bytes.subarray(nameAt, passwordLengthAt), bytes.subarray(passwordAt, next));
    if (this.#user === undefined) return { code: "PROXY_AUTH_FAILED", reply: wrong };
    this.#replies.push(Buffer.of(CREDENTIALS_VERSION, CREDENTIALS_RIGHT));
    this.#expects = "request";
    return next - at;
  }

  /** RFC 1928 §4: VER, CMD, RSV, ATYP, DST.ADDR, DST.PORT. */
  #request(bytes: Buffer, at: number): Progress {
    const addressAt = at + HEAD_LENGTH;
    if (bytes.length > at && bytes[at] !== VERSION) return this.#refusal("SOCKS_BAD_REQUEST");
    if (bytes.length <= addressAt) return 0;
    const command = bytes[at + 1];
    if (command !== COMMAND_CONNECT && command !== COMMAND_ASSOCIATE) return this.#refusal("SOCKS_COMMAND_NOT_SUPPORTED");
    const type = bytes[addressAt];
    if (type !== ATYP_IPV4 && type !== ATYP_DOMAIN && type !== ATYP_IPV6) return this.#refusal("SOCKS_ADDRESS_NOT_SUPPORTED");
    const address = readAddress(bytes, addressAt, bytes.length);
    if (!address.ok) return address.incomplete ? 0 : this.#refusal("SOCKS_BAD_REQUEST");
    return {
      command: command === COMMAND_CONNECT ? "connect" : "associate",
      target: address.target,
      user: this.#user,
      payload: Buffer.from(bytes.subarray(address.next)),
      body: undefined,
    };
  }

  #refusal(code: ErrorCode): Progress {
    return { code, reply: this.failed(code) };
  }
}
