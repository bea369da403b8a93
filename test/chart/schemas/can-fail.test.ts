import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubernetesObject } from "../objects/object.ts";
import { problemOf } from "./models.ts";
import { checkTypes } from "./type-check.ts";

/** What a chart could get wrong: a field named nearly right, and a number written as a string. */
function deployment(container: object, spec: object = {}): KubernetesObject {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "probe" },
    spec: { selector: {}, template: { spec: { containers: [{ name: "main", ...container }] } }, ...spec },
  };
}

const podMonitor = (spec: object): KubernetesObject => ({
  apiVersion: "monitoring.coreos.com/v1",
  kind: "PodMonitor",
  metadata: { name: "probe" },
  spec: { selector: {}, podMetricsEndpoints: [], ...spec },
});

const udpRoute = (spec: object): KubernetesObject => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "UDPRoute",
  metadata: { name: "probe" },
  spec: { rules: [{ backendRefs: [{ name: "relay", port: 8388 }] }], ...spec },
});

test("good objects have no problem, neither for the validators nor for the type checker", async () => {
  const good = [deployment({ image: "a" }, { replicas: 2 }), podMonitor({ podMetricsEndpoints: [{ port: "admin" }] }), udpRoute({})];
  for (const object of good) assert.equal(await problemOf(object), undefined);
  assert.deepEqual(await checkTypes(good), []);
});

test("validators see wrong types and missing fields", async () => {
  assert.match((await problemOf(deployment({}, { replicas: "2" }))) ?? "", /spec\/replicas must be integer/);
  assert.match((await problemOf(deployment({ ports: [{ name: "socks" }] }))) ?? "", /containerPort/);
  assert.match((await problemOf(podMonitor({ selector: "all" }))) ?? "", /spec\/selector must be object/);
  assert.match((await problemOf(udpRoute({ rules: "none" }))) ?? "", /spec\/rules must be array/);
  await assert.rejects(problemOf({ apiVersion: "example.com/v1", kind: "Unknown", metadata: { name: "x" } }), /Unknown/);
});

test("the type checker sees fields that do not exist and wrong types, and says whose they are", async () => {
  const problems = await checkTypes([
    deployment({ image: "fine" }),
    deployment({ livenesProbe: {} }),
    deployment({}, { replicaz: 3 }),
    deployment({ ports: [{ containerPort: "1080" }] }),
    podMonitor({ podMetricsEndpoint: [] }),
    udpRoute({ rules: [{ backendRefs: [{ name: "relay", port: 8388, weigth: 1 }] }] }),
  ]);
  const expected = [/livenesProbe/, /replicaz/, /Type 'string' is not assignable to type 'number'/, /"podMetricsEndpoint"/, /weigth/];
  assert.equal(problems.length, expected.length, problems.join("\n"));
  for (const [index, pattern] of expected.entries()) assert.match(problems[index]!, pattern);
  assert.match(problems[0]!, /^Deployment probe: TS\d+: /);
});
