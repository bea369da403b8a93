import type { KeyLimits } from "./key-limits.ts";

/** A listening port created at run time. Served with TCP and UDP. */
export interface PortRecord {
  readonly port: number;
  /** Bind address. */
  readonly host: string;
  readonly method: string;
  /** SIP023 iPSK in base64; empty for methods without identity headers. */
  readonly identityKey: string;
  readonly createdAtMs: number;
}

/** The secret being replaced, while both work. */
export interface PreviousSecret {
  readonly secret: string;
  readonly expiresAtMs: number;
}

/** An access key created at run time. */
export interface KeyRecord {
  readonly id: string;
  readonly displayName: string;
  readonly port: number;
  /** Password or base64 PSK. Sealed on its way into the store when a sealing key is configured. */
  readonly secret: string;
  readonly previousSecret: PreviousSecret | undefined;
  readonly disabled: boolean;
  readonly disabledReason: string;
  /** Addresses, CIDR blocks and, to allow, host names. Absent: none. */
  readonly allowTargets?: readonly string[];
  readonly denyTargets?: readonly string[];
  /** Absent: none. */
  readonly limits?: KeyLimits;
  /** Changes with every replacement of the links to the key's document. Absent: 0. */
  readonly linkVersion?: number;
  /** Undefined: at once. */
  readonly startsAtMs: number | undefined;
  /** Undefined: never. */
  readonly expiresAtMs: number | undefined;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** An upstream created at run time. */
export interface UpstreamRecord {
  readonly id: string;
  readonly host: string;
  /** Where UDP goes, when that is another host. */
  readonly udpHost?: string;
  readonly port: number;
  readonly method: string;
  readonly secret: string;
  readonly displayName: string;
  /** Place in the order of tries, smallest first; unique. */
  readonly order: number;
}

/** A record with the version that optimistic concurrency compares: the configuration revision of its last change. */
export interface Versioned<T> {
  readonly record: T;
  readonly version: number;
}

/** What is stored, by kind of resource. The key of a port is its number in decimal. */
export interface ResourceRecords {
  readonly port: PortRecord;
  readonly key: KeyRecord;
  readonly upstream: UpstreamRecord;
}

export type ResourceKind = keyof ResourceRecords;

export const RESOURCE_KINDS: readonly ResourceKind[] = ["port", "key", "upstream"];

/** A record with its kind. */
export type Resource = { readonly [K in ResourceKind]: { readonly kind: K; readonly record: ResourceRecords[K] } }[ResourceKind];

/** What a resource is called within its kind. */
export function resourceId(resource: Resource): string {
  return resource.kind === "port" ? String(resource.record.port) : resource.record.id;
}

/** Everything configured at run time, as of one revision. */
export interface FleetState {
  readonly revision: number;
  /**
   * Names the store's life: chosen when the store was empty, and again when it is found to have lost revisions it had acknowledged.
   * Revisions of different generations cannot be compared.
   */
  readonly generation: string;
  readonly ports: ReadonlyMap<number, Versioned<PortRecord>>;
  readonly keys: ReadonlyMap<string, Versioned<KeyRecord>>;
  readonly upstreams: ReadonlyMap<string, Versioned<UpstreamRecord>>;
}

/** One process of the fleet as it last reported. */
export interface MemberRecord {
  readonly id: string;
  readonly kind: "gateway" | "tcp-relay" | "udp-relay";
  readonly version: string;
  /** Changes with every start of the process. */
  readonly epoch: string;
  readonly startedAtMs: number;
  readonly reportedAtMs: number;
  readonly appliedRevision: number;
  readonly ready: boolean;
  readonly draining: boolean;
  readonly sessionCount: number;
  /** Every port it should serve; `error` is empty when bound. */
  readonly ports: readonly { readonly port: number; readonly bound: boolean; readonly error: string }[];
}

/** A live session as a relay publishes it. */
export interface SessionRecord {
  readonly id: string;
  readonly memberId: string;
  readonly keyId: string;
  readonly port: number;
  readonly transport: "tcp" | "udp";
  readonly clientAddress: string;
  readonly startedAtMs: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** A member or its sessions are gone when nothing was heard for so long. */
export const MEMBER_TTL_MS = 10_000;
