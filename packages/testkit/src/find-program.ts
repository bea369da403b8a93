import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Full path of a program as the shell would find it; undefined when it is not installed. */
export function findProgram(name: string): string | undefined {
  const candidates = name.includes("/") ? [name] : (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name));
  return candidates.find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Why tests that need these programs cannot run here, for `{ skip: reason }`; undefined when all are installed. Where `CI` is set nothing is
 * skipped: a missing program throws.
 */
export function missingProgramsReason(names: readonly string[], debianPackage: string): string | undefined {
  const missing = names.filter((name) => findProgram(name) === undefined);
  if (missing.length === 0) return undefined;
  const reason = `${missing.join(" and ")} not installed (Debian package ${debianPackage})`;
  if (process.env.CI) throw new Error(reason);
  return reason;
}
