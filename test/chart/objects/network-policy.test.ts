import assert from "node:assert/strict";
import { test } from "node:test";
import { type Destination, type Endpoint, isAllowed } from "./network-policy.ts";
import type { KubernetesObject } from "./object.ts";

const pod = (app: string, namespace = "proxies"): Endpoint => ({ labels: { app }, namespace });
const tcp = (port: number): Destination => ({ port, protocol: "TCP" });

function policy(name: string, spec: object): KubernetesObject {
  return { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata: { name, namespace: "proxies" }, spec };
}

test("without a policy everything may talk; a policy that selects a pod denies it what no rule allows", () => {
  assert.ok(isAllowed([], pod("a"), pod("b"), tcp(80)));
  const deny = policy("deny", { podSelector: { matchLabels: { app: "b" } }, policyTypes: ["Ingress"] });
  assert.ok(!isAllowed([deny], pod("a"), pod("b"), tcp(80)));
  assert.ok(isAllowed([deny], pod("b"), pod("a"), tcp(80)), "egress is not what it is about");
  assert.ok(isAllowed([deny], pod("a"), pod("b", "elsewhere"), tcp(80)), "policies are of one namespace");
});

test("rules add up, over policies and within one; both ends have to allow", () => {
  const ingress = policy("in", {
    podSelector: { matchLabels: { app: "b" } },
    ingress: [
      { from: [{ podSelector: { matchLabels: { app: "a" } } }], ports: [{ port: "web" }, { port: 8000, endPort: 8010, protocol: "UDP" }] },
    ],
  });
  const other = policy("also", {
    podSelector: {},
    policyTypes: ["Ingress"],
    ingress: [{ from: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "ops" } } }] }],
  });
  const named = { web: 8080 };
  assert.ok(isAllowed([ingress, other], pod("a"), pod("b"), tcp(8080), named));
  assert.ok(!isAllowed([ingress, other], pod("a"), pod("b"), tcp(80), named));
  assert.ok(isAllowed([ingress, other], pod("a"), pod("b"), { port: 8005, protocol: "UDP" }, named));
  assert.ok(!isAllowed([ingress, other], pod("a"), pod("b"), tcp(8005), named));
  assert.ok(!isAllowed([ingress, other], pod("a", "ops2"), pod("b"), tcp(8080), named), "a pod selector alone means the same namespace");
  assert.ok(isAllowed([ingress, other], pod("x", "ops"), pod("b"), tcp(1), named));
  const egress = policy("out", { podSelector: { matchLabels: { app: "a" } }, policyTypes: ["Egress"], egress: [] });
  assert.ok(!isAllowed([ingress, egress], pod("a"), pod("b"), tcp(8080), named), "its own side forbids it");
});

test("blocks of addresses have holes and are of one family", () => {
  const out = policy("out", {
    podSelector: {},
    policyTypes: ["Egress"],
    egress: [{ to: [{ ipBlock: { cidr: "0.0.0.0/0", except: ["10.0.0.0/8"] } }, { ipBlock: { cidr: "2000::/3" } }] }],
  });
  const allowed = (address: string): boolean => isAllowed([out], pod("a"), { address }, tcp(443));
  assert.deepEqual(["1.1.1.1", "10.1.2.3", "11.0.0.1", "2606:4700::1", "fd00::1"].map(allowed), [true, false, true, true, false]);
  assert.ok(!isAllowed([out], pod("a"), pod("b"), tcp(443)), "a block is not about pods");
});
