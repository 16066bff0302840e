/** Aborted by the first SIGINT or SIGTERM, so that a benchmark stops what it started; the second ends the process at once. */
export function interruption(say: (line: string) => void): AbortSignal {
  const interrupted = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (interrupted.signal.aborted) process.exit(1);
      say("stopping tasks and edge …");
      interrupted.abort(new Error(`ended by ${name}`));
    });
  }
  return interrupted.signal;
}
