import path from "node:path";

import { storeUrlIn } from "#pipeline/store/open-store.ts";

import { findRunning } from "../current-store.ts";
import type { Installation } from "./installation.ts";
import { type ApisPlace, openDemoPlace } from "./place.ts";

/** Where a domain API keeps its data, which may change while it runs. */
export type FollowedPlace = {
  current(): ApisPlace;
  onChanged(listener: () => void): void;
  close(): void;
};

const CHECK_EVERY_MS = 500;

/**
 * Follows the address of the database server and, with `followsDemo`, whether the control plane of the data folder shows the demo.
 * @throws AppError when the database of the demo cannot be created
 */
export async function followPlace(
  installation: Pick<Installation, "databaseUrl" | "onMoved">,
  { dataFolder, followsDemo }: { dataFolder: string; followsDemo: boolean },
): Promise<FollowedPlace> {
  let { databaseUrl } = installation;
  const open = async (isDemo: boolean): Promise<ApisPlace> => {
    const real = { dataFolder, databaseUrl, isDemo: false };
    return isDemo ? openDemoPlace(real) : real;
  };
  const isDemo = (isDemoNow: boolean): boolean => followsDemo && isDemoShown(dataFolder, isDemoNow);
  let current = await open(isDemo(false));
  let openedAt = databaseUrl;
  let onChanged: (() => void) | undefined;
  const check = async (): Promise<void> => {
    const isDemoShownNow = isDemo(current.isDemo);
    if (isDemoShownNow === current.isDemo && openedAt === databaseUrl) return;
    const url = databaseUrl;
    current = await open(isDemoShownNow);
    openedAt = url;
    onChanged?.();
  };
  // A failed check is repeated at the next one.
  let checking: Promise<void> | undefined;
  const checkOnce = (): void => {
    checking ??= check()
      .catch(() => undefined)
      .finally(() => (checking = undefined));
  };
  installation.onMoved((url) => {
    databaseUrl = url;
  });
  const timer = setInterval(checkOnce, CHECK_EVERY_MS);
  return {
    current: () => current,
    onChanged: (listener) => (onChanged = listener),
    close: () => clearInterval(timer),
  };
}

/** Without a control plane nothing changes. */
function isDemoShown(dataFolder: string, isDemoNow: boolean): boolean {
  const running = findRunning(dataFolder);
  return running ? running.store === storeUrlIn(path.join(dataFolder, "demo")) : isDemoNow;
}
