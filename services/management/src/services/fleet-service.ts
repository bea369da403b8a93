import { type FleetServiceServer, type Handlers, type Member, MemberKind, RpcError } from "@shadowfleet/control-api";
import type { MemberRecord } from "@shadowfleet/store";
import type { ManagementContext } from "../context.ts";
import { timeOf } from "./requests.ts";

const MAX_CONFLICTS = 1_000;

export const MEMBER_KINDS: Readonly<Record<MemberRecord["kind"], MemberKind>> = {
  gateway: MemberKind.MEMBER_KIND_GATEWAY,
  "tcp-relay": MemberKind.MEMBER_KIND_TCP_RELAY,
  "udp-relay": MemberKind.MEMBER_KIND_UDP_RELAY,
};

/** Implements FleetService. */
export function fleetService({ store, directory, members }: ManagementContext, version: string, handlers: Handlers): FleetServiceServer {
  return {
    getFleet: handlers.unary(async () => ({
      revision: BigInt(directory.place.revision),
      members: (await members.listOrLast()).map(memberMessage),
      version,
      conflicts: [...directory.view.conflicts].slice(0, MAX_CONFLICTS),
      storeAvailable: directory.isStoreAvailable,
    })),
    drainMember: handlers.unary(async ({ id }) => {
      const isThere = (await members.list()).some((member) => member.id === id);
      if (!isThere) throw new RpcError("NOT_FOUND", `no relay or gateway "${id}" has reported lately`);
      await store.sendCommand({ command: "drain-member", memberId: id });
      return {};
    }),
  };
}

function memberMessage(member: MemberRecord): Member {
  return {
    id: member.id,
    kind: MEMBER_KINDS[member.kind],
    version: member.version,
    epoch: member.epoch,
    startTime: timeOf(member.startedAtMs),
    reportTime: timeOf(member.reportedAtMs),
    appliedRevision: BigInt(member.appliedRevision),
    ready: member.ready,
    draining: member.draining,
    sessionCount: member.sessionCount,
  };
}
