import { createHash, timingSafeEqual } from "node:crypto";
import { ANYONE, type Caller } from "./caller.ts";
import { RpcError } from "./rpc-error.ts";

/** What a token allows: admin includes viewer; relay is for members of the fleet alone. */
export const ROLES = ["admin", "viewer", "relay"] as const;
export type Role = (typeof ROLES)[number];

const GRANTS: Readonly<Record<Role, readonly Role[]>> = { admin: ["admin", "viewer"], viewer: ["viewer"], relay: ["relay"] };

const OPEN_SERVICES = /^\/grpc\.(health|reflection)\.v1(alpha)?\./;
const MEMBER_SERVICE = /^\/shadowfleet\.v1\.ConfigService\//;
/** What only looks, and never at a secret. */
const LOOKING = /^\/shadowfleet\.v1\.\w+\/(Get|List|Watch|Explain|Export)[A-Z]\w*$/;
const SHOWS_SECRETS = new Set(["/shadowfleet.v1.AccessKeyService/GetAccessUri", "/shadowfleet.v1.AccessKeyService/GetAccessConfig"]);

/** The role a method needs by its path; undefined for health and reflection, which anyone may call. */
export function neededRole(path: string): Role | undefined {
  if (OPEN_SERVICES.test(path)) return undefined;
  if (MEMBER_SERVICE.test(path)) return "relay";
  return LOOKING.test(path) && !SHOWS_SECRETS.has(path) ? "viewer" : "admin";
}

/** A bearer token as the configuration names it. */
export interface AccessToken {
  /** For logs; who holds it. */
  readonly name: string;
  readonly role: Role;
  /** SHA-256 of the token. */
  readonly digest: Buffer;
}

/** The token is forgotten at once; only its digest is kept. */
export function accessToken(name: string, role: Role, token: string): AccessToken {
  return { name, role, digest: digestOf(token) };
}

/** Decides who may call what. */
export class Access {
  #tokens: readonly AccessToken[] | undefined;
  readonly #heldBy = new WeakMap<Caller, AccessToken>();
  readonly #listeners = new Set<() => void>();

  /** Undefined: no token is asked and everyone may call everything. */
  constructor(tokens: readonly AccessToken[] | undefined) {
    this.#tokens = tokens;
  }

  /** From now on. Who has admitted calls that go on hears of it. */
  replace(tokens: readonly AccessToken[] | undefined): void {
    this.#tokens = tokens;
    for (const listener of this.#listeners) listener();
  }

  /** Calls after every replacement. */
  onReplaced(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Who calls, or why not: RpcError NOT_AUTHENTICATED or NOT_PERMITTED. `authorization` is the header's value. */
  admit(path: string, authorization: string | undefined): Caller | RpcError {
    const needed = neededRole(path);
    if (needed === undefined || this.#tokens === undefined) return ANYONE;
    if (authorization === undefined) return new RpcError("NOT_AUTHENTICATED", 'the call has no token: send "authorization: Bearer …"');
    const held = this.#find(authorization);
    if (held === undefined) return new RpcError("NOT_AUTHENTICATED", "the token is not one of this fleet");
    const refusal = refusalOf(path, held.role);
    if (refusal) return refusal;
    const caller = { name: held.name };
    this.#heldBy.set(caller, held);
    return caller;
  }

  /** Why a caller admitted once would not be today; undefined while the token and its role are in force. */
  revoked(path: string, caller: Caller): RpcError | undefined {
    if (neededRole(path) === undefined || this.#tokens === undefined) return undefined;
    const held = this.#heldBy.get(caller);
    const now = held && this.#tokens.find(({ digest }) => digest.equals(held.digest));
    return now ? refusalOf(path, now.role) : new RpcError("NOT_AUTHENTICATED", "the token is no longer one of this fleet");
  }

  #find(authorization: string): AccessToken | undefined {
    const [, token] = /^bearer +(\S+)$/i.exec(authorization) ?? [];
    if (token === undefined) return undefined;
    const digest = digestOf(token);
    let found: AccessToken | undefined;
    // All are compared, however many match, so that time tells nothing.
    for (const known of this.#tokens ?? []) if (timingSafeEqual(known.digest, digest)) found ??= known;
    return found;
  }
}

function refusalOf(path: string, role: Role): RpcError | undefined {
  const needed = neededRole(path);
  if (needed === undefined || GRANTS[role].includes(needed)) return undefined;
  return new RpcError("NOT_PERMITTED", `${path.slice(1)} needs the role ${needed}; this token has the role ${role}`);
}

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
