import { setTimeout as delay } from "node:timers/promises";

import { SERVICE_NAMES, type ServiceName } from "#api/kit/service.ts";
import type { WorkloadView } from "#dashboards/deploys/messages.ts";
import { AppError } from "#platform/errors.ts";

import type { Deploys } from "../deploys/follow-deploys.ts";
import type { ApiHostSettings } from "../settings.ts";
import { openInstallation } from "./installation.ts";
import { leaveDemoDatabase } from "./place.ts";
import type { Apis } from "./start-apis.ts";

const CHECK_EVERY_MS = 500;
const FIRST_MS_MAX = 60_000;

/**
 * The domain APIs as workloads that the role `deploys` runs behind the edge. It resolves when their addresses are known.
 * @throws AppError when the role or the database cannot be reached
 */
export async function followDeployedApis(
  { apis: settings, deploys }: { apis: ApiHostSettings; deploys: Pick<Deploys, "ask"> },
  notify: (line: string) => void,
  { isDemo }: { isDemo: boolean },
): Promise<Apis> {
  await using started = new AsyncDisposableStack();
  const stopping = new AbortController();
  const installation = await openInstallation(settings);
  started.defer(() => installation.close());
  let views = await firstAnswer(deploys, stopping.signal);
  const urls = Object.fromEntries(views.map(({ name, urls: [url = ""] }) => [name, url]));
  const ready = Promise.withResolvers<void>();
  const tell = progressTo(notify, deploys);
  const check = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      // While the role does not answer, its tasks go on.
      views = await askApis(deploys).catch(() => views);
      await tell(views).catch(() => undefined);
      if (views.every(serves)) ready.resolve();
      await delay(CHECK_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const checking = check();
  started.defer(() => {
    stopping.abort();
    return checking;
  });
  const resources = started.move();
  return {
    urls,
    rootKey: installation.rootKey,
    ready: ready.promise,
    down: () => views.filter((it) => !serves(it) && it.active === null).map(nameOf),
    leaveDemo: async () => {
      if (isDemo) await leaveDemoDatabase({ ...settings, ...installation });
    },
    stop: () => resources.disposeAsync(),
  };
}

type ApiView = WorkloadView & { name: ServiceName };

const isApi = (view: WorkloadView): view is ApiView => SERVICE_NAMES.some((it) => it === view.name);
const nameOf = ({ name }: ApiView): ServiceName => name;

const askApis = async (deploys: Pick<Deploys, "ask">): Promise<ApiView[]> =>
  (await deploys.ask("workloads", {})).filter(isApi);

/** The role starts at the same time. */
async function firstAnswer(deploys: Pick<Deploys, "ask">, signal: AbortSignal): Promise<ApiView[]> {
  const untilMs = performance.now() + FIRST_MS_MAX;
  for (;;) {
    try {
      return await askApis(deploys);
    } catch (error) {
      const isOver = signal.aborted || performance.now() > untilMs;
      if (isOver || !(error instanceof AppError)) throw error;
    }
  }
}

/** Whether each node of the edge has a task of the live colour. */
function serves({ release, live, nodes }: WorkloadView): boolean {
  const known = nodes ?? [];
  return release !== null && known.length > 0 && known.every((it) => (it.serving?.[live] ?? 0) > 0);
}

type Tell = (views: readonly ApiView[]) => Promise<void>;

/** Tells people what is deployed, and once of each API when it serves or could not be deployed. */
function progressTo(notify: (line: string) => void, deploys: Pick<Deploys, "ask">): Tell {
  const deploying = new Set<ServiceName>();
  let isTold = false;
  return async (views) => {
    for (const { name, active } of views.filter((it) => !serves(it))) {
      if (active) deploying.add(name);
      else if (deploying.delete(name)) notify(await failureOf(name, deploys));
    }
    if (deploying.size > 0 && !isTold) {
      notify("Deploying the domain APIs: the page Deploys shows each step …");
      isTold = true;
    }
    for (const { name, release } of views.filter(serves)) {
      if (deploying.delete(name)) notify(`✓ ${name} ${release}`);
    }
  };
}

async function failureOf(name: ServiceName, deploys: Pick<Deploys, "ask">): Promise<string> {
  const {
    deploys: [last],
  } = await deploys.ask("list", { workload: name, limit: 1 });
  const why = last ? `${last.release} ${last.label}: ${last.reason ?? ""}` : "";
  return `✗ ${name}: ${why} Try again: quarterdeck deploy ${name} ${last?.release} --wait`;
}
