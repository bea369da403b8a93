import { z } from "zod";

/** RFC 3339 with its zone; milliseconds since 1970 after parsing. */
export const declaredTime = z.iso
  .datetime({ offset: true, error: 'must be a time such as "2027-01-01T00:00:00Z"' })
  .transform((text) => Date.parse(text));
