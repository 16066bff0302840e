/** A second of task definitions, so that tests take less time. */
export const SECOND_MS = 100;
