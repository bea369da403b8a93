/**
 * How long things take with `node:crypto` and with the accelerator: `node packages/aead-native/test/speed.ts`, some seconds. The two take
 * turns in short batches; a figure is the fastest batch, which a busy machine disturbs least.
 */

import { createHash } from "node:crypto";
import { createEnvironment, systemClock } from "@shadowfleet/runtime";
import {
  type AcceptedStream,
  AEAD_KEY_LENGTHS,
  type AeadAlgorithm,
  type AeadBackend,
  AWAITING_LENGTH,
  addressFrom,
  type Credential,
  createClientPacketCodec,
  createClientStream,
  createServerHandshake,
  createServerPacketCodec,
  deriveCredential,
  type KeyRing,
  nodeBackend,
  type ServerKey,
  type TargetAddress,
  useAeadBackend,
} from "@shadowfleet/wire";
import { testBackend } from "./test-addon.ts";

const BATCH_MS = 2;
const BATCHES = 60;
const KIB = 1024;
const MAX_CHUNK = 0x3fff;

const environment = createEnvironment(systemClock);
const target = addressFrom("example.org", 443) as TargetAddress;

type Work = () => unknown;
type Case = readonly [what: string, prepare: (backend: AeadBackend) => Work];

function credential(method: string, secret: string): Credential {
  const result = deriveCredential(method, secret);
  if (!result.ok) throw new Error(result.reason);
  return result.credential;
}

class Ring implements KeyRing<ServerKey> {
  readonly single: ServerKey;
  readonly identityKey = undefined;
  readonly #keys: readonly ServerKey[];

  constructor(keys: readonly Credential[]) {
    this.#keys = keys.map((key) => ({ credential: key }));
    this.single = this.#keys.at(-1) as ServerKey;
  }

  candidates = (): readonly ServerKey[] => this.#keys;
  byIdentity = (): undefined => undefined;
  found = (): void => {};
}

function chunks(algorithm: AeadAlgorithm, length: number): Case[] {
  const key = Buffer.alloc(AEAD_KEY_LENGTHS[algorithm], 1);
  const plain = Buffer.alloc(length, 2);
  const sealed = Buffer.alloc(length + KIB);
  const size = nodeBackend.createAead(algorithm, key).sealChunks(Buffer.alloc(12), plain, 0, length, MAX_CHUNK, sealed, 0);
  const scratch = Buffer.alloc(length + KIB);
  const nonce = Buffer.alloc(12);
  const seal = (backend: AeadBackend): Work => {
    const aead = backend.createAead(algorithm, key);
    return () => aead.sealChunks(nonce, plain, 0, length, MAX_CHUNK, scratch, 0);
  };
  const open = (backend: AeadBackend): Work => {
    const aead = backend.createAead(algorithm, key);
    const run = { nonce: Buffer.alloc(12), maxChunk: MAX_CHUNK, payloadLength: AWAITING_LENGTH, consumed: 0, written: 0 };
    return () => {
      run.nonce.fill(0);
      if (aead.openChunks(run, sealed, 0, size, scratch, 0) !== "ok") throw new Error("does not open");
    };
  };
  return [
    [`seal ${length / KIB} KiB, ${algorithm}`, seal],
    [`open ${length / KIB} KiB, ${algorithm}`, open],
  ];
}

/** Sessions of SIP022 keep their ciphers, so every backend has a key of its own. */
function packet(method: string, secretOf: (seed: string) => string, length: number): Case {
  const payload = Buffer.alloc(length, 3);
  return [
    `UDP packet of ${length} B sealed and opened, ${method}`,
    (backend) => {
      const key = credential(method, secretOf(backend.name));
      const ring = new Ring([key]);
      const client = createClientPacketCodec(key, environment);
      const server = createServerPacketCodec(key.method, environment, { saltFilter: undefined });
      return () => {
        if (!server.open(client.seal(target, payload), ring).ok) throw new Error("does not open");
      };
    },
  ];
}

/** A short connection's four messages at both ends: request with 1 KiB, its acceptance, the answer's 1 KiB, its opening. */
function connection(method: string, secret: string, wrongKeys = 0): Case {
  const key = credential(method, secret);
  const ring = new Ring([...Array.from({ length: wrongKeys }, (_, i) => credential(method, `wrong ${i}`)), key]);
  const payload = Buffer.alloc(KIB, 4);
  const scratch = Buffer.alloc(4 * KIB);
  const wrong = wrongKeys > 0 ? ` behind ${wrongKeys} wrong keys` : "";
  return [
    `short connection, both ends, ${method}${wrong}`,
    () => () => {
      const client = createClientStream(key, environment);
      const handshake = createServerHandshake(key.method, ring, environment, { saltFilter: undefined });
      const request = client.sealRequest(target, payload);
      const accepted = handshake.push(request, 0, request.length);
      if (accepted?.ok !== true) throw new Error("not accepted");
      const { sealer } = accepted as AcceptedStream<ServerKey>;
      const answer = Buffer.allocUnsafe(sealer.bound(KIB));
      const size = sealer.push(payload, 0, KIB, answer, 0);
      if (client.opener.push(answer, 0, size, scratch, 0) !== KIB) throw new Error("does not open");
    },
  ];
}

/** Microseconds of one call in a batch. */
function batch(work: Work): number {
  const until = performance.now() + BATCH_MS;
  const started = process.hrtime.bigint();
  let calls = 0;
  do {
    for (let i = 0; i < 8; i += 1) work();
    calls += 8;
  } while (performance.now() < until);
  return Number(process.hrtime.bigint() - started) / 1000 / calls;
}

const password = (seed: string): string => seed;
const preSharedKey = (seed: string): string => createHash("sha256").update(seed).digest("base64");

const cases: readonly Case[] = [
  ...chunks("aes-256-gcm", 64 * KIB),
  ...chunks("aes-128-gcm", 64 * KIB),
  ...chunks("chacha20-poly1305", 64 * KIB),
  ...chunks("aes-256-gcm", KIB),
  ...chunks("chacha20-poly1305", KIB),
  ...[512, 1200].flatMap((length) => [
    packet("aes-256-gcm", password, length),
    packet("chacha20-ietf-poly1305", password, length),
    packet("2022-blake3-aes-256-gcm", preSharedKey, length),
    packet("2022-blake3-chacha20-poly1305", preSharedKey, length),
  ]),
  connection("aes-256-gcm", "password"),
  connection("chacha20-ietf-poly1305", "password"),
  connection("2022-blake3-aes-256-gcm", preSharedKey("connection")),
  connection("aes-256-gcm", "password", 100),
];

const backends = [nodeBackend, testBackend()];
console.log("| µs | node:crypto | native | ratio |\n|---|---|---|---|");
for (const [what, prepare] of cases) {
  const works = backends.map((backend) => {
    useAeadBackend(backend);
    return prepare(backend);
  });
  const fastest = backends.map(() => Number.POSITIVE_INFINITY);
  for (let i = 0; i < BATCHES; i += 1) {
    for (const [b, backend] of backends.entries()) {
      useAeadBackend(backend);
      fastest[b] = Math.min(fastest[b] as number, batch(works[b] as Work));
    }
  }
  const [pure, native] = fastest as [number, number];
  console.log(`| ${what} | ${pure.toFixed(1)} | ${native.toFixed(1)} | ${(native / pure).toFixed(2)} |`);
}
