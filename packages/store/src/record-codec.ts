import type { KeyRecord, PortRecord, ResourceKind, ResourceRecords, UpstreamRecord } from "./records.ts";
import type { SecretSealer } from "./secret-sealer.ts";

/** Turns records into the text that stores keep, and back; secrets pass through the sealer both ways. */
export class RecordCodec {
  readonly #sealer: SecretSealer;

  constructor(sealer: SecretSealer) {
    this.#sealer = sealer;
  }

  encode<K extends ResourceKind>(kind: K, record: ResourceRecords[K]): string {
    return JSON.stringify(this.#mapSecrets(kind, record, (text) => this.#sealer.seal(text)));
  }

  /** Throws FleetError when a secret was sealed with another key. */
  decode<K extends ResourceKind>(kind: K, text: string): ResourceRecords[K] {
    const parsed = JSON.parse(text) as ResourceRecords[K];
    return this.#mapSecrets(kind, parsed, (sealed) => this.#sealer.open(sealed));
  }

  /** A response kept for a request id: it may hold a secret anywhere. */
  encodeResponse(response: string): string {
    return response === "" ? "" : this.#sealer.seal(response);
  }

  decodeResponse(text: string): string {
    return text === "" ? "" : this.#sealer.open(text);
  }

  #mapSecrets<K extends ResourceKind>(kind: K, record: ResourceRecords[K], map: (text: string) => string): ResourceRecords[K] {
    const mapped = MAP_SECRETS[kind] as (record: ResourceRecords[K], map: (text: string) => string) => ResourceRecords[K];
    return mapped(record, map);
  }
}

type MapSecrets<T> = (record: T, map: (text: string) => string) => T;

const MAP_SECRETS: { readonly [K in ResourceKind]: MapSecrets<ResourceRecords[K]> } = {
  port: (record: PortRecord, map) => ({ ...record, identityKey: record.identityKey === "" ? "" : map(record.identityKey) }),
  // JSON has no undefined: what was undefined is absent after reading, so optional fields are spelled out here.
  key: (record: KeyRecord, map) => ({
    ...record,
    secret: map(record.secret),
    previousSecret: record.previousSecret ? { ...record.previousSecret, secret: map(record.previousSecret.secret) } : undefined,
    startsAtMs: record.startsAtMs,
    expiresAtMs: record.expiresAtMs,
  }),
  upstream: (record: UpstreamRecord, map) => ({ ...record, secret: map(record.secret) }),
};
