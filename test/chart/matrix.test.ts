import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { helmMissingReason } from "./helm/binary.ts";
import { startHelms } from "./helm/helm.ts";
import { matrix, type RenderedCase, renderCases, renderMatrix } from "./matrix.ts";
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
  /** By the newest Helm. */
  let rendered: RenderedCase[];
  before(async () => {
    helms = await startHelms();
    rendered = await renderMatrix(helms.newest);
  });
  after(() => helms[Symbol.asyncDispose]());

  test("the matrix has the uses that operators have", () => {
    const names = new Set(rendered.map(({ values }) => values));
    for (const wanted of ["no values", "default", "minimal", "daemonset-hostport", "ha", "mutual-tls", "everything-on"]) {
      assert.ok(names.has(wanted), `ci/${wanted}-values.yaml is missing`);
    }
  });

  test("Helm 3 and Helm 4 make the same objects of the same values", async (t) => {
    if (helms.all.length < 2) return t.skip("HELM names a single Helm");
    const others = await renderMatrix(helms.all[0]!);
    for (const [index, one] of rendered.entries()) {
      const other = others[index]!;
      assert.deepEqual(other.objects.map(nameOf), one.objects.map(nameOf), one.name);
      for (const [place, object] of one.objects.entries()) {
        assert.deepEqual(withoutGenerated(other.objects[place]!), withoutGenerated(object), `${one.name}: ${nameOf(object)}`);
      }
    }
    const objects = rendered.reduce((sum, { objects: { length } }) => sum + length, 0);
    t.diagnostic(`${rendered.length * 2} renderings, ${objects * 2} objects`);
  });

  test("rendering twice makes the same, but for what is generated", async () => {
    const everythingOn = ({ values }: { readonly values: string }): boolean => values === "everything-on";
    const again = await renderCases(helms.newest, matrix().filter(everythingOn));
    assert.ok(again.length > 0);
    for (const [index, { objects, name }] of rendered.filter(everythingOn).entries()) {
      assert.deepEqual(again[index]!.objects.map(withoutGenerated), objects.map(withoutGenerated), name);
    }
  });

  test("no two objects of a rendering are the same one, and names are names", () => {
    for (const { name, objects } of rendered) {
      const keys = objects.map(({ apiVersion, kind, metadata }) => `${apiVersion} ${kind} ${metadata.namespace ?? ""}/${metadata.name}`);
      assert.deepEqual(
        keys.filter((key, index) => keys.indexOf(key) !== index),
        [],
        name,
      );
      for (const object of objects)
        assert.match(object.metadata.name, /^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/, `${name}: ${nameOf(object)}`);
    }
  });

  test("minimal is small", () => {
    const minimal = rendered.find(({ values }) => values === "minimal")!;
    assert.ok(minimal.objects.length <= 20, minimal.objects.map(nameOf).join(", "));
  });
});
