import { NAME_LIMITS } from "../rollup.ts";
import { OTHER } from "../sketches/heavy-hitters.ts";
import { quoted } from "./duck.ts";

/**
 * A query of the cells of a file, whose cells have no sketches and different keys, with the limits of `NAME_LIMITS`:
 * one step of the summary in sketches/heavy-hitters.ts, like fold/limit-names.ts for the cells of a batch.
 */
export const limitedNamesSql = (cells: string): string => `WITH ${crowded(cells)}, ranked AS (
    SELECT parts.*, row_number() OVER (PARTITION BY ${GROUP} ORDER BY value DESC) AS place
    FROM parts JOIN crowded USING (${GROUP}) WHERE key <> other
  ), removal AS (
    SELECT ${GROUP}, value AS removed FROM ranked WHERE place = names_max + 1
  )
  SELECT level_s, t, dataset, measure, key, value - coalesce(removed, 0) AS value, sketch
  FROM parts LEFT JOIN removal USING (${GROUP})
  WHERE removed IS NULL OR (key <> other AND value > removed)
  UNION ALL
  SELECT level_s, t, dataset, measure, other,
    sum(CASE WHEN key = other THEN value ELSE least(value, removed) END), NULL::BLOB
  FROM parts JOIN removal USING (${GROUP}) GROUP BY ${GROUP}`;

/** A query that has a row if names of the file are beyond the limits. */
export const isCrowdedSql = (cells: string): string =>
  `WITH ${crowded(cells)} SELECT 1 FROM crowded LIMIT 1`;

/** Names with the same value of these columns share a limit. `other` is null for measures without names. */
const GROUP = "level_s, t, dataset, measure, other";

function crowded(cells: string): string {
  const limits = [...NAME_LIMITS].map(
    ([measure, { namesMax, prefixLength }]) => `(${quoted(measure)}, ${namesMax}, ${prefixLength})`,
  );
  return `limits(measure, names_max, prefix_length) AS (VALUES ${limits.join(", ")}), parts AS (
      SELECT cells.*, names_max, left(key, prefix_length) || ${quoted(OTHER)} AS other
      FROM ${cells} AS cells LEFT JOIN limits USING (measure)
    ), crowded AS (
      SELECT ${GROUP} FROM parts WHERE key <> other
      GROUP BY ${GROUP} HAVING count(*) > any_value(names_max)
    )`;
}
