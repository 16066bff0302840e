import type { Network } from "../cidr.ts";

const OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
const GROUPS = "[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*";
const IPV6 = `(?:${GROUPS})?(?:::(?:${GROUPS})?)?`;
const HEX_DIGITS = 32;

/** Whether a text is an address of the network, by the rules of `isInNetwork`. The SQL has numbers and patterns only. */
export const networkSql = (network: Network): ((text: string) => string) =>
  network.family === 4 ? ipv4Sql(network) : ipv6Sql(network);

function ipv4Sql({ first, last }: Network): (text: string) => string {
  const octets = [24n, 16n, 8n, 0n].map((shift) => {
    const [from, to] = [Number((first >> shift) & 255n), Number((last >> shift) & 255n)];
    if (to - from === 255) return OCTET;
    return `(?:${Array.from({ length: to - from + 1 }, (_, i) => from + i).join("|")})`;
  });
  const pattern = `(?:::ffff:)?${octets.join("[.]")}`;
  return (text) => `regexp_full_match(${text}, '${pattern}', 'i')`;
}

/** Addresses are compared with all of their hexadecimal digits. */
function ipv6Sql({ first, last }: Network): (text: string) => string {
  return (text) => {
    const before = digitsSql(`split_part(${text}, '::', 1)`);
    const after = digitsSql(`split_part(${text}, '::', 2)`);
    const zeros = `repeat('0', greatest(0, ${HEX_DIGITS} - strlen(${before}) - strlen(${after})))`;
    const isWhole = `CASE WHEN contains(${text}, '::') THEN strlen(${before}) + strlen(${after}) < ${HEX_DIGITS}
      ELSE strlen(${before}) = ${HEX_DIGITS} END`;
    return `CASE WHEN contains(${text}, ':') AND regexp_full_match(${text}, '${IPV6}', 'i') AND ${isWhole}
      THEN lower(${before} || ${zeros} || ${after}) BETWEEN ${hex(first)} AND ${hex(last)} ELSE FALSE END`;
  };
}

const hex = (value: bigint): string => `'${value.toString(16).padStart(HEX_DIGITS, "0")}'`;

const digitsSql = (groups: string): string =>
  `CASE WHEN ${groups} = '' THEN ''
    ELSE array_to_string(list_transform(string_split(${groups}, ':'), lambda g: lpad(g, 4, '0')), '') END`;
