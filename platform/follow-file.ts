import { stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

const CHECK_EVERY_MS = 1_000;

/**
 * Calls the function now and, until the signal aborts, within a second after each change of the file, which need not exist.
 * Notifications of file systems are missing on network disks and in containers, so its size and times are compared. Resolves
 * after the first call with a function that compares at once, for who has changed the file. If a later call throws, it is repeated.
 */
export async function followFile(
  path: string,
  onChange: () => Promise<void>,
  signal: AbortSignal,
): Promise<() => Promise<void>> {
  let seen = "unread";
  let turn: Promise<void> = Promise.resolve();
  async function check(): Promise<void> {
    const version = await versionOf(path);
    if (version === seen) return;
    await onChange();
    seen = version;
  }
  const checkInTurn = (): Promise<void> => (turn = turn.then(check).catch(() => undefined));
  async function follow(): Promise<void> {
    while (!signal.aborted) {
      await delay(CHECK_EVERY_MS, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await checkInTurn();
    }
  }
  await check();
  void follow();
  return checkInTurn;
}

/** Changes whenever the file was written or replaced. */
async function versionOf(path: string): Promise<string> {
  const stats = await stat(path, { bigint: true }).catch(() => undefined);
  return stats ? `${stats.ino} ${stats.size} ${stats.mtimeNs}` : "";
}
