import { COLOURS } from "#deployer/drivers.ts";

import type { Mistake } from "../configuration/port.ts";
import { type ConfigLine, type Section, sectionsOf } from "./config-sections.ts";
import {
  backendOf,
  type EdgeWorkload,
  type NodeSettings,
  ROUTE_MAP,
  serverOf,
} from "./render-node.ts";

/** What a configuration is for. */
export type Required = {
  node: NodeSettings;
  workloads: readonly EdgeWorkload[];
  adminSocket: string;
  /** Slots that each workload has at least. */
  slotsOf(workload: string): number;
};

/** Fields of the access log by which traffic is counted (`traffic/access-line.ts`). */
const LOGGED = ["time", "workload", "lane", "status", "ts", "Tw", "Tc", "Tr"];

/** What the deployer needs of a rendered configuration and does not find, with the line where it is expected. */
export function missingParts(text: string, required: Required): Mistake[] {
  const sections = sectionsOf(text);
  const last = text.trimEnd().split("\n").length;
  const { node, workloads, adminSocket } = required;
  const places = { sections, last };
  return [
    ...whereMissing(places, {
      what: "stats socket {{adminSocket}} with level admin in the section global",
      isThere: ({ kind }, { words }) =>
        kind === "global" &&
        startsWith(words, ["stats", "socket", adminSocket]) &&
        hasPair(words, "level", "admin"),
      near: (_, { words }) => words.includes(adminSocket),
    }),
    ...whereMissing(places, {
      what: "log stdout with format raw in the section global, for the access log",
      isThere: ({ kind }, { words }) =>
        kind === "global" &&
        startsWith(words, ["log", "stdout"]) &&
        hasPair(words, "format", "raw"),
      near: ({ kind }, { words }) => kind === "global" && words[0] === "log",
    }),
    ...whereMissing(places, {
      what: "bind {{internalAddress}} in a frontend, which Varnish asks",
      isThere: ({ kind }, { words }) =>
        isFrontend(kind) && words[0] === "bind" && words[1] === node.internal,
      near: ({ kind }, { words }) => isFrontend(kind) && words.includes(node.internal),
    }),
    ...workloads.flatMap((workload) => missingOf(workload, places, required)),
  ];
}

type Places = { sections: readonly Section[]; last: number };

function missingOf({ name }: EdgeWorkload, places: Places, required: Required): Mistake[] {
  const address = required.node.listen[name] ?? "";
  const own = places.sections.filter(
    ({ kind, lines }) =>
      isFrontend(kind) && lines.some(({ words }) => words[0] === "bind" && words[1] === address),
  );
  const log = [...own, ...places.sections.filter(({ kind }) => kind === "defaults")];
  const isOwn = (section: Section): boolean => own.includes(section);
  return [
    ...whereMissing(places, {
      what: "bind {{address}} in a frontend for each workload, for its clients",
      isThere: (section) => isOwn(section),
      near: (_, { words }) => words.includes(address),
    }),
    ...(own.length === 0
      ? []
      : whereMissing(places, {
          what: `a rule that reads the route from {{routeMap}} in the frontend of each workload`,
          isThere: (section, { text }) => isOwn(section) && text.includes(ROUTE_MAP),
          near: isOwn,
        })),
    ...(own.length === 0
      ? []
      : whereMissing(places, {
          what: `a log-format with ${LOGGED.join(", ")}, by which traffic is counted`,
          isThere: (section, { words, text }) =>
            log.includes(section) &&
            words[0] === "log-format" &&
            LOGGED.every((it) => text.includes(`"${it}":`)),
          near: (section, { words }) => log.includes(section) && words[0] === "log-format",
        })),
    ...COLOURS.flatMap((colour) => {
      const backend = backendOf(name, colour);
      const isBackend = ({ kind, name: of }: Section): boolean =>
        kind === "backend" && of === backend;
      const servers = Array.from({ length: required.slotsOf(name) }, (_, at) => serverOf(at));
      const found = places.sections.find(isBackend);
      if (found === undefined) {
        return [
          {
            line: places.last,
            message: `backend {{name}}_${colour} is missing: the deployer changes its servers.`,
          },
        ];
      }
      const isMissing = servers.some(
        (server) => !found.lines.some(({ words }) => startsWith(words, ["server", server])),
      );
      if (!isMissing) return [];
      return [
        {
          line: found.number,
          message: `{{${colour}Servers}} is missing in backend {{name}}_${colour}.`,
        },
      ];
    }),
  ];
}

type Part = {
  what: string;
  isThere(section: Section, line: ConfigLine): boolean;
  /** A line that is nearly what is missing. */
  near(section: Section, line: ConfigLine): boolean;
};

function whereMissing({ sections, last }: Places, { what, isThere, near }: Part): Mistake[] {
  const find = (is: Part["near"]): ConfigLine | undefined => {
    for (const section of sections) {
      const line = section.lines.find((it) => is(section, it));
      if (line !== undefined) return line;
    }
    return undefined;
  };
  if (find(isThere) !== undefined) return [];
  return [{ line: find(near)?.number ?? last, message: `${what} is missing.` }];
}

const isFrontend = (kind: string): boolean => kind === "frontend" || kind === "listen";
const startsWith = (words: readonly string[], wanted: readonly string[]): boolean =>
  wanted.every((word, at) => words[at] === word);
const hasPair = (words: readonly string[], name: string, value: string): boolean =>
  words.some((word, at) => word === name && words[at + 1] === value);
