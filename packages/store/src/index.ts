export { type FailCounts, MAX_FAIL_COUNT, MemoryFailCounts } from "./fail-counts.ts";
