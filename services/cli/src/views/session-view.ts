import { type Session, Transport } from "@shadowfleet/control-api";
import { formatBytes } from "../output/amounts.ts";
import type { Document } from "../output/document.ts";
import { tableLines } from "../output/table.ts";
import { printable } from "../output/text-width.ts";
import { formatSpan } from "../output/times.ts";
import { enumWord } from "./enum-word.ts";

const transportWord = (transport: number): string => enumWord(Transport, "TRANSPORT_", transport);

export function sessionDocument(session: Session): Document {
  return {
    id: session.id,
    memberId: session.memberId,
    accessKeyId: session.accessKeyId,
    port: session.port,
    transport: transportWord(session.transport),
    clientAddress: session.clientAddress,
    startTime: session.startTime ?? null,
    upBytes: session.upBytes,
    downBytes: session.downBytes,
  };
}

export function sessionTable(sessions: readonly Session[], nowMs: number): string[] {
  const rows = sessions.map((session) => [
    session.id,
    session.accessKeyId,
    session.memberId,
    String(session.port),
    transportWord(session.transport),
    session.clientAddress,
    session.startTime ? formatSpan(nowMs - session.startTime.getTime()) : "-",
    formatBytes(session.upBytes),
    formatBytes(session.downBytes),
  ]);
  return tableLines(
    [
      { title: "SESSION" },
      { title: "ACCESS KEY" },
      { title: "RELAY" },
      { title: "PORT", align: "right" },
      { title: "OVER" },
      { title: "CLIENT" },
      { title: "AGE", align: "right" },
      { title: "UP", align: "right" },
      { title: "DOWN", align: "right" },
    ],
    rows,
  );
}

/** "9f2c  alice  tcp  198.51.100.7:50312  relay-1:8388" */
export function sessionLine({ id, accessKeyId, transport, clientAddress, memberId, port }: Session): string {
  return [id, accessKeyId, transportWord(transport), clientAddress, `${memberId}:${port}`].map(printable).join("  ");
}
