import type { FastifyRequest } from "fastify";
import type { z } from "zod";
import { DoorError } from "../http/door.ts";

/** The body by its schema; throws DoorError 400, which names the fields and quotes nothing. */
export function bodyOf<Schema extends z.ZodType>(schema: Schema, request: FastifyRequest): z.output<Schema> {
  const result = schema.safeParse(request.body ?? {});
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${path.join(".") || "body"}: ${message}`);
  throw new DoorError({ httpStatus: 400, code: "invalid_argument", message: problems.join("; ") });
}
