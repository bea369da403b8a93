import { setFlagsFromString } from "node:v8";

/** V8's default is 8,000. */
const CALM_MS = 60_000;

/**
 * For a process whose objects live as long as a short connection; to be called before it makes many. V8 notes which places make objects that survive a
 * collection, and puts later ones of these places straight into the old generation. There they die at once, but what they point to survives every collection of
 * the young generation, so that such places become more and more: a third to a half of everything was copied twice and waited for the whole heap to be marked.
 *
 * And what takes little memory for some seconds V8 takes for a process that is done: it marks the whole heap to give memory back, 10 to 30 ms of which are felt,
 * and shrinks the young generation to a megabyte for good. Traffic comes and goes by the second, so that calm begins later here.
 */
export function expectShortLives(): void {
  setFlagsFromString("--no-allocation-site-pretenuring");
  setFlagsFromString(`--memory-reducer-delay-ms=${CALM_MS}`);
}
