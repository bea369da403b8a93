import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { KeyRecord } from "@shadowfleet/store";
import type { ManagementContext } from "../context.ts";
import type { KeyEntry } from "../directory/entries.ts";
import { FleetWriter } from "../domain/fleet-writer.ts";
import { awaitVersion, changeable } from "../domain/versions.ts";

/** Where a key's document is fetched. Empty texts where it is not served (over HTTPS). */
export interface AccessLink {
  /** SIP008: `https://fleet.example/sip008/TOKEN`. */
  readonly sip008Url: string;
  /** Dynamic access key: `ssconf://fleet.example/ssconf/TOKEN#NAME`. */
  readonly ssconfUrl: string;
}

/** 192 bits. */
const MAC_BYTES = 24;
const MAC_LENGTH = 32;
const TOKEN = /^([a-z0-9._-]{1,64})\.([A-Za-z0-9_-]{32})$/;

/**
 * Links to access keys' documents. A token is the key's id and a MAC of it, so every replica knows every link and nothing has to be looked up to
 * refuse a guess. Deleting a key, or replacing its link, ends its links for ever.
 */
export class AccessLinks {
  readonly #context: ManagementContext;
  readonly #baseUrl: () => string | undefined;
  readonly #writer: FleetWriter;
  readonly #ownSecret = randomBytes(32);

  /** `baseUrl`: what links begin with; undefined while documents are not served. */
  constructor(context: ManagementContext, baseUrl: () => string | undefined) {
    this.#context = context;
    this.#baseUrl = baseUrl;
    this.#writer = new FleetWriter(context.store, context.directory);
  }

  tokenOf(record: Pick<KeyRecord, "id" | "createdAtMs" | "linkVersion">): string {
    return `${record.id}.${this.#macOf(record).toString("base64url")}`;
  }

  /** The key of a link, where it may be used now; undefined for every other token, in the same time. */
  keyOf(token: string): KeyEntry | undefined {
    const [, id = "", mac = "A".repeat(MAC_LENGTH)] = TOKEN.exec(token) ?? [];
    const { directory, clock } = this.#context;
    const entry = directory.view.keys.get(id);
    const expected = this.#macOf(entry?.record ?? { id, createdAtMs: 0 });
    const isRight = timingSafeEqual(expected, Buffer.from(mac, "base64url"));
    const isUsable = directory.view.isInForce(id, clock.now()) && (entry?.record.startsAtMs ?? 0) <= clock.now();
    return isRight && isUsable ? entry : undefined;
  }

  linkOf({ record }: KeyEntry): AccessLink {
    const base = this.#baseUrl();
    if (base === undefined) return { sip008Url: "", ssconfUrl: "" };
    const token = this.tokenOf(record);
    const name = encodeURIComponent(record.displayName || record.id);
    const ssconfUrl = base.startsWith("https://") ? `${base.replace("https:", "ssconf:")}/ssconf/${token}#${name}` : "";
    return { sip008Url: `${base}/sip008/${token}`, ssconfUrl };
  }

  /** Ends the key's links and gives the new one. `version` 0: whatever it is now. */
  async rotate(id: string, version: number): Promise<AccessLink> {
    const { directory } = this.#context;
    await awaitVersion(directory, version);
    await this.#writer.commit(() => {
      const entry = changeable(directory.view.keys.get(id), `access key "${id}"`, version);
      const record: KeyRecord = { ...entry.record, linkVersion: (entry.record.linkVersion ?? 0) + 1 };
      return { puts: [{ kind: "key", record }], expect: [{ kind: "key", id, version: entry.version }] };
    });
    return this.linkOf(changeable(directory.view.keys.get(id), `access key "${id}"`));
  }

  #macOf({ id, createdAtMs, linkVersion = 0 }: Pick<KeyRecord, "id" | "createdAtMs" | "linkVersion">): Buffer {
    const secret = this.#context.settings.linkSecret ?? this.#ownSecret;
    return createHmac("sha256", secret).update(`access-link\0${id}\0${createdAtMs}\0${linkVersion}`).digest().subarray(0, MAC_BYTES);
  }
}
