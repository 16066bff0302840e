import { argon2, createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

const argon2Async = promisify(argon2);

/** OWASP Password Storage Cheat Sheet, argon2id: 19 MiB, two passes, one lane. */
const COST = { memory: 19_456, passes: 2, parallelism: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const TOKEN_BYTES = 32;

/** A secret of 256 random bits for a link or a cookie. */
export const newToken = (): string => randomBytes(TOKEN_BYTES).toString("base64url");

/** The stored hash of a token. A fast hash is enough, because tokens are random and cannot be guessed. */
export const hashToken = (token: string): Buffer => createHash("sha256").update(token).digest();

/** The hash of a password in the PHC string format: `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await argon2id(password, { ...COST, salt });
  return `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$${base64(salt)}$${base64(hash)}`;
}

/** Uses the cost parameters of the stored hash, so that raising `COST` does not invalidate existing passwords. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const [, memory, passes, parallelism, salt = "", hash = ""] =
    /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/.exec(stored) ?? [];
  if (hash === "") return false;
  const expected = Buffer.from(hash, "base64");
  const actual = await argon2id(password, {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt, "base64"),
  });
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

/** Normalizes to NFC, as required by RFC 8265 for passwords. */
function argon2id(password: string, options: typeof COST & { salt: Buffer }): Promise<Buffer> {
  const { salt, ...cost } = options;
  return argon2Async("argon2id", {
    message: password.normalize("NFC"),
    nonce: salt,
    tagLength: HASH_BYTES,
    ...cost,
  });
}

const base64 = (bytes: Buffer): string => bytes.toString("base64").replaceAll("=", "");
