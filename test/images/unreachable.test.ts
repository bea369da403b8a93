import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { engineMissingReason, eventually } from "@shadowfleet/testkit";
import { ServiceContainer, type ServiceName } from "./service-container.ts";

const skip = engineMissingReason() ?? false;
const DEADLINE_MS = 30_000;

/** Nothing listens there in a container of its own. */
const store = { type: "redis", url: "redis://127.0.0.1:6399" };
const fleet = { management: { addresses: ["127.0.0.1:9190"], insecure: true }, store };

const MANAGEMENT_AWAY = /"level":"warn".*"msg":"management away, there is no configuration yet: .*ECONNREFUSED 127\.0\.0\.1:9190/;
const STORE_AWAY = /"level":"error".*"code":"STORE_UNAVAILABLE".*ECONNREFUSED 127\.0\.0\.1:6399/;

/** What each service says about itself while what it depends on cannot be reached. */
const CASES: readonly { readonly name: ServiceName; readonly config: object; readonly detail: object; readonly line: RegExp }[] = [
  { name: "management", config: { store }, detail: { store: "away", configuration: "not known yet" }, line: STORE_AWAY },
  { name: "tcp-relay", config: { fleet }, detail: { management: "away", configuration: "none yet" }, line: MANAGEMENT_AWAY },
  { name: "udp-relay", config: { fleet }, detail: { management: "away", configuration: "none yet" }, line: MANAGEMENT_AWAY },
  {
    name: "gateway",
    config: { listen: { host: "0.0.0.0" }, fleet },
    detail: { management: "away", configuration: "none yet" },
    line: MANAGEMENT_AWAY,
  },
];

interface ReadyAnswer {
  readonly ready: boolean;
  readonly apps: Readonly<Record<string, { readonly details: Readonly<Record<string, string>> }>>;
}

describe("what a service depends on is not there when it starts", { skip }, () => {
  for (const { name, config, detail, line } of CASES) {
    test(`${name}: not ready with a reason, in the log too, and it goes on trying`, async () => {
      await using container = await ServiceContainer.start(name, config);
      await eventually("a line in the log", async () => line.test(await container.logs()), DEADLINE_MS);
      const answer = await container.readiness();
      assert.equal(answer?.status, 503);
      const { ready, apps } = JSON.parse(answer?.body ?? "") as ReadyAnswer;
      assert.equal(ready, false);
      assert.partialDeepStrictEqual(apps[name]?.details, detail);
      assert.equal((await container.state()).Running, true);
      assert.equal((await container.stop()).exitCode, 0);
    });
  }
});
