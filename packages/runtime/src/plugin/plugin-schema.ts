import { isAbsolute } from "node:path";
import { z } from "zod";

/** The program of a SIP003 plugin. Only files name programs: nothing that comes over the network ever does. */
export function pluginProgram(): z.ZodType<string, string> {
  return z.string().refine((path) => isAbsolute(path) && isPassable(path), "must be the absolute path of a program");
}

/** SIP003 options, `;` between them. */
export function pluginOptions(): z.ZodType<string, string> {
  return z.string().refine(isPassable, "must not contain a zero character");
}

/** Whether a process can be given such a text at all. */
export function isPassable(text: string): boolean {
  return !text.includes("\0");
}
