import { setFlagsFromString } from "node:v8";

/**
 * For a process whose objects live as long as a short connection; to be called before it makes many. V8 notes which places make objects that survive a
 * collection, and puts later ones of these places straight into the old generation. There they die at once, but what they point to survives every collection of
 * the young generation, so that such places become more and more: a third to a half of everything was copied twice and waited for the whole heap to be marked.
 */
export function expectShortLives(): void {
  setFlagsFromString("--no-allocation-site-pretenuring");
}
