import { readFile } from "node:fs/promises";
import { Failure } from "../failure.ts";
import type { Terminal } from "../terminal.ts";

/** For help: how a file with something secret is named. */
export const SECRET_FILE_HELP = `"-" reads it from standard input`;

/** The text of a file, or of standard input for "-", without the line break at its end. Rejects with Failure when there is none. */
export async function readSecretText(file: string, { stdin }: Terminal): Promise<string> {
  const text = await (file === "-" ? stdin.readAll() : readSecretFile(file));
  const secret = text.replace(/\r?\n$/, "");
  if (secret === "") throw new Failure("INVALID_REQUEST", `${file === "-" ? "standard input" : file} is empty`);
  return secret;
}

async function readSecretFile(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new Failure("INVALID_REQUEST", `${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`, { cause: error });
  }
}
