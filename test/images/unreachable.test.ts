import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { engineMissingReason, eventually } from "@shadowfleet/testkit";
import { ServiceContainer, type ServiceName } from "./service-container.ts";

const skip = engineMissingReason() ?? false;

/** Nothing listens there in a container of its own. */
const store = { type: "redis", url: "redis://127.0.0.1:6399" };
const fleet = { management: { addresses: ["127.0.0.1:9190"], insecure: true }, store };

/** What each service says about itself while what it depends on cannot be reached. */
const CASES: readonly { readonly name: ServiceName; readonly config: object; readonly reason: RegExp; readonly line: RegExp }[] = [
  { name: "management", config: { store }, reason: /store/i, line: /ECONNREFUSED|not reachable|unreachable/i },
  { name: "tcp-relay", config: { fleet }, reason: /management|configuration/i, line: /management/i },
  { name: "udp-relay", config: { fleet }, reason: /management|configuration/i, line: /management/i },
  { name: "gateway", config: { listen: { host: "0.0.0.0" }, fleet }, reason: /management|configuration/i, line: /management/i },
];

describe("what a service depends on is not there when it starts", { skip }, () => {
  for (const { name, config, reason, line } of CASES) {
    test(`${name}: not ready with a reason, in the log too, and it goes on trying`, async () => {
      await using container = await ServiceContainer.start(name, config);
      await eventually("an answer", async () => (await container.readiness()) !== undefined, 30_000);
      await sleep(4_000);
      const answer = await container.readiness();
      assert.equal(answer?.status, 503);
      assert.match(answer?.body ?? "", reason);
      assert.match(await container.logs(), line);
      assert.equal((await container.state()).Running, true);
      assert.equal((await container.stop()).exitCode, 0);
    });
  }
});
