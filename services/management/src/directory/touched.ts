/** Which resources may look different now. What they look like is asked of the view when it matters. */
export interface Touched {
  readonly ports: Set<number>;
  readonly keys: Set<string>;
  readonly upstreams: Set<string>;
  /** Of the keys, those that were not in force for a moment, even if they are again: their sessions end. */
  readonly gone: Set<string>;
  /** Traces of the writes that did it, as W3C traceparents: the newest ones of those that were traced. */
  readonly traceparents: string[];
}

const MAX_TRACEPARENTS = 16;

export function nothingTouched(): Touched {
  return { ports: new Set(), keys: new Set(), upstreams: new Set(), gone: new Set(), traceparents: [] };
}

export function addTouched(to: Touched, from: Touched): void {
  for (const port of from.ports) to.ports.add(port);
  for (const id of from.keys) to.keys.add(id);
  for (const id of from.upstreams) to.upstreams.add(id);
  for (const id of from.gone) to.gone.add(id);
  addTraceparents(to, from.traceparents);
}

export function addTraceparents({ traceparents }: Touched, more: readonly string[]): void {
  traceparents.push(...more);
  traceparents.splice(0, traceparents.length - MAX_TRACEPARENTS);
}

export function countTouched({ ports, keys, upstreams }: Touched): number {
  return ports.size + keys.size + upstreams.size;
}
