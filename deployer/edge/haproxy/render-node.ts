import { isIP } from "node:net";

import { type Colour, COLOURS, type EdgeConfig, type Route, type Slot } from "#deployer/drivers.ts";
import { AppError } from "#platform/errors.ts";

import { type Placeholders, type Rendered, render, type Template } from "../template.ts";

/** A workload as the edge serves it. */
export type EdgeWorkload = {
  /** Lower-case letters, digits and hyphens: it is part of names in configurations. */
  name: string;
  checkPath: string;
  /** Places for tasks of each colour, until a configuration has others. */
  slots: number;
};

export type NodeSettings = {
  id: string;
  /** `host:port` on which clients reach each workload. */
  listen: Readonly<Record<string, string>>;
  /** `host:port` of the frontend behind Varnish. */
  internal: string;
};

export type NodeSurroundings = {
  workloads: readonly EdgeWorkload[];
  /** `host:port` of each Varnish node by its id. */
  varnish: Readonly<Record<string, string>>;
  adminSocket: string;
  /** Clients in these may choose the colour by `x-preview-lane`. */
  controlNetworks: readonly string[];
  /** How long a task may take until it begins to answer, and a client for the head of its request. */
  responseMs: number;
  headMs: number;
};

/** The first attempt and `retries 3`. */
export const ATTEMPTS_MAX = 4;
const SLACK_MS = 2_000;

const required = { isRequired: true } as const;
const optional = { isRequired: false } as const;

/** What the template of a node may have. */
export const NODE_PLACEHOLDERS: Placeholders = {
  node: optional,
  adminSocket: required,
  internalAddress: required,
  varnishServers: required,
  responseMs: optional,
  headMs: optional,
  allAttemptsMs: optional,
  workloads: {
    isRequired: true,
    within: {
      node: optional,
      name: required,
      address: required,
      checkPath: optional,
      controlNetworks: optional,
      routeMap: required,
      blueServers: required,
      greenServers: required,
      internalAddress: optional,
    },
  },
};

/** As the configuration names it and as commands must. */
export const ROUTE_MAP = "maps/route.map";
/** Where a slot points before its first task; nothing listens there, and it is disabled. */
export const NO_ADDRESS = { host: "127.0.0.1", port: 65_535 };
export const WEIGHT = 100;

export const backendOf = (workload: string, colour: Colour): string => `${workload}_${colour}`;
export const serverOf = (index: number): string => `s${index + 1}`;

/** What a node has of a workload before its first configuration. */
export function emptyConfig({ slots }: Pick<EdgeWorkload, "slots">): EdgeConfig {
  const empty = (): Slot[] =>
    Array.from({ length: slots }, () => ({ address: null, state: "maint" }));
  return {
    version: 0,
    route: { live: "blue", next: "green", splitBp: 0 },
    releases: { blue: null, green: null },
    slots: { blue: empty(), green: empty() },
  };
}

/** The configuration with the slots of each workload as they are. */
export function renderNode(
  template: Template,
  node: NodeSettings,
  state: NodeSurroundings & { configs: ReadonlyMap<string, EdgeConfig> },
): Rendered {
  const common = {
    node: node.id,
    internalAddress: node.internal,
    routeMap: ROUTE_MAP,
    controlNetworks: state.controlNetworks.join(" "),
  };
  const rendered = render(template, {
    ...common,
    adminSocket: escaped(state.adminSocket),
    responseMs: String(state.responseMs),
    headMs: String(state.headMs),
    allAttemptsMs: String(ATTEMPTS_MAX * state.responseMs + SLACK_MS),
    varnishServers: Object.entries(state.varnish)
      .map(([id, address]) => `server ${id} ${address} check`)
      .join("\n"),
    workloads: state.workloads.map((workload) => {
      const { slots } = state.configs.get(workload.name) ?? emptyConfig(workload);
      return {
        ...common,
        name: workload.name,
        checkPath: workload.checkPath,
        address: escaped(node.listen[workload.name] ?? ""),
        blueServers: serverLines(slots.blue),
        greenServers: serverLines(slots.green),
      };
    }),
  });
  return withHash(rendered, template);
}

/** The variable by which a process tells which template it has (`show env`). */
export const TEMPLATE_VARIABLE = "QUARTERDECK_TEMPLATE";

/** At the end, where nothing of the template replaces it. */
function withHash({ text, origins }: Rendered, { hash }: Template): Rendered {
  const line = origins.at(-1) ?? 1;
  return {
    text: `${text}global\n  setenv ${TEMPLATE_VARIABLE} ${hash}\n`,
    origins: [...origins, line, line],
  };
}

/** A word of the configuration, whatever characters it has. */
const escaped = (text: string): string => text.replaceAll(/[\s\\"'#$]/g, String.raw`\$&`);

const serverLines = (slots: readonly Slot[]): string =>
  slots.map((slot, index) => serverLine(serverOf(index), slot)).join("\n");

/** A state that commands have made is in the line too, so that a start continues with it. */
function serverLine(name: string, { address, state }: Slot): string {
  const place = address ?? `${NO_ADDRESS.host}:${NO_ADDRESS.port}`;
  const disabled = state === "maint" ? " disabled" : "";
  return `server ${name} ${place} check${disabled} weight ${state === "drain" ? 0 : WEIGHT}`;
}

/** The content of the map of routes. */
export const renderRoutes = (configs: ReadonlyMap<string, EdgeConfig>): string =>
  [...configs].map(([workload, config]) => `${workload} ${routeValue(rowOf(config))}\n`).join("");

type RouteRow = Pick<EdgeConfig, "version" | "route" | "releases"> & {
  /** The servers that may get requests, `s1.s2`: they do so too while no check of them passes. */
  admitted: Readonly<Record<Colour, string>>;
};

export function rowOf({ version, route, releases, slots }: EdgeConfig): RouteRow {
  const admitted = { blue: admittedOf(slots.blue), green: admittedOf(slots.green) };
  return { version, route, releases, admitted };
}

const admittedOf = (slots: readonly Slot[]): string =>
  slots.flatMap(({ state }, index) => (state === "ready" ? [serverOf(index)] : [])).join(".");

/** One value, so that a route never changes in part. */
export function routeValue({ route, releases, version, admitted }: RouteRow): string {
  const { live, next, splitBp } = route;
  const colours = [releases.blue ?? "", releases.green ?? ""];
  return [live, next, splitBp, ...colours, version, admitted.blue, admitted.green].join("|");
}

/** @throws AppError unavailable if it is no such value */
export function parseRoute(value: string): RouteRow {
  const [live, next, splitBp, blue = "", green = "", version, ...admitted] = value.split("|");
  if (!isColour(live) || !isColour(next) || !isNumber(splitBp) || !isNumber(version)) {
    throw new AppError("unavailable", `The route of the node cannot be read: "${value}"`);
  }
  const route: Route = { live, next, splitBp: Number(splitBp) };
  return {
    route,
    releases: { blue: blue === "" ? null : blue, green: green === "" ? null : green },
    version: Number(version),
    admitted: { blue: admitted[0] ?? "", green: admitted[1] ?? "" },
  };
}

const isColour = (text: string | undefined): text is Colour => COLOURS.some((it) => it === text);
const isNumber = (text: string | undefined): boolean =>
  text !== undefined && /^\d{1,15}$/.test(text);

/** `host:port` of a task; IPv6 addresses in brackets. Undefined if it is none. */
export function parseAddress(address: string): { host: string; port: number } | undefined {
  const [, six, four, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address) ?? [];
  const host = six ?? four ?? "";
  const number = Number(port);
  const isValid = isIP(host) === (six === undefined ? 4 : 6) && number > 0 && number < 65_536;
  return isValid ? { host, port: number } : undefined;
}

/** The address of a slot as the node reports it; null before the first task. */
export function addressOf({ host, port }: { host: string; port: number }): string | null {
  if (host === NO_ADDRESS.host && port === NO_ADDRESS.port) return null;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

const RELEASE = /^[\w.+:/@-]{1,128}$/;

/** @throws AppError unprocessable, naming the field that cannot be configured */
export function checkConfig({ route, releases, slots }: EdgeConfig): void {
  if (!Number.isInteger(route.splitBp) || route.splitBp < 0 || route.splitBp > 10_000)
    throw invalid("route.splitBp", "must be from 0 to 10,000");
  for (const colour of COLOURS) {
    const release = releases[colour];
    if (release !== null && !RELEASE.test(release))
      throw invalid(`releases.${colour}`, "must have letters, digits and . + : / @ _ - only");
    for (const [index, { address, state }] of slots[colour].entries()) {
      const field = `slots.${colour}.${index}`;
      if (address === null && state !== "maint")
        throw invalid(field, "has no address, so it must be maint");
      if (address !== null && parseAddress(address) === undefined)
        throw invalid(`${field}.address`, `must be an IP address and a port, not "${address}"`);
    }
  }
}

const invalid = (field: string, why: string): AppError =>
  new AppError("unprocessable", `${field} ${why}`, {
    fields: [{ path: field, code: "invalid", message: why }],
  });
