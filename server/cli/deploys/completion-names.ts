import { AppError } from "#platform/errors.ts";
import { dataFolderSettings } from "#platform/settings/data-folder.ts";
import { parseSettings } from "#platform/settings/settings.ts";
import { followDeploys } from "#server/deploys/follow-deploys.ts";

import { environmentWith } from "../options.ts";
import type { DeployNames } from "./completions.ts";
import type { DeploysClient } from "./http-deploys.ts";

const LIMIT = 20;
/** A person is waiting for the completion. */
const CONNECT_MS_MAX = 300;

/** The names that the role of the data folder of a command line knows. */
export function namesFrom(words: readonly string[]): DeployNames {
  const at = words.indexOf("--data");
  const data = at >= 0 && at < words.length - 2 ? words[at + 1] : undefined;
  return {
    services: () =>
      ask(data, async (client) => (await client.ask("workloads", {})).map(({ name }) => name)),
    deploys: () =>
      ask(data, async (client) => {
        const { deploys } = await client.ask("list", { limit: LIMIT });
        return deploys.map(({ id, workload, release }) => ({ id, text: `${workload} ${release}` }));
      }),
  };
}

async function ask<Name>(
  data: string | undefined,
  work: (client: Pick<DeploysClient, "ask">) => Promise<Name[]>,
): Promise<Name[]> {
  const settings = parseSettings({ data: dataFolderSettings }, environmentWith({ data }));
  const deploys = followDeploys(settings.data.dataFolder, CONNECT_MS_MAX);
  try {
    return await work(deploys);
  } catch (error) {
    if (error instanceof AppError) return [];
    throw error;
  } finally {
    await deploys.stop();
  }
}
