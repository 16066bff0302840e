import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

import { type SetCookie, parseCookie, stringifySetCookie } from "cookie";

import { newToken } from "#platform/secrets.ts";

import { ownOrigins } from "../domain/passkeys.ts";

const COOKIE = "quarterdeck_page";
const DEVICE_COOKIE = "quarterdeck_device";
const DEVICE_S = 365 * 86_400;
const URL_HASH_CHARS = 8;

/** Browsers send cookies to all ports of a host, so the names differ between installations. */
const nameAt = (url: string, name: string): string =>
  `${name}_${createHash("sha256").update(url).digest("hex").slice(0, URL_HASH_CHARS)}`;

/**
 * Protects forms against cross-site requests: each form has a hidden field with the HMAC of a cookie that other sites
 * cannot set.
 */
export type CsrfGuard = {
  /** The value of the hidden field, and its cookie unless the browser has one. */
  issue(incoming: IncomingMessage): { field: string; cookies: (readonly [string, string])[] };
  verify(incoming: IncomingMessage, field: string | undefined): boolean;
  deviceOf(incoming: IncomingMessage): string | undefined;
};

/** The cookie by which the sign-in page recognises a device. */
export const deviceCookie = (url: string, token: string): string =>
  setCookie(url, { name: nameAt(url, DEVICE_COOKIE), value: token, maxAge: DEVICE_S });

const setCookie = (url: string, cookie: SetCookie): string =>
  stringifySetCookie({
    ...cookie,
    path: "/oauth",
    httpOnly: true,
    sameSite: "strict",
    secure: url.startsWith("https:"),
  });

export function csrfGuard(key: Buffer, url: string): CsrfGuard {
  const fieldOf = (value: string): string =>
    createHmac("sha256", key).update(value).digest("base64url");
  const origins = ownOrigins(url);
  const name = nameAt(url, COOKIE);
  return {
    issue(incoming) {
      const cookie = cookieOf(incoming, name);
      if (cookie !== undefined) return { field: fieldOf(cookie), cookies: [] };
      const value = newToken();
      return {
        field: fieldOf(value),
        cookies: [["set-cookie", setCookie(url, { name, value })]],
      };
    },
    verify(incoming, field) {
      const { origin } = incoming.headers;
      if (origin !== undefined && !origins.includes(origin)) return false;
      const cookie = cookieOf(incoming, name);
      if (cookie === undefined || field === undefined) return false;
      const expected = Buffer.from(fieldOf(cookie));
      const actual = Buffer.from(field);
      return expected.length === actual.length && timingSafeEqual(expected, actual);
    },
    deviceOf: (incoming) => cookieOf(incoming, nameAt(url, DEVICE_COOKIE)),
  };
}

function cookieOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = parseCookie(headers.cookie ?? "")[name];
  return value !== undefined && /^[\w-]{20,400}$/.test(value) ? value : undefined;
}
