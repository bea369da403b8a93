import assert from "node:assert/strict";
import { randomFillSync } from "node:crypto";
import test from "node:test";
import { addressFrom, createClientPacketCodec, deriveCredential, onGarbage, type WireEnvironment } from "../src/index.ts";

const PAYLOAD = 1200;
const ENVIRONMENT: WireEnvironment = { random: (target) => void randomFillSync(target), unixSeconds: () => 1_700_000_000 };

for (const [method, secret] of [
  ["aes-256-gcm", "secret"],
  ["2022-blake3-aes-256-gcm", Buffer.alloc(32, 1).toString("base64")],
] as const) {
  test(`whoever asks is told of what a packet leaves behind: ${method}`, (t) => {
    const derived = deriveCredential(method, secret);
    assert.ok(derived.ok);
    const codec = createClientPacketCodec(derived.credential, ENVIRONMENT);
    let bytes = 0;
    onGarbage((more) => {
      bytes += more;
    });
    t.after(() => onGarbage(() => {}));
    const packet = codec.seal(addressFrom("192.0.2.1", 53)!, Buffer.alloc(PAYLOAD));
    assert.ok(bytes >= packet.length + PAYLOAD && bytes < 3 * packet.length, `${bytes} bytes`);
    const sealed = bytes;
    codec.open(packet);
    assert.ok(bytes > sealed, "what was opened is thrown away too");
  });
}
