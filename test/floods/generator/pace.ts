const TICK_MS = 10;

/** Calls `send` at an even rate for so long, whatever becomes of what was sent: a flood does not wait for answers. */
export function atRate(perSecond: number, seconds: number, send: () => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const startedMs = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const elapsed = Math.min((performance.now() - startedMs) / 1000, seconds);
    for (const due = Math.floor(elapsed * perSecond); sent < due; sent++) send();
    if (elapsed < seconds) return;
    clearInterval(timer);
    resolve();
  }, TICK_MS);
  return promise;
}
