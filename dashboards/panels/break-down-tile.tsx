"use client";

import { useMemo } from "react";

import type { Board, BreakDown } from "../api.ts";
import type { RangeState } from "../client/use-range.ts";
import { formatExact, formatQuantity } from "../format.ts";
import { term, withTerm } from "../search-terms.ts";
import { cutText, visibleText } from "../untrusted-text.ts";
import { Untrusted } from "../untrusted.tsx";
import type { Line } from "./chart-rows.ts";
import { ChartTable } from "./chart-table.tsx";
import { LazyTimeSeries } from "./lazy-time-series.tsx";
import { type Freshness, Tile } from "./tile.tsx";

type BreakDownTileProps = {
  breakDown: BreakDown;
  board: Board;
  freshness: Freshness;
  range: RangeState;
};

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
export function BreakDownTile({ breakDown, board, freshness, range }: BreakDownTileProps) {
  const { field, of, values, more, isMoreExact } = breakDown;
  const { zone, setRange } = range;
  const lines = useMemo(() => linesOf(breakDown), [breakDown]);
  const compared = useMemo(() => comparedLinesOf(breakDown), [breakDown]);
  const all = useMemo(() => [...compared, ...lines], [compared, lines]);
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
            <span>per second, over the range as loaded</span>
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
              <button
                type="button"
                className="link"
                title="Filter the board by this value"
                onClick={() => range.setQuery(withTerm(range.q, term(field, one.value)))}
              >
                <Untrusted text={one.value} charactersMax={VALUE_CHARACTERS_MAX} />
              </button>
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

const share = (part: number | null, whole: number): string =>
  formatQuantity(part === null || whole === 0 ? null : part / whole, "ratio");
