const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 1_000;

/** Milliseconds before attempt `attempt` (from 1): doubling to 1 s, with jitter, so that a fleet does not come back all at once. */
export function retryDelayMs(attempt: number): number {
  const longest = Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempt, 16), MAX_RETRY_MS);
  return Math.round(longest * (0.5 + Math.random() / 2));
}
