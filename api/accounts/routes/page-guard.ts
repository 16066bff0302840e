import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

import { newToken } from "#platform/secrets.ts";

import { ownOrigins } from "../domain/passkeys.ts";

const COOKIE = "quarterdeck_page";
const DEVICE_COOKIE = "quarterdeck_device";
const DEVICE_S = 365 * 86_400;

/**
 * Whether a form that comes in is one that we gave to this very browser: a cookie that no other site can set the value
 * of, and a field that follows from it by a key of ours.
 */
export type PageGuard = {
  /** The value of the hidden field, and the cookie that belongs to it where the browser has none. */
  give(incoming: IncomingMessage): { field: string; cookies: (readonly [string, string])[] };
  isOurs(incoming: IncomingMessage, field: string | undefined): boolean;
  deviceOf(incoming: IncomingMessage): string | undefined;
};

/** By which the sign-in page knows a device again. */
export const deviceCookie = (url: string, token: string): string =>
  `${cookieText(url, DEVICE_COOKIE, token)}; Max-Age=${DEVICE_S}`;

function cookieText(url: string, name: string, value: string): string {
  const secure = url.startsWith("https:") ? "; Secure" : "";
  return `${name}=${value}; Path=/oauth; HttpOnly; SameSite=Strict${secure}`;
}

export function pageGuard(key: Buffer, url: string): PageGuard {
  const fieldOf = (value: string): string =>
    createHmac("sha256", key).update(value).digest("base64url");
  const origins = ownOrigins(url);
  return {
    give(incoming) {
      const kept = cookieOf(incoming, COOKIE);
      if (kept !== undefined) return { field: fieldOf(kept), cookies: [] };
      const value = newToken();
      return { field: fieldOf(value), cookies: [["set-cookie", cookieText(url, COOKIE, value)]] };
    },
    isOurs(incoming, field) {
      const { origin } = incoming.headers;
      if (origin !== undefined && !origins.includes(origin)) return false;
      const kept = cookieOf(incoming, COOKIE);
      if (kept === undefined || field === undefined) return false;
      const expected = Buffer.from(fieldOf(kept));
      const given = Buffer.from(field);
      return expected.length === given.length && timingSafeEqual(expected, given);
    },
    deviceOf: (incoming) => cookieOf(incoming, DEVICE_COOKIE),
  };
}

function cookieOf({ headers }: IncomingMessage, name: string): string | undefined {
  for (const pair of (headers.cookie ?? "").split(/; */)) {
    const at = pair.indexOf("=");
    if (pair.slice(0, at) !== name) continue;
    const value = pair.slice(at + 1);
    return /^[\w-]{20,400}$/.test(value) ? value : undefined;
  }
  return undefined;
}
