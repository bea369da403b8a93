/** gRPC statuses by which a call failed through no fault of its caller. */
export const SERVER_FAULTS: readonly string[] = ["UNAVAILABLE", "INTERNAL", "UNKNOWN", "DATA_LOSS", "DEADLINE_EXCEEDED"];
