import { type Connection, hear } from "@shadowfleet/transport";

const LINGER_MS = 2000;

function discard(): void {}

/**
 * Sends a last answer and closes behind it, taking the connection over. What still comes is read and dropped until the peer closes too, 2 s at
 * most: closing with bytes unread would make the kernel send RST, which can overtake the answer.
 */
export function closeAfter(connection: Connection, answer: Buffer, onClosed: () => void): void {
  if (connection.closed) {
    onClosed();
    return;
  }
  const timer = setTimeout(() => connection.destroy(), LINGER_MS).unref();
  connection.onData = discard;
  connection.onEnd = discard;
  connection.onDrain = discard;
  hear(connection, {
    onClose: () => {
      clearTimeout(timer);
      onClosed();
    },
  });
  if (answer.length > 0) connection.send(answer);
  connection.end();
  connection.resume();
}

/** Closes now, taking the connection over. */
export function closeNow(connection: Connection, how: "destroy" | "reset", onClosed: () => void): void {
  if (connection.closed) {
    onClosed();
    return;
  }
  connection.onData = discard;
  connection.onEnd = discard;
  connection.onDrain = discard;
  connection.onClose = onClosed;
  connection[how]();
}
