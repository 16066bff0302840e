import type { Installation } from "./installation.ts";

/** Compares each path with a pattern whose naive matching backtracks. */
export const HOSTILE_QUERY = "path:*a*a*a*a*a*b";
const ANSWER_MS_MAX = 60_000;
const BROKEN = "broken";

/** What became of all searches. */
export class Searches {
  /** By HTTP status, or `broken` for those whose connection broke. */
  readonly counts: Record<string, number> = {};
  slowestMs = 0;
  /** Requests without an answer in time, while no process was killed. */
  unanswered = 0;

  note(outcome: string, ms: number): void {
    this.counts[outcome] = (this.counts[outcome] ?? 0) + 1;
    this.slowestMs = Math.max(this.slowestMs, Math.round(ms));
  }
}

/** Sends so many equal requests at once, and waits for all answers. */
export async function ask(
  { installation, searches }: { installation: Installation; searches: Searches },
  path: string,
  count: number,
): Promise<string> {
  const { url, starts, cookie } = installation;
  if (url === undefined) return "no board";
  const one = async (): Promise<void> => {
    const startMs = performance.now();
    const outcome = await statusOf(`${url}${path}`, cookie);
    const ms = performance.now() - startMs;
    searches.note(outcome, ms);
    const wasKilled = installation.url !== url || installation.starts !== starts;
    if (outcome === BROKEN && ms > ANSWER_MS_MAX && !wasKilled) searches.unanswered += 1;
  };
  await Promise.all(Array.from({ length: count }, one));
  return `${count} at once`;
}

async function statusOf(url: string, cookie: string): Promise<string> {
  try {
    const response = await fetch(url, {
      headers: { cookie },
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    await response.arrayBuffer();
    return String(response.status);
  } catch {
    return BROKEN;
  }
}
