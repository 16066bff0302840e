import { nearestDataset } from "#pipeline/dataset-names.ts";

/** `logs-nginx.access-default`: type, dataset and namespace of a data stream. */
const DATA_STREAM = /^(?:logs|metrics|traces|synthetics)-([^-]+)-[^-]+$/;
/** Versions, dates and numbers at the end of the name of an index: `filebeat-8.15.0-2026.03.14-000001`. */
const SUFFIXES = /(?:[-_.]\d[\d.]*)+$/;
const UNNAMED_DATASET = "generic";
const NAME_LENGTH_MAX = 255;

/** The dataset that the name of an index states (`dataset`), or suggests (`unread`). */
export function datasetOfIndex(index: string): { dataset?: string; unread?: string } {
  const named = DATA_STREAM.exec(index)?.[1];
  if (named === UNNAMED_DATASET) return {};
  const name = nearestDataset(named ?? index.slice(0, NAME_LENGTH_MAX).replace(SUFFIXES, ""));
  if (name === undefined) return {};
  return named === undefined ? { unread: name } : { dataset: name };
}
