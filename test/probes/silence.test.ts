import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { systemEnvironment } from "@shadowfleet/runtime";
import { freePort, type LoopbackTarget, type ProbeResult, probe, startEchoTarget } from "@shadowfleet/testkit";
import { addressFrom, type Credential, createClientStream, deriveCredential } from "@shadowfleet/wire";
import { type FleetProcess, startService } from "../fleet-process.ts";

const DEADLINE_MS = 3_000;
/** The relay looks at its deadlines every so often; nothing may close earlier, nor much later. */
const LATE_MS = 2_000;
const LENGTHS = Array.from({ length: 301 }, (_, length) => length);
const PAYLOAD_LENGTH = 320;

const PORTS = [
  { method: "aes-256-gcm", secret: "a password" },
  { method: "2022-blake3-aes-256-gcm", secret: randomBytes(32).toString("base64") },
].map((port) => ({ ...port, credential: credentialOf(port.method, port.secret) }));

function credentialOf(method: string, secret: string): Credential {
  const result = deriveCredential(method, secret);
  assert.ok(result.ok);
  return result.credential;
}

/** What each kind of prober writes at each length. */
type Probes = Readonly<Record<string, (length: number) => Buffer>>;

describe("a prober learns nothing from the relay", { timeout: 120_000 }, () => {
  const numbers = new Map<string, number>();
  let relay: FleetProcess;
  let echo: LoopbackTarget;

  before(async () => {
    echo = await startEchoTarget();
    for (const { method } of PORTS) numbers.set(method, await freePort());
    const ports = PORTS.map(({ method, secret }) => ({
      host: "127.0.0.1",
      port: numbers.get(method),
      method,
      keys: [{ id: method, secret }],
    }));
    relay = await startService("tcp-relay", { ports, timeouts: { handshake: `${DEADLINE_MS}ms` }, log: { level: "warn" } }, [
      "--allow-private-targets",
    ]);
  });
  after(async () => {
    await relay[Symbol.asyncDispose]();
    await echo.close();
  });

  /** Salt, header and payload of a valid request to the echo, in one piece. */
  function request(credential: Credential): Buffer {
    const target = addressFrom(echo.host, echo.port);
    assert.ok(target);
    return createClientStream(credential, systemEnvironment).sealRequest(target, randomBytes(PAYLOAD_LENGTH));
  }

  /** A valid request, seen answered: the relay serves. */
  async function assertServes(port: number, bytes: Buffer): Promise<void> {
    const result = await probe({ host: "127.0.0.1", port, pieces: [bytes], deadlineMs: 1_000 });
    assert.ok(result.received.length > PAYLOAD_LENGTH, `only ${result.received.length} bytes came back`);
  }

  for (const { method, credential } of PORTS) {
    test(`${method}: random, truncated, flipped and replayed first bytes of every length from 0 to 300 meet the same silence`, async () => {
      const port = numbers.get(method)!;
      const seen = request(credential);
      await assertServes(port, seen);
      const probes: Probes = {
        random: (length) => randomBytes(length),
        truncated: (length) => request(credential).subarray(0, length),
        flipped: (length) => flip(request(credential), length),
        replayed: (length) => (length === 300 ? seen : seen.subarray(0, length)),
      };
      const medians: number[] = [];
      for (const [kind, bytes] of Object.entries(probes)) {
        const results = await Promise.all(LENGTHS.map((length) => probeOnce(port, bytes(length))));
        for (const [length, result] of results.entries()) assertSilent(`${kind} ${length}`, result);
        medians.push(median(results.map(({ closedAfterMs }) => closedAfterMs)));
      }
      const spreadMs = Math.max(...medians) - Math.min(...medians);
      assert.ok(spreadMs < 600, `the kinds close at different times: ${medians.map(Math.round).join(", ")} ms`);
      await assertServes(port, request(credential));
    });
  }
});

function flip(bytes: Buffer, at: number): Buffer {
  bytes[at] = bytes[at]! ^ (1 << (at % 8));
  return bytes;
}

/** Lengths 0 and 1 alike: one piece, no FIN, watched well past the deadline. */
function probeOnce(port: number, bytes: Buffer): Promise<ProbeResult> {
  return probe({ host: "127.0.0.1", port, pieces: bytes.length > 0 ? [bytes] : [], deadlineMs: DEADLINE_MS + 2 * LATE_MS });
}

function assertSilent(what: string, { received, close, closedAfterMs }: ProbeResult): void {
  assert.equal(received.length, 0, `${what}: ${received.length} bytes came back`);
  assert.equal(close, "fin", `${what}: closed with ${close}`);
  assert.ok(closedAfterMs > DEADLINE_MS - 100, `${what}: closed after ${Math.round(closedAfterMs)} ms`);
  assert.ok(closedAfterMs < DEADLINE_MS + LATE_MS, `${what}: closed only after ${Math.round(closedAfterMs)} ms`);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
