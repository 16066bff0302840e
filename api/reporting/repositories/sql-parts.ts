import type { Range, Step } from "../domain/periods.ts";
import type { SqlParts } from "../warehouse/port.ts";

/** Start of the step that contains a time, as text; weeks begin on Monday in every engine. */
export const periodSql = (step: Step, column: string): string =>
  `CAST(DATE_TRUNC('${step}', ${column}) AS VARCHAR(30))`;

export const during = ({ time }: SqlParts, column: string, { fromMs, toMs }: Range): string =>
  `${column} >= ${time(fromMs)} AND ${column} < ${time(toMs)}`;

export const onlyCurrency = (
  { text }: SqlParts,
  column: string,
  currency: string | undefined,
): string => (currency === undefined ? "" : ` AND ${column} = ${text(currency)}`);

/** Groups rows before the range, from which the opening values are computed. */
export const placeSql = ({ time }: SqlParts, column: string, fromMs: number): string =>
  `CASE WHEN ${column} < ${time(fromMs)} THEN 'before' ELSE 'within' END`;
