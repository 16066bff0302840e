"use client";

import { useMemo, useState } from "react";

import type { Board, LiveFrame, Turnover } from "../api.ts";
import { formatQuantity, formatSigned } from "../format.ts";
import { formatTime, isWholeMinutes } from "../zone.ts";
import type { Line } from "./chart-rows.ts";
import { ChartTable } from "./chart-table.tsx";
import type { ChartFrame } from "./chart-tile.tsx";
import { comparisonLines } from "./comparison-lines.tsx";
import { LazyTimeSeries } from "./lazy-time-series.tsx";
import { expectedText, deviationText } from "./prediction-text.ts";
import { isFuture, NO_DATA_YET, pointsOf } from "./tile-context.ts";
import { type Freshness, Tile } from "./tile.tsx";

type TurnoverTileProps = {
  board: Board;
  live: LiveFrame | undefined;
  frame: ChartFrame;
  freshness: Freshness;
  meaning: string | undefined;
};

const HEIGHT = 104;
const MINUTES = ["5", "15", "60"] as const;
type Minutes = (typeof MINUTES)[number];

/** Sign-ins and sign-outs in the last x minutes, against their prediction. */
export function TurnoverTile({ board, live, frame, freshness, meaning }: TurnoverTileProps) {
  const [minutes, setMinutes] = useState<Minutes>("15");
  const loaded = board.turnover.find((one) => one.minutes === Number(minutes));
  const turnover = withLive(loaded, live, minutes);
  const signIns = pointsOf(board, "sign_ins");
  const signOuts = pointsOf(board, "sign_outs");
  const lines = useMemo(
    (): Line[] => [
      ...comparisonLines(board, "sign_ins", "sign-ins"),
      ...comparisonLines(board, "sign_outs", "sign-outs"),
      { key: "in", label: "sign-ins", color: "var(--users)", points: signIns },
      { key: "out", label: "sign-outs", color: "var(--p95)", dash: "3 2", points: signOuts },
    ],
    [board, signIns, signOuts],
  );
  const seen = lines.some(({ points }) => points.some(([, count]) => (count ?? 0) > 0));
  return (
    <Tile
      name="turnover"
      title="Turnover"
      freshness={freshness}
      meaning={meaning}
      table={<ChartTable label="Turnover" unit="count" lines={lines} zone={frame.zone} />}
    >
      <fieldset className="segments">
        <legend className="visually-hidden">Minutes to look back</legend>
        {MINUTES.map((one) => (
          <label key={one}>
            <input
              type="radio"
              name="turnover-minutes"
              checked={one === minutes}
              onChange={() => setMinutes(one)}
            />
            <span>{one} min</span>
          </label>
        ))}
      </fieldset>
      {turnover ? (
        <Counts turnover={turnover} headings={headingsOf(turnover, { board, live, frame })} />
      ) : (
        <p className="quiet">{isFuture(board) ? NO_DATA_YET : "No sign-ins in this range."}</p>
      )}
      {seen ? (
        <LazyTimeSeries
          {...frame}
          label="Sign-ins and sign-outs over time"
          unit="count"
          lines={lines}
          height={HEIGHT}
        />
      ) : isFuture(board) ? null : (
        <p className="quiet">
          No sign-in or sign-out was seen in this range. The ? above explains what counts as one.
        </p>
      )}
    </Tile>
  );
}

type Headings = { counted: string; predicted: string };

/** Both windows, named; they differ while live counts are newer than the loaded prediction. */
function headingsOf(
  { minutes }: Turnover,
  { board, live, frame }: Pick<TurnoverTileProps, "board" | "live" | "frame">,
): Headings {
  const predicted = "predicted (95 %)";
  const at = (ms: number): string => formatTime(ms, frame.zone, !isWholeMinutes(ms));
  if (!board.live) return { counted: `${minutes} min to ${at(board.toMs)}`, predicted };
  const loadedMs = board.turnoverToMs;
  const isOlder = live !== undefined && live.atMs - loadedMs >= MINUTE_MS;
  const to = isOlder ? ` for the ${minutes} min to ${formatTime(loadedMs, frame.zone, false)}` : "";
  return { counted: `Last ${minutes} min`, predicted: `${predicted}${to}` };
}

const MINUTE_MS = 60_000;

function Counts({ turnover, headings }: { turnover: Turnover; headings: Headings }) {
  const { signIns, signOuts, expectedSignIns, expectedSignOuts } = turnover;
  return (
    <>
      <table className="turnover">
        <thead>
          <tr>
            <th scope="col">{headings.counted}</th>
            <th scope="col" className="num">
              counted
            </th>
            <th scope="col" className="num">
              {headings.predicted}
            </th>
          </tr>
        </thead>
        <tbody>
          <CountRow name="Sign-ins" count={signIns} expected={expectedSignIns} />
          <CountRow name="Sign-outs" count={signOuts} expected={expectedSignOuts} />
          <tr className="net">
            <th scope="row">Net</th>
            <td className="num big">{formatSigned(signIns - signOuts)}</td>
            <td className="num quiet">
              {expectedSignIns && expectedSignOuts
                ? formatSigned(expectedSignIns.mean - expectedSignOuts.mean)
                : "–"}
            </td>
          </tr>
        </tbody>
      </table>
      <ul className="gaps">
        <Gap name="Sign-ins" gap={deviationText(signIns, expectedSignIns)} />
        <Gap name="Sign-outs" gap={deviationText(signOuts, expectedSignOuts)} />
      </ul>
    </>
  );
}

type CountRowProps = { name: string; count: number; expected: Turnover["expectedSignIns"] };

function CountRow({ name, count, expected }: CountRowProps) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td className="num big">{formatQuantity(count, "count")}</td>
      <td className="num quiet">{expectedText(expected)}</td>
    </tr>
  );
}

function Gap({ name, gap }: { name: string; gap: ReturnType<typeof deviationText> }) {
  return (
    <li data-beyond={gap.beyond || undefined}>
      <span aria-hidden="true">{gap.beyond ? "▲" : "·"}</span> {name}: {gap.text}
    </li>
  );
}

function withLive(
  loaded: Turnover | undefined,
  live: LiveFrame | undefined,
  minutes: Minutes,
): Turnover | undefined {
  const counted = live?.turnover[minutes];
  if (!counted) return loaded;
  const expected = loaded ?? {
    minutes: Number(minutes),
    expectedSignIns: null,
    expectedSignOuts: null,
  };
  return { ...expected, ...counted };
}
