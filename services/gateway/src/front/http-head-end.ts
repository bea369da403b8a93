const LF = 0x0a;
const CR = 0x0d;

/** Where looking for the end of a head led: its length, "more", or why it never ends. */
export type HeadEnd = number | "more" | "malformed" | "too-large";

/**
 * Finds the empty line that ends an HTTP head, over bytes that grow from call to call. Each byte is looked at once. A LF without CR before
 * it is refused: some servers take it for a line end and some do not, which is what request smuggling lives on.
 */
export class HeadEndFinder {
  readonly #maxLength: number;
  #scanned = 0;
  #lineStart = 0;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** `bytes` begins with the head's first byte and contains what earlier calls saw. */
  find(bytes: Buffer): HeadEnd {
    for (;;) {
      const lf = bytes.indexOf(LF, this.#scanned);
      if (lf === -1) break;
      if (lf >= this.#maxLength) return "too-large";
      if (bytes[lf - 1] !== CR) return "malformed";
      if (lf - 1 === this.#lineStart) return lf + 1;
      this.#scanned = lf + 1;
      this.#lineStart = lf + 1;
    }
    this.#scanned = bytes.length;
    return bytes.length >= this.#maxLength ? "too-large" : "more";
  }
}
