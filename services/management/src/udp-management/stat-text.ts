import type { PortTotal } from "./port-commands.ts";

/** Beyond this a datagram would lean on rare IP fragments arriving; libev's receivers take about as much. */
export const MAX_STAT_BYTES = 32 * 1024;

const PREFIX = "stat: {";
const END = "}";

/**
 * `stat: {"8001":11370,"8002":0}` in as many datagrams as it takes: each has the prefix and is whole JSON behind it, and every port is in one
 * of them. Without ports, one that is empty.
 */
export function statMessages(totals: readonly PortTotal[], maxBytes: number = MAX_STAT_BYTES): string[] {
  const messages: string[] = [];
  let body = "";
  for (const { port, bytes } of totals) {
    const item = `"${port}":${bytes}`;
    if (body !== "" && PREFIX.length + body.length + 1 + item.length + END.length > maxBytes) {
      messages.push(PREFIX + body + END);
      body = "";
    }
    body += body === "" ? item : `,${item}`;
  }
  messages.push(PREFIX + body + END);
  return messages;
}
