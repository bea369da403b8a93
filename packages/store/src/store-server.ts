/** How a server that keeps the fleet's state is doing, by its own account. */
export interface StoreServer {
  /** host:port. */
  readonly node: string;
  readonly memoryBytes: number;
  /** 0: no limit. */
  readonly memoryLimitBytes: number;
  readonly clients: number;
  /** Since it started. */
  readonly commands: number;
  /** In the database the fleet uses, whoever put them there. */
  readonly keys: number;
  readonly uptimeSeconds: number;
  /** It keeps an append-only file, and the last write of it succeeded. */
  readonly isAofOk: boolean;
  readonly replicas: number;
}
