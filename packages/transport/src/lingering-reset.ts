import type { Connection } from "./connection.ts";

const CHECK_MS = 100;
const LIMIT_CHECKS = 20;

/**
 * Ends a connection whose stream broke off elsewhere: what was already sent is delivered, then RST, so that the peer cannot mistake the break
 * for an end of stream. A reset makes the kernel drop what it has not transmitted, so it waits until our pending writes are out and one to two
 * tenths of a second more; 2 s in all, for a peer that does not read. Nothing more is read meanwhile.
 */
export function resetWhenDelivered(connection: Connection): void {
  connection.pause();
  let checks = 0;
  let wasOut = false;
  const timer = setInterval(() => {
    checks += 1;
    const isOut = connection.pendingBytes === 0;
    if (checks >= LIMIT_CHECKS || (isOut && wasOut)) connection.reset();
    if (connection.closed || checks >= LIMIT_CHECKS || (isOut && wasOut)) clearInterval(timer);
    wasOut = isOut;
  }, CHECK_MS);
}
