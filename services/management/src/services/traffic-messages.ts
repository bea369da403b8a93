import type { ByteCounts as BytesMessage, Traffic } from "@shadowfleet/control-api";
import type { ByteCounts, TrafficTotals } from "@shadowfleet/store";
import { timeOf } from "./requests.ts";

export function bytesMessage({ tcpUp, tcpDown, udpUp, udpDown }: ByteCounts): BytesMessage {
  return { tcpUpBytes: BigInt(tcpUp), tcpDownBytes: BigInt(tcpDown), udpUpBytes: BigInt(udpUp), udpDownBytes: BigInt(udpDown) };
}

/** Totals as the API shows them; "since reset" is what came after the last mark. */
export function trafficMessage({ subject, total, resetMark, resetAtMs }: TrafficTotals): Traffic {
  const sinceReset = {
    tcpUp: total.tcpUp - resetMark.tcpUp,
    tcpDown: total.tcpDown - resetMark.tcpDown,
    udpUp: total.udpUp - resetMark.udpUp,
    udpDown: total.udpDown - resetMark.udpDown,
  };
  return { subject, total: bytesMessage(total), sinceReset: bytesMessage(sinceReset), resetTime: timeOf(resetAtMs) };
}
