import type { FaultFigures } from "../traffic/fault-figures.ts";

/** What a fault may cost. */
export interface Limits {
  /** Long sessions lost. */
  readonly sessions: number;
  /** Short connections failed, as a share of all. */
  readonly failedShare: number;
  /** Datagrams unanswered, as a share of all. */
  readonly datagramShare: number;
  /** How far the counters may be off for good, in seconds of the load's traffic; 0: to the byte. */
  readonly uncountedS: number;
  /** From the repair until all goes well. */
  readonly recoveryS: number;
}

/** Nobody outside notices: not a session, connection, datagram or counted byte. */
export const UNNOTICED: Limits = { sessions: 0, failedShare: 0, datagramShare: 0, uncountedS: 0, recoveryS: 0 };

/** Counted more than moved; negative when less. Answers lost behind the relay that counted them are no mistake of its. */
export function miscounted({ balance, answersLost }: FaultFigures): number {
  return balance.difference - answersLost;
}

/** How long after the repair not all was well; 0: it was at once, or never otherwise. */
export function recoveryMs({ recoveredMs, datagramsRecoveredMs, lastedMs }: FaultFigures): number {
  return Math.max(0, recoveredMs - lastedMs, datagramsRecoveredMs - lastedMs);
}

/** What went beyond the limits, in words; empty when nothing did. */
export function violations(figures: FaultFigures, limits: Limits): string[] {
  const { flows, short, datagrams, bytesPerSecond } = figures;
  const off = Math.abs(miscounted(figures));
  const checks: [what: string, is: number, atMost: number][] = [
    ["long sessions lost", flows.lost, limits.sessions],
    ["short connections failed", short.failed, limits.failedShare * short.total],
    ["datagrams unanswered", datagrams.unanswered, limits.datagramShare * datagrams.total],
    ["bytes miscounted", off, limits.uncountedS * bytesPerSecond],
    ["ms from the repair until all went well", recoveryMs(figures), limits.recoveryS * 1000],
  ];
  return checks
    .filter(([, is, atMost]) => is > atMost)
    .map(([what, is, atMost]) => `${what}: ${Math.round(is)}, at most ${Math.floor(atMost)}`);
}

/** Both happen at once: what either may cost, together. */
export function together(a: Limits, b: Limits): Limits {
  return {
    sessions: a.sessions + b.sessions,
    failedShare: Math.min(1, a.failedShare + b.failedShare),
    datagramShare: Math.min(1, a.datagramShare + b.datagramShare),
    uncountedS: a.uncountedS + b.uncountedS,
    recoveryS: a.recoveryS + b.recoveryS,
  };
}

/** As the table states them. */
export function limitsText({ sessions, failedShare, datagramShare, uncountedS, recoveryS }: Limits): string {
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  const bytes = uncountedS === 0 ? "to the byte" : `${uncountedS} s`;
  if (sessions + failedShare + datagramShare + recoveryS === 0) return `unnoticed; ${bytes}`;
  return `${sessions}; ${percent(failedShare)}; ${percent(datagramShare)}; ${bytes}; ${recoveryS} s`;
}
