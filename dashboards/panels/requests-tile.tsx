"use client";

import { useMemo } from "react";

import type { Board } from "../api.ts";
import { Link } from "../client/link.tsx";
import { quantity } from "../format.ts";
import { term } from "../search-terms.ts";
import type { Band, Line, Points } from "./chart-rows.ts";
import { type ChartFrame, ChartTile } from "./chart-tile.tsx";
import { comparisonLines } from "./comparison-lines.tsx";
import { type Deviation, predictionText, verdictOn } from "./prediction-text.ts";
import { isFuture, NO_DATA_YET, pointsOf } from "./tile-context.ts";
import type { Freshness } from "./tile.tsx";

type RequestsTileProps = {
  board: Board;
  frame: ChartFrame;
  freshness: Freshness;
  meaning: string | undefined;
  value: number | null;
  /** The period that the number covers. */
  over: string;
  nowMs: number | undefined;
  /** The page's range as a query string. */
  search: string;
};

const HEIGHT = 236;
const NO_LINES: readonly Line[] = [];
/** Maximum share of the chart's width for the future. */
const FUTURE_RATIO_MAX = 0.5;

/** Requests per second over their predicted band, and the prediction for the coming hours. */
export function RequestsTile(props: RequestsTileProps) {
  const { board, frame, value, over, nowMs, search, ...rest } = props;
  const prediction = board.predictedRequestsPerSecond;
  const rates = pointsOf(board, "requests_per_second");
  const isAhead = prediction.status === "ready" && frame.toMs > (board.newestEventMs ?? 0);
  const without = !board.live && !isAhead && rates.every(([, rate]) => !rate);
  const measured = useMemo((): Line => measuredLine(rates), [rates]);
  const predicted = useMemo(() => predictedParts(prediction), [prediction]);
  const lines = useMemo(
    () => [...comparisonLines(board, "requests_per_second"), ...predicted.lines, measured],
    [board, predicted, measured],
  );
  const measuredToMs = board.live ? frame.toMs : (board.newestEventMs ?? frame.fromMs);
  const verdict = useMemo(
    () => verdictOn(rates, prediction, { fromMs: frame.fromMs, toMs: frame.toMs, measuredToMs }),
    [rates, prediction, frame, measuredToMs],
  );
  const futureMs = (frame.toMs - frame.fromMs) * (FUTURE_RATIO_MAX / (1 - FUTURE_RATIO_MAX));
  const toMs = Math.max(frame.toMs, Math.min(predicted.endMs, frame.toMs + futureMs));
  return (
    <ChartTile
      {...rest}
      name="requests"
      title="Requests"
      unit="1/s"
      value={quantity(without ? null : value, "1/s")}
      caption={without ? null : <PredictionCaption board={board} over={over} verdict={verdict} />}
      nothing={<NoRequests board={board} search={search} />}
      frame={frame}
      lines={without ? NO_LINES : lines}
      bands={predicted.bands}
      toMs={toMs}
      nowMs={nowMs ?? board.newestEventMs ?? undefined}
      height={HEIGHT}
    />
  );
}

type PredictionCaptionProps = { board: Board; over: string; verdict: Deviation | undefined };

function PredictionCaption({ board, over, verdict }: PredictionCaptionProps) {
  const prediction = board.predictedRequestsPerSecond;
  const window = <span>per second, {over}</span>;
  if (prediction.status === "learning") {
    return (
      <>
        {window} <span className="legend-words">{predictionText(prediction)}</span>
      </>
    );
  }
  return (
    <>
      {window}
      <span className="legend">
        <i className="key key-line" /> measured
      </span>
      <span className="legend">
        <i className="key key-dash" /> predicted
      </span>
      {prediction.bands.map(({ level }) => (
        <span key={level} className="legend">
          <i className={level > 90 ? "key key-hatch" : "key key-fill"} /> {level} % band
        </span>
      ))}
      {verdict ? <Verdict verdict={verdict} /> : null}
      <span className="legend-words">{predictionText(prediction)}</span>
    </>
  );
}

function Verdict({ verdict: { text, beyond } }: { verdict: Deviation }) {
  return (
    <span className="legend-words verdict" data-testid="verdict" data-beyond={beyond || undefined}>
      <span aria-hidden="true">{beyond ? "▲" : "·"}</span> Requests: {text}
    </span>
  );
}

/** Shown for datasets without requests, such as error logs: their events can be searched. */
function NoRequests({ board, search }: { board: Board; search: string }) {
  const query = new URLSearchParams(search);
  if (board.dataset !== null) query.set("q", term("data_stream.dataset", board.dataset));
  if (isFuture(board)) return <>{NO_DATA_YET}</>;
  return (
    <>
      {board.dataset} has no requests in this range.{" "}
      <Link href={`/explore?${query.toString()}`} prefetch={false}>
        Search its events
      </Link>
    </>
  );
}

function measuredLine(points: Points): Line {
  return { key: "measured", label: "measured", color: "var(--accent)", width: 1.8, points };
}

type PredictedParts = { lines: Line[]; bands: Band[]; endMs: number };

function predictedParts(prediction: Board["predictedRequestsPerSecond"]): PredictedParts {
  if (prediction.status === "learning") return { lines: [], bands: [], endMs: 0 };
  const { tMs, mean, bands, stepMs } = prediction;
  const points: Points = tMs.map((at, index) => [at, mean[index] ?? null]);
  const line = { key: "mean", label: "predicted", color: "var(--predicted)", dash: "5 4", points };
  const widestFirst = bands.toSorted((a, b) => b.level - a.level);
  return {
    lines: [line],
    bands: widestFirst.map(({ level, lower, upper }) => ({
      key: `band${level}`,
      label: `${level} % band`,
      points: tMs.map((at, index) => [at, [lower[index] ?? 0, upper[index] ?? 0]]),
    })),
    endMs: (tMs.at(-1) ?? 0) + stepMs,
  };
}
