/** Decides which addresses a relay may reach. Asked after name resolution, about the very address that is dialled. */
export interface TargetGuard {
  /** `address` is a literal IPv4 or IPv6 address; anything unparsable is refused. */
  admits(address: string): boolean;
}
