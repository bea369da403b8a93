/** A relay's part of a key's rate in one direction, and what it told when it was last heard. Bytes per second. */
export interface RatePart {
  readonly share: number;
  readonly moved: number;
  readonly isSaturated: boolean;
  readonly sessions: number;
}

/** 1 / 64 of a rate is kept back, for relays that come new; as much is set aside for all that move nothing at present. */
export const RESERVE_PARTS = 64;
/** What an unsaturated relay gets above what it moves: 1 / 32 of it. */
export const HEADROOM_PARTS = 32;

/**
 * A relay's new share of a rate. `own.share` is what it holds. It grows at most by what the others have given up, so the shares held never sum up to
 * more than the limit; what is too much it gives back at once, so that two exchanges of each after the last news all have what they should. Redis does
 * the same in Lua.
 */
export function rateShare(limit: number, own: RatePart, others: readonly RatePart[]): number {
  if (own.sessions === 0) return 0;
  const target = targetOf(limit, own, others);
  const left = others.reduce((sum, { share }) => sum - share, limit);
  const share = Math.min(target, Math.max(own.share, left - limit / RESERVE_PARTS));
  // Half of the reserve, so that the next newcomer finds something too.
  return Math.floor(Math.max(share, Math.min(target, left / 2), 0));
}

/**
 * What a relay should have: a little for everybody with sessions; then filled up evenly by sessions, the unsaturated up to what they move and some
 * headroom; what then is left, by sessions again, so that a burst may begin anywhere.
 */
function targetOf(limit: number, own: RatePart, others: readonly RatePart[]): number {
  const all = [own, ...others.filter(({ sessions }) => sessions > 0)];
  const floor = limit / RESERVE_PARTS / all.length;
  let left = limit - (2 * limit) / RESERVE_PARTS;
  let weight = all.reduce((sum, { sessions }) => sum + sessions, 0);
  const everyone = weight;
  let open = all;
  for (let isSettled = false; !isSettled && open.length > 0; ) {
    const level = left / weight;
    const still = open.filter((part) => part.isSaturated || roomOf(part) > level * part.sessions);
    isSettled = still.length === open.length;
    for (const part of open) {
      if (still.includes(part)) continue;
      left -= roomOf(part);
      weight -= part.sessions;
    }
    open = still;
  }
  if (open.includes(own)) return floor + (left * own.sessions) / weight;
  return floor + roomOf(own) + (open.length === 0 ? (left * own.sessions) / everyone : 0);
}

const roomOf = ({ moved }: RatePart): number => moved + moved / HEADROOM_PARTS;
