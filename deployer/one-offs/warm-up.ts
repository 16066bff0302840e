import type { Colour, OneOff } from "../drivers.ts";

export type WarmUpDeps = {
  /** The most requested paths of a workload; empty if they are not known. */
  topPaths(workload: string): Promise<readonly string[]>;
  /** URLs and headers with which requests reach tasks of the colour, whatever its share: through each node, or directly. */
  previewsOf(
    workload: string,
    colour: Colour,
  ): Promise<readonly { url: string; headers: Readonly<Record<string, string>> }[]>;
  limits: { paths: number; atOnce: number; requestMsMax: number; msMax: number };
};
export const WARM_UP: WarmUpDeps["limits"] = {
  paths: 50,
  atOnce: 4,
  requestMsMax: 5_000,
  msMax: 60_000,
};

/** Requests the most requested URLs from the new colour, so that its first users find warm caches. Failures do not matter. */
export async function warmUp({ workload, colour }: OneOff, deps: WarmUpDeps): Promise<void> {
  const { limits } = deps;
  const [paths, previews] = await Promise.all([
    deps.topPaths(workload).catch(() => []),
    deps.previewsOf(workload, colour),
  ]);
  const requests = paths
    .slice(0, limits.paths)
    .flatMap((path) => previews.map(({ url, headers }) => ({ url: `${url}${path}`, headers })));
  const ends = AbortSignal.timeout(limits.msMax);
  const worker = async (): Promise<void> => {
    for (let next = requests.shift(); next && !ends.aborted; next = requests.shift()) {
      await get(next, AbortSignal.any([ends, AbortSignal.timeout(limits.requestMsMax)]));
    }
  };
  await Promise.all(Array.from({ length: limits.atOnce }, worker));
}

async function get(
  { url, headers }: { url: string; headers: Readonly<Record<string, string>> },
  signal: AbortSignal,
): Promise<void> {
  try {
    const response = await fetch(url, { headers: { ...headers }, redirect: "manual", signal });
    // All of it, so that the cache stores it, and none of it in memory.
    await response.body?.pipeTo(new WritableStream());
  } catch {
    // The verification has looked at the tasks; here a cold answer is as good as none.
  }
}
