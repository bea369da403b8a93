/**
 * What as many connections as its argument says leave behind: prints the resident memory in MiB after each tenth of them. Every connection
 * has two AEADs of subkeys, a few messages and never a word of farewell.
 */
import { AEAD_KEY_LENGTHS, type AeadAlgorithm, AWAITING_LENGTH } from "@shadowfleet/wire";
import { testBackend } from "./test-addon.ts";

const MIB = 1024 * 1024;
const PARTS = 10;
const connections = Number(process.argv[2]);
const backend = testBackend();
const algorithms = Object.keys(AEAD_KEY_LENGTHS).filter((name) => name !== "xchacha20-poly1305") as AeadAlgorithm[];
const request = Buffer.alloc(1024, 7);
const sealed = Buffer.alloc(2048);
const opened = Buffer.alloc(2048);

function connection(algorithm: AeadAlgorithm): void {
  const key = Buffer.alloc(AEAD_KEY_LENGTHS[algorithm], 1);
  const salt = Buffer.alloc(32, 2);
  const sealer = backend.subkeyAeads(algorithm, salt)(key);
  const opener = backend.subkeyAeads(algorithm, salt)(key);
  const size = sealer.sealChunks(Buffer.alloc(12), request, 0, request.length, 0x3fff, sealed, 0);
  const run = { nonce: Buffer.alloc(12), maxChunk: 0x3fff, payloadLength: AWAITING_LENGTH, consumed: 0, written: 0 };
  if (opener.openChunks(run, sealed, 0, size, opened, 0) !== "ok" || run.written !== request.length) throw new Error("did not open");
}

for (let part = 0; part < PARTS; part += 1) {
  for (let i = 0; i < connections / PARTS; i += 1) connection(algorithms[i % algorithms.length] as AeadAlgorithm);
  console.log((process.memoryUsage.rss() / MIB).toFixed(1));
}
