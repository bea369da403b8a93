import { setImmediate as turn } from "node:timers/promises";
import { codeOf, type ErrorCode, type Logger } from "@shadowfleet/runtime";
import { applySpan } from "./apply-span.ts";
import { ConfigurationFold, type Version } from "./configuration-fold.ts";
import type { ConfigSnapshot, MemberCommand, WatchConfigResponse } from "./gen/shadowfleet/v1/config.ts";
import type { MemberOrder } from "./member.ts";
import { type MemberConfiguration, NO_CONFIGURATION } from "./member-configuration.ts";

/**
 * Makes a configuration the one in force, or throws having changed nothing that matters: then all of it is asked for anew. One call at a time,
 * in the order of management's messages; changes that came during a call are handed over together. `removedKeys` were taken away since the
 * call before, even if they are back: their sessions end.
 */
export type ApplyConfiguration = (configuration: MemberConfiguration, removedKeys: ReadonlySet<string>) => void | Promise<void>;

export interface ConfigInboxOptions {
  readonly apply: ApplyConfiguration;
  /** In order with the configuration. */
  readonly command: (order: MemberOrder) => void;
  /** Another revision is in force. */
  readonly onApplied: () => void;
  /** What came could not be applied; the stream is of no further use. */
  readonly onFailed: (code: ErrorCode) => void;
  readonly logger: Logger;
}

const MAX_TRACEPARENTS = 16;
const NOTHING: Version = { revision: 0n, generation: "" };

/** Takes management's messages in and brings them into force one after the other. Of a stream that is over, nothing more is applied. */
export class ConfigInbox {
  readonly #options: ConfigInboxOptions;
  #applied: MemberConfiguration | undefined;
  #fold = new ConfigurationFold(NO_CONFIGURATION);
  #open = false;
  /** The stream goes on from what is in force, or has brought a whole configuration: there is something to change. */
  #hasGround = false;
  #askForAll = false;
  #queue: WatchConfigResponse[] = [];
  /** Of a snapshot that goes on. */
  #parts: ConfigSnapshot[] = [];
  /** Of the writes that are in the fold and not in force. */
  #traceparents: string[] = [];
  #working: Promise<void> | undefined;

  constructor(options: ConfigInboxOptions) {
    this.#options = options;
  }

  /** What is in force; undefined until the first configuration was applied. */
  get configuration(): MemberConfiguration | undefined {
    return this.#applied;
  }

  /** What the next stream is to go on from. */
  get known(): Version {
    return this.#askForAll ? NOTHING : (this.#applied ?? NOTHING);
  }

  /** From now on messages are those of a new stream. */
  open(): void {
    this.#open = true;
    this.#hasGround = this.known !== NOTHING;
    this.#queue = [];
    this.#parts = [];
    this.#traceparents = [];
    const inForce = this.#applied ?? NO_CONFIGURATION;
    // Something was taken in that never came into force.
    if (this.#fold.current !== inForce) this.#fold = new ConfigurationFold(inForce);
  }

  /** The stream is over. Resolves when what is being applied is applied. */
  async close(): Promise<void> {
    this.#open = false;
    await this.#working;
  }

  receive(message: WatchConfigResponse): void {
    if (!this.#open) return;
    this.#queue.push(message);
    this.#working ??= this.#work()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#working = undefined;
      });
  }

  async #work(): Promise<void> {
    // What else has arrived by then is applied with the first message.
    await turn();
    while (this.#queue.length > 0 && this.#open) {
      const batch = this.#queue;
      this.#queue = [];
      for (const message of batch) {
        if (message.event?.$case === "command") await this.#obey(message.event.value);
        else this.#take(message);
      }
      await this.#bringIntoForce();
    }
  }

  #take({ event, traceparents, ...version }: WatchConfigResponse): void {
    this.#traceparents = [...this.#traceparents, ...traceparents].slice(-MAX_TRACEPARENTS);
    switch (event?.$case) {
      case "snapshot":
        this.#parts.push(event.value);
        if (event.value.more) return;
        this.#fold.replace(this.#parts, version);
        this.#parts = [];
        this.#hasGround = true;
        return;
      case "delta":
        if (this.#hasGround) this.#fold.change(event.value, version);
        return;
      default:
        if (this.#hasGround) this.#fold.move(version);
    }
  }

  async #obey({ command }: MemberCommand): Promise<void> {
    await this.#bringIntoForce();
    if (!command || !this.#open) return;
    try {
      this.#options.command(command);
    } catch (error) {
      this.#options.logger.error({ code: codeOf(error), command: command.$case, err: error }, "a command of management failed");
    }
  }

  async #bringIntoForce(): Promise<void> {
    const before = this.#applied;
    const next = this.#fold.current;
    if (!this.#open || this.#parts.length > 0 || next === (before ?? NO_CONFIGURATION)) return;
    const { apply, onApplied, logger } = this.#options;
    const removedKeys = this.#fold.takeRemovedKeys();
    const traceparents = this.#traceparents.splice(0);
    const onlyMoved = before !== undefined && removedKeys.size === 0 && isSame(before, next);
    if (!onlyMoved) await applySpan(next.revision, traceparents, async () => apply(next, removedKeys));
    this.#applied = next;
    this.#askForAll = false;
    if (!onlyMoved) logger[before ? "debug" : "info"]({ revision: String(next.revision) }, "configuration applied");
    if (!onlyMoved || before.revision !== next.revision) onApplied();
  }

  #fail(error: unknown): void {
    const { onFailed, logger } = this.#options;
    const { revision } = this.#fold.current;
    logger.error({ code: codeOf(error), revision: String(revision), err: error }, "a configuration could not be applied");
    this.#open = false;
    this.#askForAll = true;
    onFailed(codeOf(error));
  }
}

function isSame(a: MemberConfiguration, b: MemberConfiguration): boolean {
  return a.ports === b.ports && a.upstreams === b.upstreams && a.failCounts === b.failCounts;
}
