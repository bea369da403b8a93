import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FuzzInput } from "./target.ts";

/** Something an input did that it must not. */
export interface Finding {
  readonly target: string;
  readonly kind: "exception" | "hang" | "memory" | "rejection" | "death";
  /** The error's text; the first line tells one finding from another. */
  readonly message: string;
  /** Undefined when the process died of it before it could say, or no single input did it. */
  readonly input?: FuzzInput;
  /** Where it was met: the unit's seed, and which of its inputs. */
  readonly seed: number;
  readonly index: number;
}

interface FindingFile extends Omit<Finding, "input"> {
  readonly choice?: number;
  /** Each part in hex. */
  readonly parts?: readonly string[];
}

export const FINDINGS_FOLDER = join(import.meta.dirname, "../../../.test-output/fuzz");

/** Two inputs with the same cause come to one finding. */
export function causeOf({ target, kind, message }: Finding): string {
  return `${target} ${kind} ${message.split("\n", 1)[0]?.replace(/\d+/g, "N")}`;
}

export function fileText({ input, ...rest }: Finding): string {
  const file: FindingFile = { ...rest, ...(input && { choice: input.choice, parts: input.parts.map((part) => part.toString("hex")) }) };
  return `${JSON.stringify(file, undefined, 2)}\n`;
}

/** Writes it to the tests' output, from where it goes to the corpus once it is fixed. Returns the file's path. */
export function writeFinding(finding: Finding, folder = FINDINGS_FOLDER): string {
  const name = `${finding.target}-${createHash("sha256").update(causeOf(finding)).digest("hex").slice(0, 8)}.json`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), fileText(finding));
  return join(folder, name);
}

/** A case of the corpus, or a finding as it was written. */
export function readCase(path: string): { readonly target: string; readonly input: FuzzInput; readonly message: string } {
  const { target, choice = 0, parts = [], message } = JSON.parse(readFileSync(path, "utf8")) as FindingFile;
  return { target, message, input: { choice, parts: parts.map((hex) => Buffer.from(hex, "hex")) } };
}
