import type { FieldViolation } from "@shadowfleet/control-api";
import type { Document } from "./output/document.ts";
import { printable } from "./output/text-width.ts";

export interface FailureOptions {
  readonly fields?: readonly FieldViolation[];
  /** What to do about it, a sentence an entry. */
  readonly hints?: readonly string[];
  readonly cause?: unknown;
}

/** The command was understood but did not do what was asked: exit code 1. */
export class Failure extends Error {
  /** A code of the error registry, or the gRPC status name where the peer sent none. */
  readonly code: string;
  /** What was wrong with the request, field by field in proto names. */
  readonly fields: readonly FieldViolation[];
  readonly hints: readonly string[];

  constructor(code: string, message: string, { fields = [], hints = [], cause }: FailureOptions = {}) {
    super(message, { cause });
    this.name = "Failure";
    this.code = code;
    this.fields = fields;
    this.hints = hints;
  }
}

/** For people: code and message, a line for every wrong field, a line for every hint. */
export function failureLines({ code, message, fields, hints }: Failure): string[] {
  return [
    `shadowfleet: ${fields.length > 0 ? `the request has ${fields.length === 1 ? "a wrong field" : "wrong fields"}` : printable(message)} (${code})`,
    ...fields.map(({ field, description }) => `  ${printable(field)}: ${printable(description)}`),
    ...hints.map((hint) => `  ${hint}`),
  ];
}

export function failureDocument({ code, message, fields, hints }: Failure): Document {
  return { error: { code, message, fields: fields.map(({ field, description }) => ({ field, description })), hints: [...hints] } };
}
