import assert from "node:assert/strict";
import { it } from "node:test";
import type { AppDeps } from "../../src/index.ts";
import { withSharedCaps } from "../../src/workers/with-shared-caps.ts";

interface Config {
  readonly connections: number;
  readonly perKey: number;
  readonly port: number;
}

const CONFIG: Config = { connections: 10, perKey: 3, port: 8388 };

it("a worker has its part of each cap, rounded up, at the start and after a reload; a service by itself has all", async () => {
  const seen: Config[] = [];
  const create = withSharedCaps<Config>(
    (config) => {
      seen.push(config);
      return {
        start: async () => {},
        reload: async (next) => void seen.push(next),
        readiness: () => ({ ready: true, details: {} }),
        drain: async () => {},
      };
    },
    ["connections", "perKey"],
  );
  const worker = { index: 1, count: 4, share: (cap: number) => Math.ceil(cap / 4) };
  const app = create(CONFIG, { worker } as unknown as AppDeps);
  await app.reload({ ...CONFIG, connections: 100 });
  create(CONFIG, {} as AppDeps);
  assert.deepEqual(seen, [{ connections: 3, perKey: 1, port: 8388 }, { connections: 25, perKey: 1, port: 8388 }, CONFIG]);
});
