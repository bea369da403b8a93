import type { Port } from "@shadowfleet/control-api";
import type { Document } from "../output/document.ts";
import { pairLines, tableLines } from "../output/table.ts";
import { formatTimeFromNow } from "../output/times.ts";
import { originWord } from "./access-key-view.ts";

export function portDocument(port: Port): Document {
  return {
    port: port.port,
    host: port.host,
    method: port.method,
    insecure: port.insecure,
    accessKeyCount: port.accessKeyCount,
    origin: originWord(port.origin),
    resourceVersion: port.resourceVersion,
    createTime: port.createTime ?? null,
    bindings: port.bindings.map(({ memberId, bound, error }) => ({ memberId, bound, error })),
  };
}

const methodOf = ({ method, insecure }: Port): string => (insecure ? `${method} (insecure)` : method);

/** "2/3": on how many of the relays that reported it is bound. */
function boundOf({ bindings }: Port): string {
  return bindings.length === 0 ? "-" : `${bindings.filter(({ bound }) => bound).length}/${bindings.length}`;
}

export function portTable(ports: readonly Port[]): string[] {
  const rows = ports.map((port) => [
    String(port.port),
    port.host,
    methodOf(port),
    String(port.accessKeyCount),
    boundOf(port),
    originWord(port.origin),
  ]);
  return tableLines(
    [
      { title: "PORT", align: "right" },
      { title: "HOST" },
      { title: "METHOD" },
      { title: "KEYS", align: "right" },
      { title: "BOUND", align: "right" },
      { title: "ORIGIN" },
    ],
    rows,
  );
}

/** A line for every relay that reported on the port. */
export function bindingLines({ bindings }: Port): string[] {
  if (bindings.length === 0) return ["No relay has reported on it yet."];
  return tableLines(
    [{ title: "RELAY" }, { title: "BOUND" }, { title: "ERROR" }],
    bindings.map(({ memberId, bound, error }) => [memberId, bound ? "yes" : error === "" ? "not yet" : "no", error]),
  );
}

export function portLines(port: Port, nowMs: number): string[] {
  const pairs = pairLines([
    ["port", String(port.port)],
    ["host", port.host],
    ["method", methodOf(port)],
    ["access keys", String(port.accessKeyCount)],
    ["created", port.createTime && formatTimeFromNow(port.createTime, nowMs)],
    ["origin", originWord(port.origin)],
  ]);
  return [...pairs, "", ...bindingLines(port)];
}
