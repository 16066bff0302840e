"use client";

import { useMemo } from "react";

import type { Board, BreakDown } from "../api.ts";
import type { RangeState } from "../client/use-range.ts";
import { selectedValues, toggleValue } from "../explore/facet-selection.ts";
import { formatExact, formatQuantity } from "../format.ts";
import { cutText, visibleText } from "../untrusted-text.ts";
import { Untrusted } from "../untrusted.tsx";
import type { Line } from "./chart-rows.ts";
import { ChartTable } from "./chart-table.tsx";
import type { DeployMark } from "./deploy-marks.ts";
import { LazyTimeSeries } from "./lazy-time-series.tsx";
import { type Freshness, Tile } from "./tile.tsx";

type BreakDownTileProps = {
  breakDown: BreakDown;
  board: Board;
  freshness: Freshness;
  range: RangeState;
  marks: readonly DeployMark[];
};

const NOT_SELECTED = ", also of values that are not selected";
const HEIGHT = 200;
const VALUE_CHARACTERS_MAX = 200;
const LABEL_CHARACTERS_MAX = 40;
/** Lines differ by colour and dash. */
const STYLES: readonly Pick<Line, "color" | "dash">[] = [
  { color: "var(--accent)" },
  { color: "var(--p95)", dash: "6 2" },
  { color: "var(--users)", dash: "2 2" },
  { color: "var(--p99)", dash: "8 2 2 2" },
  { color: "var(--error-mark)", dash: "4 4" },
];

/** Requests by the most frequent values of a field. */
export function BreakDownTile({ breakDown, board, freshness, range, marks }: BreakDownTileProps) {
  const { field, of, values, more, isMoreExact } = breakDown;
  const { zone, setRange } = range;
  const lines = useMemo(() => linesOf(breakDown), [breakDown]);
  const compared = useMemo(() => comparedLinesOf(breakDown), [breakDown]);
  const all = useMemo(() => [...compared, ...lines], [compared, lines]);
  const isSelected = selectedValues(range.q, field).length > 0;
  const title = `${of === "requests" ? "Requests" : "Events"} by ${visibleText(field)}`;
  const others = `and ${formatExact(more)} ${isMoreExact ? "" : "or more "}other values`;
  return (
    <div className="board-break-down">
      <Tile
        name="break-down"
        title={title}
        freshness={freshness}
        caption={
          <>
            <span>per second, over the range as loaded{isSelected ? NOT_SELECTED : ""}</span>
            {lines.map(({ key, label, color }) => (
              <span key={key} className="legend">
                <i className="key" style={{ background: color }} /> {label}
              </span>
            ))}
          </>
        }
        table={<ChartTable label={title} unit="1/s" lines={all} zone={zone} />}
      >
        {values.length === 0 ? (
          <p className="quiet">Nothing in this range has a value in {visibleText(field)}.</p>
        ) : (
          <div className="break-down-parts">
            <LazyTimeSeries
              fromMs={board.fromMs}
              toMs={board.toMs}
              holes={board.holes}
              marks={marks}
              zone={zone}
              live={board.live}
              onZoom={setRange}
              label={`${title} over time`}
              unit="1/s"
              lines={all}
              height={HEIGHT}
            />
            <div>
              <ValuesTable breakDown={breakDown} range={range} />
              {more > 0 ? <p className="quiet">{others}</p> : null}
            </div>
          </div>
        )}
      </Tile>
    </div>
  );
}

function linesOf({ values }: BreakDown): Line[] {
  return values.slice(0, STYLES.length).map(({ value, points }, at) => ({
    key: `value ${value}`,
    label: visibleText(cutText(value, LABEL_CHARACTERS_MAX).text),
    color: "var(--ink-3)",
    ...STYLES[at],
    points,
  }));
}

/** The same values in the compared period: dotted, in their colour. */
function comparedLinesOf(breakDown: BreakDown): Line[] {
  const lines = linesOf(breakDown);
  return breakDown.values.slice(0, lines.length).flatMap(({ compared }, at) => {
    const line = lines[at];
    if (!compared || !line) return [];
    const { points } = compared;
    return [
      { ...line, key: `compared ${line.key}`, label: `${line.label}, before`, dash: "1 3", points },
    ];
  });
}

function ValuesTable({ breakDown, range }: { breakDown: BreakDown; range: RangeState }) {
  const { field, of, values } = breakDown;
  const selected = selectedValues(range.q, field);
  return (
    <table className="routes">
      <thead>
        <tr>
          <th scope="col">{visibleText(field)}</th>
          {[of, "4xx", "5xx", "p95"].map((name) => (
            <th key={name} scope="col" className="num">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {values.map((one) => (
          <tr key={one.value}>
            <th scope="row">
              <ValueButton
                value={one.value}
                isSelected={selected.includes(one.value)}
                toggle={() => range.setQuery(toggleValue(range.q, field, one.value))}
              />
            </th>
            <td className="num">
              {formatQuantity(one.count, "count")}
              {one.compared ? (
                <span className="quiet before">
                  {" "}
                  was {formatQuantity(one.compared.count, "count")}
                </span>
              ) : null}
            </td>
            <td className="num">{share(one.clientErrors, one.count)}</td>
            <td className="num">{share(one.errors, one.count)}</td>
            <td className="num">{formatQuantity(one.p95Ms, "ms")}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

type ValueButtonProps = { value: string; isSelected: boolean; toggle: () => void };

function ValueButton({ value, isSelected, toggle }: ValueButtonProps) {
  return (
    <button
      type="button"
      className="facet"
      title="Filter the board by this value; several can be selected"
      aria-pressed={isSelected}
      onClick={toggle}
    >
      <span className="facet-mark" aria-hidden="true" />
      <span className="facet-value">
        <Untrusted text={value} charactersMax={VALUE_CHARACTERS_MAX} />
      </span>
    </button>
  );
}

const share = (part: number | null, whole: number): string =>
  formatQuantity(part === null || whole === 0 ? null : part / whole, "ratio");
