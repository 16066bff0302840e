import { createHash } from "node:crypto";

import type { TrainView } from "#dashboards/deploys/messages.ts";
import { checked } from "#deployer/engine/requests.ts";
import { Freeze, frozenUntil } from "#deployer/machine/freezes.ts";
import type { Train } from "#deployer/machine/train.ts";
import { AppError } from "#platform/errors.ts";
import { newId } from "#platform/ids.ts";

import { type DeploysDeps, findDeploy, given, requestOf } from "./deploys.ts";
import type { DeploysService } from "./service.ts";
import { summaryOf } from "./views/summary.ts";

type Verbs = "freezes" | "freeze" | "thaw" | "trains" | "train" | "audit";

/** Times without deploys, trains of several workloads, and who did what. */
export function calendarOf(deps: DeploysDeps): Pick<DeploysService, Verbs> {
  const { deployer, journal, workloads, clock } = deps;
  const freezeView = (freeze: Freeze) => ({
    ...freeze,
    frozenUntilMs: frozenUntil(freeze, clock.nowMs()) ?? null,
  });
  return {
    freezes: async () => deployer.freezes.map(freezeView),
    async freeze({ actor, reason, key, ...request }) {
      for (const name of request.workloads) workloads.find(name);
      const freeze = checked(Freeze, { ...request, id: freezeId(key), version: 1 });
      await deployer.freeze(freeze, { actor, reason });
      return freezeView(freeze);
    },
    thaw: ({ id, actor, reason }) => deployer.thaw(id, { actor, reason }),
    trains: () => Promise.all(deployer.trains.map((train) => trainView(train, deps))),
    async train({ name, cars, actor, reason, key }) {
      const requests = cars.map(({ after, planHash, ...car }, index) => ({
        ...requestOf(car, deps),
        actor,
        reason,
        after,
        ...given({ planHash, key: index === 0 ? key : undefined }),
      }));
      await deps.startEdge();
      const [first] = await deployer.requestTrain(name, requests);
      const train = deployer.trains.find(({ id }) => id === first?.train);
      if (train === undefined) throw new AppError("conflict", "This train has ended.");
      return trainView(train, deps);
    },
    async audit({ after, limit }) {
      const records = await journal.audit({ after, limit });
      const entries = records.map(({ seq, atMs, actor, action, target, reason, hash }) => {
        return { seq, atMs, actor, action, target, reason, hash };
      });
      const last = entries.at(-1);
      return { entries, next: entries.length === limit && last ? last.seq : null };
    },
  };
}

async function trainView(train: Train, { journal }: DeploysDeps): Promise<TrainView> {
  const cars = train.cars.map(async ({ workload, after, deploy }) => {
    return { workload, after, deploy: summaryOf(await findDeploy(journal, deploy)) };
  });
  return { ...train, cars: await Promise.all(cars) };
}

/** The same key makes the same freeze. */
const freezeId = (key: string | undefined): string =>
  key === undefined
    ? newId("frz")
    : `frz_${createHash("sha256").update(key).digest("hex").slice(0, 24)}`;
