import { open } from "node:fs/promises";
import path from "node:path";

import { openEndpoint } from "#deployer/ecs-local/open-endpoint.ts";
import { openLocalClient } from "#deployer/ecs-local/open-local-client.ts";
import type { TaskOutput } from "#deployer/fleet/task-output.ts";
import { ifExists } from "#platform/files.ts";
import type { Log } from "#platform/log.ts";

import { LOCAL_PACE } from "./pace.ts";
import type { RoleFleet } from "./role-fleet.ts";

const OUTPUT_BYTES_MAX = 64 * 1024;

/** Opens the fleet of this machine. @throws AppError if another process has it */
export async function openLocalFleet(dataFolder: string, log: Log): Promise<RoleFleet> {
  await using started = new AsyncDisposableStack();
  const endpoint = await openEndpoint({ folder: path.join(dataFolder, "deploys", "fleet"), log });
  started.defer(() => endpoint.close());
  const client = await openLocalClient(endpoint);
  started.move();
  return {
    client,
    place: "processes of this machine",
    async outputOf({ arn }, container) {
      const file = endpoint.logFileOf(arn, container);
      return file === undefined ? undefined : endOf(file);
    },
    pace: LOCAL_PACE,
    async close(tasks) {
      client.close();
      await (tasks === "stop-tasks" ? endpoint.stop() : endpoint.close());
    },
  };
}

/** The end of a file that grows. */
async function endOf(name: string): Promise<TaskOutput> {
  const opened = await ifExists(open(name));
  if (!opened) return { text: "", isCut: false };
  await using file = opened;
  const { size } = await file.stat();
  const from = Math.max(0, size - OUTPUT_BYTES_MAX);
  const buffer = Buffer.alloc(size - from);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
  const text = buffer.toString("utf8", 0, bytesRead);
  return { text: from > 0 ? text.slice(text.indexOf("\n") + 1) : text, isCut: from > 0 };
}
