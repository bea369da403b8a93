import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { docker, engineMissingReason, eventually, runProgram } from "@shadowfleet/testkit";

const skip = engineMissingReason() ?? false;
const DEADLINE_MS = 60_000;

/** What the suites rely on, of the public images and of what stands in for them. */
describe("images that the tests build on", { skip }, () => {
  test("testcontainers' reaper removes what is labelled once nobody is connected, and nothing else", async () => {
    const label = `io.shadowfleet.reaped=${process.pid}-${Date.now()}`;
    const socket = "--volume=/var/run/docker.sock:/var/run/docker.sock";
    const reaper = await docker(["run", "--detach", "--publish=127.0.0.1::8080", socket, "testcontainers/ryuk:0.14.0"]);
    const kept = await docker(["create", "redis:7"]);
    try {
      const leftBehind = await docker(["create", "--label", label, "redis:7"]);
      const network = await docker(["network", "create", "--label", label, `reaped-${process.pid}`]);
      const port = Number((await docker(["port", reaper, "8080"])).split(":").at(-1));

      await eventually("an acknowledgement", () => isAcknowledged(port, `label=${encodeURIComponent(label)}\n`), DEADLINE_MS);
      await eventually("the container's removal", async () => !(await exists("container", leftBehind)), DEADLINE_MS);
      await eventually("the network's removal", async () => !(await exists("network", network)), DEADLINE_MS);
      assert.equal(await exists("container", kept), true);
    } finally {
      await docker(["rm", "--force", "--volumes", reaper, kept]);
    }
  });

  test("redis keeps its data where a volume belongs, as a user of its own, and answers other hosts", async () => {
    const redis = await docker(["run", "--detach", "redis:7", "--appendonly", "yes"]);
    try {
      const address = await docker(["inspect", "--format", "{{.NetworkSettings.IPAddress}}", redis]);
      const ask = (...words: string[]) => runProgram("docker", ["exec", redis, "redis-cli", "-h", address, ...words]);
      await eventually("an answer", async () => (await ask("set", "a", "b")).stdout.toString() === "OK\n", DEADLINE_MS);
      assert.equal((await ask("config", "get", "dir")).stdout.toString(), "dir\n/data\n");
      assert.match(await docker(["exec", redis, "grep", "Uid", "/proc/1/status"]), /^Uid:\t999\t999\t999\t999$/);
    } finally {
      await docker(["rm", "--force", "--volumes", redis]);
    }
  });
});

/** Sends one line, waits for the answer and leaves. */
async function isAcknowledged(port: number, line: string): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    socket.write(line);
    const [answer] = (await once(socket, "data", { signal: AbortSignal.timeout(1_000) })) as [Buffer];
    return answer.toString() === "ACK\n";
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function exists(kind: "container" | "network", id: string): Promise<boolean> {
  return (await runProgram("docker", [kind, "inspect", id])).code === 0;
}
