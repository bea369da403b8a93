import { isUtf8 } from "node:buffer";
import type { ErrorCode } from "@shadowfleet/runtime";
import { addressFrom } from "@shadowfleet/wire";
import { type FrontDoor, type FrontStep, NOTHING } from "./front-door.ts";
import { HeldBytes } from "./held-bytes.ts";
import type { ProxyUsers } from "./proxy-users.ts";

const COMMAND_CONNECT = 1;
const GRANTED = 0x5a;
const REJECTED = 0x5b;
const USER_ID_WRONG = 0x5d;
const REPLY_LENGTH = 1 + 1 + 2 + 4;
/** VN, CD, DSTPORT, DSTIP. */
const FIXED_LENGTH = 1 + 1 + 2 + 4;
const PORT_AT = 2;
const IP_AT = 4;
const MAX_TEXT_LENGTH = 255;
const NO_PASSWORD = Buffer.alloc(0);

function reply(code: number): Buffer {
  const bytes = Buffer.alloc(REPLY_LENGTH);
  bytes[1] = code;
  return bytes;
}

/** End of the NUL-terminated text at `from`: its index, "incomplete", or "long" when no NUL comes within 255 bytes. */
function textEnd(bytes: Buffer, from: number): number | "incomplete" | "long" {
  const end = bytes.indexOf(0, from);
  if (end === -1) return bytes.length - from > MAX_TEXT_LENGTH ? "long" : "incomplete";
  return end - from > MAX_TEXT_LENGTH ? "long" : end;
}

/**
 * SOCKS4 and 4a. The protocol has no password: where users are configured, only a user without one gets in, named by the user id.
 */
export class Socks4Door implements FrontDoor {
  readonly protocol = "socks4";
  readonly #users: ProxyUsers;
  readonly #held = new HeldBytes();

  constructor(users: ProxyUsers) {
    this.#users = users;
  }

  push(src: Buffer, start: number, end: number): FrontStep {
    const bytes = this.#held.take(src, start, end);
    const step = this.#parse(bytes);
    if (step.kind === "more") this.#held.keep(bytes, 0);
    return step;
  }

  granted(): Buffer {
    return reply(GRANTED);
  }

  failed(code: ErrorCode): Buffer {
    return reply(code === "PROXY_AUTH_FAILED" ? USER_ID_WRONG : REJECTED);
  }

  #parse(bytes: Buffer): FrontStep {
    if (bytes.length > 1 && bytes[1] !== COMMAND_CONNECT) return this.#refusal("SOCKS_COMMAND_NOT_SUPPORTED");
    if (bytes.length <= FIXED_LENGTH) return { kind: "more", reply: NOTHING };
    const userEnd = textEnd(bytes, FIXED_LENGTH);
    if (userEnd === "long") return this.#refusal("SOCKS_BAD_REQUEST");
    if (userEnd === "incomplete") return { kind: "more", reply: NOTHING };
    // 4a: 0.0.0.x with x not 0 announces a host name behind the user id.
    const named = bytes.readUIntBE(IP_AT, 3) === 0 && bytes[IP_AT + 3] !== 0;
    const hostEnd = named ? textEnd(bytes, userEnd + 1) : userEnd;
    if (hostEnd === "long") return this.#refusal("SOCKS_BAD_REQUEST");
    if (hostEnd === "incomplete") return { kind: "more", reply: NOTHING };
    const user = this.#users.admit(bytes.subarray(FIXED_LENGTH, userEnd), NO_PASSWORD);
    if (this.#users.required && user === undefined) return this.#refusal("PROXY_AUTH_FAILED");
    const name = bytes.subarray(userEnd + 1, hostEnd);
    const host = named ? name.toString("utf8") : bytes.subarray(IP_AT, FIXED_LENGTH).join(".");
    const target = addressFrom(host, bytes.readUInt16BE(PORT_AT));
    if (!target || !isUtf8(name)) return this.#refusal("SOCKS_BAD_REQUEST");
    const payload = Buffer.from(bytes.subarray(hostEnd + 1));
    return { kind: "request", reply: NOTHING, request: { command: "connect", target, user, payload, body: undefined } };
  }

  #refusal(code: ErrorCode): FrontStep {
    return { kind: "refused", reply: this.failed(code), code };
  }
}
