import { type ChildProcess, fork } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { causeOf, FINDINGS_FOLDER, type Finding, readCase } from "./finding.ts";
import { type FuzzTarget, isAccepted, UNIT_INPUTS } from "./target.ts";
import type { UnitReport } from "./unit.ts";
import type { UnitOrder } from "./worker.ts";

export interface FuzzOptions {
  /** Path of the module that exports `targets`. */
  readonly registry: string;
  readonly targets: readonly FuzzTarget[];
  readonly processes: number;
  readonly seed: number;
  /** No new round begins once there are so many, and no new unit after so many seconds; a round is one unit of every target. */
  readonly inputs: number;
  readonly seconds: number;
  /** Of each target's unit. Default all of it. */
  readonly share?: number;
  /** Default 30 s. */
  readonly hangMs?: number;
}

/** All that came of one target. */
export interface TargetTotals {
  readonly target: string;
  inputs: number;
  ms: number;
  readonly outcomes: Record<string, number>;
  readonly findings: Finding[];
}

const MAX_HEAP_MIB = 1_024;

/** Same numbers, same inputs: every unit has a seed of its own, whichever process runs it. */
export function unitSeed(seed: number, round: number, target: string): number {
  return createHash("sha256").update(`${seed} ${round} ${target}`).digest().readUInt32LE();
}

/** Spreads units over processes until there are enough. A target whose process died is left out from then on. */
export async function runFuzz(options: FuzzOptions): Promise<readonly TargetTotals[]> {
  const totals = new Map(options.targets.map(({ name }) => [name, { target: name, inputs: 0, ms: 0, outcomes: {}, findings: [] }]));
  const { share = 1 } = options;
  const endsAt = performance.now() + options.seconds * 1_000;
  let round = 0;
  let queue: UnitOrder[] = [];
  let done = 0;
  const next = (): UnitOrder | undefined => {
    if (performance.now() > endsAt) return undefined;
    if (queue.length === 0 && done < options.inputs) {
      const living = options.targets.filter(
        ({ name }) => !totals.get(name)?.findings.some(({ kind }) => kind === "death" || kind === "hang"),
      );
      // Where the time ends a round early, it is not always the same targets that get nothing.
      const first = unitSeed(options.seed, round, "order") % Math.max(1, living.length);
      const inOrder = [...living.slice(first), ...living.slice(0, first)];
      queue = inOrder.map(({ name }) => ({ target: name, seed: unitSeed(options.seed, round, name), share }));
      done += living.reduce((sum, { unit = UNIT_INPUTS }) => sum + Math.ceil(unit * share), 0);
      round += 1;
    }
    return queue.shift();
  };
  await Promise.all(Array.from({ length: options.processes }, (_, number) => crewMember(options, number, next, totals)));
  return [...totals.values()];
}

/** Keeps one process at work, and puts another in its place when it dies. */
async function crewMember(
  { registry, hangMs = 30_000 }: FuzzOptions,
  number: number,
  next: () => UnitOrder | undefined,
  totals: ReadonlyMap<string, TargetTotals>,
): Promise<void> {
  mkdirSync(FINDINGS_FOLDER, { recursive: true });
  const lastWords = join(FINDINGS_FOLDER, `last-words-${process.pid}-${number}.json`);
  for (let order = next(); order !== undefined; ) {
    rmSync(lastWords, { force: true });
    const child = fork(join(import.meta.dirname, "worker.ts"), [registry, String(hangMs), lastWords], {
      execArgv: [`--max-old-space-size=${MAX_HEAP_MIB}`],
      serialization: "advanced",
    });
    let report = await answerOf<UnitReport | "ready">(child);
    if (report === undefined) throw new Error(`a process for fuzzing cannot start: status ${child.exitCode}`);
    for (; report !== undefined && order !== undefined; order = next()) {
      child.send(order);
      report = await answerOf<UnitReport>(child);
      if (report === undefined) break;
      add(totals.get(order.target), report as UnitReport);
    }
    if (report !== undefined) child.disconnect();
    else if (order !== undefined) {
      const { target, seed } = order;
      const words = existsSync(lastWords) ? readCase(lastWords) : undefined;
      const kind = words ? ("hang" as const) : ("death" as const);
      const message = words?.message ?? `the process ended with ${child.signalCode ?? `status ${child.exitCode}`}`;
      totals.get(target)?.findings.push({ target, kind, message, seed, index: -1, ...(words && { input: words.input }) });
      order = next();
    }
    rmSync(lastWords, { force: true });
  }
}

/** The next message, or undefined when the process ended instead. */
function answerOf<T>(child: ChildProcess): Promise<T | undefined> {
  return new Promise((resolve) => {
    const onMessage = (message: unknown): void => settle(message as T);
    const onExit = (): void => settle(undefined);
    const settle = (result: T | undefined): void => {
      child.off("message", onMessage);
      child.off("exit", onExit);
      resolve(result);
    };
    child.on("message", onMessage);
    child.on("exit", onExit);
  });
}

function add(total: TargetTotals | undefined, report: UnitReport): void {
  if (total === undefined) return;
  total.inputs += report.inputs;
  total.ms += report.ms;
  for (const [outcome, count] of Object.entries(report.outcomes)) total.outcomes[outcome] = (total.outcomes[outcome] ?? 0) + count;
  const known = new Set(total.findings.map(causeOf));
  total.findings.push(...report.findings.filter((finding) => !known.has(causeOf(finding))));
}

export function acceptedShare({ outcomes, inputs }: TargetTotals): number {
  const accepted = Object.entries(outcomes).reduce((sum, [outcome, count]) => sum + (isAccepted(outcome) ? count : 0), 0);
  return inputs === 0 ? 0 : accepted / inputs;
}
