import { type GetFleetResponse, type Member, MemberKind } from "@shadowfleet/control-api";
import type { Document } from "../output/document.ts";
import { pairLines, tableLines } from "../output/table.ts";
import { formatSpan } from "../output/times.ts";
import { enumWord } from "./enum-word.ts";

const kindWord = (kind: number): string => enumWord(MemberKind, "MEMBER_KIND_", kind);

export function fleetDocument({ revision, version, storeAvailable, members, conflicts }: GetFleetResponse): Document {
  return {
    revision,
    version,
    storeAvailable,
    members: members.map(memberDocument),
    conflicts: conflicts.map(({ resource, id, reason }) => ({ resource, id, reason })),
  };
}

function memberDocument(member: Member): Document {
  return {
    id: member.id,
    kind: kindWord(member.kind),
    version: member.version,
    epoch: member.epoch,
    startTime: member.startTime ?? null,
    reportTime: member.reportTime ?? null,
    appliedRevision: member.appliedRevision,
    ready: member.ready,
    draining: member.draining,
    sessionCount: member.sessionCount,
  };
}

export function fleetLines(fleet: GetFleetResponse, nowMs: number): string[] {
  const { revision, version, storeAvailable, members, conflicts } = fleet;
  const summary = pairLines([
    ["management", version],
    ["revision", String(revision)],
    ["store", storeAvailable ? "answers" : "does not answer: reads come from memory, nothing can be changed"],
  ]);
  return [
    ...summary,
    "",
    ...(members.length === 0 ? ["No relay or gateway has reported within the last 10 seconds."] : memberTable(members, revision, nowMs)),
    ...(conflicts.length === 0 ? [] : ["", "Configured, but not in force:"]),
    ...(conflicts.length === 0
      ? []
      : tableLines(
          [{ title: "WHAT" }, { title: "ID" }, { title: "WHY" }],
          conflicts.map(({ resource, id, reason }) => [resource, id, reason]),
        )),
  ];
}

function memberTable(members: readonly Member[], revision: bigint, nowMs: number): string[] {
  const ago = (time: Date | undefined): string => (time ? formatSpan(nowMs - time.getTime()) : "-");
  const rows = members.map((member) => [
    kindWord(member.kind),
    member.id,
    member.version,
    member.draining ? "draining" : member.ready ? "ready" : "not ready",
    behind(member.appliedRevision, revision),
    String(member.sessionCount),
    ago(member.startTime),
    ago(member.reportTime),
  ]);
  return tableLines(
    [
      { title: "KIND" },
      { title: "MEMBER" },
      { title: "VERSION" },
      { title: "STATE" },
      { title: "REVISION", align: "right" },
      { title: "SESSIONS", align: "right" },
      { title: "UP FOR", align: "right" },
      { title: "LAST SEEN", align: "right" },
    ],
    rows,
  );
}

/** "42", or "40 (2 behind)". */
function behind(applied: bigint, newest: bigint): string {
  return applied >= newest ? String(applied) : `${applied} (${newest - applied} behind)`;
}
