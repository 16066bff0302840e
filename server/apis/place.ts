import path from "node:path";

import {
  dropDatabase,
  ensureDatabase,
  neighbourOf,
  untilUnused,
} from "#platform/postgres/own-database.ts";

/** Where the domain APIs keep their data. */
export type ApisPlace = {
  dataFolder: string;
  databaseUrl: string;
  /** Whether other places that settings name (mail server, warehouse, replicas) are left alone. */
  isDemo: boolean;
};

/** Workers start, and those before them end. */
const LEFT_MS_MAX = 60_000;

type Owned = Pick<ApisPlace, "dataFolder" | "databaseUrl">;

/** A place of its own for the demo, with all of its records, logs and mails. @throws AppError */
export async function openDemoPlace(real: Owned): Promise<ApisPlace> {
  const place = demoPlace(real);
  await ensureDatabase(real.databaseUrl, place.databaseUrl);
  return place;
}

/** Deletes the database of the demo; its folder is deleted with the demo itself. */
export const deleteDemoDatabase = (real: Owned): Promise<void> =>
  dropDatabase(real.databaseUrl, demoPlace(real).databaseUrl);

/** Likewise, as soon as no domain API uses it any more. */
export async function leaveDemoDatabase(real: Owned): Promise<void> {
  await untilUnused(real.databaseUrl, demoPlace(real).databaseUrl, LEFT_MS_MAX);
  await deleteDemoDatabase(real);
}

const demoPlace = ({ dataFolder, databaseUrl }: Owned): ApisPlace => ({
  dataFolder: path.join(dataFolder, "demo"),
  databaseUrl: neighbourOf(databaseUrl, "demo"),
  isDemo: true,
});
