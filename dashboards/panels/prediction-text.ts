import type { Prediction, Turnover } from "../api.ts";
import { formatQuantity, formatSigned } from "../format.ts";

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

/** Whether a count is within its predicted interval, and if not, by how much it is above or below. */
export function deviationText(
  count: number,
  expected: Expected,
): { text: string; beyond: boolean } {
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
