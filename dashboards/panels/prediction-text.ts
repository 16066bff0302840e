import type { Prediction, Turnover } from "../api.ts";
import { formatQuantity, formatSigned } from "../format.ts";
import type { Points } from "./chart-rows.ts";

/** A prediction's measured quality, in words. */
export function predictionText(prediction: Prediction): string {
  if (prediction.status === "learning") return `No prediction yet: ${prediction.reason}`;
  const { mase, coverage } = prediction;
  const coverageText = coverage
    .map(({ level, ratio }) => `${level} % band held ${formatQuantity(ratio, "ratio")}`)
    .join(", ");
  const parts = [coverageText, maseText(mase)].filter((part) => part !== "");
  return parts.length > 0 ? `Measured on this series: ${parts.join("; ")}` : "";
}

function maseText(mase: number | null): string {
  if (mase === null) return "";
  const percent = Math.round(Math.abs(1 - mase) * 100);
  const score = `(MASE ${mase.toFixed(2)})`;
  if (percent === 0) return `error as "same time last season" ${score}`;
  return `${percent} % ${mase < 1 ? "less" : "more"} error than "same time last season" ${score}`;
}

type Expected = Turnover["expectedSignIns"];

/** How measured values compare with their prediction, in words; `beyond` if they contradict it. */
export type Deviation = { text: string; beyond: boolean };

/** Whether a count is within its predicted interval, and if not, by how much it is above or below. */
export function deviationText(count: number, expected: Expected): Deviation {
  if (!expected) return { text: "no prediction yet", beyond: false };
  const { mean, lower, upper } = expected;
  if (count >= Math.floor(lower) && count <= Math.ceil(upper)) {
    return { text: "as predicted", beyond: false };
  }
  const gap = formatSigned(count - mean).replace(/^[+−]/, "");
  return { text: `${gap} ${count > mean ? "more" : "fewer"} than predicted`, beyond: true };
}

export function expectedText(expected: Expected): string {
  if (!expected) return "–";
  const [mean, lower, upper] = [expected.mean, expected.lower, expected.upper].map((value) =>
    formatQuantity(Math.round(value), "count"),
  );
  return `${mean} (${lower}–${upper})`;
}

type Judged = {
  fromMs: number;
  toMs: number;
  /** End of the measured values. */
  measuredToMs: number;
};

/** One step with its measured rate and its prediction. */
type Step = { rate: number; mean: number; lower: number; upper: number };

const BAND = 95;
/** Standard deviations of the number of steps outside the band from which on it is not due to chance. */
const CHANCE_SIGMAS = 3;

/**
 * The verdict on measured rates: whether their mean over the range is inside the mean 95 % band, and how many steps are
 * outside it. Only whole steps that are over and measured are compared; undefined without any.
 */
export function verdictOn(
  rates: Points,
  prediction: Prediction,
  judged: Judged,
): Deviation | undefined {
  if (prediction.status === "learning") return undefined;
  const steps = comparedSteps(rates, prediction, judged);
  if (steps.length === 0) return undefined;
  const mean = (value: (step: Step) => number): number =>
    steps.reduce((sum, step) => sum + value(step), 0) / steps.length;
  const [rate, predicted] = [mean((step) => step.rate), mean((step) => step.mean)];
  const isInside = rate >= mean((step) => step.lower) && rate <= mean((step) => step.upper);
  const outside = steps.filter((step) => step.rate < step.lower || step.rate > step.upper).length;
  const outsideText = `${outside} of ${steps.length} steps outside the ${BAND} % band`;
  if (!isInside) {
    const gap = formatQuantity(Math.abs(rate - predicted), "1/s");
    const direction = rate > predicted ? "more" : "fewer";
    const text = `${gap} ${direction} than the ${formatQuantity(predicted, "1/s")} predicted`;
    return { text: `${text}, ${outsideText}`, beyond: true };
  }
  if (outside <= outsideByChance(steps.length)) return { text: "as predicted", beyond: false };
  return { text: `as predicted on average, but ${outsideText}`, beyond: true };
}

function outsideByChance(steps: number): number {
  const share = 1 - BAND / 100;
  return Math.max(1, steps * share + CHANCE_SIGMAS * Math.sqrt(steps * share * (1 - share)));
}

/** The predicted steps inside the range; measured values of shorter steps are averaged. */
function comparedSteps(
  rates: Points,
  { tMs, mean, bands, stepMs }: Extract<Prediction, { status: "ready" }>,
  { fromMs, toMs, measuredToMs }: Judged,
): Step[] {
  const band = bands.find(({ level }) => level === BAND);
  if (!band) return [];
  const measured = new Map<number, { sum: number; count: number }>();
  for (const [t, rate] of rates) {
    if (rate === null) continue;
    const at = Math.floor(t / stepMs) * stepMs;
    const { sum, count } = measured.get(at) ?? { sum: 0, count: 0 };
    measured.set(at, { sum: sum + rate, count: count + 1 });
  }
  const endMs = Math.min(toMs, measuredToMs);
  return tMs.flatMap((at, index) => {
    const found = measured.get(at);
    if (!found || at < fromMs || at + stepMs > endMs) return [];
    const [lower = 0, upper = 0] = [band.lower[index], band.upper[index]];
    return [{ rate: found.sum / found.count, mean: mean[index] ?? 0, lower, upper }];
  });
}
