/** Thrown by every wait of the test kit that came to its deadline. */
export class DeadlineError extends Error {
  constructor(what: string, deadlineMs: number) {
    super(`${what}: nothing within ${deadlineMs} ms`);
    this.name = "DeadlineError";
  }
}

/** The promise, or a DeadlineError that says what was waited for. The timer never outlives either. */
export async function withDeadline<T>(promise: Promise<T>, deadlineMs: number, what: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new DeadlineError(what, deadlineMs)), deadlineMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks `isSo` every few milliseconds until it is true; a DeadlineError otherwise. */
export async function eventually(what: string, isSo: () => boolean | Promise<boolean>, deadlineMs = 5_000): Promise<void> {
  const until = performance.now() + deadlineMs;
  while (!(await isSo())) {
    if (performance.now() > until) throw new DeadlineError(what, deadlineMs);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
