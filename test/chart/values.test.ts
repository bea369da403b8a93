import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { parse } from "yaml";
import { helmMissingReason } from "./helm/binary.ts";
import { chartFolder, type Helm, startHelms } from "./helm/helm.ts";
import { dotted, leavesIn, objectsIn, type ValuePath, withValue } from "./objects/values-tree.ts";

/** Blocks that are not the chart's own, so that unknown keys pass its schema, and who checks them instead. */
const FOREIGN: readonly [path: RegExp, checkedBy: string][] = [
  [/^global$/, "nobody: other charts have their globals there too"],
  [/(^|\.)(commonLabels|labels|podLabels|alertLabels|matchLabels|nodeSelector)$/, "Kubernetes: labels"],
  [/(^|\.)(commonAnnotations|annotations|podAnnotations|tcpAnnotations|udpAnnotations)$/, "Kubernetes: annotations"],
  [/(^|\.)resources\.(limits|requests)$/, "Kubernetes: names of resources"],
  [/(^|\.)config$/, "the service: --check-config"],
];

/** Lists that are empty as delivered, with one good item, so that its keys are tried too. */
const ITEMS: Readonly<Record<string, unknown>> = {
  "declared.keys": [{ id: "alice", port: 8388 }],
  "declared.upstreams": [{ id: "far", host: "relay.example", port: 8388, method: "chacha20-ietf-poly1305", secret: "0123456789abcdef" }],
  "relay.ports": [{ port: 9000 }],
  "gateway.users": [{ name: "alice", password: "correct horse" }],
};

const TYPO = "zzTypo";

suite("the schema of the values", { skip: helmMissingReason() }, () => {
  let helms: Awaited<ReturnType<typeof startHelms>>;
  let values: unknown;
  before(async () => {
    helms = await startHelms();
    const delivered: unknown = parse(readFileSync(join(chartFolder, "values.yaml"), "utf8"));
    values = Object.entries(ITEMS).reduce((made, [path, items]) => withValue(made, path.split("."), items), delivered);
  });
  after(() => helms[Symbol.asyncDispose]());

  const isForeign = (path: ValuePath): boolean => FOREIGN.some(([pattern]) => pattern.test(dotted(path)));
  const own = (paths: readonly ValuePath[]): ValuePath[] =>
    paths.filter((_, index) => !paths[index]!.some((_step, depth) => isForeign(paths[index]!.slice(0, depth + 1))));

  /** The schema's complaints: what is wrong, by dotted path. */
  async function complaintsOf(helm: Helm, wrong: unknown): Promise<readonly { readonly path: string; readonly text: string }[]> {
    const { code, stderr } = await helm.template({ values: wrong as object });
    assert.notEqual(code, 0, `${helm.name} accepts ${JSON.stringify(wrong).slice(0, 200)}`);
    assert.match(stderr, /values don't meet the specifications of the schema/, stderr.slice(0, 2_000));
    return stderr.split("\n").flatMap((line) => {
      const match = /^\s*- (?:at '(?<pointer>[^']*)': (?<text4>.*)|(?<dotted>\(root\)|[\w.-]+): (?<text3>.*))$/.exec(line)?.groups;
      if (match === undefined) return [];
      const path = match.pointer === undefined ? (match.dotted ?? "").replace("(root)", "") : match.pointer.slice(1).replaceAll("/", ".");
      return [{ path, text: match.text4 ?? match.text3 ?? "" }];
    });
  }

  test("what is delivered, and one good item in each empty list, is accepted", async () => {
    for (const helm of helms.all) {
      const { code, stderr } = await helm.template({ values: values as object });
      assert.equal(code, 0, stderr);
    }
  });

  test("an unknown key is an error that names it and where it is, beside every key there is", async (t) => {
    const places = own(objectsIn(values));
    assert.ok(places.length > 60, `only ${places.length} objects`);
    const wrong = places.reduce((made, path) => withValue(made, [...path, TYPO], true), values);
    for (const helm of helms.all) {
      const complaints = await complaintsOf(helm, wrong);
      const named = new Set(complaints.filter(({ text }) => text.includes(TYPO)).map(({ path }) => path));
      assert.deepEqual(
        places.map(dotted).filter((path) => !named.has(path)),
        [],
        `${helm.name} overlooks ${TYPO} beside these`,
      );
    }
    t.diagnostic(`${places.length} objects`);
  });

  test("a value of another type is an error that names it, for every value there is", async (t) => {
    // Free-form blocks have to be blocks, so they are tried as a whole.
    const leaves = [
      ...own(leavesIn(values)),
      ...objectsIn(values).filter((path) => isForeign(path) && own([path.slice(0, -1)]).length === 1),
    ];
    assert.ok(leaves.length > 200, `only ${leaves.length} values`);
    const wrong = leaves.reduce((made, path) => withValue(made, path, wrongFor(valueAt(values, path))), values);
    for (const helm of helms.all) {
      const paths = new Set((await complaintsOf(helm, wrong)).map(({ path }) => path));
      assert.deepEqual(
        leaves.map(dotted).filter((path) => !paths.has(path)),
        [],
        `${helm.name} overlooks these`,
      );
    }
    t.diagnostic(`${leaves.length} values`);
  });

  test("blocks that are not the chart's own take what it does not know, and the list of them is no longer than it has to be", async () => {
    const blocks = objectsIn(values).filter(isForeign);
    const wrong = blocks.reduce((made, path) => withValue(made, [...path, TYPO], "1"), values);
    for (const [pattern] of FOREIGN)
      assert.ok(
        blocks.some((path) => pattern.test(dotted(path))),
        `nothing is ${pattern}`,
      );
    const { stderr } = await helms.newest.template({ values: wrong as object });
    assert.doesNotMatch(stderr.slice(0, 2_000), /specifications of the schema/);
  });

  const BAD: readonly [values: object, complaint: RegExp][] = [
    [{ replicaCont: 3 }, /replicaCont/],
    [{ relay: { image: { digest: "sha256:123" } } }, /image/],
    [{ gateway: { image: { digest: "sha256:123" } } }, /digest/],
    [{ relay: { layout: "sidecar" } }, /layout/],
    [{ relay: { drainTimeout: "60" } }, /drainTimeout/],
    [{ relay: { drainTimeout: 60 } }, /drainTimeout/],
    [{ declared: { ports: [{ port: 70_000 }] } }, /declared/],
    [{ declared: { ports: [{ port: 8388, methode: "x" }] } }, /methode/],
    [{ declared: { ports: [{ method: "chacha20-ietf-poly1305" }] } }, /port/],
    [{ management: { replicas: -1 } }, /replicas/],
    [{ management: { replicas: 1.5 } }, /replicas/],
    [{ relay: { service: { type: "LoadBalncer" } } }, /type/],
    [{ relay: { service: { externalTrafficPolicy: "local" } } }, /externalTrafficPolicy/],
    [{ gateway: { policy: "random" } }, /policy/],
    [{ log: { level: "loud" } }, /level/],
    [{ redis: { external: { mode: "sentinels" } } }, /mode/],
    [{ gateway: { service: { type: "NodePort", nodePort: 70_000 } } }, /nodePort/],
    [{ telemetry: { traces: { sampleRatio: 2 } } }, /sampleRatio/],
    [{ image: { tag: 1.2 } }, /tag/],
  ];
  test("values that are of the right type and still wrong", async () => {
    for (const [wrong, complaint] of BAD) {
      const complaints = await complaintsOf(helms.newest, wrong);
      assert.match(complaints.map(({ path, text }) => `${path}: ${text}`).join("\n"), complaint, JSON.stringify(wrong));
    }
  });
});

function valueAt(values: unknown, path: ValuePath): unknown {
  return path.reduce<unknown>((value, step) => (value as Record<string | number, unknown>)[step], values);
}

/** Something of a type that none of the values has where this one is. */
function wrongFor(value: unknown): unknown {
  if (typeof value === "object" && value !== null) return "text";
  return typeof value === "string" || value === null ? { wrong: true } : "neither";
}
