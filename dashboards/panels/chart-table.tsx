import { formatQuantity, type UnitName } from "../format.ts";
import { formatDateTime, type Zone } from "../zone.ts";
import { type Band, chartRows, type Line } from "./chart-rows.ts";

type ChartTableProps = {
  label: string;
  unit: UnitName;
  lines: readonly Line[];
  bands?: readonly Band[];
  zone: Zone;
};

const NO_BANDS: readonly Band[] = [];

/** A chart's data as a table, newest first. */
export function ChartTable({ label, unit, lines, bands = NO_BANDS, zone }: ChartTableProps) {
  const rows = chartRows(lines, bands).toReversed();
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls must be reachable by key
    <section className="table-scroll" aria-label={`${label}, as a table`} tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {lines.map((line) => (
              <th key={line.key} scope="col" className="num">
                {line.label}
              </th>
            ))}
            {bands.map((band) => (
              <th key={band.key} scope="col" className="num">
                {band.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.tMs}>
              <th scope="row">{formatDateTime(row.tMs, zone)}</th>
              {[...lines, ...bands].map(({ key }) => (
                <td key={key} className="num">
                  {cell(row[key], unit)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function cell(value: number | [number, number] | null | undefined, unit: UnitName): string {
  if (!Array.isArray(value)) return formatQuantity(value, unit);
  return value.map((bound) => formatQuantity(bound, unit)).join(" – ");
}
