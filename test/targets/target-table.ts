import { ATYP_DOMAIN, addressFrom, type TargetAddress } from "@shadowfleet/wire";

/** What happens to a client that names this target. */
export type Verdict =
  /** The address is judged and refused. */
  | "forbidden"
  /** No address and no name: the handshake or datagram is refused before anybody is asked. */
  | "malformed"
  /** A name: the resolver is asked, and its answer is judged. */
  | "name";

export interface TargetRow {
  readonly what: string;
  readonly hosts: readonly string[];
  readonly verdict: Verdict;
}

/** Every way that leads a relay inwards, in the words of who tries. */
export const TARGETS: readonly TargetRow[] = [
  { what: "loopback", hosts: ["127.0.0.1", "127.255.255.254", "::1"], verdict: "forbidden" },
  { what: "this network", hosts: ["0.0.0.0", "0.1.2.3", "::"], verdict: "forbidden" },
  { what: "RFC 1918", hosts: ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"], verdict: "forbidden" },
  { what: "carrier-grade NAT", hosts: ["100.64.0.1", "100.127.255.255"], verdict: "forbidden" },
  { what: "link-local", hosts: ["169.254.1.1", "fe80::1"], verdict: "forbidden" },
  {
    what: "metadata services: AWS, GCP and Azure, ECS, Alibaba, Oracle, Azure's wire server; over IPv6 AWS and GCP",
    hosts: ["169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254"],
    verdict: "forbidden",
  },
  { what: "unique local", hosts: ["fc00::1", "fdff::1"], verdict: "forbidden" },
  { what: "multicast", hosts: ["224.0.0.1", "239.255.255.250", "ff02::1", "ff0e::1"], verdict: "forbidden" },
  { what: "broadcast and reserved", hosts: ["255.255.255.255", "240.0.0.1"], verdict: "forbidden" },
  { what: "benchmarking", hosts: ["198.18.0.1", "2001:2::1"], verdict: "forbidden" },
  { what: "documentation", hosts: ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"], verdict: "forbidden" },
  { what: "v4-mapped", hosts: ["::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "[::ffff:10.0.0.1]"], verdict: "forbidden" },
  { what: "v4-compatible and v4-translated", hosts: ["::127.0.0.1", "::ffff:0:10.0.0.1"], verdict: "forbidden" },
  { what: "6to4 around a private address", hosts: ["2002:7f00:1::1", "2002:a9fe:a9fe::1", "2002:0a00:1::"], verdict: "forbidden" },
  { what: "NAT64", hosts: ["64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1.1.1.1", "64:ff9b:1:fffe::1"], verdict: "forbidden" },
  {
    what: "Teredo with a private server or client",
    hosts: ["2001:0:7f00:1::f7f7:f7f7", "2001:0:808:808::f5ff:fffe"],
    verdict: "forbidden",
  },
  {
    what: "ISATAP around a private address",
    hosts: ["2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:169.254.169.254"],
    verdict: "forbidden",
  },
  { what: "not given out", hosts: ["4000::1", "100::1", "5f00::1", "fec0::1"], verdict: "forbidden" },
  {
    what: "numbers the C library takes for addresses",
    hosts: ["2130706433", "0x7f.1", "0x7f000001", "127.1", "0177.0.0.1", "127.0.0.1."],
    verdict: "malformed",
  },
  {
    what: "zone ids and what no host name has",
    hosts: ["fe80::1%lo", "::1%1", "127.0.0.1:80", "127.0.0.1/8", "user@127.0.0.1"],
    verdict: "malformed",
  },
  {
    what: "names, also with a dot at the end and with hexadecimal before it",
    hosts: ["localhost", "localhost.", "0x7f.example", "127.0.0.1.example"],
    verdict: "name",
  },
];

/** The table may not be right by forbidding everything. */
export const PUBLIC = [
  "1.1.1.1",
  "9.255.255.255",
  "172.32.0.1",
  "100.128.0.1",
  "2606:4700::1111",
  "2002:808:808::1",
  "64:ff9b::8.8.8.8",
  "2606:4700::5efe:8.8.8.8",
];

/** The target as a client puts it on the wire, which need not be one: what is no address goes as a name. */
export function asSent(host: string, port: number): TargetAddress {
  return addressFrom(host, port) ?? { type: ATYP_DOMAIN, host, port };
}
