import type { AccessKey, RelayConfig, SaltClaim, SharedSalts } from "@shadowfleet/relay";
import type { Attributes, ErrorCode, Metrics } from "@shadowfleet/runtime";
import type { AcceptedStream, MethodKind } from "@shadowfleet/wire";

/**
 * SIP022: a timestamp stays good for 60 s by one clock, and two relays that both serve a client of the right time may be 60 s apart.
 */
export const SIP022_WINDOW_SECONDS = 120;

const OUTCOMES = {
  fresh: { outcome: "OK" },
  seen: { outcome: "REPLAYED" satisfies ErrorCode },
  unavailable: { outcome: "REPLAY_UNCHECKED" satisfies ErrorCode },
} as const satisfies Record<SaltClaim, Attributes>;

export interface SharedReplayOptions {
  /** The set that relays share, as it is now; undefined where this one shares none. */
  readonly salts: () => SharedSalts | undefined;
  /** The set is that of one relay's workers, which share SIP004's salts whatever the setting for relays says. */
  readonly isOwnGroup: () => boolean;
  readonly config: () => RelayConfig;
  readonly metrics: Metrics;
}

/** The replay check across relays: which streams need it, and what follows from the answer. */
export class SharedReplay {
  readonly #options: SharedReplayOptions;

  constructor(options: SharedReplayOptions) {
    this.#options = options;
  }

  /**
   * Undefined where there is nothing to ask: the stream goes on in this very turn. Otherwise, never rejecting, why the stream must be refused, or undefined.
   * The scope is the access key: whoever holds another one cannot use up the salts of this one.
   */
  check({ key, salt }: AcceptedStream<AccessKey>): Promise<ErrorCode | undefined> | undefined {
    const salts = this.#options.salts();
    if (!salts) return undefined;
    const windowSeconds = this.#windowSeconds(key.credential.method.kind);
    return windowSeconds === 0 ? undefined : this.#claim(salts, key.id, salt, windowSeconds);
  }

  #windowSeconds(kind: MethodKind): number {
    if (kind === "aead-2022") return SIP022_WINDOW_SECONDS;
    const { isOwnGroup, config } = this.#options;
    const { replayFilter, sharedReplay } = config();
    return kind === "aead" && replayFilter && (sharedReplay.sip004 || isOwnGroup()) ? Math.ceil(sharedReplay.sip004WindowMs / 1000) : 0;
  }

  async #claim(salts: SharedSalts, keyId: string, salt: Buffer, windowSeconds: number): Promise<ErrorCode | undefined> {
    const claim = await salts.claim(keyId, salt, windowSeconds);
    this.#options.metrics.add("shadowsocks.replay.shared.claims", 1, OUTCOMES[claim]);
    if (claim === "seen") return "REPLAYED";
    return claim === "unavailable" && this.#options.config().sharedReplay.whenUnavailable === "refuse" ? "REPLAY_UNCHECKED" : undefined;
  }
}
