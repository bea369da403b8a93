import { once } from "node:events";
import net from "node:net";
import type { TestContext } from "node:test";
import { Worker } from "node:worker_threads";

// Listens with the shortest accept queue and then stands still, so that the kernel drops further connection requests.
const STANDSTILL = `
  const { parentPort, workerData } = require("node:worker_threads");
  const server = require("node:net").createServer((socket) => socket.on("error", () => {}));
  server.listen({ host: workerData.host, port: workerData.port, backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    Atomics.wait(workerData.gate, 0, 0);
  });
`;
const CONNECTED_WITHIN_MS = 100;

export interface BlackHole extends AsyncDisposable {
  readonly port: number;
  /** Lets it accept from now on. */
  release(): void;
}

async function connects(socket: net.Socket): Promise<boolean> {
  const timeout = AbortSignal.timeout(CONNECTED_WITHIN_MS);
  return await once(socket, "connect", { signal: timeout }).then(
    () => true,
    () => false,
  );
}

/** The same for as long as a test runs. */
export async function blackHole(t: TestContext, host: string, port = 0): Promise<BlackHole> {
  const hole = await startBlackHole(host, port);
  t.after(() => hole[Symbol.asyncDispose]());
  return hole;
}

/** A loopback address and port where connecting neither succeeds nor fails. */
export async function startBlackHole(host: string, port = 0): Promise<BlackHole> {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const release = (): void => {
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
  };
  const worker = new Worker(STANDSTILL, { eval: true, workerData: { host, port, gate } });
  const [bound] = await once(worker, "message");
  const fillers: net.Socket[] = [];
  const close = async (): Promise<void> => {
    for (const socket of fillers) socket.destroy();
    release();
    await worker.terminate();
  };
  do fillers.push(net.connect({ host, port: bound }).on("error", () => {}));
  while (await connects(fillers.at(-1)!));
  return { port: bound, release, [Symbol.asyncDispose]: close };
}
