"use client";

import { parseAsInteger, parseAsString } from "nuqs";
import { useMemo } from "react";

import { useUrlState } from "#dashboards/client/url-state.ts";

import { ROWS } from "../live-messages.ts";

const STATE = {
  /** The workload whose deploys are listed. */
  workload: parseAsString,
  rows: parseAsInteger.withDefault(ROWS.step),
  /** The workload for the form that starts a deploy; empty while none is chosen. */
  start: parseAsString,
  /** The release that the form begins with. */
  release: parseAsString,
  /** Whether the form of a freeze is open: set to anything. */
  freeze: parseAsString,
  /** Whether the form of a token is open: set to anything. */
  token: parseAsString,
};

/** Filter, rows and opened forms. The URL is their only state. */
export function useDeploysView() {
  const [state, set] = useUrlState(STATE);
  return useMemo(() => ({ ...state, set }), [state, set]);
}

export type DeploysViewState = ReturnType<typeof useDeploysView>;
