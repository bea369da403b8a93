import { executeInput } from "./execution.ts";
import { causeOf, type Finding } from "./finding.ts";
import type { FuzzInput, FuzzTarget } from "./target.ts";

const MAX_MS = 5_000;
const MAX_EXECUTIONS = 4_000;

/** A smaller input that does the same: parts left out, ranges cut, bytes set to zero, for as long as it helps or the time allows. */
export async function minimise(target: FuzzTarget, finding: Finding): Promise<Finding> {
  if (finding.input === undefined || finding.kind === "hang") return finding;
  const cause = causeOf(finding);
  const started = performance.now();
  let executions = 0;
  let best: Finding = finding;
  const accepts = async (parts: readonly Buffer[]): Promise<boolean> => {
    executions += 1;
    const input: FuzzInput = { parts, choice: finding.input?.choice ?? 0 };
    const result = await executeInput(target, input);
    if ("outcome" in result || causeOf({ ...finding, ...result }) !== cause) return false;
    best = { ...finding, ...result, input };
    return true;
  };
  const isOver = (): boolean => executions > MAX_EXECUTIONS || performance.now() - started > MAX_MS;
  for (let changed = true; changed && !isOver(); ) {
    changed = false;
    for (const smaller of smallerThan(() => best.input?.parts ?? [])) {
      if (isOver()) break;
      if (await accepts(smaller)) changed = true;
    }
  }
  return best;
}

/** Candidates, each made from what is best at that moment. */
function* smallerThan(best: () => readonly Buffer[]): Generator<readonly Buffer[]> {
  for (let i = best().length - 1; i >= 0; i -= 1) yield best().toSpliced(i, 1);
  for (let i = 0; i < best().length; i += 1) {
    for (let size = Math.ceil((best()[i]?.length ?? 0) / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < (best()[i]?.length ?? 0); at += size) {
        const part = best()[i] as Buffer;
        yield best().toSpliced(i, 1, Buffer.concat([part.subarray(0, at), part.subarray(at + size)]));
      }
    }
    for (let at = 0; at < (best()[i]?.length ?? 0); at += 1) {
      const part = Buffer.from(best()[i] as Buffer);
      if (part[at] === 0) continue;
      part[at] = 0;
      yield best().toSpliced(i, 1, part);
    }
  }
}
