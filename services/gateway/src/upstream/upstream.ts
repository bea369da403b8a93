import type { Credential } from "@shadowfleet/wire";

/** A relay as the gateway sees it. */
export interface Upstream {
  /** Names it in logs, metrics and failCnt; unique in a configuration and kept over reloads. */
  readonly id: string;
  /** A name, or a literal address without brackets. */
  readonly host: string;
  /** Where UDP goes: mostly the same. */
  readonly udpHost: string;
  readonly port: number;
  readonly credential: Credential;
  /** The name people gave it. */
  readonly tag: string | undefined;
}
