import { join } from "node:path";

import { z } from "zod";

import { RouteLearner } from "#collectors/derive/route-learner.ts";
import type { Processing } from "#pipeline/processing/processing.ts";
import { RotatingSalt, type Salt } from "#pipeline/processing/salt.ts";
import type { Clock } from "#platform/clock.ts";
import { readStateFile, writeStateFile } from "#platform/state-file.ts";

type Place = { dataFolder: string; processing: Processing | undefined; clock: Clock };

/** What processing keeps in the data folder: the salt of hashes, and the routes that were learnt. */
export type ProcessingState = { salt?: Salt; learner?: RouteLearner };

export function openProcessingState({ dataFolder, processing, clock }: Place): ProcessingState {
  if (!processing) return {};
  const { hash, saltPeriod: period, learnRoutes } = processing;
  return {
    ...(hash.length > 0 && {
      salt: new RotatingSalt({ folder: join(dataFolder, "salts"), period, clock }),
    }),
    ...(learnRoutes && { learner: openLearner(join(dataFolder, "routes.json")) }),
  };
}

function openLearner(file: string): RouteLearner {
  // A damaged file is learnt again.
  const learnt = readStateFile(file, z.array(z.string())).value ?? [];
  return new RouteLearner(learnt, (all) => {
    try {
      writeStateFile(file, all);
    } catch {
      // On a full disk it is learnt again after a restart.
    }
  });
}
