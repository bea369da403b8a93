import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ConfigurationFold } from "../src/configuration-fold.ts";
import { ConfigDelta, ConfigSnapshot, type MemberConfiguration, NO_CONFIGURATION } from "../src/index.ts";
import { key, port } from "./watcher-fixture.ts";

const portNumber = fc.integer({ min: 1, max: 3 });
const id = fc.constantFrom(..."abcde");
const aPort = fc.record({ number: portNumber, method: fc.constantFrom("m1", "m2") });
const aKey = fc.record({ id, number: portNumber, secret: fc.constantFrom("s1", "s2") });
const step = fc.record({
  isWhole: fc.boolean(),
  ports: fc.uniqueArray(aPort, { selector: ({ number }) => number }),
  keys: fc.uniqueArray(aKey, { selector: (one) => one.id }),
  removedPorts: fc.uniqueArray(portNumber),
  removedKeys: fc.uniqueArray(id),
});

/** What a configuration says, without its objects. */
function plain({ ports }: MemberConfiguration): unknown {
  const keys = [...ports.values()].flatMap((one) => [...one.keys.values()].map((aKey) => [aKey.id, one.port, aKey.secrets[0]].join(" ")));
  return { ports: [...ports.values()].flatMap(({ config }) => config?.method ?? []).toSorted(), keys: keys.toSorted() };
}

describe("ConfigurationFold", () => {
  it("comes to what the messages say, one by one, and leaves earlier configurations as they were", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let fold = new ConfigurationFold(NO_CONFIGURATION);
        const model = { ports: new Map<number, string>(), keys: new Map<string, string>() };
        const history: { readonly configuration: MemberConfiguration; readonly said: unknown }[] = [];
        for (const [n, { isWhole, ports, keys, removedPorts, removedKeys }] of steps.entries()) {
          const version = { revision: BigInt(n + 1), generation: "g" };
          const put = {
            ports: ports.map(({ number, method }) => port(number, { method })),
            keys: keys.map(({ id: name, number, secret }) => key(name, number, { secrets: [secret] })),
          };
          if (isWhole) {
            model.ports.clear();
            model.keys.clear();
            fold.replace([ConfigSnapshot.fromPartial(put)], version);
          } else {
            for (const number of removedPorts) model.ports.delete(number);
            for (const name of removedKeys) model.keys.delete(name);
            fold.change(ConfigDelta.fromPartial({ ...put, removedPorts, removedKeys }), version);
            assert.deepEqual([...fold.takeRemovedKeys()].toSorted(), removedKeys.toSorted());
          }
          for (const { number, method } of ports) model.ports.set(number, method);
          for (const { id: name, number, secret } of keys) model.keys.set(name, [name, number, secret].join(" "));
          const said = { ports: [...model.ports.values()].toSorted(), keys: [...model.keys.values()].toSorted() };
          assert.deepEqual(plain(fold.current), said);
          history.push({ configuration: fold.current, said });
          // Whether it goes on or begins from what there is makes no difference.
          if (n % 3 === 2) fold = new ConfigurationFold(fold.current);
        }
        for (const { configuration, said } of history) assert.deepEqual(plain(configuration), said);
      }),
      { numRuns: 200 },
    );
  });

  it("keeps the objects of what is equal, so that comparing them tells what changed", () => {
    const fold = new ConfigurationFold(NO_CONFIGURATION);
    const whole = () => ConfigSnapshot.fromPartial({ ports: [port(1), port(2)], keys: [key("a", 1), key("b", 1), key("c", 2)] });
    const version = { revision: 1n, generation: "g" };
    fold.replace([whole()], version);
    const { ports } = fold.current;
    fold.replace([whole()], version);
    assert.deepEqual([fold.current.ports.get(1) === ports.get(1), fold.current.ports.get(2) === ports.get(2)], [true, true]);
    fold.change(ConfigDelta.fromPartial({ keys: [key("a", 1), key("b", 1, { secrets: ["other"] })] }), version);
    const changed = fold.current.ports.get(1)!;
    assert.deepEqual([...ports.get(1)!.keys.difference(changed.keys)], ["b"]);
    assert.deepEqual([changed.keys.get("a") === ports.get(1)?.keys.get("a"), fold.current.ports.get(2) === ports.get(2)], [true, true]);
  });
});
