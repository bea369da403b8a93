import type { Connection } from "./connection.ts";

/** What a connection calls. */
export type ConnectionHandlers = Partial<Pick<Connection, "onData" | "onEnd" | "onDrain" | "onClose">>;

/**
 * Sets the handlers that are named and leaves the others. Function literals go through here and are not assigned: V8 takes one that is assigned to a property
 * for a method and makes it in the old generation, where it dies with its connection and keeps everything it refers to through each collection of the young one.
 */
export function hear(connection: Connection, { onData, onEnd, onDrain, onClose }: ConnectionHandlers): void {
  if (onData !== undefined) connection.onData = onData;
  if (onEnd !== undefined) connection.onEnd = onEnd;
  if (onDrain !== undefined) connection.onDrain = onDrain;
  if (onClose !== undefined) connection.onClose = onClose;
}
