// Loaded before the command line: when the launcher is killed, nobody passes Ctrl-C on any more, so we stop as if it had.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, "SIGTERM");
}, 1_000).unref();
