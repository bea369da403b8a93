import type { AssociationTable } from "./association-table.ts";

/** While draining, a session quiet for so long is taken as over: UDP has no other end, and the idle timeout may exceed every deadline. */
const DRAIN_QUIET_MS = 2000;
const DRAIN_SWEEP_INTERVAL_MS = 100;

/** Resolves when every association has gone quiet and ended, or at the deadline, where those left are ended under DRAIN_DEADLINE. */
export function drainAssociations(associations: AssociationTable, deadlineMs: number): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(deadline);
      clearInterval(poll);
      associations.end("DRAIN_DEADLINE");
      resolve();
    };
    const sweep = (): void => {
      associations.sweep(DRAIN_QUIET_MS);
      if (associations.size === 0) finish();
    };
    const deadline = setTimeout(finish, deadlineMs);
    const poll = setInterval(sweep, DRAIN_SWEEP_INTERVAL_MS);
    sweep();
  });
}
