import { BlockList, isIPv6 } from "node:net";
import { type LabelSelector, selects } from "./label-selector.ts";
import { at, type KubernetesObject, ofKind } from "./object.ts";

/** One end of a connection: a pod, or an address outside of every pod. */
export type Endpoint = { readonly labels: Readonly<Record<string, string>>; readonly namespace: string } | { readonly address: string };

export interface Destination {
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
}

interface Peer {
  readonly podSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}

interface Rule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly { readonly port?: number | string; readonly endPort?: number; readonly protocol?: string }[];
}

/** What a name of a port means in the pod that is connected to. */
export type NamedPorts = Readonly<Record<string, number>>;

/**
 * Whether the policies let a connection pass, as a cluster that enforces them would decide: a pod that some policy selects for a direction may do only
 * what one of those policies allows; both ends have to agree. An address is one outside of the cluster, so that only its pod's side is asked.
 */
export function isAllowed(
  policies: readonly KubernetesObject[],
  from: Endpoint,
  to: Endpoint,
  destination: Destination,
  namedPorts: NamedPorts = {},
): boolean {
  return (
    sideAllows(policies, "Egress", from, to, destination, namedPorts) && sideAllows(policies, "Ingress", to, from, destination, namedPorts)
  );
}

function sideAllows(
  policies: readonly KubernetesObject[],
  direction: "Egress" | "Ingress",
  self: Endpoint,
  other: Endpoint,
  destination: Destination,
  namedPorts: NamedPorts,
): boolean {
  if ("address" in self) return true;
  const selecting = ofKind(policies, "NetworkPolicy").filter(
    (policy) =>
      (policy.metadata.namespace ?? self.namespace) === self.namespace &&
      directionsOf(policy).includes(direction) &&
      selects((at(policy, "spec", "podSelector") ?? {}) as LabelSelector, self.labels),
  );
  if (selecting.length === 0) return true;
  return selecting.some((policy) => {
    const rules = (at(policy, "spec", direction.toLowerCase()) ?? []) as readonly Rule[];
    return rules.some((rule) => {
      const peers = direction === "Egress" ? rule.to : rule.from;
      return peersMatch(peers, other, self.namespace) && portsMatch(rule, destination, namedPorts);
    });
  });
}

/** Where a policy does not say, it is about ingress, and about egress if it has rules for that. */
function directionsOf(policy: KubernetesObject): readonly string[] {
  const types = at(policy, "spec", "policyTypes") as readonly string[] | undefined;
  return types ?? (at(policy, "spec", "egress") === undefined ? ["Ingress"] : ["Ingress", "Egress"]);
}

function peersMatch(peers: readonly Peer[] | undefined, other: Endpoint, ownNamespace: string): boolean {
  if (peers === undefined || peers.length === 0) return true;
  return peers.some(({ podSelector, namespaceSelector, ipBlock }) => {
    if (ipBlock !== undefined) return "address" in other && isInBlock(ipBlock, other.address);
    if ("address" in other) return false;
    const inNamespace =
      namespaceSelector === undefined
        ? other.namespace === ownNamespace
        : selects(namespaceSelector, { "kubernetes.io/metadata.name": other.namespace });
    return inNamespace && selects(podSelector ?? {}, other.labels);
  });
}

function isInBlock({ cidr, except = [] }: NonNullable<Peer["ipBlock"]>, address: string): boolean {
  return isIn(cidr, address) && !except.some((hole) => isIn(hole, address));
}

/** Whether an address is in a block like "10.0.0.0/8". */
export function isIn(cidr: string, address: string): boolean {
  const [network, prefix] = cidr.split("/");
  const family = isIPv6(network!) ? "ipv6" : "ipv4";
  const list = new BlockList();
  list.addSubnet(network!, Number(prefix), family);
  return isIPv6(address) === (family === "ipv6") && list.check(address, family);
}

function portsMatch({ ports }: Rule, { port, protocol }: Destination, namedPorts: NamedPorts): boolean {
  if (ports === undefined || ports.length === 0) return true;
  return ports.some((allowed) => {
    if ((allowed.protocol ?? "TCP") !== protocol) return false;
    if (allowed.port === undefined) return true;
    const first = typeof allowed.port === "string" ? namedPorts[allowed.port] : allowed.port;
    return first !== undefined && port >= first && port <= (allowed.endPort ?? first);
  });
}
