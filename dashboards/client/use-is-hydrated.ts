"use client";

import { useSyncExternalStore } from "react";

const never = (): (() => void) => () => undefined;

/**
 * False while rendering on the server and for the first time in the browser, which must agree: what depends on the
 * browser's time zone is rendered afterwards.
 */
export const useIsHydrated = (): boolean =>
  useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
