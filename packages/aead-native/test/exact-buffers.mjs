// Seals and opens with buffers that end where the message does, for valgrind: one byte beyond any of them is seen, in OpenSSL's assembly code
// too. Plain JavaScript, for it runs without the JIT compiler and so without what takes types away. Argument: the addon.
import { createRequire } from "node:module";

const addon = createRequire(import.meta.url)(process.argv[2]);
const KEY_LENGTHS = [16, 24, 32, 32];
const LENGTHS = [
  0, 1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 513, 1023, 1400, 4095, 16_383, 16_400,
];
const TAG = 16;
const AWAITING_LENGTH = -1;
const exact = (length) => Buffer.allocUnsafeSlow(length).fill(length);

let messages = 0;
for (const [algorithm, keyLength] of KEY_LENGTHS.entries()) {
  for (const length of LENGTHS) {
    const [key, salt, src, sealed, opened] = [keyLength, 32, length, length + TAG, length].map(exact);
    const message = [algorithm, key, exact(12), salt];
    addon.seal(...message, src, 0, length, sealed, 0);
    if (!addon.open(...message, sealed, 0, sealed.length, opened, 0) || !opened.equals(src)) throw new Error(`${length} bytes do not open`);
    sealed[length] ^= 1;
    if (addon.open(...message, sealed, 0, sealed.length, opened, 0)) throw new Error("a wrong tag opens");

    const maxChunk = 1_400;
    const chunks = exact(length + Math.ceil(length / maxChunk) * (2 + 2 * TAG));
    addon.sealChunks(algorithm, key, Buffer.alloc(12), maxChunk, src, 0, length, chunks, 0);
    const state = Int32Array.of(AWAITING_LENGTH, 0, 0);
    addon.openChunks(algorithm, key, Buffer.alloc(12), maxChunk, chunks, 0, chunks.length, opened, 0, state);
    if (state[1] !== chunks.length || !opened.equals(src)) throw new Error(`chunks of ${length} bytes do not open`);
    messages += 1;
  }
}
console.log(messages, "lengths");
