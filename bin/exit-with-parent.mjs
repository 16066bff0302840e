// Loaded before the command line. When the launcher is killed, nothing forwards Ctrl-C any more: stop.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, "SIGTERM");
}, 1_000).unref();
