import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createClientPacketCodec, createClientStream, createServerHandshake, createServerPacketCodec } from "../../src/index.ts";
import { accepted, methodNamed, NOW, pushAll, ScriptedEnvironment, target } from "../sip022/fixtures.ts";
import { credentialFor, sip004Vectors, TrialRing } from "./fixtures.ts";

const NO_FILTER = { saltFilter: undefined };
const EXAMPLE = target("example.com", 80);
const DNS = target("8.8.8.8", 53);

for (const vectors of sip004Vectors) {
  const { method: name, password, salt, payload } = vectors;
  const stream = Buffer.from(vectors.tcp_stream, "hex");
  const packet = Buffer.from(vectors.udp_packet, "hex");
  const scripted = () => new ScriptedEnvironment(NOW, [salt]);

  describe(`${name} vectors`, () => {
    it("are what the client sends: address chunk, then a payload chunk", () => {
      const client = createClientStream(credentialFor(name, password), scripted());
      const request = client.sealRequest(EXAMPLE, Buffer.alloc(0));
      assert.equal(request.toString("hex"), vectors.tcp_parts.slice(0, 3).join(""));
      assert.equal(pushAll(client.sealer, Buffer.from(payload)).toString("hex"), vectors.tcp_parts.slice(3).join(""));
    });

    it("are what the server reads", () => {
      const handshake = createServerHandshake(methodNamed(name), new TrialRing(name, [password]), new ScriptedEnvironment(), NO_FILTER);
      const outcome = accepted(handshake.push(stream, 0, stream.length));
      assert.deepEqual(outcome.target, EXAMPLE);
      assert.equal(outcome.payload.toString(), payload);
      assert.equal(outcome.salt.toString("hex"), salt);
    });

    it("are what client and server make of a packet", () => {
      const client = createClientPacketCodec(credentialFor(name, password), scripted());
      assert.deepEqual(client.seal(DNS, Buffer.from(vectors.udp_payload)), packet);
      const ring = new TrialRing(name, [password]);
      const server = createServerPacketCodec(methodNamed(name), scripted(), NO_FILTER);
      const request = server.open(packet, ring);
      assert.ok(request.ok);
      assert.deepEqual(request.target, DNS);
      assert.equal(request.payload.toString(), vectors.udp_payload);
      assert.equal(request.session, undefined);
      assert.deepEqual(server.seal(request.key, undefined, DNS, Buffer.from(vectors.udp_payload)), packet);
      const answer = client.open(packet);
      assert.ok(answer.ok);
      assert.deepEqual(answer.source, DNS);
      assert.equal(answer.payload.toString(), vectors.udp_payload);
    });
  });
}

describe("public capture of shadowsocks-libev (shadowsocks-org issue 184)", () => {
  it("names the target", () => {
    const capture = Buffer.from(
      "b0cee48154f678d86bb11ef35c4a069fedd6c7748ceca018702f104a6f52b22b" +
        "9119ac97fb74c9de333a57fedcd71c604672" +
        "e1a875f93ec46ae9fa1526459721638a7f3d042e96d34cab26ea4f61a9fe86",
      "hex",
    );
    const ring = new TrialRing("aes-256-gcm", ["someone else", "mypassword"]);
    const handshake = createServerHandshake(methodNamed("aes-256-gcm"), ring, new ScriptedEnvironment(), NO_FILTER);
    const outcome = accepted(handshake.push(capture, 0, capture.length));
    assert.deepEqual(outcome.target, EXAMPLE);
    assert.equal(outcome.payload.length, 0);
    assert.deepEqual(ring.hits, ["mypassword"]);
  });
});
