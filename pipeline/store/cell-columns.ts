import { TextColumn } from "#collectors/text-column.ts";

import type { RollupCell } from "../rollup.ts";
import type { NumberData, ParquetColumn, TextData } from "./parquet/column.ts";
import { validText } from "./parquet/valid-text.ts";

/** The cells as columns of a rollup file, in the order of `CELL_ORDER`. */
export function cellColumns(cells: readonly RollupCell[]): ParquetColumn[] {
  const sorted = cells.toSorted(compareCells);
  const text = (name: "dataset" | "measure" | "key"): TextData => {
    const column = new TextColumn(sorted.length);
    for (const [row, cell] of sorted.entries()) column.putText(row, cell[name]);
    return validText(textData(name, "text", column));
  };
  const sketches = new TextColumn(sorted.length);
  for (const [row, { sketch }] of sorted.entries()) {
    if (sketch) sketches.put(row, sketch, 0, sketch.length);
  }
  return [
    numberData(
      "level_s",
      "long",
      sorted.map((cell) => cell.levelS),
    ),
    numberData(
      "t",
      "long",
      sorted.map((cell) => cell.t),
    ),
    text("dataset"),
    text("measure"),
    text("key"),
    numberData(
      "value",
      "double",
      sorted.map((cell) => cell.value),
    ),
    textData("sketch", "bytes", sketches),
  ];
}

/** Cells of a measure and level are stored together, because requests read few of them over a time range. */
export const CELL_ORDER = "level_s, measure, t, dataset, key";

function compareCells(a: RollupCell, b: RollupCell): number {
  return a.levelS - b.levelS || compareText(a.measure, b.measure) || a.t - b.t;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function numberData(name: string, kind: NumberData["kind"], values: number[]): NumberData {
  return { name, kind, values: Float64Array.from(values) };
}

function textData(name: string, kind: TextData["kind"], column: TextColumn): TextData {
  const { bytes, ends } = column.dictionary;
  return { name, kind, ids: column.ids, size: column.size, bytes, ends };
}
