import { randomBytes } from "node:crypto";

export const createNonce = (): string => randomBytes(16).toString("base64");

const COMMON = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
};

/**
 * Headers of a page: scripts are ours or carry the nonce of this response; nothing inline runs, nobody frames it. Next
 * takes the nonce from the request header `content-security-policy`, so the same value goes there too.
 */
export function pageHeaders(nonce: string): Record<string, string> {
  const policy = [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}'`,
    // Charts place their parts by style attributes.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ];
  return { ...COMMON, "content-security-policy": policy.join("; ") };
}

/** Headers of an answer that is data: even shown as a page it can do nothing. */
export function dataHeaders(): Record<string, string> {
  return { ...COMMON, "content-security-policy": "default-src 'none'; frame-ancestors 'none'" };
}
