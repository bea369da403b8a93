import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { systemEnvironment } from "@shadowfleet/runtime";
import { type LoopbackTarget, withDeadline } from "@shadowfleet/testkit";
import { addressFrom, type Credential, createClientPacketCodec, deriveCredential, type OpenedAnswer } from "@shadowfleet/wire";

/** The method nearly every config.json of the ancestor uses: a stream cipher, where any garbage decrypts to something. */
export const CLASSIC_METHOD = "aes-256-cfb";

export function credentialOf(method: string, secret: string): Credential {
  const result = deriveCredential(method, secret);
  assert.ok(result.ok);
  return result.credential;
}

/** A client's UDP socket that talks to several ports of a relay, each with its own password. */
export class PacketClient implements AsyncDisposable {
  readonly #socket: Socket = createSocket("udp4");
  readonly #arrived: { readonly datagram: Buffer; readonly port: number }[] = [];

  constructor() {
    this.#socket.on("message", (datagram, { port }) => this.#arrived.push({ datagram, port }));
  }

  sendRaw(datagram: Buffer, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(datagram, port, "127.0.0.1", (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Sends a payload through the relay's port and returns the opened answer, which must come from that port. */
  async exchange(
    port: number,
    credential: Credential,
    target: { readonly host: string; readonly port: number },
    payload: Buffer,
  ): Promise<OpenedAnswer> {
    const codec = createClientPacketCodec(credential, systemEnvironment);
    const address = addressFrom(target.host, target.port);
    assert.ok(address);
    await this.sendRaw(codec.seal(address, payload), port);
    const { datagram, port: from } = await this.#next();
    assert.equal(from, port, "the answer came from another port of the relay");
    const opened = codec.open(datagram);
    assert.ok(opened.ok, `the answer cannot be opened: ${opened.ok ? "" : opened.failure}`);
    return opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#socket, "close");
    this.#socket.close();
    await closed;
  }

  async #next(): Promise<{ readonly datagram: Buffer; readonly port: number }> {
    if (this.#arrived.length === 0) await withDeadline(once(this.#socket, "message"), 3_000, "a datagram from the relay");
    return this.#arrived.shift()!;
  }
}

/** A payload must come back from the echo, whatever happened before. */
export async function assertEchoes(client: PacketClient, port: number, credential: Credential, echo: LoopbackTarget): Promise<void> {
  const payload = Buffer.from(`alive ${Math.random()}`);
  const answer = await client.exchange(port, credential, echo, payload);
  assert.deepEqual(answer.payload, payload);
}
