import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

type MinorCollection = (options: { readonly type: "minor" }) => void;

/**
 * What to tell about memory outside the heap that is thrown away as soon as it is used; after each `everyBytes` of it the young generation is
 * collected, which takes well below a millisecond. Left alone, V8 sees that memory grow, does not know that nearly all of it is garbage, and
 * marks the whole heap again and again. Undefined where V8 does not give its collector out.
 */
export function createYoungCollector(everyBytes: number, collect = findMinorCollection()): ((bytes: number) => void) | undefined {
  if (!collect) return undefined;
  let discarded = 0;
  return (bytes) => {
    discarded += bytes;
    if (discarded < everyBytes) return;
    discarded = 0;
    collect({ type: "minor" });
  };
}

/** The flag gives `gc` to contexts made from now on, so the program's own does not get it. */
function findMinorCollection(): MinorCollection | undefined {
  try {
    setFlagsFromString("--expose-gc");
    const collect: unknown = runInNewContext("typeof gc === 'function' ? gc : undefined");
    return collect as MinorCollection | undefined;
  } catch {
    return undefined;
  } finally {
    setFlagsFromString("--no-expose-gc");
  }
}
