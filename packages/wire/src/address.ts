/** Address types of the Shadowsocks and SOCKS5 address format (RFC 1928 §5). */
export const ATYP_IPV4 = 1;
export const ATYP_DOMAIN = 3;
export const ATYP_IPV6 = 4;

/** Where a stream or packet goes, or came from. */
export interface TargetAddress {
  readonly type: typeof ATYP_IPV4 | typeof ATYP_DOMAIN | typeof ATYP_IPV6;
  /** Dotted IPv4, lower-case compressed IPv6 without brackets, or a domain name of 1 to 255 bytes. */
  readonly host: string;
  /** 0 to 65,535. */
  readonly port: number;
}
