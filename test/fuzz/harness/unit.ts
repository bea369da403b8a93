import { PseudoRandom } from "@shadowfleet/testkit";
import { executeOnce, lateRejection } from "./execution.ts";
import type { Finding } from "./finding.ts";
import { minimise } from "./minimise.ts";
import { mutateParts } from "./mutators.ts";
import { type FuzzInput, type FuzzTarget, UNIT_INPUTS } from "./target.ts";

/** What one unit of work came to. */
export interface UnitReport {
  readonly target: string;
  readonly inputs: number;
  readonly ms: number;
  /** How often each outcome came. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
}

export interface UnitOptions {
  readonly seed: number;
  /** Of the target's unit. Default all of it. */
  readonly share?: number;
  /** Told of each input before it is executed. */
  onInput?(input: FuzzInput, index: number): void;
  /** After so many findings the rest of the unit is left out. */
  readonly maxFindings?: number;
}

/** Valid inputs kept to splice others with. */
const POOL = 24;
const MAX_FINDINGS = 5;

/** Runs a unit's inputs one after the other. The seed decides all of them, whatever ran before. */
export async function runUnit(
  target: FuzzTarget,
  { seed, share = 1, onInput, maxFindings = MAX_FINDINGS }: UnitOptions,
): Promise<UnitReport> {
  const random = new PseudoRandom(seed);
  const count = Math.ceil((target.unit ?? UNIT_INPUTS) * share);
  const outcomes: Record<string, number> = {};
  const findings: Finding[] = [];
  const pool: Buffer[][] = [];
  const started = performance.now();
  let index = 0;
  let input: FuzzInput = { parts: [], choice: 0 };
  for (; index < count && findings.length < maxFindings; index += 1) {
    input = nextInput(target, random, pool);
    onInput?.(input, index);
    const pending = executeOnce(target, input);
    const result = pending instanceof Promise ? await pending : pending;
    if ("outcome" in result) outcomes[result.outcome] = (outcomes[result.outcome] ?? 0) + 1;
    else {
      const finding: Finding = { kind: result.kind, message: result.message, target: target.name, input, seed, index };
      findings.push(await minimise(target, finding));
    }
  }
  const ms = performance.now() - started;
  await target.close?.();
  const late = await lateRejection();
  if (late !== undefined) findings.push({ target: target.name, kind: "rejection", message: late, input, seed, index });
  return { target: target.name, inputs: index, ms, outcomes, findings };
}

function nextInput(target: FuzzTarget, random: PseudoRandom, pool: Buffer[][]): FuzzInput {
  const valid = target.generate(random);
  const other = pool[random.below(POOL) % Math.max(1, pool.length)] ?? [];
  const isLeft = target.isStructured === true && random.below(3) > 0;
  const parts = isLeft ? valid : mutateParts(valid, random, other, target.tokens);
  if (pool.length < POOL) pool.push(valid);
  else pool[random.below(POOL)] = valid;
  return { parts, choice: random.below(0x1_0000_0000) };
}
