import { spawn } from "node:child_process";
import { once } from "node:events";

import { containedPid } from "#platform/lease/testing-namespaces.ts";

import { imageFile } from "./dockerfile.ts";

/**
 * Makes a folder the root of a process, as a container runtime does: read-only, with /tmp and /data, the system of this machine
 * as the base image, and Node where the image has it. The process has a user and no rights, also if it is started by root.
 */
const ENTER = `
set -eu
root=$1 node=$2 user=$3; shift 3
mount --bind "$root" "$root"
mount --bind /usr "$root/usr"
mount -o remount,bind,ro "$root/usr"
mount -t tmpfs -o mode=755 tmpfs "$root/usr/local"
mkdir "$root/usr/local/bin"
touch "$root/usr/local/bin/node"
mount --bind "$node" "$root/usr/local/bin/node"
mount --bind /etc "$root/etc"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
chown -R "$user" "$root/data"
mount --bind "$root/data" "$root/data"
mount -o remount,bind,ro "$root"
exec chroot "$root" setpriv --reuid "\${user%:*}" --regid "\${user#*:}" --clear-groups \
  --no-new-privs --bounding-set=-all --inh-caps=-all sh -c 'cd /app && exec "$@"' sh "$@"
`;
const RUNTIME = ["unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child"];
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export type Contained = AsyncDisposable & {
  output(): string;
  /** Resolves with the exit status when it has ended. */
  ended: Promise<number | null>;
  stop(): void;
};

type Container = {
  root: string;
  image: string;
  command: readonly string[];
  env?: Readonly<Record<string, string>>;
};

/** Runs a command in an assembled image. */
export function contain({ root, image, command, env = {} }: Container): Contained {
  const { last, environment } = imageFile(image);
  const enter = ["sh", "-c", ENTER, "sh", root, process.execPath, last("USER") ?? "0:0"];
  const [program = "", ...args] = [...RUNTIME, ...enter, ...command];
  const child = spawn(program, args, {
    env: { NODE_ENV: "production", PATH, ...environment, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: unknown) => (text += String(chunk)));
  }
  const ended = once(child, "close").then(() => child.exitCode);
  // unshare ignores signals, and does not take a process of another user with it.
  const signal = (name: NodeJS.Signals): void => {
    if (child.exitCode === null) process.kill(containedPid(child.pid ?? 0), name);
  };
  return {
    output: () => text,
    ended,
    stop: () => signal("SIGTERM"),
    async [Symbol.asyncDispose]() {
      signal("SIGKILL");
      await ended;
    },
  };
}
