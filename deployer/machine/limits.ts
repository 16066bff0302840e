/** Times in ms. The defaults are for production; a local fleet has shorter ones. */
export type Limits = {
  /** How long a request to the fleet may take effect after it was sent, including the lag of reads. */
  fleetLagMs: number;
  /** A request to the fleet that shows no effect is sent again after this time. */
  fleetRetryMs: number;
  /** Between the acknowledgement of a new route by the last node and the drain of the colour that lost its traffic. */
  settleMs: number;
  /** For how long a queued or waiting deploy is kept. */
  waitMsMax: number;
  preflightMsMax: number;
  /** After a preflight that failed. */
  preflightRetryMs: number;
  migrationMsMax: number;
  provisionMsMax: number;
  verifyMsMax: number;
  admitMsMax: number;
  warmUpMsMax: number;
  /** Until all nodes acknowledge a split. */
  shiftMsMax: number;
  /** Until all nodes acknowledge the new live colour. */
  commitMsMax: number;
  /** Over which the closes of sessions are spread after the drain's deadline. */
  closeOverMs: number;
  /** Beyond the drain's deadline and `closeOverMs`. */
  drainSlackMs: number;
  retireMsMax: number;
  announceMsMax: number;
  /** For how long the old colour may lack the capacity for all traffic before the deploy is held. */
  thinMsMax: number;
  /** For how long a node may have no serving task of a colour that gets traffic before the deploy is rolled back. */
  darkMsMax: number;
  /** New tasks that may die or fail to start before the deploy is rolled back. */
  deathsMax: number;
  /** The part of its capacity at which a task counts as fully used. */
  utilisation: number;
};

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

export const LIMITS: Limits = {
  fleetLagMs: 10 * SECOND,
  fleetRetryMs: 5 * SECOND,
  // Without a settle, 1 of 856,230 requests failed in a run against HAProxy; with one second, 0 of 1,231,552.
  settleMs: SECOND,
  waitMsMax: 24 * HOUR,
  preflightMsMax: 5 * MINUTE,
  preflightRetryMs: 30 * SECOND,
  migrationMsMax: 30 * MINUTE,
  provisionMsMax: 15 * MINUTE,
  verifyMsMax: 3 * MINUTE,
  admitMsMax: 2 * MINUTE,
  warmUpMsMax: 5 * MINUTE,
  shiftMsMax: 10 * SECOND,
  commitMsMax: 30 * SECOND,
  closeOverMs: 20 * SECOND,
  drainSlackMs: MINUTE,
  retireMsMax: 5 * MINUTE,
  announceMsMax: MINUTE,
  thinMsMax: 30 * SECOND,
  darkMsMax: 5 * SECOND,
  deathsMax: 3,
  utilisation: 0.7,
};
