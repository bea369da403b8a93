let listener: (bytes: number) => void = () => {};

/**
 * What is made for one message or packet and thrown away when it is sent lies outside V8's heap, whose own view of such memory is expensive: whoever runs
 * the process may want to know how much there is. One listener; called with the bytes of each.
 */
export function onGarbage(heard: (bytes: number) => void): void {
  listener = heard;
}

/** So many bytes will be garbage at once. */
export function discard(bytes: number): void {
  listener(bytes);
}

/** Memory, not filled, for one packet that is garbage once it is sent or read. */
export function passingBuffer(length: number): Buffer {
  discard(length);
  return Buffer.allocUnsafe(length);
}
