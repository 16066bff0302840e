"use client";

import { parseAsString } from "nuqs";

import { useUrlState } from "#dashboards/client/url-state.ts";

const STATE = { service: parseAsString, task: parseAsString, container: parseAsString };

/** The opened service, task and container. The URL is their only state. */
export function useFleetView() {
  const [state, set] = useUrlState(STATE);
  return { ...state, set };
}

export type FleetViewState = ReturnType<typeof useFleetView>;
