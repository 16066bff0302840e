import { LIST_SEPARATOR } from "../fields.ts";

/** What every event of a dataset has in common. */
export type DatasetTraits = {
  "event.kind": string;
  "event.category": string;
  "event.type": string | undefined;
  /** The log level says whether the event is of the type error or info. */
  levelDecidesType: boolean;
  /** A client that is not an address is a host's name. */
  namesClients: boolean;
};

const WEB: DatasetTraits = {
  "event.kind": "event",
  "event.category": "web",
  "event.type": "access",
  levelDecidesType: false,
  namesClients: false,
};
const ERRORS: DatasetTraits = { ...WEB, "event.type": undefined, levelDecidesType: true };

const TRAITS: Readonly<Record<string, DatasetTraits>> = {
  "nginx.access": WEB,
  "varnish.access": WEB,
  "nginx.ingress_controller": { ...WEB, "event.type": "info" },
  "apache.access": { ...WEB, namesClients: true },
  "haproxy.log": { ...WEB, "event.type": undefined },
  "nginx.error": ERRORS,
  "apache.error": ERRORS,
};

export function datasetTraits(dataset: string): DatasetTraits | undefined {
  return Object.hasOwn(TRAITS, dataset) ? TRAITS[dataset] : undefined;
}

/** The parts of a `keywords` value. */
export function listOf(text: string): string[] {
  return text.split(String.fromCharCode(LIST_SEPARATOR));
}
