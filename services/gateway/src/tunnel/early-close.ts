import { type Connection, hear, type Pump } from "@shadowfleet/transport";

/** How long a client that was answered may take to close. */
const LINGER_MS = 2000;

function discard(): void {}

/*
 * Both functions below are called right after `startPump` and wrap the handlers it has set on the far side, so that an upstream that leaves
 * before its first byte (wrong password, target out of reach: the protocol has no other way to say so) is told apart from an answer that ends.
 */

/**
 * For a client that was told of success: RST at once, so that it neither waits nor takes silence for an empty answer. A client that has
 * ended its own direction gets the upstream's end as it is: an upload without answer looks just like this.
 */
export function resetOnEarlyClose(client: Connection, target: Connection, pump: Pump): void {
  const { onEnd, onClose } = target;
  hear(target, {
    onEnd: () => {
      if (pump.bytesDown === 0 && !client.ended) pump.terminate("UPSTREAM_CLOSED_EARLY");
      else onEnd.call(target);
    },
    onClose: (error) => {
      if (pump.bytesDown === 0 && error !== undefined) pump.terminate("UPSTREAM_CLOSED_EARLY");
      onClose.call(target, error);
    },
  });
}

/** For a plain HTTP client: `answer()` and an orderly close. It has heard nothing yet, so it can be told what happened. */
export function answerEarlyClose(client: Connection, target: Connection, pump: Pump, answer: () => Buffer): void {
  const { onEnd, onClose } = target;
  const closeEarly = () => {
    const timer = setTimeout(() => client.destroy(), LINGER_MS).unref();
    const { onClose: onClientClose } = client;
    hear(client, {
      onClose: (error) => {
        clearTimeout(timer);
        onClientClose.call(client, error);
      },
    });
    // The rest of the request has nowhere to go, but has to be read: see `closeAfter`.
    client.onData = discard;
    client.send(answer());
    onEnd.call(target);
    client.resume();
  };
  hear(target, {
    onEnd: () => {
      if (pump.bytesDown > 0) {
        onEnd.call(target);
        return;
      }
      // Whoever closes last reports to the pump: it would reset the client if it heard of a broken far side now.
      hear(target, {
        onClose: () => {
          if (client.closed) onClose.call(target, undefined);
        },
      });
      closeEarly();
      target.destroy();
    },
    onClose: (error) => {
      if (pump.bytesDown === 0 && error !== undefined && !client.closed) closeEarly();
      else onClose.call(target, error);
    },
  });
}
