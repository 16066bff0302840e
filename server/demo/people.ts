import { createHash } from "node:crypto";

import { seededRandom, pick } from "./random.ts";

/** A simulated visitor with a fixed address and browser. */
export type Person = { name: string; address: string; userAgent: string };

const PEOPLE_SEED = 20260;
const PEOPLE = 640;
const FIRST = [
  "maya",
  "jonas",
  "aiko",
  "luca",
  "noor",
  "emil",
  "zoe",
  "ravi",
  "ines",
  "tomas",
] as const;
const LAST = ["chen", "weber", "sato", "rossi", "haddad", "berg", "martin", "patel"] as const;
/** The address blocks reserved for documentation (RFC 5737). */
const NETWORKS = ["192.0.2", "198.51.100", "203.0.113"] as const;
const AGENTS = [
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
  "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
  "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
] as const;

export const people: readonly Person[] = Array.from({ length: PEOPLE }, (_, index) => {
  const random = seededRandom(PEOPLE_SEED, index);
  const network = NETWORKS[index % NETWORKS.length] ?? NETWORKS[0];
  return {
    name: `${pick(FIRST, random)}.${pick(LAST, random)}${index}`,
    address:
      index % 16 === 15
        ? `2001:db8:${index.toString(16)}::${(index * 7 + 1).toString(16)}`
        : `${network}.${1 + (Math.floor(index / NETWORKS.length) % 254)}`,
    userAgent: pick(AGENTS, random),
  };
});

const names = new Set(people.map((person) => person.name));

export const isCustomer = (name: string): boolean => names.has(name);
/** Not a secret: the demo shop listens on loopback and holds no real data. */
export const passwordOf = (name: string): string =>
  createHash("sha256").update(`password of ${name}`).digest("base64url").slice(0, 20);
