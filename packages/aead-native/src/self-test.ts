import { AEAD_KEY_LENGTHS, type AeadAlgorithm, type AeadBackend, AWAITING_LENGTH, type ChunkRun } from "@shadowfleet/wire";

/** What comes of PLAINTEXT under the key 00 01 02 …: as the first chunk of a stream, and as one message under the subkey of SALT. */
const KNOWN_ANSWERS: Readonly<Record<AeadAlgorithm, readonly [chunk: string, message: string]>> = {
  "aes-128-gcm": [
    "49ddbbecb9507a1de5dd518eda171ff67d923fd5b861f2c1f4027dc14c6ae8114cd26c4d212f3115a24456b517",
    "749167f74e681a48d187ec2147f1d0e8aef726e44ea0a8aded045c",
  ],
  "aes-192-gcm": [
    "db08f8838a2111b19348aaf345cea85fe05ebb260990a25e3e778027806f4f47cd5dcabeb9d3da3495ccdea98d",
    "5f52d4ffa8a198efab21a688da160378d84ee114ae26b16fcd1bbb",
  ],
  "aes-256-gcm": [
    "0eb73c1576910ad8f282506f3d18b4914db29144e35bcbd88a6b2f6171d085d05424bc72aeae82fc42b3ebdf4b",
    "98af0dbca49acd447a52f54c211ef3970dfd28f96aba4d1b427a82",
  ],
  "chacha20-poly1305": [
    "18b39f244eefcecc7cefd0e1467026478286e7571a8aab94fa46123ea7058466ca31105c4ca93dbc3601033918",
    "0926dfae9841df4fb7d61b75691429a40326bd8e017b2a35592b0c",
  ],
  "xchacha20-poly1305": [
    "950d6b2bc0ea1782ee104569b6a4dbd0d355c96b1a33f66aedeb37e25c1fcd12259ff08c5c13a35f4a40e834bb",
    "0534f51727d4e297bb6180833f3d8832f2c93d2aadd97de8b2e67b",
  ],
};

const PLAINTEXT = Buffer.from("shadowfleet");
const SALT = Buffer.alloc(32, 0x5a);
const MAX_CHUNK = 0x3fff;

/**
 * Whether a backend gives the known answers for every algorithm, opens them, and refuses them with a bit changed: under a millisecond, before
 * anybody's traffic depends on it. Throws an Error that says in one line what is wrong.
 */
export function selfTest(backend: AeadBackend): void {
  for (const algorithm of Object.keys(KNOWN_ANSWERS) as AeadAlgorithm[]) {
    if (!givesKnownAnswers(backend, algorithm)) throw new Error(`its self-test fails for ${algorithm}`);
  }
}

function givesKnownAnswers(backend: AeadBackend, algorithm: AeadAlgorithm): boolean {
  const [chunk, message] = KNOWN_ANSWERS[algorithm].map((hex) => Buffer.from(hex, "hex")) as [Buffer, Buffer];
  const key = Buffer.from(Array.from({ length: AEAD_KEY_LENGTHS[algorithm] }, (_, i) => i));
  const aead = backend.createAead(algorithm, key);
  const nonce = () => Buffer.alloc(aead.nonceLength);

  const sealed = Buffer.alloc(chunk.length);
  const written = aead.sealChunks(nonce(), PLAINTEXT, 0, PLAINTEXT.length, MAX_CHUNK, sealed, 0);
  if (written !== chunk.length || !sealed.equals(chunk)) return false;

  const opened = Buffer.alloc(PLAINTEXT.length);
  const start = (): ChunkRun => ({ nonce: nonce(), maxChunk: MAX_CHUNK, payloadLength: AWAITING_LENGTH, consumed: 0, written: 0 });
  const run = start();
  if (aead.openChunks(run, chunk, 0, chunk.length, opened, 0) !== "ok" || run.consumed !== chunk.length || !opened.equals(PLAINTEXT)) {
    return false;
  }
  chunk[chunk.length - 1] = (chunk.at(-1) as number) ^ 1;
  if (aead.openChunks(start(), chunk, 0, chunk.length, opened, 0) !== "AUTH_FAILED") return false;

  const underSubkey = Buffer.alloc(message.length);
  const subkeyAead = backend.subkeyAeads(algorithm, SALT)(key);
  subkeyAead.seal(nonce(), PLAINTEXT, 0, PLAINTEXT.length, underSubkey, 0);
  return underSubkey.equals(message) && subkeyAead.open(nonce(), message, 0, message.length, opened, 0) && opened.equals(PLAINTEXT);
}
