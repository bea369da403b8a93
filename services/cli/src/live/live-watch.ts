import { setTimeout as pause } from "node:timers/promises";
import { WatchTrafficRequest } from "@shadowfleet/control-api";
import type { FleetConnection } from "../connection/fleet-connection.ts";
import { LiveRates } from "./live-rates.ts";

/** An interval without a message is taken as one in which nothing moved once it is so many intervals late. */
const SILENT_INTERVALS = 1.5;

/** Listens to traffic and sessions of the whole fleet. */
export class LiveWatch {
  readonly rates = new LiveRates();
  readonly #fleet: FleetConnection;
  readonly #intervalMs: number;
  #heardAtMs: number | undefined;

  constructor(fleet: FleetConnection, intervalMs: number) {
    this.#fleet = fleet;
    this.#intervalMs = intervalMs;
  }

  /**
   * Calls back every interval, until `signal` is aborted; `hasRates` is false for the first one, which has totals only. Rejects with Failure
   * when management can no longer be heard.
   */
  async run(signal: AbortSignal, onInterval: (hasRates: boolean) => void): Promise<void> {
    const ended = new AbortController();
    const either = AbortSignal.any([signal, ended.signal]);
    // Whichever ends first ends the others.
    const parts = [this.#listenToTraffic(either, onInterval), this.#listenToSessions(either), this.#noticeSilence(either, onInterval)];
    await Promise.all(parts.map((part) => part.finally(() => ended.abort())));
  }

  async #listenToTraffic(signal: AbortSignal, onInterval: (hasRates: boolean) => void): Promise<void> {
    const interval = { seconds: Math.floor(this.#intervalMs / 1000), nanos: (this.#intervalMs % 1000) * 1e6 };
    const request = WatchTrafficRequest.fromPartial({ interval });
    for await (const { message, isFirst } of this.#fleet.watch("traffic", "watchTraffic", request, signal)) {
      if (signal.aborted) return;
      this.rates.takeTraffic(message);
      this.#heardAtMs = performance.now();
      onInterval(!isFirst);
    }
  }

  async #listenToSessions(signal: AbortSignal): Promise<void> {
    for await (const { message, isFirst } of this.#fleet.watch("sessions", "watchSessions", { accessKeyId: "" }, signal)) {
      this.rates.takeSessions(message, isFirst);
    }
  }

  async #noticeSilence(signal: AbortSignal, onInterval: (hasRates: boolean) => void): Promise<void> {
    while (!signal.aborted) {
      await pause(this.#intervalMs / 2, undefined, { signal }).catch(() => {});
      const now = performance.now();
      if (signal.aborted || this.#heardAtMs === undefined || now - this.#heardAtMs < this.#intervalMs * SILENT_INTERVALS) continue;
      this.#heardAtMs = now;
      this.rates.takeSilence();
      onInterval(true);
    }
  }
}
