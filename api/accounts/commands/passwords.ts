import { AppError } from "#platform/errors.ts";
import { hashPassword, newToken, verifyPassword } from "#platform/secrets.ts";

/** Of the four threads in the pool of libuv; the others stay available for files and DNS. */
const CONCURRENT_MAX = 2;
const WAITING_MAX = 60;
const RETRY_AFTER_MS = 1_000;

/** Password hashing with limited concurrency and a bounded queue. */
export type Passwords = {
  /** @throws AppError unavailable, with Retry-After, if the queue is full */
  hash(password: string): Promise<string>;
  /** Takes the same time without a stored hash, so that timing reveals nothing. @throws AppError unavailable */
  verify(password: string, stored: string | undefined): Promise<boolean>;
};

export function createPasswords(): Passwords {
  const waiting: (() => void)[] = [];
  let running = 0;
  let dummyHash: Promise<string> | undefined;

  async function bounded<T>(work: () => Promise<T>): Promise<T> {
    if (running >= CONCURRENT_MAX) {
      if (waiting.length >= WAITING_MAX) {
        const message = "Too many sign-ins at the moment. Try again in a second.";
        throw new AppError("unavailable", message, { waitMs: RETRY_AFTER_MS });
      }
      // A finished task passes its slot on, so `running` stays unchanged.
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      running += 1;
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  }

  return {
    hash: (password) => bounded(() => hashPassword(password)),
    async verify(password, stored) {
      dummyHash ??= hashPassword(newToken());
      const against = stored ?? (await dummyHash);
      const matches = await bounded(() => verifyPassword(password, against));
      return matches && stored !== undefined;
    },
  };
}
