import { PseudoRandom } from "@shadowfleet/testkit";
import type { Finding } from "./finding.ts";
import type { FuzzInput, FuzzTarget } from "./target.ts";

/** An input of at most 70 kB is worth microseconds to milliseconds; a machine that is busy elsewhere gets the benefit of further tries. */
const SLOWEST_MS = 1_500;
const TRIES = 3;

/** What an input came to, or what it did that it must not. */
export type Execution = { readonly outcome: string } | { readonly kind: Finding["kind"]; readonly message: string };

/** Rejections that nobody handled since it was last asked. One per process. */
class Rejections {
  #message: string | undefined;

  constructor() {
    process.on("unhandledRejection", (reason) => {
      this.#message ??= textOf(reason);
    });
  }

  take(): string | undefined {
    const message = this.#message;
    this.#message = undefined;
    return message;
  }
}

let watched: Rejections | undefined;

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

export async function executeInput(target: FuzzTarget, input: FuzzInput): Promise<Execution> {
  const result = executeOnce(target, input);
  return result instanceof Promise ? await result : result;
}

/** Without a promise where the target needs none. Tells too of rejections that came up since the last call. */
export function executeOnce(target: FuzzTarget, input: FuzzInput): Execution | Promise<Execution> {
  watched ??= new Rejections();
  const started = performance.now();
  try {
    const outcome = target.execute(input.parts, new PseudoRandom(input.choice));
    if (typeof outcome === "string") return judged(target, input, outcome, started);
    return outcome.then(
      async (text) => {
        const rejection = watched?.take();
        return rejection === undefined ? { outcome: text } : { kind: "rejection", message: rejection };
      },
      (error: unknown) => ({ kind: "exception", message: textOf(error) }),
    );
  } catch (error) {
    return { kind: "exception", message: textOf(error) };
  }
}

/** For targets that answer at once: what their inputs left behind shows only when the event loop turns. */
export async function lateRejection(): Promise<string | undefined> {
  watched ??= new Rejections();
  await new Promise((resolve) => setImmediate(resolve));
  return watched.take();
}

function judged(target: FuzzTarget, input: FuzzInput, outcome: string, started: number): Execution {
  let quickest = performance.now() - started;
  for (let tries = 1; tries < TRIES && quickest > SLOWEST_MS; tries += 1) {
    const again = performance.now();
    void target.execute(input.parts, new PseudoRandom(input.choice));
    quickest = Math.min(quickest, performance.now() - again);
  }
  if (quickest <= SLOWEST_MS) return { outcome };
  return { kind: "hang", message: `one input takes ${Math.round(quickest)} ms` };
}
