import { EXTRA_FIELD } from "../fields.ts";

/** Fields by which Quarterdeck knows where an event is from, and what it is. A line does not set them. */
const RESERVED =
  /^(?:data_stream|related|ecs|agent|labels\.ignored)\b|^event(?:$|\.(?:kind|original|dataset|module|created|ingested|timezone)$)|^log\.(?:source|file|offset)\b|^tags$/;

export const isReserved = (name: string): boolean => name === EXTRA_FIELD || RESERVED.test(name);
