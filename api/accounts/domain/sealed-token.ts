import { createHmac, timingSafeEqual } from "node:crypto";

const MAC_BYTES = 24;
const TOKEN_CHARS_MAX = 400;

/**
 * Tokens with public content and a MAC. The database contains neither token nor key, so tokens cannot be forged from it
 * (or a backup or a queued mail), and a job can compute a token again when it sends it. `kind` separates kinds of
 * tokens.
 */
export type SealedTokens = {
  seal(kind: string, content: string): string;
  /** The content of a valid token of this kind. */
  open(kind: string, token: string): string | undefined;
};

export function sealedTokens(key: Buffer): SealedTokens {
  const macOf = (kind: string, content: Buffer): Buffer =>
    createHmac("sha256", key).update(`${kind}\n`).update(content).digest().subarray(0, MAC_BYTES);
  return {
    seal(kind, content) {
      const bytes = Buffer.from(content);
      return `${kind}_${Buffer.concat([macOf(kind, bytes), bytes]).toString("base64url")}`;
    },
    open(kind, token) {
      if (!token.startsWith(`${kind}_`) || token.length > TOKEN_CHARS_MAX) return undefined;
      const bytes = Buffer.from(token.slice(kind.length + 1), "base64url");
      if (bytes.length <= MAC_BYTES) return undefined;
      const content = bytes.subarray(MAC_BYTES);
      const isAuthentic = timingSafeEqual(bytes.subarray(0, MAC_BYTES), macOf(kind, content));
      return isAuthentic ? content.toString() : undefined;
    },
  };
}
