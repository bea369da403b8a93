import type { TargetGuard, TargetRules } from "@shadowfleet/relay";
import type { Resolution, ResolvedAddress } from "@shadowfleet/transport";

/** Names whose address one association remembers; the one learnt first goes first. */
const MAX_NAMES = 64;

interface NameRoute {
  readonly resolution: Resolution;
  readonly address: ResolvedAddress;
}

/** The address each name stands for within one association, so that a flow stays with one server while a resolver rotates its answers. */
export class NameRoutes {
  readonly #routes = new Map<string, NameRoute>();
  #preferred: 4 | 6 = 4;

  /** The address used last, even if the resolver has forgotten the name meanwhile. */
  last(name: string): ResolvedAddress | undefined {
    return this.#routes.get(name)?.address;
  }

  /**
   * The address to send to: the one used last as long as the name still resolves to it, else the first one the guard admits, IPv4 before
   * IPv6 (there is no second try with UDP, and IPv4 works nearly everywhere; see `avoidIpv4`). Undefined: none is admitted.
   */
  choose(name: string, resolution: Resolution & { readonly ok: true }, guard: TargetGuard, own?: TargetRules): ResolvedAddress | undefined {
    const route = this.#routes.get(name);
    if (route?.resolution === resolution && guard.admits(route.address.address, name, own)) return route.address;
    const admitted = resolution.addresses.filter((candidate) => guard.admits(candidate.address, name, own));
    const address =
      admitted.find((candidate) => candidate.address === route?.address.address) ??
      admitted.find((candidate) => candidate.family === this.#preferred) ??
      admitted[0];
    if (address === undefined) this.forget(name);
    else this.#remember(name, { resolution, address });
    return address;
  }

  /** This host has no way to IPv4 addresses: from now on names that have both families stand for IPv6. */
  avoidIpv4(): void {
    if (this.#preferred === 6) return;
    this.#preferred = 6;
    this.#routes.clear();
  }

  forget(name: string): void {
    this.#routes.delete(name);
  }

  #remember(name: string, route: NameRoute): void {
    if (!this.#routes.has(name) && this.#routes.size >= MAX_NAMES) {
      const first = this.#routes.keys().next();
      if (first.done === false) this.#routes.delete(first.value);
    }
    this.#routes.set(name, route);
  }
}
