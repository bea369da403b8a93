/** Nobody has claimed the salt; somebody has; nobody can say. */
export type SaltClaim = "fresh" | "seen" | "unavailable";

/**
 * Salts that several relays know together: the second replay filter, asked after the process's own and after authentication, so that nothing a
 * stranger makes up gets here.
 */
export interface SharedSalts {
  /**
   * Claims a salt within its scope for so many seconds: of all who claim it, one is told `fresh`. Answers soon and never rejects; a claim whose answer was
   * lost is `unavailable` and not made again. The salt is not kept.
   */
  claim(scope: string, salt: Buffer, windowSeconds: number): Promise<SaltClaim>;
}
