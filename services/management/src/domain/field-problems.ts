import { type FieldViolation, invalidRequest } from "@shadowfleet/control-api";

/** Collects everything that is wrong with a request, so that the caller hears it all at once. */
export class FieldProblems {
  readonly #fields: FieldViolation[] = [];

  /** `field` is a path in proto names. */
  add(field: string, description: string): void {
    this.#fields.push({ field, description });
  }

  /** Adds when the condition does not hold. */
  require(condition: boolean, field: string, description: string): void {
    if (!condition) this.add(field, description);
  }

  get isEmpty(): boolean {
    return this.#fields.length === 0;
  }

  /** Throws INVALID_REQUEST when there is anything. */
  throwIfAny(): void {
    if (this.#fields.length > 0) throw invalidRequest(this.#fields);
  }
}
