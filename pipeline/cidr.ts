import { isIP, isIPv4, isIPv6 } from "node:net";

/** A network of IP addresses: the bits that all of them have in common. */
export type Network = { family: 4 | 6; first: bigint; last: bigint };

const BITS = { 4: 32, 6: 128 } as const;
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** Parses `203.0.113.0/24` or `2001:db8::/32`; bits beyond the prefix are ignored. */
export function parseCidr(text: string): Network | undefined {
  const found = /^([0-9a-f:.]{2,45})\/(\d{1,3})$/i.exec(text);
  const address = found && addressOf(found[1] ?? "");
  if (!address) return undefined;
  const bits = BITS[address.family];
  const prefix = Number(found[2]);
  if (prefix > bits) return undefined;
  const rest = 1n << BigInt(bits - prefix);
  const first = (address.value / rest) * rest;
  return { family: address.family, first, last: first + rest - 1n };
}

/** Whether the text is an address of the network; an IPv4 address may be written as ::ffff:203.0.113.5. */
export function isInNetwork(text: string, { family, first, last }: Network): boolean {
  const address = addressOf(MAPPED.exec(text)?.[1] ?? text);
  return address?.family === family && address.value >= first && address.value <= last;
}

/** Whether the text is an IP address without a zone. */
export const isAddress = (text: string): boolean => isIP(text) !== 0 && !text.includes("%");

function addressOf(text: string): { family: 4 | 6; value: bigint } | undefined {
  if (isIPv4(text)) return { family: 4, value: joined(text.split(".").map(BigInt), 8n) };
  if (!isIPv6(text) || !/^[0-9a-f:]+$/i.test(text)) return undefined;
  const [left = "", right] = text.split("::");
  const before = groupsOf(left);
  const after = right === undefined ? [] : groupsOf(right);
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0n);
  return { family: 6, value: joined([...before, ...zeros, ...after], 16n) };
}

const groupsOf = (text: string): bigint[] =>
  text === "" ? [] : text.split(":").map((group) => BigInt(`0x${group}`));

const joined = (parts: readonly bigint[], bits: bigint): bigint =>
  parts.reduce((value, part) => (value << bits) | part, 0n);
