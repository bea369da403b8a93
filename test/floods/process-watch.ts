import { readdirSync } from "node:fs";
import { type ProcessUsage, readUsage, usageBetween } from "../bench/measure/process-usage.ts";

const EVERY_MS = 100;

/** What a process used while it was watched. */
export interface WatchedUsage {
  readonly peakRssBytes: number;
  readonly peakDescriptors: number;
  /** CPU seconds per second. */
  readonly cpuShare: number;
}

/** Looks at a process from outside, which costs it nothing. */
export class ProcessWatch {
  readonly #pid: number;
  readonly #before: ProcessUsage;
  readonly #timer: NodeJS.Timeout;
  #peakRssBytes = 0;
  #peakDescriptors = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.#before = readUsage(pid);
    this.#look();
    this.#timer = setInterval(() => this.#look(), EVERY_MS);
  }

  stop(): WatchedUsage {
    clearInterval(this.#timer);
    this.#look();
    const { cpuShare } = usageBetween(this.#before, readUsage(this.#pid));
    return { peakRssBytes: this.#peakRssBytes, peakDescriptors: this.#peakDescriptors, cpuShare };
  }

  #look(): void {
    this.#peakRssBytes = Math.max(this.#peakRssBytes, readUsage(this.#pid).rssBytes);
    this.#peakDescriptors = Math.max(this.#peakDescriptors, readdirSync(`/proc/${this.#pid}/fd`).length);
  }
}
