import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Clock, WorkerContext } from "@shadowfleet/runtime";
import { z } from "zod";
import { MemberKind } from "./gen/shadowfleet/v1/fleet.ts";
import type { MemberIdentity } from "./member.ts";

/** The services that are members of a fleet. */
export type MemberService = "gateway" | "tcp-relay" | "udp-relay";

const KINDS: Readonly<Record<MemberService, MemberKind>> = {
  gateway: MemberKind.MEMBER_KIND_GATEWAY,
  "tcp-relay": MemberKind.MEMBER_KIND_TCP_RELAY,
  "udp-relay": MemberKind.MEMBER_KIND_UDP_RELAY,
};
const EPOCH_BYTES = 6;
/** What the id is shown and stored as has its limits; the end of a pod's name is what tells it from others. */
const MAX_HOST_LENGTH = 40;

/** Leaves room for a dot and a worker's number. */
const MAX_GROUP_ID = 60;

const MEMBER_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** `memberId` of a member's configuration: unique in the fleet. */
export const memberIdSchema = z.string().regex(MEMBER_ID, "must be 1 to 64 letters, digits, dots, dashes and underscores");

/**
 * Who this process is; a worker of a group is a member of its own, with its number after the group's id. The epoch is new with every call: batches
 * and sessions of an earlier life never pass for this one's.
 */
export function createIdentity(
  service: MemberService,
  version: string,
  configuredId: string | undefined,
  clock: Clock,
  worker?: WorkerContext,
): MemberIdentity {
  const id = configuredId ?? defaultId(service, worker ? process.ppid : process.pid);
  return {
    id: worker ? `${id.slice(0, MAX_GROUP_ID)}.${worker.index}` : id,
    kind: KINDS[service],
    version,
    epoch: randomBytes(EPOCH_BYTES).toString("hex"),
    startedAtMs: clock.now(),
  };
}

/** In a container the process is number 1 and the host name is its own; elsewhere several members share a host. */
function defaultId(service: MemberService, pid: number): string {
  const host = hostname()
    .replace(/[^A-Za-z0-9._-]/g, "-")
    .slice(-MAX_HOST_LENGTH);
  return pid === 1 ? `${service}-${host}` : `${service}-${host}-${pid}`;
}
