import type { PickExplanation, Upstream } from "@shadowfleet/control-api";
import { formatShare } from "../output/amounts.ts";
import type { Document } from "../output/document.ts";
import { tableLines } from "../output/table.ts";
import { formatTime } from "../output/times.ts";
import { originWord } from "./access-key-view.ts";

/** Without the secret, which management never tells. */
export function upstreamDocument(upstream: Upstream): Document {
  return {
    id: upstream.id,
    displayName: upstream.displayName,
    host: upstream.host,
    udpHost: upstream.udpHost || upstream.host,
    port: upstream.port,
    method: upstream.method,
    failCount: upstream.failCount,
    failCountTime: upstream.failCountTime ?? null,
    origin: originWord(upstream.origin),
    resourceVersion: upstream.resourceVersion,
  };
}

export function upstreamTable(upstreams: readonly Upstream[]): string[] {
  const rows = upstreams.map((upstream) => [
    upstream.id,
    upstream.displayName,
    upstream.host,
    String(upstream.port),
    upstream.method,
    String(upstream.failCount),
    upstream.failCountTime ? formatTime(upstream.failCountTime) : "-",
    originWord(upstream.origin),
  ]);
  return tableLines(
    [
      { title: "ID" },
      { title: "NAME" },
      { title: "HOST" },
      { title: "PORT", align: "right" },
      { title: "METHOD" },
      { title: "FAILCNT", align: "right" },
      { title: "CHANGED" },
      { title: "ORIGIN" },
    ],
    rows,
  );
}

export function explanationDocument(explanation: PickExplanation): Document {
  const { upstreamId, failCount, firstPassProbability, firstTryProbability, reason } = explanation;
  return { upstreamId, failCount, firstPassProbability, firstTryProbability, reason };
}

export function explanationTable(explanations: readonly PickExplanation[]): string[] {
  const rows = explanations.map(({ upstreamId, failCount, firstPassProbability, firstTryProbability, reason }) => [
    upstreamId,
    String(failCount),
    formatShare(firstPassProbability),
    formatShare(firstTryProbability),
    reason,
  ]);
  return tableLines(
    [
      { title: "UPSTREAM" },
      { title: "FAILCNT", align: "right" },
      { title: "TRIED", align: "right" },
      { title: "TRIED FIRST", align: "right" },
      { title: "WHY" },
    ],
    rows,
  );
}
