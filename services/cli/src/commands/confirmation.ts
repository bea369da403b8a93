import { UsageError } from "../arguments/usage-error.ts";
import { Failure } from "../failure.ts";
import { printable } from "../output/text-width.ts";
import type { Terminal } from "../terminal.ts";

/** Goes on only when a person says yes. Throws UsageError where nobody can be asked. */
export async function confirm(question: string, { stdin, stderr }: Terminal): Promise<void> {
  if (!stdin.isTerminal) throw new UsageError("nobody can be asked here: say --yes if it is meant");
  stderr.write(`${printable(question)} [y/N] `);
  const answer = (await stdin.readLine()).trim().toLowerCase();
  if (answer !== "y" && answer !== "yes") throw new Failure("CANCELLED", "nothing was done");
}
