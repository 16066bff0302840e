import { detectLines } from "./detect.ts";
import { FORMATS } from "./formats/index.ts";

/** What a format makes of a line: why it cannot read it; undefined if it can. */
export type FormatVerdict = { dataset: string; reason: string | undefined };

/**
 * Tries a line with every format: the one that would be chosen by this line alone first, then the others that can read it,
 * then those that cannot.
 */
export function verdictsOn(line: Uint8Array): FormatVerdict[] {
  const chosen = detectLines([line]).format?.dataset;
  const verdicts = FORMATS.map((format): FormatVerdict => {
    const { dataset } = format;
    const found = detectLines([line], "", { among: [format] });
    if (found.format) return { dataset, reason: undefined };
    return { dataset, reason: found.tried[0]?.reason ?? "it cannot read the line" };
  });
  const rank = ({ dataset, reason }: FormatVerdict): number =>
    dataset === chosen ? 0 : reason === undefined ? 1 : 2;
  return verdicts.toSorted((a, b) => rank(a) - rank(b));
}
