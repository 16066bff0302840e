import { expect, test } from "vitest";

import type { DeployMarker } from "../deploys/markers.ts";
import { renderWithRouter } from "../testing-render.tsx";
import { marksOf } from "./deploy-marks.ts";
import { DeploysNote } from "./deploys-note.tsx";
import { FleetList } from "./fleet-list.tsx";

const textOf = (page: React.ReactElement): string =>
  renderWithRouter(page).replaceAll(/<[^>]*>/g, "");

/** So many deploys, each with its begin and its end. */
const markersOf = (deploys: number): DeployMarker[] =>
  Array.from({ length: 2 * deploys }, (_, at) => ({
    deploy: `dep_${Math.floor(at / 2)}`,
    workload: "billing",
    release: "r2",
    from: "r1",
    kind: at % 2 === 0 ? "begins" : "succeeded",
    atMs: at,
  }));
const note = (deploys: number, isCut: boolean): string =>
  textOf(<DeploysNote {...marksOf({ markers: markersOf(deploys), isCut })} zone="utc" />);

test("the note counts deploys, not their marks", () => {
  expect(note(2, false)).toContain("Deploys in this range: 2, marked by letters");
});

test("the note says when older deploys are not marked, whoever left them out", () => {
  expect(note(2, true)).toContain("the newest 2 are marked");
  expect(note(13, false)).toContain("Deploys in this range: 13, marked");
  expect(note(20, false)).toContain("the newest 13 are marked");
  expect(marksOf({ markers: markersOf(20), isCut: false }).marks.at(-1)?.letter).toBe("Z");
});

test("what the fleet ran is not told as what it runs while it cannot be read", () => {
  const fleet = { workloads: [{ workload: "billing", running: 5, desired: 5 }], isOutdated: false };
  expect(textOf(<FleetList fleet={fleet} />)).toContain("Fleet: 5 running");
  const outdated = textOf(<FleetList fleet={{ ...fleet, isOutdated: true }} />);
  expect(outdated).toContain("Fleet: 5 ran when it was last read");
});
