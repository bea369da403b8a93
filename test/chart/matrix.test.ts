import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { helmMissingReason } from "./helm/binary.ts";
import { startHelms } from "./helm/helm.ts";
import { inPairs, matrix, renderMatrix } from "./matrix.ts";
import { type KubernetesObject, nameOf } from "./objects/object.ts";

/** What each rendering makes anew: the values of Secrets, and the checksums that follow them. */
function withoutGenerated(object: KubernetesObject): unknown {
  const masked = object.kind === "Secret" ? { ...object, data: keysOf(object.data), stringData: keysOf(object.stringData) } : object;
  return JSON.parse(JSON.stringify(masked), (key, value) => (/^(checksum|shadowfleet)\//.test(key) ? "masked" : value));
}

function keysOf(value: unknown): string[] {
  return Object.keys((value ?? {}) as object).sort();
}

suite("the chart over the whole matrix of ci/", { skip: helmMissingReason() }, () => {
  let helms: Awaited<ReturnType<typeof startHelms>>;
  before(async () => {
    helms = await startHelms();
  });
  after(() => helms[Symbol.asyncDispose]());

  test("the matrix has the uses that operators have", () => {
    const names = new Set(matrix().map(({ values }) => values));
    for (const wanted of ["no values", "default", "minimal", "daemonset-hostport", "ha", "mutual-tls", "everything-on"]) {
      assert.ok(names.has(wanted), `ci/${wanted}-values.yaml is missing`);
    }
  });

  test("helm lint --strict has nothing to say", async () => {
    const cases = helms.all.flatMap((helm) => matrix().map((one) => ({ helm, one })));
    await inPairs(cases, async ({ helm, one }) => {
      const { code, stdout, stderr } = await helm.lint(one.options);
      assert.equal(code, 0, `${helm.name}, ${one.name}:\n${stdout}${stderr}`);
      assert.match(stdout, /1 chart\(s\) linted, 0 chart\(s\) failed/);
      assert.doesNotMatch(stdout, /\[(WARNING|ERROR)\]/, `${helm.name}, ${one.name}`);
    });
  });

  test("Helm 3 and Helm 4 make the same objects of the same values", async (t) => {
    if (helms.all.length < 2) return t.skip("HELM names a single Helm");
    const [first, second] = await Promise.all(helms.all.map((helm) => renderMatrix(helm)));
    for (const [index, one] of first!.entries()) {
      const other = second![index]!;
      assert.deepEqual(other.objects.map(nameOf), one.objects.map(nameOf), one.name);
      for (const [place, object] of one.objects.entries()) {
        assert.deepEqual(withoutGenerated(other.objects[place]!), withoutGenerated(object), `${one.name}: ${nameOf(object)}`);
      }
    }
    const objects = first!.reduce((sum, { objects: { length } }) => sum + length, 0);
    t.diagnostic(`${first!.length * 2} renderings, ${objects * 2} objects`);
  });

  test("rendering twice makes the same, but for what is generated", async () => {
    const cases = matrix().filter(({ values }) => values === "everything-on");
    const [once, again] = [await renderMatrix(helms.newest, cases), await renderMatrix(helms.newest, cases)];
    for (const [index, { objects, name }] of once.entries()) {
      assert.deepEqual(again[index]!.objects.map(withoutGenerated), objects.map(withoutGenerated), name);
    }
  });

  test("no two objects of a rendering are the same one, and names are names", async () => {
    for (const { name, objects } of await renderMatrix(helms.newest)) {
      const keys = objects.map(
        (object) => `${object.apiVersion} ${object.kind} ${object.metadata.namespace ?? ""}/${object.metadata.name}`,
      );
      assert.deepEqual(
        keys.filter((key, index) => keys.indexOf(key) !== index),
        [],
        name,
      );
      for (const object of objects)
        assert.match(object.metadata.name, /^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/, `${name}: ${nameOf(object)}`);
    }
  });

  test("minimal is small", async () => {
    const [minimal] = await renderMatrix(
      helms.newest,
      matrix().filter(({ values }) => values === "minimal"),
    );
    assert.ok(minimal!.objects.length <= 20, minimal!.objects.map(nameOf).join(", "));
  });
});
