import type { App, Readiness } from "../src/index.ts";

/** An app that notes what it is told, and takes as long over it as the test says. */
export class RecordingApp implements App<unknown> {
  readonly calls: string[] = [];
  startWith: () => Promise<void> = async () => {};
  drainWith: () => Promise<void> = async () => {};
  state: Readiness = { ready: true, details: { ports: "1 of 1 bound" } };

  async start(): Promise<void> {
    this.calls.push("start");
    await this.startWith();
  }

  async reload(config: unknown): Promise<void> {
    this.calls.push(`reload ${JSON.stringify(config)}`);
  }

  readiness(): Readiness {
    return this.state;
  }

  async drain(deadlineMs: number): Promise<void> {
    this.calls.push(`drain ${deadlineMs}`);
    await this.drainWith();
  }
}
