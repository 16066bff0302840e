import { ProblemsMessage } from "../api.ts";

/**
 * The server adds the present problems to the request for a page, so that they are in the first HTML. It replaces a
 * header of this name that the browser sent.
 */
export const PROBLEMS_HEADER = "x-quarterdeck-problems";

/** Header values are ASCII. */
export const toHeader = (problems: ProblemsMessage): string =>
  encodeURIComponent(JSON.stringify(problems));

export function fromHeader(value: string | null): ProblemsMessage {
  return value ? ProblemsMessage.parse(JSON.parse(decodeURIComponent(value))) : [];
}
