import { join } from "node:path";
import { parseArgs } from "node:util";
import { METHODS } from "./plan.ts";
import { KINDS, type Kind } from "./scenario.ts";
import { ALL_SIDES, OURS, REFERENCE } from "./sides/all-sides.ts";
import { FULL_TIMING, QUICK_TIMING, type Timing } from "./timing.ts";

/** What the command line asks for. */
export interface BenchRequest {
  /** Only what the budgets speak of, and what falls below a floor is a failure. */
  readonly quick: boolean;
  /** `--only` or `--methods` left something out. */
  readonly isNarrowed: boolean;
  readonly kinds: readonly Kind[];
  readonly methods: readonly string[];
  readonly sides: readonly string[];
  readonly timing: Timing;
  /** Folder for the results. */
  readonly output: string;
}

export type RequestResult =
  | { readonly ok: true; readonly request: BenchRequest | "help" }
  | { readonly ok: false; readonly reason: string };

const DEFAULT_OUTPUT = join(import.meta.dirname, "../../.test-output/bench");
const MAX_SECONDS = 30;
const MAX_ROUNDS = 50;
const SIDE_NAMES = ALL_SIDES.map(({ name }) => name);

export const USAGE = `Measures Shadowfleet beside shadowsocks-libev, and shadowsocks-rust where it is installed, in one interleaved run.

Usage: node test/bench/run.ts [flags]

  --quick            what the budgets speak of, in less than three minutes; exit 1 when one falls below its floor
  --only LIST        ${KINDS.join(", ")}
  --methods LIST     ${METHODS.join(", ")}
  --sides LIST       ${SIDE_NAMES.join(", ")} (quick: the first two)
  --seconds N        length of a measured window (${FULL_TIMING.windowMs / 1000}, quick ${QUICK_TIMING.windowMs / 1000})
  --rounds N         counted runs per side (${FULL_TIMING.rounds}, quick ${QUICK_TIMING.rounds})
  --output FOLDER    where results go (.test-output/bench)
  --help             print this text
`;

/** Parses strictly: an unknown flag, word or number out of range is a reason. */
export function parseRequest(argv: readonly string[]): RequestResult {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        quick: { type: "boolean", default: false },
        only: { type: "string" },
        methods: { type: "string" },
        sides: { type: "string" },
        seconds: { type: "string" },
        rounds: { type: "string" },
        output: { type: "string", default: DEFAULT_OUTPUT },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) return { ok: true, request: "help" };
    const kinds = wordsOf("--only", values.only, KINDS);
    const methods = wordsOf("--methods", values.methods, METHODS);
    const sides = values.sides === undefined && values.quick ? [OURS, REFERENCE] : wordsOf("--sides", values.sides, SIDE_NAMES);
    if (!sides.includes(OURS)) throw new Error(`--sides must name ${OURS}`);
    const request: BenchRequest = {
      quick: values.quick,
      isNarrowed: kinds.length < KINDS.length || methods.length < METHODS.length,
      kinds,
      methods,
      sides,
      timing: timingOf(values.quick ? QUICK_TIMING : FULL_TIMING, values.seconds, values.rounds),
      output: values.output,
    };
    return { ok: true, request };
  } catch (error) {
    return { ok: false, reason: (error as Error).message };
  }
}

function wordsOf<Word extends string>(flag: string, text: string | undefined, known: readonly Word[]): readonly Word[] {
  if (text === undefined) return known;
  const words = [...new Set(text.split(",").map((word) => word.trim()))];
  return words.map((word) => {
    const match = known.find((candidate) => candidate === word);
    if (match === undefined) throw new Error(`${flag}: "${word}" is none of ${known.join(", ")}`);
    return match;
  });
}

function timingOf(timing: Timing, seconds: string | undefined, rounds: string | undefined): Timing {
  const windowMs = seconds === undefined ? timing.windowMs : Math.round(1000 * numberOf("--seconds", seconds, 0.2, MAX_SECONDS));
  if (rounds === undefined) return { ...timing, windowMs };
  const count = numberOf("--rounds", rounds, 1, MAX_ROUNDS);
  if (!Number.isInteger(count)) throw new Error("--rounds must be a whole number");
  return { ...timing, windowMs, rounds: count, idleRounds: Math.min(count, timing.idleRounds) };
}

function numberOf(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= min && value <= max)) throw new Error(`${flag} must be a number from ${min} to ${max}`);
  return value;
}
