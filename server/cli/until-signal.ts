const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Resolves at the first of these signals; a second one exits immediately. Call it before anything is started, so that a
 * signal during the start stops what is already running.
 */
export function untilSignal(signals: readonly (typeof SIGNALS)[number][] = SIGNALS): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      for (const signal of signals) {
        process.removeListener(signal, stop);
        process.once(signal, () => process.exit(130));
      }
      resolve();
    };
    for (const signal of signals) process.once(signal, stop);
  });
}
