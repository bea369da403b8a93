import type { Credential } from "@shadowfleet/wire";

/** A SIP003 plugin that TCP goes through; UDP goes around it. */
export interface UpstreamPlugin {
  /** Absolute path: one of those that the gateway's own file allows. */
  readonly program: string;
  readonly pluginOptions: string;
}

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
  /** Only where the gateway's own file asks for one. */
  readonly plugin?: UpstreamPlugin | undefined;
  /** The name people gave it. */
  readonly tag: string | undefined;
}
