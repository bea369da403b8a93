import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { helmMissingReason } from "./helm/binary.ts";
import { startHelms } from "./helm/helm.ts";
import { type RenderedCase, renderMatrix } from "./matrix.ts";
import { type KubernetesObject, nameOf } from "./objects/object.ts";
import { problemOf } from "./schemas/models.ts";
import { checkTypes } from "./schemas/type-check.ts";
import { isUnmodelled, unmodelledProblemsOf } from "./schemas/unmodelled.ts";

suite("objects are what Kubernetes takes", { skip: helmMissingReason() }, () => {
  let helms: Awaited<ReturnType<typeof startHelms>>;
  let rendered: RenderedCase[];
  /** Each different object once, with where it was seen first. */
  let objects: { readonly object: KubernetesObject; readonly from: RenderedCase }[];
  before(async () => {
    helms = await startHelms();
    rendered = await renderMatrix(helms.newest);
    const different = new Map<string, { readonly object: KubernetesObject; readonly from: RenderedCase }>();
    for (const from of rendered) {
      for (const object of from.objects) different.set(JSON.stringify(object), different.get(JSON.stringify(object)) ?? { object, from });
    }
    objects = [...different.values()];
  });
  after(() => helms[Symbol.asyncDispose]());

  test("every object passes the validator of its kind", async (t) => {
    const modelled = objects.filter(({ object }) => !isUnmodelled(object));
    for (const { object, from } of modelled) {
      assert.equal(await problemOf(object), undefined, `${from.name}: ${nameOf(object)}`);
    }
    t.diagnostic(`${modelled.length} different objects of ${rendered.length} renderings`);
  });

  test("no object has a field that its kind does not have, or one of the wrong type", async (t) => {
    const modelled = objects.map(({ object }) => object).filter((object) => !isUnmodelled(object));
    const started = performance.now();
    assert.deepEqual(await checkTypes(modelled), []);
    t.diagnostic(`${modelled.length} objects, ${((performance.now() - started) / 1000).toFixed(1)} s`);
  });

  test("kinds without a schema pass checks of their own", () => {
    const kinds = new Set<string>();
    for (const { objects: all, name } of rendered) {
      for (const object of all.filter(isUnmodelled)) {
        kinds.add(object.kind);
        assert.deepEqual(unmodelledProblemsOf(object, all), [], `${name}: ${nameOf(object)}`);
      }
    }
    assert.deepEqual([...kinds].sort(), ["Certificate", "ScaledObject"], "the matrix has every such kind");
  });

  test("only stable versions of Kubernetes' own kinds", () => {
    const beta = new Set(objects.map(({ object }) => object.apiVersion).filter((version) => /alpha|beta/.test(version)));
    // KEDA has no other, and the Gateway API's older one is what operators with an older release ask for.
    for (const version of ["keda.sh/v1alpha1", "gateway.networking.k8s.io/v1alpha2"]) beta.delete(version);
    assert.deepEqual([...beta], []);
  });
});
