import { LocalCallError, toRpcStatus } from "@shadowfleet/control-api";
import { connectErrorOf } from "./call-status.ts";

export const NDJSON = "application/x-ndjson; charset=utf-8";

/** An empty line when nothing was to say for so long: proxies cut what is silent. */
const SILENCE_MS = 15_000;

/** A line `{"result": message}` for each; a last `{"error": …}` where the call failed. Empty lines mean nothing. */
export async function* jsonLines(messages: AsyncGenerator<object, void>): AsyncGenerator<string, void> {
  try {
    // For the head to be sent at once.
    yield "\n";
    for (let next = messages.next(); ; ) {
      const result = await soon(next);
      if (result === undefined) {
        yield "\n";
        continue;
      }
      if (result.done) return;
      yield `${JSON.stringify({ result: result.value })}\n`;
      next = messages.next();
    }
  } catch (error) {
    const status = error instanceof LocalCallError ? error.status : toRpcStatus(error);
    yield `${JSON.stringify({ error: connectErrorOf(status) })}\n`;
  } finally {
    await messages.return();
  }
}

/** Undefined after a silence. */
async function soon<T>(next: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), SILENCE_MS);
  });
  try {
    return await Promise.race([next, silence]);
  } finally {
    clearTimeout(timer);
  }
}
