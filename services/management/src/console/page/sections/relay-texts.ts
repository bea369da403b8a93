import type { Member, Port } from "../api/messages.ts";
import type { Tone } from "../dom/cells.ts";

const KINDS: Readonly<Record<string, string>> = {
  MEMBER_KIND_GATEWAY: "gateway",
  MEMBER_KIND_TCP_RELAY: "tcp-relay",
  MEMBER_KIND_UDP_RELAY: "udp-relay",
};

export const kindOf = ({ kind = "" }: Member): string => KINDS[kind] ?? kind;
export const isRelay = (member: Member): boolean => member.kind !== "MEMBER_KIND_GATEWAY";

export function readinessOf({ ready, draining }: Member): readonly [string, Tone] {
  if (draining) return ["Draining", "warn"];
  return ready ? ["Ready", "ok"] : ["Not ready", "bad"];
}

export interface PortState {
  readonly port: number;
  readonly method: string;
  readonly isBound: boolean;
  readonly error: string;
}

/** The ports as one relay reported them. */
export function portsOf(member: Member, ports: readonly Port[]): PortState[] {
  return ports.flatMap(({ port, method = "", bindings = [] }) => {
    const binding = bindings.find(({ memberId }) => memberId === member.id);
    return binding ? [{ port, method, isBound: binding.bound ?? false, error: binding.error ?? "" }] : [];
  });
}
