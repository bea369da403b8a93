import { portNumber } from "@shadowfleet/runtime";
import { z } from "zod";
import { declaredLimits } from "./declared-limits.ts";
import { declaredTime } from "./declared-time.ts";

/** Ids of access keys, declared or created at run time. */
export const KEY_ID = /^[a-z0-9._-]{1,64}$/;
/** Ids of upstreams; a colon and brackets so that `host:port` is one. */
export const UPSTREAM_ID = /^[A-Za-z0-9._:[\]-]{1,128}$/;

const keyId = z.string().regex(KEY_ID, "must be 1 to 64 lower-case letters, digits, dots, dashes and underscores");
const upstreamId = z.string().regex(UPSTREAM_ID, "must be 1 to 128 letters, digits, dots, dashes, underscores, colons and brackets");

const declaredPort = z.strictObject({
  port: portNumber(),
  /** Bind address; "::" is IPv6 and IPv4. */
  host: z.string().min(1).default("::"),
  method: z.string().min(1).default("chacha20-ietf-poly1305"),
  /** SIP023, 2022 AES methods only: lets the port have many keys. */
  identityKey: z.string().min(1).optional(),
});

const declaredKey = z.strictObject({
  id: keyId,
  /** For people. Default: the id. */
  name: z.string().optional(),
  /** One of the declared ports. */
  port: portNumber(),
  secret: z.string().min(1),
  disabled: z.boolean().default(false),
  disabledReason: z.string().default(""),
  startTime: declaredTime.optional(),
  expireTime: declaredTime.optional(),
  /** For this key alone: what it may reach although relays refuse it, and what it may not. */
  targets: z.strictObject({ allow: z.array(z.string()).default([]), deny: z.array(z.string()).default([]) }).optional(),
  /** How much, how fast and how often it may be used, over all relays together. */
  limits: declaredLimits.optional(),
});

const declaredUpstream = z.strictObject({
  /** Default: host:port. */
  id: upstreamId.optional(),
  host: z.string().min(1),
  /** Where UDP goes, when that is another host. */
  udpHost: z.string().min(1).optional(),
  port: portNumber(),
  method: z.string().min(1),
  secret: z.string().min(1),
  name: z.string().default(""),
});

/** What the operator declares in a file: read-only at run time, in force before what was created at run time. */
export const declaredSchema = z.strictObject({
  ports: z.array(declaredPort).default([]),
  keys: z.array(declaredKey).default([]),
  upstreams: z.array(declaredUpstream).default([]),
});

export type DeclaredInput = z.output<typeof declaredSchema>;
