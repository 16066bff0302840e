/** From one run to the next, if it was requested. */
const PAUSE_MS_MIN = 100;
/** If it was not. */
const PAUSE_MS_MAX = 200;
/** Of the thread's time that the work takes, in CPU time: sending to many viewers must leave time for everything else. */
const SHARE_MAX = 0.1;

export type Paced = Disposable & {
  /** Makes the work run as soon as the pause after its last run is over. */
  request(): void;
};

/** Runs the work when it is requested, and every PAUSE_MS_MAX otherwise; the longer it takes, the longer is the pause. */
export function paced(work: () => void): Paced {
  let ranMs = Number.NEGATIVE_INFINITY;
  let pauseMs = PAUSE_MS_MIN;
  let timer: NodeJS.Timeout | undefined;
  let isRequested = false;
  let isDisposed = false;
  const plan = (afterMs: number): void => {
    clearTimeout(timer);
    timer = setTimeout(run, Math.max(0, afterMs - (performance.now() - ranMs)));
  };
  const run = (): void => {
    isRequested = false;
    ranMs = performance.now();
    plan(PAUSE_MS_MAX);
    const before = process.threadCpuUsage();
    work();
    const { user, system } = process.threadCpuUsage(before);
    const tookMs = (user + system) / 1_000;
    pauseMs = Math.min(PAUSE_MS_MAX, Math.max(PAUSE_MS_MIN, tookMs / SHARE_MAX));
  };
  plan(0);
  return {
    request: () => {
      if (isRequested || isDisposed) return;
      isRequested = true;
      if (performance.now() - ranMs >= pauseMs) run();
      else plan(pauseMs);
    },
    [Symbol.dispose]: () => {
      isDisposed = true;
      clearTimeout(timer);
    },
  };
}
