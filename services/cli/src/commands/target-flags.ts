import { valueFlag } from "../arguments/flag.ts";
import { readTargets } from "../arguments/values.ts";

/** What an access key may reach beyond the fleet's rule, and what it may not. */
export const TARGET_FLAGS = {
  allowTarget: valueFlag(
    "LIST",
    'addresses, CIDR blocks or host names it may reach though they are private, with commas; "none": no such',
    readTargets,
  ),
  denyTarget: valueFlag("LIST", 'addresses or CIDR blocks it may not reach, with commas; "none": no such', readTargets),
};
