import { NAME_LIMITS, type RollupCell } from "../rollup.ts";
import { keptCounts, OTHER } from "../sketches/heavy-hitters.ts";

/** Limits the names in the keys of a measure's cells to those of `NAME_LIMITS`. */
export function limitNames(cells: RollupCell[], measure: string): RollupCell[] {
  const limit = NAME_LIMITS.get(measure);
  if (!limit || cells.length <= limit.namesMax) return cells;
  const groups = new Map<string, RollupCell[]>();
  for (const cell of cells) {
    const { levelS, t, dataset, key } = cell;
    const group = `${levelS} ${t} ${key.slice(0, limit.prefixLength)} ${dataset}`;
    const members = groups.get(group);
    if (members) members.push(cell);
    else groups.set(group, [cell]);
  }
  return [...groups.values()].flatMap((group) =>
    group.length > limit.namesMax ? limitGroup(group, limit) : group,
  );
}

function limitGroup(
  cells: readonly RollupCell[],
  { namesMax, prefixLength }: { namesMax: number; prefixLength: number },
): RollupCell[] {
  const [first] = cells;
  if (!first) return [];
  const key = first.key.slice(0, prefixLength) + OTHER;
  const named = cells.filter((cell) => cell.key !== key);
  const counts = named.map(({ value }) => value);
  const kept = keptCounts([...named.keys()], counts, namesMax);
  const heavy = named.flatMap((cell, i) => {
    const value = kept[i] ?? 0;
    return value > 0 ? [{ ...cell, value }] : [];
  });
  const other = totalOf(cells) - totalOf(heavy);
  return other > 0 ? [...heavy, { ...first, key, value: other }] : heavy;
}

const totalOf = (cells: readonly RollupCell[]): number =>
  cells.reduce((sum, { value }) => sum + value, 0);
