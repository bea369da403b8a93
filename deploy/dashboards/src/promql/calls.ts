import type { LabelMatch } from "./series.ts";

/** Methods that answer once. Streams end when somebody leaves, and last as long as that takes: neither says how well calls are served. */
export const ANSWERED: LabelMatch = { operator: "!~", value: ".*/Watch.*" };

/** gRPC statuses by which a call failed through no fault of its caller. */
export const SERVER_FAULTS: readonly string[] = ["UNAVAILABLE", "INTERNAL", "UNKNOWN", "DATA_LOSS", "DEADLINE_EXCEEDED"];
