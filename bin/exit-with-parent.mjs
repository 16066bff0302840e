// Loaded before the command line. When the launcher is killed, nothing forwards Ctrl-C any more: stop.
import { endWith } from "./parent.mjs";

// The launcher passes its pid, because it may have ended before this process could read it.
const launcher = new URL(import.meta.url).searchParams.get("parent");
endWith(launcher === null ? process.ppid : Number(launcher), () =>
  process.kill(process.pid, "SIGTERM"),
);
