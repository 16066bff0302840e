/** A line of a difference with its number before and after. A `gap` stands for lines that are the same and far from any other. */
export type DiffLine =
  | {
      kind: "same" | "removed" | "added";
      before: number | null;
      after: number | null;
      text: string;
    }
  | { kind: "gap"; lines: number };

const CONTEXT = 3;

/** What has to be removed and added, as few lines as possible, with three lines around each. Empty if both are the same. */
export function lineDiff(before: string, after: string): DiffLine[] {
  const lines = allLines(before.split("\n"), after.split("\n"));
  const changed = lines.flatMap(({ kind }, at) => (kind === "same" ? [] : [at]));
  if (changed.length === 0) return [];
  const shown = new Set(
    changed.flatMap((at) => Array.from({ length: 2 * CONTEXT + 1 }, (_, by) => at - CONTEXT + by)),
  );
  const result: DiffLine[] = [];
  for (const [at, line] of lines.entries()) {
    const last = result.at(-1);
    if (shown.has(at)) result.push(line);
    else if (last?.kind === "gap") last.lines += 1;
    else result.push({ kind: "gap", lines: 1 });
  }
  return result;
}

type Line = Exclude<DiffLine, { kind: "gap" }>;
type Kind = Line["kind"];

/** By the longest common subsequence between what both have in common at the beginning and the end. */
function allLines(before: readonly string[], after: readonly string[]): Line[] {
  const start = commonStart(before, after);
  const [left, right] = [before.slice(start), after.slice(start)];
  const end = commonStart(left.toReversed(), right.toReversed());
  const kinds: Kind[] = [
    ...Array.from({ length: start }, (): Kind => "same"),
    ...kindsOf(left.slice(0, left.length - end), right.slice(0, right.length - end)),
    ...Array.from({ length: end }, (): Kind => "same"),
  ];
  let [i, j] = [0, 0];
  return kinds.map((kind) => {
    if (kind !== "added") i += 1;
    if (kind !== "removed") j += 1;
    const text = (kind === "removed" ? before[i - 1] : after[j - 1]) ?? "";
    return {
      kind,
      before: kind === "added" ? null : i,
      after: kind === "removed" ? null : j,
      text,
    };
  });
}

/** How many lines are the same at the beginning. */
function commonStart(before: readonly string[], after: readonly string[]): number {
  const at = before.findIndex((line, index) => index >= after.length || line !== after[index]);
  return at === -1 ? before.length : at;
}

function kindsOf(before: readonly string[], after: readonly string[]): Kind[] {
  const common = commonLengths(before, after);
  const commonAt = (row: number, column: number): number => common[row]?.[column] ?? -1;
  const kinds: Kind[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && before[i] === after[j]) kinds.push("same");
    else kinds.push(commonAt(i + 1, j) >= commonAt(i, j + 1) ? "removed" : "added");
    if (kinds.at(-1) !== "added") i += 1;
    if (kinds.at(-1) !== "removed") j += 1;
  }
  return kinds;
}

/** The length of the longest common subsequence of what begins at each pair of lines. */
function commonLengths(before: readonly string[], after: readonly string[]): Uint32Array[] {
  const lengths = Array.from(
    { length: before.length + 1 },
    () => new Uint32Array(after.length + 1),
  );
  for (let i = before.length - 1; i >= 0; i -= 1) {
    const [row, next] = [lengths[i], lengths[i + 1]];
    if (row === undefined || next === undefined) continue;
    for (let j = after.length - 1; j >= 0; j -= 1) {
      row[j] =
        before[i] === after[j] ? (next[j + 1] ?? 0) + 1 : Math.max(next[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  return lengths;
}
