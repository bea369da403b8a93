import assert from "node:assert/strict";
import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { mock, test } from "node:test";
import { ProxyUsers } from "../src/front/proxy-users.ts";

test("comparing takes the same steps whatever is wrong: one comparison of digests of one length", (t) => {
  const users = new ProxyUsers([
    { name: "alice", password: "a long password" },
    { name: "bob", password: "" },
  ]);
  const compare = mock.method(crypto, "timingSafeEqual");
  syncBuiltinESMExports();
  t.after(() => {
    compare.mock.restore();
    syncBuiltinESMExports();
  });
  for (const [name, password, admitted] of [
    ["alice", "a long password", "alice"],
    ["alice", "a long passwore", undefined],
    ["alice", "", undefined],
    ["alice", "x".repeat(10_000), undefined],
    ["nobody", "a long password", undefined],
    ["nobody", "", undefined],
    ["bob", "", "bob"],
  ] as const) {
    compare.mock.resetCalls();
    assert.equal(users.admit(Buffer.from(name), Buffer.from(password)), admitted, `${name} ${password.slice(0, 20)}`);
    assert.deepEqual(
      compare.mock.calls.map(({ arguments: [known, shown] }) => [known.byteLength, shown.byteLength]),
      [[32, 32]],
    );
  }
});
