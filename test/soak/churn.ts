import { setTimeout as sleep } from "node:timers/promises";
import { AccessKey, DeleteAccessKeyRequest, DeletePortRequest, Port, RotateSecretRequest } from "@shadowfleet/control-api";
import { freePort, openSocket, socks5Request } from "@shadowfleet/testkit";
import type { ChaosFleet } from "../chaos/chaos-fleet.ts";
import { holdGarbage } from "../chaos/garbage.ts";
import { associateThrough } from "../traffic/datagrams.ts";
import { Download } from "../traffic/flow.ts";
import { ECHO_PORT, SINK_PORT } from "../traffic/target/ports.ts";

const PAYLOAD = Buffer.alloc(600, "churn ");
const ANSWER_WAIT_MS = 2_000;
const GARBAGE_CONNECTIONS = 10;
/** Of access keys. */
const NAMES = 8;
const DOWNLOAD = { bytesPerSecond: 400_000, total: 200_000 };

/** What is done over and over, each at a pace of its own; an attempt that a fault spoils is counted and the next one comes. */
export class Churn implements AsyncDisposable {
  readonly done = new Map<string, number>();
  readonly failed = new Map<string, number>();
  readonly #loops: Promise<void>[];
  #isRunning = true;

  private constructor(chaos: ChaosFleet, port: number) {
    const { proxy, target } = chaos;
    const at = (port: number) => ({ proxy, target: { host: target.host, port } });
    this.#loops = [
      this.#repeat("connections", 15, async () => {
        const { socket } = await socks5Request(at(ECHO_PORT));
        socket.resume().end(PAYLOAD);
        await new Promise((resolve) => socket.once("close", resolve).once("end", resolve));
        socket.destroy();
      }),
      this.#repeat("connections reset", 40, async () => {
        const { socket } = await socks5Request(at(SINK_PORT));
        socket.write(PAYLOAD);
        socket.resetAndDestroy();
      }),
      this.#repeat("downloads", 250, async () => {
        const download = await Download.start({ proxy, target: target.host, ...DOWNLOAD });
        if ((await download.ended) !== "complete") throw new Error("it was cut");
      }),
      this.#repeat("requests left half-way", 100, async () => {
        const socket = await openSocket(proxy);
        socket.write(Buffer.from([5, 1]));
        await sleep(5);
        socket.destroy();
      }),
      this.#repeat("UDP associations", 40, async () => {
        await using association = await associateThrough({ proxy: () => chaos.proxy, udpProxy: () => chaos.udpProxy });
        association.send({ host: target.host, port: ECHO_PORT }, PAYLOAD);
        await association.receive(ANSWER_WAIT_MS);
      }),
      this.#repeat("garbage connections", 400, async () => {
        await using _garbage = await holdGarbage(chaos.fleet.tcpRelays[0]!, GARBAGE_CONNECTIONS);
      }),
      this.#repeat("access keys", 150, (round) => changeKey(chaos, round)),
      this.#repeat("ports", 500, () => changePort(chaos, port)),
    ];
  }

  static async start(chaos: ChaosFleet): Promise<Churn> {
    return new Churn(chaos, await freePort());
  }

  /** Begins nothing new and waits for what runs. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    await Promise.all(this.#loops);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #repeat(what: string, everyMs: number, once: (round: number) => Promise<void>): Promise<void> {
    this.done.set(what, 0);
    this.failed.set(what, 0);
    for (let round = 0; this.#isRunning; round++) {
      const outcome = await once(round).then(
        () => this.done,
        () => this.failed,
      );
      outcome.set(what, (outcome.get(what) ?? 0) + 1);
      await sleep(everyMs);
    }
  }
}

/** A key is made, gets another secret, and goes. Of what a fault keeps from going, the next round with that name disposes. */
async function changeKey({ api }: ChaosFleet, round: number): Promise<void> {
  const { accessKeys } = api.clients;
  const id = `soak-${round % NAMES}`;
  try {
    await api.call(accessKeys, accessKeys.createAccessKey, { accessKey: AccessKey.fromPartial({ id }), requestId: "" });
    await api.call(accessKeys, accessKeys.rotateSecret, RotateSecretRequest.fromPartial({ id, overlap: { seconds: 60n } }));
  } finally {
    await api.call(accessKeys, accessKeys.deleteAccessKey, DeleteAccessKeyRequest.fromPartial({ id }));
  }
}

/** A port is made, listened on by every relay, and goes. */
async function changePort({ api }: ChaosFleet, port: number): Promise<void> {
  const { ports } = api.clients;
  try {
    await api.call(ports, ports.createPort, { port: Port.fromPartial({ port, method: "chacha20-ietf-poly1305" }), requestId: "" });
  } finally {
    await api.call(ports, ports.deletePort, DeletePortRequest.fromPartial({ port }));
  }
}
