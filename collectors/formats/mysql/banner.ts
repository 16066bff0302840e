import { textOf } from "../bytes.ts";

const LINE_CHARS_MAX = 512;
const FIRST = /^\S{1,200}, Version: \S.{0,300} started with:/;
const NEXT =
  /^(?:Tcp port: {1,2}\d{1,5} {1,4}Unix socket: |Time[ \t]{2,30}Id Command[ \t]{1,8}Argument)/;

/** The lines that a server writes into its slow query log and its general log whenever it opens them. */
export const isBanner = (line: string): boolean => FIRST.test(line) || NEXT.test(line);

/** Whether the line is one of them. */
export const isBannerLine = (bytes: Uint8Array, start: number, end: number): boolean =>
  isBanner(textOf(bytes, start, Math.min(end, start + LINE_CHARS_MAX)));
