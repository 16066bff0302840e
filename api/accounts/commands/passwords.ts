import { AppError } from "#platform/errors.ts";
import { hashPassword, newToken, verifyPassword } from "#platform/secrets.ts";

/** Of the four threads that Node has for such work: the others stay free for files and names. */
const AT_ONCE = 2;
const WAITING_MAX = 60;
const RETRY_AFTER_MS = 1_000;

/** Password hashing that cannot starve the rest: so many at once, so many that wait, and the next ones are sent away. */
export type Passwords = {
  /** @throws AppError unavailable, with Retry-After, when too many wait already */
  hash(password: string): Promise<string>;
  /** Takes as long where there is no stored hash, so that time does not tell. @throws AppError unavailable */
  verify(password: string, stored: string | undefined): Promise<boolean>;
};

export function createPasswords(): Passwords {
  const waiting: (() => void)[] = [];
  let running = 0;
  let nobody: Promise<string> | undefined;

  async function bounded<T>(work: () => Promise<T>): Promise<T> {
    if (running >= AT_ONCE) {
      if (waiting.length >= WAITING_MAX) {
        throw new AppError(
          "unavailable",
          "Too many sign in at this moment. Try again in a second.",
          {
            waitMs: RETRY_AFTER_MS,
          },
        );
      }
      // Whoever ends hands over its place, so `running` stays as it is.
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
      nobody ??= hashPassword(newToken());
      const against = stored ?? (await nobody);
      const isRight = await bounded(() => verifyPassword(password, against));
      return isRight && stored !== undefined;
    },
  };
}
