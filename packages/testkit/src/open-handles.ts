import { after } from "node:test";

const GRACE_MS = 1_000;
const POLL_MS = 10;

const REPORT_MS = 500;

/**
 * Fails the test file (or `describe` block) when sockets, servers, child processes or timers begun after this call are still there at its
 * end, and then ends the process, which they would keep from exiting. Closing takes turns of the event loop, so they get a second to go
 * away. What was unref'ed does not count. Hooks run in the order they are set: call it behind the `after` hooks that close things.
 */
export function expectNoOpenHandles(): void {
  const before = countHandles();
  after(async () => {
    const left = await leftOver(before);
    if (left.length === 0) return;
    // Long enough for the reporter to take the failure in; a process that can exit by itself does not wait for it.
    setTimeout(() => process.exit(1), REPORT_MS).unref();
    throw new Error(`still open at the end of the test: ${left.join(", ")}`);
  });
}

/** Kinds of resource that are there now beyond those in `before`, as "TCPSocketWrap x2"; waits up to a second for none. */
export async function leftOver(before: ReadonlyMap<string, number>): Promise<string[]> {
  const until = performance.now() + GRACE_MS;
  for (;;) {
    // Its own timer has fired by the time the resources are counted, so it is never among them.
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    const left = difference(before);
    if (left.length === 0 || performance.now() > until) return left;
  }
}

/** Resources that keep the process alive now, by kind. */
export function countHandles(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

function difference(before: ReadonlyMap<string, number>): string[] {
  return [...countHandles()].flatMap(([kind, count]) => {
    const more = count - (before.get(kind) ?? 0);
    return more > 0 ? [`${kind} x${more}`] : [];
  });
}
