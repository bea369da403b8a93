import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SharedMap } from "@shadowfleet/control-api";
import { createMemoryLogger } from "@shadowfleet/testkit";
import { PortPlans } from "../../src/fleet/port-plans.ts";
import type { KeyConfig, PortsChange } from "../../src/relay-config.ts";
import { at, configKey, configPort, configuration, memberPort, NOW_MS, psk } from "./member-records.ts";

const AES_2022 = "2022-blake3-aes-128-gcm";

function bench(allowInsecureCiphers = false) {
  const log = createMemoryLogger();
  return { plans: new PortPlans({ allowInsecureCiphers }, log.logger), log };
}

const named = ({ id, previousCredential }: KeyConfig): string => (previousCredential ? `${id}'` : id);

/** Of ports served: "a b"; of patches: "+a -b". With ' behind those whose old secret works. */
const shown = ({ served, patches, gone }: PortsChange): Readonly<Record<string, unknown>> => ({
  ...Object.fromEntries(served.map(({ port, keys }) => [port, keys.map(named).join(" ")])),
  ...Object.fromEntries(
    patches.map(({ port, put, removed }) => [port, [...put.map((key) => `+${named(key)}`), ...removed.map((id) => `-${id}`)].join(" ")]),
  ),
  ...(gone.length > 0 ? { gone } : {}),
});

const problemsOf = (plans: PortPlans) => Object.fromEntries(plans.problems());

describe("PortPlans", () => {
  test("turns records into ports with derived keys", () => {
    const { plans } = bench();
    const { served } = plans.follow(
      configuration(
        memberPort(configPort(8388), configKey("alice", 8388), configKey("bob", 8388, { displayName: "" })),
        memberPort(configPort(8389, { method: AES_2022, identityKey: psk(9), host: "" }), configKey("carol", 8389, { secrets: [psk(1)] })),
        memberPort(configPort(8390, { method: "2022-blake3-chacha20-poly1305" })),
      ),
      NOW_MS,
    );
    assert.deepEqual(
      served.map(({ host, port, method, identityKey, keys }) => [
        host,
        port,
        method?.name,
        identityKey?.toString("base64"),
        keys.map(({ name }) => name),
      ]),
      [
        ["127.0.0.1", 8388, "chacha20-ietf-poly1305", undefined, ["ALICE", "bob"]],
        ["::", 8389, AES_2022, psk(9), ["CAROL"]],
        ["127.0.0.1", 8390, "2022-blake3-chacha20-poly1305", undefined, []],
      ],
    );
    assert.deepEqual([plans.size, plans.unservable, plans.nextChangeMs], [3, 0, Number.POSITIVE_INFINITY]);
    assert.deepEqual(problemsOf(plans), { 8388: "", 8389: "", 8390: "" });
  });

  test("touches only what is another object, and derives only what is new", () => {
    const { plans } = bench();
    const [alice, bob] = [configKey("alice", 1), configKey("bob", 1)];
    const other = memberPort(configPort(2), configKey("carol", 2));
    const first = memberPort(configPort(1), alice);
    const { served } = plans.follow(configuration(first, other), NOW_MS);
    const second = { ...first, keys: first.keys.with(new Map([["bob", bob]])) };
    assert.deepEqual(shown(plans.follow(configuration(second, other), NOW_MS)), { 1: "+bob" });
    assert.equal(plans.served[0]?.keys[0], served[0]?.keys[0]);
    const renamed = { ...second, keys: second.keys.with(new Map([["alice", configKey("alice", 1, { displayName: "Alice" })]])) };
    assert.deepEqual(shown(plans.follow(configuration(renamed, other), NOW_MS)), { 1: "+alice" });
    const moved = { ...renamed, config: configPort(1, { host: "127.0.0.2" }), keys: renamed.keys.with(new Map([["bob", undefined]])) };
    assert.deepEqual(shown(plans.follow(configuration(moved, other), NOW_MS)), { 1: "alice" });
    assert.deepEqual(plans.addresses.get(1), "127.0.0.2");
    assert.deepEqual(shown(plans.follow(configuration(other), NOW_MS)), { gone: [1] });
    assert.deepEqual(shown(plans.follow(configuration(other), NOW_MS)), {});
  });

  test("a key left out for its secret comes in when the other gives that up", () => {
    const { plans } = bench();
    const twins = memberPort(configPort(1), configKey("a", 1, { secrets: ["same"] }), configKey("b", 1, { secrets: ["same"] }));
    const [in1, out1] = shown(plans.follow(configuration(twins), NOW_MS))["1"] === "a" ? ["a", "b"] : ["b", "a"];
    assert.match(problemsOf(plans)[1]!, new RegExp(`key "${out1}" is left out: .*"${in1}"`));
    const changed = { ...twins, keys: twins.keys.with(new Map([[in1, configKey(in1, 1, { secrets: ["other"] })]])) };
    assert.deepEqual(shown(plans.follow(configuration(changed), NOW_MS)), { 1: `+${in1} +${out1}` });
    assert.deepEqual(problemsOf(plans), { 1: "" });
  });

  test("a port with too many keys is dropped, and served again with fewer", () => {
    const { plans } = bench();
    const method = "2022-blake3-chacha20-poly1305";
    const one = memberPort(configPort(1, { method }), configKey("a", 1, { secrets: [psk(1, 32)] }));
    const two = { ...one, keys: one.keys.with(new Map([["b", configKey("b", 1, { secrets: [psk(2, 32)] })]])) };
    assert.deepEqual(shown(plans.follow(configuration(one), NOW_MS)), { 1: "a" });
    assert.deepEqual(shown(plans.follow(configuration(two), NOW_MS)), { gone: [1] });
    assert.match(problemsOf(plans)[1]!, /2 keys cannot share/);
    assert.deepEqual(shown(plans.follow(configuration(one), NOW_MS)), { 1: "a" });
    assert.deepEqual(problemsOf(plans), { 1: "" });
  });

  test("keeps a bad record to itself", () => {
    const { plans, log } = bench();
    const bad = [
      memberPort(configPort(1, { method: "rot13" }), configKey("a", 1)),
      memberPort(configPort(2, { method: "aes-256-cfb" }), configKey("b", 2)),
      memberPort(configPort(3, { method: AES_2022, identityKey: "short" })),
      memberPort(configPort(4, { identityKey: psk(1) })),
      memberPort(configPort(5, { method: AES_2022 }), configKey("c", 5, { secrets: [psk(1)] }), configKey("d", 5, { secrets: [psk(2)] })),
      memberPort(configPort(6, { method: AES_2022, identityKey: `${psk(1)}:${psk(2)}` })),
      memberPort(configPort(70_000)),
      { port: 8, config: undefined, keys: SharedMap.from([["e", configKey("e", 8)]]) },
    ];
    const half = memberPort(
      configPort(9, { method: AES_2022, identityKey: psk(9) }),
      configKey("f", 9, { secrets: ["not base64!"] }),
      configKey("g", 9, { secrets: [psk(3)] }),
      configKey("h", 9, { secrets: [psk(3)] }),
      configKey("i", 9, { secrets: [] }),
      configKey("j", 9, { secrets: [`${psk(4)}:${psk(5)}`] }),
      configKey("k", 9, { secrets: [psk(6), "not base64!"] }),
    );
    const good = memberPort(configPort(10), configKey("z", 10));
    assert.deepEqual(shown(plans.follow(configuration(...bad, half, good), NOW_MS)), { 9: "g k", 10: "z" });
    assert.equal(plans.unservable, bad.length);
    const problems = problemsOf(plans);
    for (const [port, words] of Object.entries({
      1: /unknown method "rot13"/,
      2: /aes-256-cfb .*allowInsecureCiphers/,
      3: /identity key: /,
      4: /no identity headers/,
      5: /2 keys cannot share .*no identity key/,
      6: /not a chain/,
      70000: /70000 is not a port number/,
      8: /not the port itself/,
      9: /key "f" is left out.*key "h" is left out: .*"g".*key "i".*and 1 more/,
      10: /^$/,
    })) {
      assert.match(problems[port]!, words);
    }
    assert.ok(log.lines.every(({ level, code }) => level === "error" && code === "CONFIG_INVALID"));
    assert.ok(!log.text.includes(psk(3)) && !log.text.includes("not base64!"), "no secret is logged");
    const told = log.lines.length;
    plans.follow(configuration(...bad, memberPort(half.config!, ...half.keys.values()), good), NOW_MS);
    assert.equal(log.lines.length, told, "what is known is not told again");
  });

  test("a port that becomes bad is gone, and comes back when it is mended", () => {
    const { plans } = bench();
    const key = configKey("a", 1);
    plans.follow(configuration(memberPort(configPort(1), key)), NOW_MS);
    assert.deepEqual(shown(plans.follow(configuration(memberPort(configPort(1, { method: "rot13" }), key)), NOW_MS)), { gone: [1] });
    assert.deepEqual(plans.served, []);
    assert.deepEqual(shown(plans.follow(configuration(memberPort(configPort(1), key)), NOW_MS)), { 1: "a" });
  });

  test("stream ciphers come with the relay's leave and go with it", () => {
    const { plans } = bench(true);
    const port = memberPort(configPort(1, { method: "aes-256-cfb" }), configKey("a", 1));
    assert.deepEqual(shown(plans.follow(configuration(port), NOW_MS)), { 1: "a" });
    assert.deepEqual(shown(plans.resettle({ allowInsecureCiphers: false }, NOW_MS)), { gone: [1] });
    assert.deepEqual(shown(plans.resettle({ allowInsecureCiphers: true }, NOW_MS)), { 1: "a" });
  });

  test("keys begin, are rotated and end at their times", () => {
    const { plans } = bench();
    const first = plans.follow(
      configuration(
        memberPort(
          configPort(1),
          configKey("always", 1),
          configKey("later", 1, { startTime: at(1000), expireTime: at(5000) }),
          configKey("over", 1, { expireTime: at(-1) }),
          configKey("never", 1, { startTime: at(20), expireTime: at(10) }),
          configKey("rotating", 1, { secrets: ["new", "old"], overlapExpireTime: at(2000), expireTime: at(4000) }),
        ),
        memberPort(configPort(2), configKey("apart", 2, { expireTime: at(3000) })),
      ),
      NOW_MS,
    );
    assert.deepEqual(shown(first), { 1: "always rotating'", 2: "apart" });
    const steps: unknown[] = [];
    while (plans.nextChangeMs < Number.POSITIVE_INFINITY) {
      const dueMs = plans.nextChangeMs;
      assert.deepEqual(shown(plans.tick(dueMs - 1)), {});
      steps.push([dueMs - NOW_MS, shown(plans.tick(dueMs))]);
    }
    assert.deepEqual(steps, [
      [1000, { 1: "+later" }],
      [2000, { 1: "+rotating" }],
      [3000, { 2: "-apart" }],
      [4000, { 1: "-rotating" }],
      [5000, { 1: "-later" }],
    ]);
  });

  test("an old secret without an end works for as long as management lists it", () => {
    const { plans } = bench();
    const port = memberPort(configPort(1), configKey("a", 1, { secrets: ["new", "old"] }));
    assert.deepEqual(shown(plans.follow(configuration(port), NOW_MS)), { 1: "a'" });
    assert.equal(plans.nextChangeMs, Number.POSITIVE_INFINITY);
  });
});
