/** A zeroed little-endian nonce counter (SIP004 §TCP, SIP022 §3.1): 12 bytes, or 24 for XChaCha20. */
export function createNonce(length: number): Buffer {
  return Buffer.alloc(length);
}

/** Adds one to a little-endian counter of any length, in place. */
export function incrementNonce(nonce: Buffer): void {
  for (let i = 0; i < nonce.length; i += 1) {
    const next = (nonce[i] as number) + 1;
    nonce[i] = next;
    if (next < 0x100) return;
  }
}
